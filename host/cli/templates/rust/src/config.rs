//! What stands under `config` of a connection: read for `validate`, which reports every problem
//! with its place, and again for a run.

use cordon_connector_sdk::failure;
use cordon_connector_sdk::reading::{self, Node, Problems};
use cordon_connector_sdk::types::{Failure, FailureCode};

/// Shown to whoever writes a connection.
pub(crate) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["origin"],
  "additionalProperties": false,
  "properties": {
    "origin": {"type": "string", "description": "https://host, without a path"},
    "page_size": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}
  }
}"#;

const PAGE_SIZE: u64 = 50;

/// A configuration without problems.
pub(crate) struct Config {
    pub(crate) origin: String,
    pub(crate) page_size: u64,
}

impl Config {
    /// None: a problem was reported.
    pub(crate) fn read(document: &str, problems: &mut Problems) -> Option<Self> {
        let value = reading::parse(document, problems)?;
        let connection = Node::root(&value).object(problems)?;
        let config = connection.required("config", problems)?.object(problems)?;
        config.only(&["origin", "page_size"], problems);
        let origin = config.required("origin", problems).and_then(|node| node.origin(problems));
        let page_size = match config.field("page_size") {
            Some(node) => node.whole_number(1..=100, problems),
            None => Some(PAGE_SIZE),
        };
        let config = Self { origin: origin?.to_owned(), page_size: page_size? };
        (problems.errors() == 0).then_some(config)
    }

    /// The same in a run: `validate` has found no problem in it.
    pub(crate) fn sound(document: &str) -> Result<Self, Failure> {
        let mut problems = Problems::default();
        Self::read(document, &mut problems).ok_or_else(|| {
            let first = problems.first_error().map(|problem| problem.message.clone());
            failure(FailureCode::InvalidConfig, first.unwrap_or_default())
        })
    }
}
