//! A connector that does what its configuration says, the forbidden included. Tests run it
//! through the same admission and the same host functions as any stranger's plugin.
//!
//! `config.behave` chooses what a run does; `config.origin` is where its plan points. The plan is
//! one query a capability, labeled `planned`; everything else it tries is outside of it.
//!
//! There is nothing in it to run natively.

#![cfg(target_arch = "wasm32")]

use cordon_connector_sdk::compose::literal;
use cordon_connector_sdk::handles::{self, Piece};
use cordon_connector_sdk::http::{self, BodyUse, HttpRequest};
use cordon_connector_sdk::types::{
    Action, Ask, Descriptor, Draft, Failure, FailureCode, Field, FieldType, Finding, Form, Later,
    Outcome, Report, Task, Verdict,
};
use cordon_connector_sdk::{Connector, export, failure, log};
use serde_json::Value;

struct Scripted;

impl Connector for Scripted {
    fn describe() -> Descriptor {
        Descriptor {
            connector_type: "scripted".to_owned(),
            category: "tests".to_owned(),
            display_name: "Scripted".to_owned(),
            actions: vec![Action::Access, Action::Delete, Action::Optout],
            config_schema: "{}".to_owned(),
            policy_schema: None,
            reads: vec![],
        }
    }

    fn validate(draft: Draft) -> Verdict {
        let script = Script::of(&draft.config);
        let plan = draft
            .actions
            .iter()
            .map(|action| script.planned(*action).planned("/config/origin", Some(*action)));
        Verdict { problems: vec![], plan: plan.collect(), egress: vec![] }
    }

    fn test(_: String) -> Result<(), Failure> {
        Ok(())
    }

    fn run(task: Task) -> Result<Outcome, Failure> {
        let script = Script::of(&task.config);
        let bind = task.identities.iter().map(|identity| identity.id).take(1).collect();
        let planned = script.planned(task.action).bound_to(bind);
        match script.behave.as_str() {
            "well" => finish(&task, vec![send(&planned)?]),
            "lie" => Ok(Outcome::Finished(Report { finding: Finding::Done, skipped: vec![] })),
            "spin" => spin(),
            "grow" => grow(),
            "recurse" => Err(failure(FailureCode::Internal, recurse(1).to_string())),
            "trap" => panic!("a secret of the guest"),
            "wander" => {
                let elsewhere = HttpRequest::new("elsewhere", "GET", literal(script.elsewhere));
                send(&elsewhere).map(|_| ())?;
                finish(&task, vec![])
            }
            "smuggle" => {
                let url = vec![
                    Piece::Literal(format!("{}/planned?stolen=", script.origin)),
                    Piece::Secret("credentials".to_owned()),
                ];
                send(&HttpRequest::new("smuggle", "GET", url)).map(|_| ())?;
                finish(&task, vec![])
            }
            "deviate" => {
                let other =
                    HttpRequest { url: literal(format!("{}/other", script.origin)), ..planned };
                finish(&task, vec![send(&other)?])
            }
            "read-identity" => {
                let id = task.identities.first().map_or(0, |identity| identity.id);
                log::write(log::Level::Info, &handles::read_identity(id));
                finish(&task, vec![])
            }
            "read-response" => {
                let response = send(&planned)?;
                log::write(log::Level::Info, &format!("{:?}", response.read(0, 100)));
                finish(&task, vec![response])
            }
            "forge" => Ok(Outcome::Finished(Report {
                finding: Finding::Identities(vec![0]),
                skipped: vec![],
            })),
            "flood-log" => {
                for _ in 0..100_000 {
                    log::write(log::Level::Warn, "flood");
                }
                finish(&task, vec![send(&planned)?])
            }
            "ask" => match &task.input {
                Some(input) => {
                    let records = Finding::Records(vec![input.records()]);
                    Ok(Outcome::Finished(Report { finding: records, skipped: vec![] }))
                }
                None => Ok(Outcome::RequiresInput(ask(&task))),
            },
            "ask-twice" => match (&task.input, task.state.as_deref()) {
                (Some(input), Some("second")) => {
                    let records = Finding::Records(vec![input.records()]);
                    Ok(Outcome::Finished(Report { finding: records, skipped: vec![] }))
                }
                (Some(_), Some("first")) => Ok(Outcome::RequiresInput(ask_for_either("second"))),
                _ => Ok(Outcome::RequiresInput(ask_for_either("first"))),
            },
            "later" => match task.state.as_deref() {
                Some("waited") => finish(&task, vec![send(&planned)?]),
                _ => {
                    let state = Some("waited".to_owned());
                    Ok(Outcome::Pending(Later { after_seconds: Some(1), state, values: vec![] }))
                }
            },
            other => Err(failure(FailureCode::InvalidConfig, format!("no behavior {other}"))),
        }
    }
}

/// What the configuration says.
struct Script {
    behave: String,
    origin: String,
    elsewhere: String,
    method: String,
}

impl Script {
    fn of(config: &str) -> Self {
        let config: Value = serde_json::from_str(config).unwrap_or_default();
        let text = |name: &str| {
            let value = config.pointer(&format!("/config/{name}")).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        Self {
            behave: text("behave"),
            origin: text("origin"),
            elsewhere: text("elsewhere"),
            method: text("method"),
        }
    }

    fn planned(&self, action: Action) -> HttpRequest {
        let url = vec![
            Piece::Literal(format!("{}/planned?email=", self.origin)),
            Piece::Placeholder("email".to_owned()),
        ];
        let method = if self.method.is_empty() { "GET" } else { &self.method };
        let request = HttpRequest::new(label(action), method, url);
        match action {
            Action::Access => request.response_body(BodyUse::Records),
            Action::Delete | Action::Optout | Action::Identifiers => request,
        }
    }
}

fn label(action: Action) -> &'static str {
    match action {
        Action::Access => "planned/access",
        Action::Delete => "planned/delete",
        Action::Optout => "planned/optout",
        Action::Identifiers => "planned/identifiers",
    }
}

fn send(request: &HttpRequest) -> Result<http::Response, Failure> {
    http::send(request).map_err(|error| failure(FailureCode::QueryFailed, error.sentence()))
}

fn finish(task: &Task, responses: Vec<http::Response>) -> Result<Outcome, Failure> {
    let finding = match task.action {
        Action::Access => {
            let records = responses.iter().map(|response| response.records(""));
            let records = records.collect::<Result<Vec<_>, _>>();
            Finding::Records(
                records
                    .map_err(|error| failure(FailureCode::MalformedResponse, error.sentence()))?,
            )
        }
        Action::Identifiers => Finding::Identities(vec![]),
        Action::Delete | Action::Optout => Finding::Done,
    };
    Ok(Outcome::Finished(Report { finding, skipped: vec![] }))
}

fn ask(task: &Task) -> Ask {
    let field = |label: &str| Field {
        name: label.to_uppercase(),
        label: label.to_owned(),
        types: vec![FieldType::Text],
        required: false,
    };
    Ask {
        form: Form { fields: vec![field("zone"), field("anything"), field("badge")] },
        state: Some(task.config.len().to_string()),
        values: vec![],
    }
}

/// Asks the same each time; what tells the questions apart is the state.
fn ask_for_either(state: &str) -> Ask {
    let field = Field {
        name: "Either".to_owned(),
        label: "either".to_owned(),
        types: vec![FieldType::Text, FieldType::File],
        required: true,
    };
    Ask { form: Form { fields: vec![field] }, state: Some(state.to_owned()), values: vec![] }
}

fn spin() -> ! {
    let mut n = 0_u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}

fn grow() -> ! {
    let mut all: Vec<Vec<u8>> = Vec::new();
    loop {
        all.push(vec![1; 1024 * 1024]);
        std::hint::black_box(&all);
    }
}

#[expect(unconditional_recursion, reason = "what it does is to break the stack")]
fn recurse(depth: u64) -> u64 {
    std::hint::black_box([depth; 64]);
    1 + recurse(std::hint::black_box(depth + 1))
}

export!(Scripted);
