//! The connection object, read as far as it is this connector's: its `queries`, and no field that
//! nobody knows (BEHAVIOUR A3, A4, A7, A8).
//!
//! The fields that every connection has are checked by the host.

use cordon_connector_sdk::failure;
use cordon_connector_sdk::reading::{self, Node, Object, Problems};
use cordon_connector_sdk::types::{Action, Failure, FailureCode};
use serde_json::Value;

use crate::query::{self, Purpose, Query};

/// Fields of a connection. All but `queries` are the host's.
const FIELDS: &[&str] = &[
    "name",
    "uuid",
    "capabilities",
    "mode",
    "connector_type",
    "queries",
    "credentials_location",
    "key",
    "description",
    "enabled",
    "ca_bundle",
    "job_timeout_seconds",
    "grants",
];

/// Fields of `queries` that hold a list of queries, and what for.
const LISTS: [(&str, Purpose); 4] = [
    ("test", Purpose::Test),
    ("access", Purpose::Action(Action::Access)),
    ("delete", Purpose::Action(Action::Delete)),
    ("optout", Purpose::Action(Action::Optout)),
];

/// Fields of `queries`.
const SECTIONS: &[&str] = &["test", "identifiers", "access", "delete", "optout"];

/// Longest kind of identity.
const KIND_LENGTH_MAX: usize = 64;

/// Reads every query of a configuration, whatever its capabilities; those with an error are left
/// out. With the capabilities that a draft declares, the sections are compared with them.
pub(crate) fn read(
    config: &str,
    declared: Option<&[Action]>,
    problems: &mut Problems,
) -> Vec<Query> {
    let document = reading::parse(config, problems);
    let Some(queries) = document.as_ref().and_then(|document| queries_of(document, problems))
    else {
        return Vec::new();
    };
    if let Some(declared) = declared {
        check_capabilities(&queries, declared, problems);
    }
    read_queries(&queries, problems)
}

/// Reads a configuration that was checked when it was written.
///
/// # Errors
/// When there is an error in it all the same.
pub(crate) fn read_checked(config: &str) -> Result<Vec<Query>, Failure> {
    let mut problems = Problems::default();
    let queries = read(config, None, &mut problems);
    match problems.first_error() {
        None => Ok(queries),
        Some(problem) => {
            let detail = format!("{} at {:?}", problem.code, problem.pointer);
            Err(failure(FailureCode::InvalidConfig, detail))
        }
    }
}

fn queries_of<'a>(document: &'a Value, problems: &mut Problems) -> Option<Object<'a>> {
    let connection = Node::root(document).object(problems)?;
    connection.only(FIELDS, problems);
    let queries = connection.required("queries", problems)?.object(problems)?;
    queries.only(SECTIONS, problems);
    Some(queries)
}

/// A capability needs queries, and queries that no capability uses never run.
fn check_capabilities(queries: &Object<'_>, actions: &[Action], problems: &mut Problems) {
    for section in SECTIONS {
        let action = action_of(section);
        let is_used = action.is_none_or(|action| actions.contains(&action));
        let pointer = queries.pointer_to(section);
        match (is_used, is_filled(queries, section)) {
            (true, false) => {
                let why = if action.is_some() { "this capability" } else { "every connection" };
                let message = format!("At least one {section} query is needed for {why}.");
                problems.error("missing_queries", &pointer, message);
            }
            (false, true) => {
                let message = format!(
                    "These never run: the capability \"privacy/{section}\" is not declared."
                );
                problems.warning("unused_queries", &pointer, message);
            }
            (true, true) | (false, false) => {}
        }
    }
}

fn action_of(section: &str) -> Option<Action> {
    match section {
        "identifiers" => Some(Action::Identifiers),
        section => LISTS.iter().find(|(name, _)| *name == section).and_then(|(_, p)| p.action()),
    }
}

/// Whether something stands in a section. What is no list of queries is reported when it is read.
fn is_filled(queries: &Object<'_>, section: &str) -> bool {
    match queries.field(section).map(|node| node.value()) {
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(kinds)) => !kinds.is_empty(),
        Some(_) => true,
        None => false,
    }
}

fn read_queries(queries: &Object<'_>, problems: &mut Problems) -> Vec<Query> {
    let mut read = Vec::new();
    for (section, purpose) in LISTS {
        if let Some(node) = queries.field(section) {
            read_list(&node, &purpose, section, &mut read, problems);
        }
    }
    let identifiers = queries.field("identifiers").and_then(|node| node.object(problems));
    for (kind, node) in identifiers.iter().flat_map(Object::fields) {
        if !is_identity_kind(kind) {
            let message = "A kind of identity is 1 to 64 characters of a-z, 0-9 and '_', and \
                           starts with a letter.";
            problems.error("invalid_identity_kind", node.pointer(), message);
        }
        if matches!(node.value(), Value::Array(items) if items.is_empty()) {
            let message = "At least one query is needed to find this identity.";
            problems.error("missing_queries", node.pointer(), message);
        }
        let purpose = Purpose::Identifiers(kind.to_owned());
        read_list(&node, &purpose, &format!("identifiers/{kind}"), &mut read, problems);
    }
    read
}

fn read_list(
    node: &Node<'_>,
    purpose: &Purpose,
    path: &str,
    read: &mut Vec<Query>,
    problems: &mut Problems,
) {
    for (index, item) in node.items(problems).unwrap_or_default().iter().enumerate() {
        read.extend(query::read(item, purpose, &format!("{path}/{index}"), problems));
    }
}

fn is_identity_kind(kind: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    kind.starts_with(|first: char| first.is_ascii_lowercase())
        && kind.len() <= KIND_LENGTH_MAX
        && kind.bytes().all(plain)
}
