//! The connector `api_proxy`: calls an internal or third-party HTTP API as the queries of its
//! connection say.
//!
//! It reads no identity, no secret and no body: it turns templates into pieces, settles which
//! calls a task makes, and tells what came out from statuses and handles. Filling in, escaping,
//! retries, parsing and the deadline are the host's.

mod calls;
mod combine;
mod config;
mod plan;
mod query;
mod run;
mod template;

use cordon_connector_sdk::types::{Action, Descriptor, Draft, Failure, Outcome, Task, Verdict};
use cordon_connector_sdk::{Connector, export};

/// The connector.
#[derive(Debug)]
pub struct ApiProxy;

impl Connector for ApiProxy {
    fn describe() -> Descriptor {
        Descriptor {
            connector_type: "api_proxy".to_owned(),
            category: "api".to_owned(),
            display_name: "API Proxy".to_owned(),
            actions: vec![Action::Access, Action::Delete, Action::Optout, Action::Identifiers],
            config_schema: include_str!("config.schema.json").to_owned(),
            policy_schema: None,
            reads: Vec::new(),
        }
    }

    fn validate(draft: Draft) -> Verdict {
        plan::validate(&draft)
    }

    fn test(config: String) -> Result<(), Failure> {
        run::test(&config)
    }

    fn run(task: Task) -> Result<Outcome, Failure> {
        run::run(&task)
    }
}

export!(ApiProxy);
