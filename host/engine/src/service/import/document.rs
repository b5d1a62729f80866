//! Reading a `DataGrailAgentConfig`: its connections, its time limit, and what this host has no
//! use for.
//!
//! What the host does not use is listed with the reason, so that nobody believes it took effect.
//! A member that the format does not have is a problem, with the name that was probably meant.
//! What stands within a connection is not looked at here. No value is repeated: `redis_url` may
//! hold a password.

use std::time::Duration;

use cordon_model::json::pointer_token;
use serde_json::{Map, Value};

use crate::service::problems::{Problems, nearest};
use crate::service::tenants::JOB_TIMEOUT_SECONDS_MAX;

/// A member of the document that has no effect here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unused {
    /// JSON pointer into the document.
    pub pointer: &'static str,
    /// Why, and what does its part here.
    pub reason: &'static str,
}

/// What a document asks for.
#[derive(Debug, Default)]
pub(super) struct Document<'d> {
    /// The connections, in their order.
    pub(super) connections: &'d [Value],
    /// What all queries of one type of one connection may take together.
    pub(super) job_timeout: Option<Duration>,
    /// What has no effect here.
    pub(super) unused: Vec<Unused>,
}

/// Members that are read.
const CONNECTIONS: &str = "connections";
const JOB_TIMEOUT: &str = "job_timeout_seconds";
const PLATFORM: &str = "platform";

/// Texts of the document that have no effect here.
const UNUSED_TEXTS: [Unused; 4] = [
    Unused {
        pointer: "/customer_domain",
        reason: "this host belongs to no domain; programs that submit requests hold an API key",
    },
    Unused {
        pointer: "/datagrail_agent_credentials_location",
        reason: "callers of this host authenticate with API keys",
    },
    Unused {
        pointer: "/datagrail_credentials_location",
        reason: "this host reports to nobody by itself; programs ask it for a request's status",
    },
    Unused { pointer: "/redis_url", reason: "this host keeps its state in its own data directory" },
];

/// Objects of the document that have no effect here.
const UNUSED_MANAGERS: [Unused; 2] = [
    Unused {
        pointer: "/platform/credentials_manager",
        reason: "credentials are stored with PUT /v1/connections/{key}/secrets, or opened to the \
                 tenant by the operator under [secrets.<name>]",
    },
    Unused {
        pointer: "/platform/storage_manager",
        reason: "packages go to the destination that a policy names, which the operator defines \
                 under [destinations.<name>]",
    },
];

/// Members of a manager.
const MANAGER_FIELDS: [&str; 2] = ["provider", "options"];

impl Unused {
    /// The last token of the pointer.
    fn name(&self) -> &'static str {
        self.pointer.rsplit('/').next().unwrap_or_default()
    }
}

/// Reads a document. Where it says something wrong, a problem was reported and what comes back is
/// never used.
pub(super) fn read<'d>(body: &'d Value, problems: &mut Problems) -> Document<'d> {
    let mut document = Document::default();
    let Value::Object(object) = body else {
        problems.error("wrong_type", "", "the document is a JSON object");
        return document;
    };
    let read = [CONNECTIONS, JOB_TIMEOUT, PLATFORM].into_iter();
    let known: Vec<_> = read.chain(UNUSED_TEXTS.iter().map(Unused::name)).collect();
    check_names(object, "", &known, problems);
    document.connections = connections(object, problems);
    document.job_timeout = job_timeout(object, problems);
    for unused in UNUSED_TEXTS {
        let Some(value) = member(object, unused.name()) else { continue };
        if !value.is_string() {
            problems.error("wrong_type", unused.pointer, "must be a string");
        }
        document.unused.push(unused);
    }
    if let Some(platform) = member(object, PLATFORM) {
        read_platform(platform, &mut document, problems);
    }
    document
}

/// A member that is there; `null` is as good as absent.
fn member<'d>(object: &'d Map<String, Value>, name: &str) -> Option<&'d Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn check_names(object: &Map<String, Value>, parent: &str, known: &[&str], problems: &mut Problems) {
    for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
        let message = match nearest(name, known.iter().copied()) {
            Some(near) => format!("unknown field; did you mean {near}?"),
            None => format!("unknown field; there are {}", known.join(", ")),
        };
        problems.error("unknown_field", format!("{parent}/{}", pointer_token(name)), message);
    }
}

fn connections<'d>(object: &'d Map<String, Value>, problems: &mut Problems) -> &'d [Value] {
    match member(object, CONNECTIONS) {
        Some(Value::Array(connections)) => connections,
        Some(_) => {
            problems.error("wrong_type", "/connections", "must be a list of connections");
            &[]
        }
        None => {
            problems.error("missing_field", "/connections", "is required");
            &[]
        }
    }
}

fn job_timeout(object: &Map<String, Value>, problems: &mut Problems) -> Option<Duration> {
    let seconds = member(object, JOB_TIMEOUT)?.as_u64();
    let seconds = seconds.filter(|seconds| (1..=JOB_TIMEOUT_SECONDS_MAX).contains(seconds));
    if seconds.is_none() {
        let message = format!("must be a whole number from 1 to {JOB_TIMEOUT_SECONDS_MAX}");
        problems.error("out_of_range", "/job_timeout_seconds", message);
    }
    seconds.map(Duration::from_secs)
}

fn read_platform(platform: &Value, document: &mut Document<'_>, problems: &mut Problems) {
    let Value::Object(platform) = platform else {
        problems.error("wrong_type", "/platform", "must be an object");
        return;
    };
    check_names(platform, "/platform", &UNUSED_MANAGERS.map(|unused| unused.name()), problems);
    for unused in UNUSED_MANAGERS {
        let Some(manager) = member(platform, unused.name()) else { continue };
        match manager {
            Value::Object(manager) => {
                check_names(manager, unused.pointer, &MANAGER_FIELDS, problems);
            }
            _ => problems.error("wrong_type", unused.pointer, "must be an object"),
        }
        document.unused.push(unused);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use serde_json::json;

    fn problems_of(body: &Value) -> Vec<(String, String)> {
        let mut problems = Problems::default();
        read(body, &mut problems);
        match problems.finish() {
            Ok(_) => Vec::new(),
            Err(Error::Invalid(found)) => {
                found.into_iter().map(|p| (p.pointer, p.message)).collect()
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn what_is_not_used_is_listed_and_a_null_is_not_there() {
        let body = json!({
            "connections": [], "customer_domain": "acme.example", "redis_url": null,
            "platform": {"storage_manager": {"provider": "AWSS3", "options": {"bucket": "b"}}},
        });
        let mut problems = Problems::default();
        let document = read(&body, &mut problems);
        let pointers: Vec<_> = document.unused.iter().map(|unused| unused.pointer).collect();
        assert_eq!(pointers, ["/customer_domain", "/platform/storage_manager"]);
        assert!(problems.finish().unwrap().is_empty());
    }

    #[test]
    fn a_member_that_the_format_does_not_have_is_a_problem_that_names_the_nearest() {
        let body = json!({
            "connections": [], "redis_uri": "redis://:hunter2@cache", "zzz": 1,
            "platform": {"storage_manger": {}, "credentials_manager": {"provder": "JSONFile"}},
        });
        let found = problems_of(&body);
        let pointers: Vec<_> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        let expected = [
            "/redis_uri",
            "/zzz",
            "/platform/storage_manger",
            "/platform/credentials_manager/provder",
        ];
        assert_eq!(pointers, expected);
        assert_eq!(found[0].1, "unknown field; did you mean redis_url?");
        assert!(!format!("{found:?}").contains("hunter2"));
    }

    #[test]
    fn wrong_types_and_a_missing_list_are_reported_together() {
        let body = json!({"job_timeout_seconds": "300", "redis_url": 6379, "platform": []});
        let found = problems_of(&body);
        let pointers: Vec<_> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, ["/connections", "/job_timeout_seconds", "/redis_url", "/platform"]);
        assert_eq!(problems_of(&json!([])).len(), 1);
    }
}
