//! `cordon plugin inspect`: what a component is and needs, by the admission of a host, without
//! one.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use cordon_model::plan::{Assessment, Draft};
use cordon_model::plugin::ReadGrant;
use cordon_model::port::{Admission, Connectors as _};
use cordon_model::{Action, Problem, Severity};
use cordon_runtime::Costs;
use serde_json::{Value, json};

use super::sandbox::{NO_VERSION, Sandbox, Setting};
use crate::commands::Outcome;
use crate::commands::body::{read, read_json};
use crate::output::{Output, View, items, problem_line};

/// Of how many calls a figure is the median.
const CALLS: u32 = 101;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The component; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A connection object: shows its problems, and what it would have to be granted
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) async fn run(args: Args, output: Output) -> Result<Outcome> {
    let component = read(&args.file)?;
    let config = args.config.as_deref().map(read_json).transpose()?;
    let sandbox = Sandbox::admit(component, Setting::default()).await?;
    let mut shown = described(&sandbox.admission);
    let draft = draft(config.as_ref().map(|config| &config.value), &sandbox.admission);
    let mut outcome = Outcome::Done;
    if config.is_some() {
        let assessment = assess(&sandbox, &draft).await?;
        if assessment.problems.iter().any(|problem| problem.severity == Severity::Error) {
            outcome = Outcome::Failed;
        }
        add(&mut shown, "config", told(&assessment));
    }
    let digest = sandbox.admission.plugin.reference.digest;
    let costs = sandbox.runtime.measure(Sandbox::terms(), digest, draft, CALLS).await?;
    add(&mut shown, "this_machine", figures(sandbox.admitted_in, &costs));
    if output.json {
        output.raw(&shown.to_string().into())?;
    } else {
        output.view(&view(&shown))?;
    }
    Ok(outcome)
}

fn add(shown: &mut Value, name: &str, value: Value) {
    if let Some(object) = shown.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

/// What `validate` is asked about: a connection, or nothing at all.
fn draft(config: Option<&Value>, admission: &Admission) -> Draft {
    let Some(config) = config else {
        let actions = admission.plugin.descriptor.actions.clone();
        return Draft { config: "{}".to_owned(), actions, policy_settings: None };
    };
    let capabilities = items(config, "capabilities").filter_map(Value::as_str);
    let actions = capabilities.filter_map(Action::from_capability).collect();
    Draft { config: config.to_string(), actions, policy_settings: None }
}

async fn assess(sandbox: &Sandbox, draft: &Draft) -> Result<Assessment> {
    let digest = sandbox.admission.plugin.reference.digest;
    Ok(sandbox.runtime.validate(&Sandbox::terms(), digest, draft).await?)
}

/// What it costs here; elsewhere it costs something else.
fn figures(admitted_in: Duration, costs: &Costs) -> Value {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    json!({
        "admission_ms": u64::try_from(admitted_in.as_millis()).unwrap_or(u64::MAX),
        "describe_us": micros(costs.describe),
        "validate_us": micros(costs.validate),
        "memory_bytes": costs.memory_bytes,
        "calls": costs.calls,
    })
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
        let mut shown = json!({
            "label": query.label,
            "action": query.action.map_or("test", Action::as_str),
            "method": query.method,
            "origin": query.origin,
            "names": names,
        });
        let field = if query.paths.path().is_some() { "path" } else { "path_prefix" };
        add(&mut shown, field, query.paths.text().into());
        shown
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
    if let Some(here) = shown.get("this_machine") {
        let figure = |name: &str| here.get(name).and_then(Value::as_u64).unwrap_or_default();
        let kib = figure("memory_bytes").div_ceil(1024);
        for line in [
            format!("admission, compiling included  {} ms", figure("admission_ms")),
            format!("a fresh instance and describe  {} \u{b5}s", figure("describe_us")),
            format!("a fresh instance and validate  {} \u{b5}s", figure("validate_us")),
            format!("memory of a call of validate   {kib} KiB"),
        ] {
            view = view.and_line(format!("here  {line}"));
        }
        view =
            view.and_line(format!("here  on this machine; medians of {} calls", figure("calls")));
    }
    let Some(config) = shown.get("config") else { return view };
    for query in items(config, "queries").chain(items(config, "egress")) {
        view = view.and_line(format!("needs  {query}"));
    }
    for problem in items(config, "problems") {
        view = view.and_line(problem_line(problem));
    }
    view
}
