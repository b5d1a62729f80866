//! The connection object of a manual webhook: it has nothing of its own (BEHAVIOUR F1).

use cordon_connector_sdk::reading::{self, Node, Problems};

/// Fields of every connection; the host checks them.
const FIELDS: &[&str] = &[
    "name",
    "uuid",
    "capabilities",
    "mode",
    "connector_type",
    "key",
    "description",
    "enabled",
    "job_timeout_seconds",
    "grants",
];

/// Fields of other connections that say how to reach an upstream.
const UPSTREAM_FIELDS: [&str; 3] = ["queries", "credentials_location", "ca_bundle"];

/// The one capability.
const CAPABILITY: &str = "privacy/access";

/// Checks a connection object.
pub(crate) fn check(config: &str, problems: &mut Problems) {
    let Some(document) = reading::parse(config, problems) else { return };
    let Some(connection) = Node::root(&document).object(problems) else { return };
    connection.only(&[FIELDS, &UPSTREAM_FIELDS].concat(), problems);
    for field in UPSTREAM_FIELDS.iter().filter_map(|name| connection.field(name)) {
        let message = "A manual webhook asks a person; it has no queries and no credentials.";
        problems.error("unused_field", field.pointer(), message);
    }
    let capabilities = connection.field("capabilities");
    for item in capabilities.and_then(|node| node.items(problems)).unwrap_or_default() {
        if item.text(problems).is_some_and(|capability| capability != CAPABILITY) {
            let message = "A manual webhook can do \"privacy/access\" only.";
            problems.error("unsupported_capability", item.pointer(), message);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn problems(config: &Value) -> Vec<(String, String)> {
        let mut problems = Problems::default();
        check(&config.to_string(), &mut problems);
        problems.into_vec().into_iter().map(|p| (p.code, p.pointer)).collect()
    }

    fn problem(code: &str, pointer: &str) -> (String, String) {
        (code.to_owned(), pointer.to_owned())
    }

    #[test]
    fn a_manual_webhook_needs_no_configuration() {
        assert_eq!(
            problems(&json!({"name": "Paper files", "connector_type": "manual_webhook"})),
            []
        );
        assert_eq!(
            problems(&json!({
                "name": "Paper files", "connector_type": "manual_webhook", "mode": "live",
                "capabilities": ["privacy/access"], "key": "paper", "enabled": true
            })),
            []
        );
    }

    #[test]
    fn queries_and_credentials_are_errors() {
        let config = json!({"name": "x", "queries": {}, "credentials_location": "arn:aws"});
        assert_eq!(
            problems(&config),
            [problem("unused_field", "/queries"), problem("unused_field", "/credentials_location"),]
        );
    }

    #[test]
    fn any_capability_but_access_and_any_unknown_field_are_errors() {
        let config = json!({"capabilities": ["privacy/access", "privacy/delete"], "feilds": []});
        assert_eq!(
            problems(&config),
            [
                problem("unknown_field", "/feilds"),
                problem("unsupported_capability", "/capabilities/1"),
            ]
        );
    }
}
