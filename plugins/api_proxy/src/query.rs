//! One query of a configuration, read into the request it will send (BEHAVIOUR A3, A6, B, C).
//!
//! Where a value may stand in a request is not judged here: the host finds the places from the
//! whole text, when the connection is written and again at each send.

use cordon_connector_sdk::handles::Text;
use cordon_connector_sdk::http::{Body, BodyUse, Escape, HttpRequest};
use cordon_connector_sdk::reading::{Node, Object, Problems};
use cordon_connector_sdk::types::{Action, WhenMissing};
use serde_json::Value;

use crate::template;

const FIELDS: &[&str] = &[
    "url",
    "headers",
    "body",
    "verb",
    "verify_ssl",
    "valid_response_codes",
    "fail_retry_response_codes",
    "idempotent",
    "when_missing",
    "escape",
    "records_path",
];

/// Statuses of a query that lists none.
const VALID_RESPONSE_CODES: [u16; 1] = [200];

/// A query that has no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    /// Its JSON pointer in the configuration.
    pub(crate) pointer: String,
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// What happens when an identity it names is not known.
    pub(crate) when_missing: WhenMissing,
    /// JSON pointer of the records in the response.
    pub(crate) records_path: String,
    /// The request, bound to no identity.
    pub(crate) request: HttpRequest,
}

/// What a query is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It tells whether the API is available.
    Test,
    /// It serves an action other than identifiers.
    Action(Action),
    /// It finds identities of a kind.
    Identifiers(String),
}

impl Purpose {
    /// The action that sends it; none: a test.
    pub(crate) const fn action(&self) -> Option<Action> {
        match self {
            Self::Test => None,
            Self::Action(action) => Some(*action),
            Self::Identifiers(_) => Some(Action::Identifiers),
        }
    }

    /// The kind of identity that it finds.
    pub(crate) fn wanted(&self) -> Option<&str> {
        match self {
            Self::Identifiers(kind) => Some(kind),
            Self::Test | Self::Action(_) => None,
        }
    }

    /// Whether its response's body is looked at; else the status alone decides (BEHAVIOUR D6).
    pub(crate) const fn reads_body(&self) -> bool {
        matches!(self, Self::Action(Action::Access) | Self::Identifiers(_))
    }
}

/// Reads a query, reporting everything that is wrong with it. None: there is an error in it.
pub(crate) fn read(
    node: &Node<'_>,
    purpose: &Purpose,
    label: &str,
    problems: &mut Problems,
) -> Option<Query> {
    let errors = problems.errors();
    let object = node.object(problems)?;
    object.only(FIELDS, problems);
    let url = object.required("url", problems).and_then(|node| text(&node, problems));
    let verb = object.required("verb", problems).and_then(|node| verb(&node, purpose, problems));
    let verify = object.required("verify_ssl", problems);
    let verify_tls = verify.and_then(|node| verify_ssl(&node, problems));
    let headers = object.field("headers").and_then(|node| headers(&node, problems));
    let body = object.field("body").and_then(|node| text(&node, problems));
    let escape = escape(&object, problems);
    let (success, retry_statuses) = statuses(&object, problems);
    let idempotent = object.field("idempotent").and_then(|node| node.boolean(problems));
    let when_missing = when_missing(&object, purpose, problems);
    let records_path = records_path(&object, purpose, problems);
    if problems.errors() > errors {
        return None;
    }
    let request = HttpRequest {
        headers: headers.unwrap_or_default(),
        body: body.map(|content| Body { content, escape }),
        verify_tls: verify_tls?,
        idempotent,
        success,
        retry_statuses,
        response_body: if purpose.reads_body() { BodyUse::Records } else { BodyUse::Discard },
        ..HttpRequest::new(label, verb?, url?)
    };
    let (pointer, purpose) = (node.pointer().to_owned(), purpose.clone());
    Some(Query { pointer, purpose, when_missing, records_path, request })
}

fn text(node: &Node<'_>, problems: &mut Problems) -> Option<Text> {
    match template::parse(node.text(problems)?) {
        Ok(text) => Some(text),
        Err(errors) => {
            for error in errors {
                let message = error.fault.message();
                problems.error_at("invalid_template", node.pointer(), error.column, message);
            }
            None
        }
    }
}

fn headers(node: &Node<'_>, problems: &mut Problems) -> Option<Vec<(String, Text)>> {
    let object = node.object(problems)?;
    let header = |(name, node): (&str, Node<'_>)| Some((name.to_owned(), text(&node, problems)?));
    Some(object.fields().filter_map(header).collect())
}

fn verb<'a>(node: &Node<'a>, purpose: &Purpose, problems: &mut Problems) -> Option<&'a str> {
    let verb = node.text(problems)?;
    let refusal = if verb.is_empty() || !verb.bytes().all(is_token_byte) {
        "A verb is one HTTP token, such as GET or PATCH."
    } else if ["TRACE", "CONNECT"].iter().any(|refused| verb.eq_ignore_ascii_case(refused)) {
        "TRACE and CONNECT are never sent."
    } else if purpose.reads_body() && verb.eq_ignore_ascii_case("DELETE") {
        "Access and identifiers queries never use DELETE."
    } else {
        return Some(verb);
    };
    problems.error("invalid_verb", node.pointer(), refusal);
    None
}

/// RFC 9110 section 5.6.2.
const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

fn verify_ssl(node: &Node<'_>, problems: &mut Problems) -> Option<bool> {
    match node.value() {
        Value::Bool(verify) => Some(*verify),
        Value::String(text) if text == "true" => Some(true),
        Value::String(text) if text == "false" => Some(false),
        Value::String(_) => {
            let message = "This must be \"true\" or \"false\".";
            problems.error("invalid_value", node.pointer(), message);
            None
        }
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            node.wrong_type("\"true\" or \"false\"", problems)
        }
    }
}

/// Statuses that succeed and statuses that are retried.
fn statuses(object: &Object<'_>, problems: &mut Problems) -> (Vec<u16>, Vec<u16>) {
    let valid = object.field("valid_response_codes");
    let success = match &valid {
        Some(node) => status_list(node, problems),
        None => VALID_RESPONSE_CODES.iter().map(|status| (*status, String::new())).collect(),
    };
    if let Some(node) = valid.filter(|node| matches!(node.value(), Value::Array(a) if a.is_empty()))
    {
        let message = "At least one status must be valid; leave the field out for 200.";
        problems.error("invalid_value", node.pointer(), message);
    }
    let retried = object.field("fail_retry_response_codes");
    let retried = retried.map_or_else(Vec::new, |node| status_list(&node, problems));
    for (status, pointer) in &retried {
        if success.iter().any(|(valid, _)| valid == status) {
            let message = "This status is valid as well; it cannot be retried.";
            problems.error("conflicting_codes", pointer, message);
        }
    }
    let plain = |list: Vec<(u16, String)>| list.into_iter().map(|(status, _)| status).collect();
    (plain(success), plain(retried))
}

/// Statuses with their pointers.
fn status_list(node: &Node<'_>, problems: &mut Problems) -> Vec<(u16, String)> {
    let mut statuses = Vec::new();
    for item in node.items(problems).unwrap_or_default() {
        let status = item.value().as_u64().and_then(|status| u16::try_from(status).ok());
        match status.filter(|status| (100..=599).contains(status)) {
            Some(status) => statuses.push((status, item.pointer().to_owned())),
            None => {
                let message = "A status is a whole number from 100 to 599.";
                problems.error("invalid_value", item.pointer(), message);
            }
        }
    }
    statuses
}

fn when_missing(object: &Object<'_>, purpose: &Purpose, problems: &mut Problems) -> WhenMissing {
    let Some(node) = object.field("when_missing") else {
        return WhenMissing::Fail;
    };
    if *purpose == Purpose::Test {
        problems.warning("unused_field", node.pointer(), "A test query names no identity.");
    }
    match node.text(problems) {
        Some("skip") => WhenMissing::Skip,
        Some("fail") | None => WhenMissing::Fail,
        Some(_) => {
            let message = "This must be \"fail\" or \"skip\".";
            problems.error("invalid_value", node.pointer(), message);
            WhenMissing::Fail
        }
    }
}

fn escape(object: &Object<'_>, problems: &mut Problems) -> Escape {
    let Some(node) = object.field("escape") else {
        return Escape::ByMediaType;
    };
    if object.field("body").is_none() {
        problems.warning("unused_field", node.pointer(), "This query has no body to fill in.");
    }
    match node.text(problems) {
        Some("raw") => Escape::Raw,
        None => Escape::ByMediaType,
        Some(_) => {
            let message = "This must be \"raw\"; leave it out to escape by Content-Type.";
            problems.error("invalid_value", node.pointer(), message);
            Escape::ByMediaType
        }
    }
}

fn records_path(object: &Object<'_>, purpose: &Purpose, problems: &mut Problems) -> String {
    let Some(node) = object.field("records_path") else {
        return String::new();
    };
    if !purpose.reads_body() {
        let message = "Here the status alone decides; the body is not looked at.";
        problems.warning("unused_field", node.pointer(), message);
    }
    match node.text(problems) {
        Some(path) if !is_json_pointer(path) => {
            let message = "This must be a JSON pointer, such as /data/items.";
            problems.error("invalid_value", node.pointer(), message);
            String::new()
        }
        path => path.unwrap_or_default().to_owned(),
    }
}

/// RFC 6901.
fn is_json_pointer(path: &str) -> bool {
    let escapes = path.split('~').skip(1);
    (path.is_empty() || path.starts_with('/'))
        && escapes.into_iter().all(|after| after.starts_with(['0', '1']))
}
