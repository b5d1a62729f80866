//! The connector `@TYPE@`: a made-up contacts API that answers in pages.
//!
//! No value of a person passes through this code: it composes requests out of names and numbers,
//! and hands on what the host holds. Each request is defined once, for the plan that an operator
//! approves and for sending.

mod config;

use cordon_connector_sdk::handles::Text;
use cordon_connector_sdk::pages::Pages;
use cordon_connector_sdk::plan::verdict;
use cordon_connector_sdk::query::Query;
use cordon_connector_sdk::reading::Problems;
use cordon_connector_sdk::text::{Value, placeholder, secret};
use cordon_connector_sdk::types::{
    Action, Descriptor, Draft, EgressNeed, Failure, FailureCode, Finding, Outcome, Task, Verdict,
};
use cordon_connector_sdk::{Connector, export, failure, text};

use config::Config;

struct Contacts;

export!(Contacts);

impl Connector for Contacts {
    fn describe() -> Descriptor {
        Descriptor {
            connector_type: "@TYPE@".to_owned(),
            category: "crm".to_owned(),
            display_name: "@TITLE@".to_owned(),
            actions: vec![Action::Access, Action::Delete],
            config_schema: config::SCHEMA.to_owned(),
            policy_schema: None,
            // Blind: it sees neither identities nor what the API answers.
            reads: vec![],
        }
    }

    fn validate(draft: Draft) -> Verdict {
        let mut problems = Problems::default();
        let Some(config) = Config::read(&draft.config, &mut problems) else {
            return verdict(&draft, problems, [], []);
        };
        let queries = [config.ping(), config.first_page(), config.deletion()];
        // A page after the first holds a cursor and cannot be planned; it is covered by this.
        let pages =
            EgressNeed::new(&config.origin, "/v1/contacts", &["GET"]).with_secret("api_key");
        verdict(&draft, problems, queries, [pages])
    }

    fn test(config: String) -> Result<(), Failure> {
        Config::sound(&config)?.ping().send(&[]).map(|_| ())
    }

    fn run(task: Task) -> Result<Outcome, Failure> {
        let config = Config::sound(&task.config)?;
        match task.action {
            Action::Access => access(&config, &task),
            Action::Delete => delete(&config, &task),
            Action::Optout | Action::Identifiers => {
                Err(failure(FailureCode::Unsupported, "contacts are listed and deleted"))
            }
        }
    }
}

/// Every page of every email.
fn access(config: &Config, task: &Task) -> Result<Outcome, Failure> {
    let mut found = Vec::new();
    for email in task.identities_of("email") {
        let first = config.first_page();
        let next = |cursor| config.next_page(cursor);
        for page in Pages::new(&first, &[email.id], "/next_cursor", next) {
            let page = page?;
            if page.status() == 200 {
                found.push(page.records("/items")?);
            }
        }
    }
    Ok(Outcome::finished(Finding::Records(found)))
}

fn delete(config: &Config, task: &Task) -> Result<Outcome, Failure> {
    let mut deleted = false;
    for email in task.identities_of("email") {
        let answer = config.deletion().send(&[email.id])?;
        deleted |= answer.is_some_and(|answer| answer.status() == 204);
    }
    Ok(if deleted { Outcome::done() } else { Outcome::nothing_found() })
}

/// The requests.
impl Config {
    /// What they have in common.
    fn query(&self, label: &str, method: &str, path: Text) -> Query {
        Query::new(label, method, text!("{}{}", &self.origin, path))
            .at("/config/origin")
            .header("Authorization", text!("Bearer {}", secret("api_key")))
            .retry(&[429, 503])
    }

    fn ping(&self) -> Query {
        self.query("test/ping", "GET", text!("/v1/ping"))
    }

    fn first_page(&self) -> Query {
        let (email, limit) = (placeholder("email"), self.page_size);
        let path = text!("/v1/contacts?email={}&limit={}", email, limit);
        self.query("access/contacts", "GET", path)
            .serving(Action::Access)
            .success(&[200, 404])
            .records()
    }

    /// The host knows the cursor, this code its number.
    fn next_page(&self, cursor: Value) -> Query {
        let first = self.first_page();
        let url = text!("{}&cursor={}", &first.request().url, cursor);
        first.elsewhere("access/contacts/next", url).success(&[200])
    }

    fn deletion(&self) -> Query {
        self.query("delete/contact", "DELETE", text!("/v1/contacts?email={}", placeholder("email")))
            .serving(Action::Delete)
            .success(&[204, 404])
    }
}

#[cfg(test)]
mod tests;
