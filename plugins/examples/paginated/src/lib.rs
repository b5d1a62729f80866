//! The connector `contacts`: returns, deletes and identifies a person in an API that answers in
//! pages. What the API does stands in the README beside this.
//!
//! The requests are defined in `queries`, once for the plan and for sending. Nothing is read but
//! the objects of a page, and that only where an operator granted it: to leave out what is not
//! about the person.

mod config;
mod queries;
mod tombstones;

use cordon_connector_sdk::handles::{Identity, Records};
use cordon_connector_sdk::pages::Pages;
use cordon_connector_sdk::plan::{verdict, wants};
use cordon_connector_sdk::query::Query;
use cordon_connector_sdk::reading::Problems;
use cordon_connector_sdk::types::{
    Action, Descriptor, Draft, Failure, FailureCode, Finding, Outcome, ReadGrant, Task, Verdict,
};
use cordon_connector_sdk::{Connector, export, failure, query_failure};

use config::Config;

/// The kind of identity that the API knows people by.
const EMAIL: &str = "email";

/// The connector.
#[derive(Debug)]
pub struct Contacts;

impl Connector for Contacts {
    fn describe() -> Descriptor {
        Descriptor {
            connector_type: "contacts".to_owned(),
            category: "crm".to_owned(),
            display_name: "Contacts".to_owned(),
            actions: vec![Action::Access, Action::Delete, Action::Identifiers],
            config_schema: include_str!("config.schema.json").to_owned(),
            policy_schema: None,
            reads: vec![ReadGrant::Responses],
        }
    }

    fn validate(draft: Draft) -> Verdict {
        let mut problems = Problems::default();
        let Some(config) = Config::read(&draft.config, &mut problems) else {
            return verdict(&draft, problems, [], []);
        };
        let pages = wants(&draft, Action::Access).then(|| config.pages_need());
        verdict(&draft, problems, config.queries(), pages)
    }

    fn test(config: String) -> Result<(), Failure> {
        Config::read_checked(&config)?.ping().send(&[]).map(|_| ())
    }

    fn run(task: Task) -> Result<Outcome, Failure> {
        let config = Config::read_checked(&task.config)?;
        match task.action {
            Action::Access => access(&config, &task),
            Action::Delete => delete(&config, &task),
            Action::Identifiers => identifiers(&config, &task),
            Action::Optout => Err(failure(FailureCode::Unsupported, "contacts know no opt-out")),
        }
    }
}

fn access(config: &Config, task: &Task) -> Result<Outcome, Failure> {
    let first = config.first_page();
    let emails = emails(task, &first)?;
    let mut found = Vec::new();
    for email in &emails {
        let further = |cursor| config.next_page(cursor);
        let pages = Pages::new(&first, &[email.id], "/next_cursor", further);
        for page in pages.at_most(config.max_pages) {
            let page = page?;
            if page.status() == 404 {
                break;
            }
            let items = page.records("/items")?;
            if task.may_read(ReadGrant::Responses) {
                found.extend(tombstones::left_out(&page, items)?);
            } else {
                found.push(items);
            }
        }
    }
    if config.profile {
        found.extend(profiles(config, &emails)?);
    }
    Ok(Outcome::finished(Finding::Records(found)))
}

/// One object a person, for those who have one.
fn profiles(config: &Config, emails: &[&Identity]) -> Result<Vec<Records>, Failure> {
    let query = config.profile();
    let mut found = Vec::new();
    for email in emails {
        if let Some(answer) = query.send(&[email.id])?.filter(|answer| answer.status() == 200) {
            found.extend(answer.object("/profile")?);
        }
    }
    Ok(found)
}

fn delete(config: &Config, task: &Task) -> Result<Outcome, Failure> {
    let erase = config.erase();
    let mut known = false;
    for email in emails(task, &erase)? {
        known |= erase.send(&[email.id])?.is_some_and(|answer| answer.status() == 204);
    }
    Ok(if known { Outcome::done() } else { Outcome::nothing_found() })
}

fn identifiers(config: &Config, task: &Task) -> Result<Outcome, Failure> {
    if task.wanted.as_deref() != Some(queries::CONTACT_ID) {
        return Err(failure(FailureCode::Unsupported, "contacts are found by their id only"));
    }
    let ids = config.ids();
    let mut found = Vec::new();
    // What an earlier round was given it has asked for.
    for email in emails(task, &ids)?.into_iter().filter(|email| email.fresh) {
        if let Some(answer) = ids.send(&[email.id])?.filter(|answer| answer.status() == 200) {
            found.extend(answer.identities("/ids")?);
        }
    }
    Ok(Outcome::finished(Finding::Identities(found)))
}

/// The emails of a task; a query that nobody can be asked about is no success.
fn emails<'t>(task: &'t Task, query: &Query) -> Result<Vec<&'t Identity>, Failure> {
    let emails: Vec<_> = task.identities_of(EMAIL).collect();
    if emails.is_empty() {
        let detail = "no email of the person is known";
        return Err(query_failure(FailureCode::MissingPlaceholder, query.label(), detail));
    }
    Ok(emails)
}

export!(Contacts);

#[cfg(test)]
mod tests;
