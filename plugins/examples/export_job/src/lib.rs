//! The connector `exports`: returns a person's records from an API that makes them ready in its
//! own time. What the API does stands in the README beside this.
//!
//! Nothing is read: statuses say how far a job is, and what it is called goes from one run to the
//! next as a value that only the host knows.

use cordon_connector_sdk::handles::Text;
use cordon_connector_sdk::plan::{verdict, wants};
use cordon_connector_sdk::query::Query;
use cordon_connector_sdk::reading::{Node, Problems, parse};
use cordon_connector_sdk::text::{Value, placeholder, secret};
use cordon_connector_sdk::types::{
    Action, Descriptor, Draft, EgressNeed, Failure, FailureCode, Finding, Later, Outcome, Task,
    Verdict,
};
use cordon_connector_sdk::{Connector, export, failure, query_failure, text};
use serde::{Deserialize, Serialize};

/// Most times that a job is asked for.
const POLLS_MAX: u32 = 200;

const EXPORTS: &str = "/v1/exports";

/// The credential, wherever it is sent.
const API_KEY: &str = "api_key";

/// The connector.
#[derive(Debug)]
pub struct Exports;

/// What a run that waits hands to the next one, beside the jobs.
#[derive(Debug, Serialize, Deserialize)]
struct Progress {
    polls: u32,
}

impl Connector for Exports {
    fn describe() -> Descriptor {
        Descriptor {
            connector_type: "exports".to_owned(),
            category: "examples".to_owned(),
            display_name: "Exports".to_owned(),
            actions: vec![Action::Access],
            config_schema: include_str!("config.schema.json").to_owned(),
            policy_schema: None,
            reads: Vec::new(),
        }
    }

    fn validate(draft: Draft) -> Verdict {
        let mut problems = Problems::default();
        let Some(api) = Api::read(&draft.config, &mut problems) else {
            return verdict(&draft, problems, [], []);
        };
        let need = EgressNeed::new(&api.origin, EXPORTS, &["GET"]).with_secret(API_KEY);
        let need = wants(&draft, Action::Access).then_some(need);
        verdict(&draft, problems, [api.ping(), api.start()], need)
    }

    fn test(config: String) -> Result<(), Failure> {
        Api::read_checked(&config)?.ping().send(&[]).map(|_| ())
    }

    fn run(task: Task) -> Result<Outcome, Failure> {
        if task.action != Action::Access {
            return Err(failure(FailureCode::Unsupported, "exports serve access only"));
        }
        let api = Api::read_checked(&task.config)?;
        let jobs: Vec<Value> = task.values.iter().copied().map(Value::from).collect();
        match task.state_as()? {
            None => start(&api, &task),
            Some(Progress { polls }) => go_on(&api, &jobs, polls),
        }
    }
}

fn start(api: &Api, task: &Task) -> Result<Outcome, Failure> {
    let start = api.start();
    let mut jobs = Vec::new();
    for email in task.identities_of("email") {
        if let Some(answer) = start.send(&[email.id])?.filter(|answer| answer.status() == 202) {
            jobs.push(answer.required_value("/job")?);
        }
    }
    wait(&jobs, 0)
}

fn go_on(api: &Api, jobs: &[Value], polls: u32) -> Result<Outcome, Failure> {
    for job in jobs {
        let ready = api.poll(*job).send(&[])?.is_none_or(|answer| answer.status() == 200);
        if !ready {
            return wait(jobs, polls + 1);
        }
    }
    let mut found = Vec::new();
    for job in jobs {
        if let Some(answer) = api.fetch(*job).send(&[])? {
            found.push(answer.records("")?);
        }
    }
    Ok(Outcome::finished(Finding::Records(found)))
}

/// Comes back when the upstream says; at once when there is nothing to wait for.
fn wait(jobs: &[Value], polls: u32) -> Result<Outcome, Failure> {
    if jobs.is_empty() {
        return Ok(Outcome::finished(Finding::Records(Vec::new())));
    }
    if polls >= POLLS_MAX {
        let detail = format!("the export is not ready after {POLLS_MAX} polls");
        return Err(query_failure(FailureCode::QueryFailed, "access/poll", detail));
    }
    let later = Later::as_told().with_state(&Progress { polls })?;
    Ok(Outcome::Pending(jobs.iter().fold(later, |later, job| later.keeping(*job))))
}

/// The requests, each defined once.
struct Api {
    origin: String,
}

impl Api {
    fn read(connection: &str, problems: &mut Problems) -> Option<Self> {
        let document = parse(connection, problems)?;
        let connection = Node::root(&document).object(problems)?;
        let config = connection.required("config", problems)?.object(problems)?;
        config.only(&["origin"], problems);
        let origin = config.required("origin", problems)?.origin(problems)?;
        (problems.errors() == 0).then(|| Self { origin: origin.to_owned() })
    }

    fn read_checked(connection: &str) -> Result<Self, Failure> {
        Self::read(connection, &mut Problems::default())
            .ok_or_else(|| failure(FailureCode::InvalidConfig, "the configuration has an error"))
    }

    fn ping(&self) -> Query {
        query("test/ping", "GET", text!("{}/v1/ping", &self.origin))
    }

    fn start(&self) -> Query {
        query("access/start", "POST", self.exports())
            .serving(Action::Access)
            .json(text!(r#"{{"email": "{}"}}"#, placeholder("email")))
            .success(&[202, 404])
            .records()
    }

    fn poll(&self, job: Value) -> Query {
        query("access/poll", "GET", text!("{}/{}", self.exports(), job)).success(&[200, 202])
    }

    fn fetch(&self, job: Value) -> Query {
        query("access/fetch", "GET", text!("{}/{}/records", self.exports(), job)).records()
    }

    fn exports(&self) -> Text {
        text!("{}{}", &self.origin, EXPORTS)
    }
}

/// What every request has in common.
fn query(label: &str, method: &str, url: Text) -> Query {
    Query::new(label, method, url)
        .at("/config/origin")
        .header("Authorization", text!("Bearer {}", secret(API_KEY)))
        .retry(&[429, 503])
}

export!(Exports);

#[cfg(test)]
mod tests;
