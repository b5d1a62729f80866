//! A connector that asks to read identities and responses, and finishes only where it can. Tests
//! run it with and without the grants for that.

use cordon_connector_sdk::compose::literal;
use cordon_connector_sdk::handles;
use cordon_connector_sdk::http::{self, BodyUse, HttpRequest};
use cordon_connector_sdk::types::{
    Action, Descriptor, Draft, Failure, FailureCode, Finding, Outcome, ReadGrant, Report, Task,
    Verdict,
};
use cordon_connector_sdk::{Connector, export, failure};

/// The connector.
#[derive(Debug)]
pub struct Reader;

impl Connector for Reader {
    fn describe() -> Descriptor {
        Descriptor {
            connector_type: "reader".to_owned(),
            category: "tests".to_owned(),
            display_name: "Reader".to_owned(),
            actions: vec![Action::Access],
            config_schema: "{}".to_owned(),
            policy_schema: None,
            reads: vec![ReadGrant::Identities, ReadGrant::Responses],
        }
    }

    fn validate(draft: Draft) -> Verdict {
        let plan = planned(&draft.config).planned("/config/url", Some(Action::Access));
        Verdict { problems: vec![], plan: vec![plan], egress: vec![] }
    }

    fn test(_: String) -> Result<(), Failure> {
        Ok(())
    }

    fn run(task: Task) -> Result<Outcome, Failure> {
        let unread = |what: &str| failure(FailureCode::Internal, format!("{what} was not there"));
        let id = task.identities.first().map_or(0, |identity| identity.id);
        if !handles::read_identity(id).contains('@') {
            return Err(unread("the identity"));
        }
        let response = http::send(&planned(&task.config))
            .map_err(|error| failure(FailureCode::QueryFailed, error.sentence()))?;
        if response.read(0, 1) != b"[" {
            return Err(unread("the response"));
        }
        let records = response
            .records("")
            .map_err(|error| failure(FailureCode::MalformedResponse, error.sentence()))?;
        Ok(Outcome::Finished(Report { finding: Finding::Records(vec![records]), skipped: vec![] }))
    }
}

/// The URL is the configuration's text between the quotes behind `"url":`.
fn planned(config: &str) -> HttpRequest {
    let after = config.split_once("\"url\":").map_or("", |(_, after)| after);
    let url = after.split('"').nth(1).unwrap_or_default();
    HttpRequest::new("planned", "GET", literal(url.to_owned())).response_body(BodyUse::Bytes)
}

export!(Reader);
