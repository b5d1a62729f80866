//! `cordon plugin inspect`: what a component is and needs, by the admission of a host, without
//! one.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use async_trait::async_trait;
use cordon_egress::Gate;
use cordon_model::connection::Connection;
use cordon_model::plan::{Assessment, Draft};
use cordon_model::plugin::ReadGrant;
use cordon_model::port::{
    Admission, AdmissionError, Candidate, Connectors as _, CredentialsSource, Plugins, Secrets,
    SecretsError,
};
use cordon_model::secret::Credentials;
use cordon_model::tenant::{Allowance, Terms};
use cordon_model::{Action, Problem, Severity, TenantId};
use cordon_runtime::Runtime;
use serde_json::{Value, json};

use crate::clock::SystemClock;
use crate::commands::body::{read, read_json};
use crate::commands::{Outcome, compile_component};
use crate::output::{Output, View, items, problem_line};

/// The version of one that does not say its own: not shown.
const NO_VERSION: &str = "0";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The component; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A connection object: shows its problems, and what it would have to be granted
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// No component is given a credential here.
struct NoSecrets;

#[async_trait]
impl Secrets for NoSecrets {
    async fn credentials(&self, _: &Connection) -> Result<Credentials, SecretsError> {
        Err(SecretsError::Unserved)
    }

    fn source(&self, _: &Connection) -> CredentialsSource {
        CredentialsSource::None
    }
}

pub(super) async fn run(args: Args, output: Output) -> anyhow::Result<Outcome> {
    let component = read(&args.file)?;
    let config = args.config.as_deref().map(read_json).transpose()?;
    let options = cordon_runtime::Options {
        compiler: Some(compile_component::process()?),
        instances_max: 1,
        ..cordon_runtime::Options::default()
    };
    let gate = Gate::new(cordon_egress::Options::default()).context("the egress gate")?;
    let runtime =
        Runtime::new(options, Arc::new(gate), Arc::new(NoSecrets), Arc::new(SystemClock))?;
    let mut candidate = Candidate { scope: None, name: None, version: None, component };
    let mut admitted = Plugins::admit(&runtime, candidate.clone()).await;
    if lacks_a_version(&admitted) {
        candidate.version = Some(NO_VERSION.to_owned());
        admitted = Plugins::admit(&runtime, candidate).await;
    }
    let admission = admitted.map_err(refusal)?;
    let mut shown = described(&admission);
    let mut outcome = Outcome::Done;
    if let Some(config) = config {
        let assessment = assess(&runtime, &admission, &config.value).await?;
        if assessment.problems.iter().any(|problem| problem.severity == Severity::Error) {
            outcome = Outcome::Failed;
        }
        if let Some(object) = shown.as_object_mut() {
            object.insert("config".to_owned(), told(&assessment));
        }
    }
    if output.json {
        output.raw(&shown.to_string().into())?;
    } else {
        output.view(&view(&shown))?;
    }
    Ok(outcome)
}

fn lacks_a_version(admitted: &Result<Admission, AdmissionError>) -> bool {
    let Err(AdmissionError::Refused(problems)) = admitted else { return false };
    problems.iter().any(|problem| problem.code == "version_missing")
}

fn refusal(error: AdmissionError) -> anyhow::Error {
    match error {
        AdmissionError::Refused(problems) => {
            let messages: Vec<_> = problems.into_iter().map(|problem| problem.message).collect();
            anyhow!("a host would refuse it: {}", messages.join("; "))
        }
        other => anyhow!(other),
    }
}

async fn assess(
    runtime: &Runtime,
    admission: &Admission,
    config: &Value,
) -> anyhow::Result<Assessment> {
    let capabilities = items(config, "capabilities").filter_map(Value::as_str);
    let actions = capabilities.filter_map(Action::from_capability).collect();
    let draft = Draft { config: config.to_string(), actions, policy_settings: None };
    let digest = admission.plugin.reference.digest;
    // Nothing is sent, and nobody else is here to share with.
    let terms = Terms::nowhere(TenantId::default_tenant(), &Allowance::default());
    Ok(runtime.validate(&terms, digest, &draft).await?)
}

fn described(admission: &Admission) -> Value {
    let Admission { plugin, imports, size } = admission;
    let (reference, descriptor) = (&plugin.reference, &plugin.descriptor);
    let actions: Vec<_> = descriptor.actions.iter().map(|action| action.as_str()).collect();
    let reads = descriptor.reads.iter().map(|grant| match grant {
        ReadGrant::Identities => "identities",
        ReadGrant::Responses => "responses",
    });
    let reads: Vec<&str> = reads.collect();
    let version = Some(&reference.version).filter(|version| *version != NO_VERSION);
    json!({
        "name": reference.name,
        "version": version,
        "digest": reference.digest.to_string(),
        "connector_type": descriptor.connector_type,
        "category": descriptor.category,
        "display_name": descriptor.display_name,
        "actions": actions,
        "reads": reads,
        "imports": imports,
        "size": size,
    })
}

fn told(assessment: &Assessment) -> Value {
    let queries = assessment.queries.iter().map(|query| {
        let names: Vec<_> = query
            .names
            .iter()
            .map(|(name, place)| json!({ "name": name, "place": place.as_str() }))
            .collect();
        json!({
            "label": query.label,
            "action": query.action.map_or("test", Action::as_str),
            "method": query.method,
            "origin": query.origin,
            "path_prefix": query.path_prefix.as_str(),
            "names": names,
        })
    });
    let egress = assessment.egress.iter().map(|need| {
        json!({
            "origin": need.origin,
            "path_prefix": need.path_prefix,
            "methods": need.methods,
            "secrets": need.secrets,
        })
    });
    json!({
        "problems": assessment.problems.iter().map(problem).collect::<Vec<_>>(),
        "queries": queries.collect::<Vec<_>>(),
        "egress": egress.collect::<Vec<_>>(),
    })
}

fn problem(problem: &Problem) -> Value {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    json!({
        "severity": severity,
        "code": problem.code,
        "pointer": problem.pointer,
        "column": problem.column,
        "message": problem.message,
    })
}

fn view(shown: &Value) -> View {
    let mut view = super::plugin(shown);
    let Some(config) = shown.get("config") else { return view };
    for query in items(config, "queries").chain(items(config, "egress")) {
        view = view.and_line(format!("needs  {query}"));
    }
    for problem in items(config, "problems") {
        view = view.and_line(problem_line(problem));
    }
    view
}
