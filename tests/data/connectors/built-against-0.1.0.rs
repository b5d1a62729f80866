//! A connector of the first contract, `cordon:connector@0.1.0` as it stood before `http.not-sent`.
//!
//! It sends one request and returns the records of its response. With `"everything": true` in its
//! configuration it calls every function that there was to import, over three runs: it waits, asks
//! a person, and finishes.

use cordon_connector_sdk::compose::literal;
use cordon_connector_sdk::handles::{self, Piece};
use cordon_connector_sdk::http::{self, BodyUse, HttpRequest, Response};
use cordon_connector_sdk::types::{
    Action, Ask, Descriptor, Draft, Failure, FailureCode, Field, FieldType, Finding, Form, Later,
    Outcome, ReadGrant, Report, Task, Verdict,
};
use cordon_connector_sdk::{Connector, export, failure, log};

struct FirstContract;

impl Connector for FirstContract {
    fn describe() -> Descriptor {
        Descriptor {
            connector_type: "first_contract".to_owned(),
            category: "tests".to_owned(),
            display_name: "First contract".to_owned(),
            actions: vec![Action::Access, Action::Identifiers],
            config_schema: "{}".to_owned(),
            policy_schema: None,
            reads: vec![ReadGrant::Identities, ReadGrant::Responses],
        }
    }

    fn validate(draft: Draft) -> Verdict {
        let ping =
            HttpRequest::new("test", "GET", literal(format!("{}/people", origin(&draft.config))));
        let mut plan = vec![ping.planned("/config/origin", None)];
        if draft.actions.contains(&Action::Access) {
            plan.push(people(&draft.config).planned("/config/origin", Some(Action::Access)));
        }
        if draft.actions.contains(&Action::Identifiers) {
            let mut ids = ids(&draft.config).planned("/config/origin", Some(Action::Identifiers));
            ids.wanted = Some("user_id".to_owned());
            plan.push(ids);
        }
        Verdict { problems: vec![], plan, egress: vec![] }
    }

    fn test(config: String) -> Result<(), Failure> {
        let ping = HttpRequest::new("test", "GET", literal(format!("{}/people", origin(&config))));
        send(&ping).map(|_| ())
    }

    fn run(task: Task) -> Result<Outcome, Failure> {
        let bind = task.identities.iter().map(|identity| identity.id).take(1).collect();
        if task.action == Action::Identifiers {
            let response = send(&ids(&task.config).bound_to(bind))?;
            let found = response.records("").and_then(|records| records.identities());
            let found = found.map_err(|error| malformed(&error.sentence()))?;
            return finished(Finding::Identities(found.iter().map(|found| found.id).collect()));
        }
        if !task.config.contains("\"everything\":true") {
            let response = send(&people(&task.config).bound_to(bind))?;
            return finished(Finding::Records(vec![records(&response)?]));
        }
        match (&task.input, task.state.as_deref()) {
            (None, None) => {
                let response = send(&people(&task.config).bound_to(bind))?;
                let id = response.value("/0/id").map_err(|error| malformed(&error.sentence()))?;
                let state = Some("waited".to_owned());
                let values = id.into_iter().collect();
                Ok(Outcome::Pending(Later { after_seconds: Some(0), state, values }))
            }
            (None, Some(_)) => Ok(Outcome::RequiresInput(Ask {
                form: Form { fields: vec![field("found")] },
                state: Some("asked".to_owned()),
                values: task.values.clone(),
            })),
            (Some(input), _) => {
                log::write(log::Level::Info, &format!("{} labels", input.labels().len()));
                let response = send(&people(&task.config).bound_to(bind))?;
                let found = records(&response)?;
                let first = if found.count() > 0 { found.read(0) } else { String::new() };
                let identity = task.identities.first().map(|identity| identity.id).unwrap_or(0);
                let seen = format!(
                    r#"[{{"status": {}, "type": "{}", "first": {}, "begins": {}, "at": {}, "kept": {}}}]"#,
                    response.status(),
                    response.header("content-type").unwrap_or_default(),
                    first,
                    response.read(0, 1).first().copied().unwrap_or_default(),
                    handles::read_identity(identity).find('@').unwrap_or_default(),
                    task.values.len(),
                );
                let seen =
                    handles::make_records(&seen).map_err(|error| malformed(&error.sentence()))?;
                finished(Finding::Records(vec![found, input.records(), seen]))
            }
        }
    }
}

fn finished(finding: Finding) -> Result<Outcome, Failure> {
    Ok(Outcome::Finished(Report { finding, skipped: vec![] }))
}

fn records(response: &Response) -> Result<handles::Records, Failure> {
    response.records("").map_err(|error| malformed(&error.sentence()))
}

fn malformed(detail: &str) -> Failure {
    failure(FailureCode::MalformedResponse, detail)
}

fn send(request: &HttpRequest) -> Result<Response, Failure> {
    http::send(request).map_err(|error| failure(FailureCode::QueryFailed, error.sentence()))
}

fn field(label: &str) -> Field {
    Field {
        name: "What was found".to_owned(),
        label: label.to_owned(),
        types: vec![FieldType::Text],
        required: false,
    }
}

/// The text between the quotes behind `"origin":`.
fn origin(config: &str) -> String {
    let after = config.split_once("\"origin\":").map_or("", |(_, after)| after);
    after.split('"').nth(1).unwrap_or_default().to_owned()
}

fn people(config: &str) -> HttpRequest {
    let url = vec![
        Piece::Literal(format!("{}/people?email=", origin(config))),
        Piece::Placeholder("email".to_owned()),
    ];
    HttpRequest::new("people", "GET", url).response_body(BodyUse::Bytes)
}

fn ids(config: &str) -> HttpRequest {
    let url = vec![
        Piece::Literal(format!("{}/ids?email=", origin(config))),
        Piece::Placeholder("email".to_owned()),
    ];
    HttpRequest::new("ids", "GET", url).response_body(BodyUse::Records)
}

export!(FirstContract);
