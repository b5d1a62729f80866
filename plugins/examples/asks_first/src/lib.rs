//! The connector `accounts`: deletes a person's account, once somebody has approved it. What the
//! API does stands in the README beside this.
//!
//! Nothing is read: whether it was approved is told by which fields of the form have a value, and
//! the id of an account goes from the run that asks to the run that deletes without being seen.

use cordon_connector_sdk::handles::{Input, Text};
use cordon_connector_sdk::plan::{verdict, wants};
use cordon_connector_sdk::query::Query;
use cordon_connector_sdk::reading::{Node, Problems, parse};
use cordon_connector_sdk::text::{Value, placeholder, secret};
use cordon_connector_sdk::types::{
    Action, Ask, Descriptor, Draft, EgressNeed, Failure, FailureCode, Field, Form, Outcome, Task,
    Verdict,
};
use cordon_connector_sdk::{Connector, export, failure, text};

const ACCOUNTS: &str = "/v1/accounts";

/// The credential, wherever it is sent.
const API_KEY: &str = "api_key";

/// The field without which nothing is deleted.
const TICKET: &str = "ticket";

/// The connector.
#[derive(Debug)]
pub struct Accounts;

impl Connector for Accounts {
    fn describe() -> Descriptor {
        Descriptor {
            connector_type: "accounts".to_owned(),
            category: "examples".to_owned(),
            display_name: "Accounts".to_owned(),
            actions: vec![Action::Delete],
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
        let need = EgressNeed::new(&api.origin, ACCOUNTS, &["DELETE"]).with_secret(API_KEY);
        let need = wants(&draft, Action::Delete).then_some(need);
        verdict(&draft, problems, [api.ping(), api.find()], need)
    }

    fn test(config: String) -> Result<(), Failure> {
        Api::read_checked(&config)?.ping().send(&[]).map(|_| ())
    }

    fn run(task: Task) -> Result<Outcome, Failure> {
        if task.action != Action::Delete {
            return Err(failure(FailureCode::Unsupported, "accounts are deleted, nothing else"));
        }
        let api = Api::read_checked(&task.config)?;
        match &task.input {
            None => ask(&api, &task),
            Some(input) if is_approved(input) => delete(&api, &task),
            Some(_) => {
                let detail = "the person who was asked did not approve the deletion";
                Err(failure(FailureCode::Unsupported, detail))
            }
        }
    }
}

fn ask(api: &Api, task: &Task) -> Result<Outcome, Failure> {
    let find = api.find();
    let mut accounts = Vec::new();
    for email in task.identities_of("email") {
        if let Some(answer) = find.send(&[email.id])?.filter(|answer| answer.status() == 200) {
            accounts.push(answer.required_value("/id")?);
        }
    }
    if accounts.is_empty() {
        return Ok(Outcome::nothing_found());
    }
    let form = Form::of([
        Field::text(TICKET, "Ticket that approves the deletion; none: it is not approved"),
        Field::text("notes", "Anything that should be kept with the request"),
    ]);
    let ask = accounts.into_iter().fold(Ask::new(form), Ask::keeping);
    Ok(Outcome::RequiresInput(ask))
}

fn is_approved(input: &Input) -> bool {
    input.labels().iter().any(|label| label == TICKET)
}

fn delete(api: &Api, task: &Task) -> Result<Outcome, Failure> {
    let mut deleted = false;
    for account in task.values.iter().copied().map(Value::from) {
        let answer = api.delete(account).send(&[])?;
        deleted |= answer.is_some_and(|answer| answer.status() == 204);
    }
    Ok(if deleted { Outcome::done() } else { Outcome::nothing_found() })
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

    fn find(&self) -> Query {
        let url = text!("{}{}?email={}", &self.origin, ACCOUNTS, placeholder("email"));
        query("delete/find", "GET", url).serving(Action::Delete).success(&[200, 404]).records()
    }

    fn delete(&self, account: Value) -> Query {
        let url = text!("{}{}/{}", &self.origin, ACCOUNTS, account);
        query("delete/account", "DELETE", url).success(&[204, 404])
    }
}

/// What every request has in common.
fn query(label: &str, method: &str, url: Text) -> Query {
    Query::new(label, method, url)
        .at("/config/origin")
        .header("Authorization", text!("Bearer {}", secret(API_KEY)))
        .retry(&[429, 503])
}

export!(Accounts);

#[cfg(test)]
mod tests;
