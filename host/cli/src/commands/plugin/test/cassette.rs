//! The format of a cassette: one JSON file that says what a connector is asked, what it sends and
//! is answered, and what must come of it.
//!
//! Holds no value of a person: `{email}` stands where an identity or a secret would, in requests
//! and in responses. Reading finds the first mistake and names it by its JSON pointer.

use std::path::Path;

use anyhow::{anyhow, bail, ensure};
use cordon_model::Action;
use cordon_model::json::pointer_token;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_path_to_error::{Path as At, Segment as Step};

/// A cassette.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cassette {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) about: Option<String>,
    /// The connection object.
    pub(super) connection: Map<String, Value>,
    pub(super) action: Asked,
    /// The kind that an identifiers run looks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) wanted: Option<String>,
    /// Made-up identities: kinds, and one value or several.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) identities: Map<String, Value>,
    /// Made-up credentials; what is needed and not given is made up.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) secrets: Map<String, Value>,
    /// What the policy stores for the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) policy_settings: Option<Value>,
    /// What is granted, as `PUT …/grants` takes it; left out: what is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) grants: Option<GrantsGiven>,
    /// The run, and one more after each of its waits.
    pub(super) segments: Vec<Segment>,
}

/// What the connector is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Asked {
    Access,
    Delete,
    Optout,
    Identifiers,
    /// The test of a connection.
    Test,
}

/// Grants as they are written in the API.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantsGiven {
    #[serde(default)]
    pub(super) http: Vec<HttpGiven>,
    #[serde(default)]
    pub(super) secrets: Vec<SecretGiven>,
    /// `handle` or `read`.
    #[serde(default)]
    pub(super) identities: Reading,
    /// `handle` or `read`.
    #[serde(default)]
    pub(super) responses: Reading,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpGiven {
    pub(super) origin: String,
    pub(super) methods: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) path_prefix: Option<String>,
    #[serde(default)]
    pub(super) unverified_tls: bool,
    #[serde(default)]
    pub(super) raw: bool,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretGiven {
    pub(super) name: String,
    pub(super) origin: String,
    pub(super) places: Vec<PlaceGiven>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PlaceGiven {
    Url,
    Header,
    Body,
}

/// Whether the plugin sees what it otherwise holds as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reading {
    #[default]
    Handle,
    Read,
}

/// One run, up to an outcome; after `requires_input` and `pending` comes another.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Segment {
    /// What a person supplied for the form that the run before asked for, by label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<Map<String, Value>>,
    /// Every try of every request, in order.
    #[serde(default)]
    pub(super) exchanges: Vec<Exchange>,
    pub(super) expect: Expected,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    pub(super) request: Request,
    pub(super) response: Response,
}

/// What the connector must send.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) label: Option<String>,
    pub(super) method: String,
    pub(super) url: String,
    /// A value, or the values of a header that stands more than once.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) headers: Map<String, Value>,
    /// A text, compared to the byte; or JSON, compared by its meaning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Value>,
}

/// What it is answered: a `status`, or `fails`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Response {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) headers: Map<String, Value>,
    /// A body of JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Value>,
    /// A body that is no JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    /// A body of so many bytes that are no JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fails: Option<Fails>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fails {
    Unreachable,
    Timeout,
}

/// What must come of a run. What an outcome does not have is left out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    pub(super) outcome: Ended,
    /// A list of objects for each list that the connector returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) records: Option<Vec<Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) identities: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<Failed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) form: Option<Vec<Field>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) skipped: Vec<Skipped>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ended {
    Records,
    Identities,
    Done,
    NothingFound,
    RequiresInput,
    Pending,
    Failed,
    /// A test that passed.
    Passed,
}

/// Of what was said about a failure, what an author can promise: sentences may change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Failed {
    pub(super) code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) label: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) types: Vec<String>,
    #[serde(default)]
    pub(super) required: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Skipped {
    pub(super) label: String,
    pub(super) reason: String,
}

impl Asked {
    /// None: the test of a connection.
    pub(super) const fn action(self) -> Option<Action> {
        match self {
            Self::Access => Some(Action::Access),
            Self::Delete => Some(Action::Delete),
            Self::Optout => Some(Action::Optout),
            Self::Identifiers => Some(Action::Identifiers),
            Self::Test => None,
        }
    }
}

impl Cassette {
    /// Reads a file.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let bytes = crate::commands::body::read(file)?;
        Self::parse(&bytes).map_err(|error| anyhow!("{}: {error:#}", file.display()))
    }

    fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let read: Result<Self, _> = serde_path_to_error::deserialize(&mut reader);
        let cassette = read.map_err(|error| located(&pointer(error.path()), error.inner()))?;
        reader.end()?;
        cassette.check()?;
        Ok(cassette)
    }

    /// What the format of each part cannot say.
    fn check(&self) -> anyhow::Result<()> {
        ensure!(!self.segments.is_empty(), "/segments: must hold at least one run");
        let identifiers = self.action == Asked::Identifiers;
        ensure!(
            identifiers == self.wanted.is_some(),
            "/wanted: stands in a cassette of identifiers, and only there"
        );
        for (n, segment) in self.segments.iter().enumerate() {
            let asked = n.checked_sub(1).and_then(|before| self.segments.get(before));
            segment.check(&format!("/segments/{n}"), asked)?;
        }
        Ok(())
    }
}

impl Segment {
    fn check(&self, at: &str, before: Option<&Self>) -> anyhow::Result<()> {
        match before.map(|before| before.expect.outcome) {
            None => ensure!(self.input.is_none(), "{at}/input: nothing was asked before"),
            Some(Ended::RequiresInput) => {
                ensure!(self.input.is_some(), "{at}/input: the run before asks for it");
            }
            Some(Ended::Pending) => {
                ensure!(self.input.is_none(), "{at}/input: the run before asks for none");
            }
            Some(_) => bail!("{at}: the run before has ended; nothing comes after it"),
        }
        for (n, exchange) in self.exchanges.iter().enumerate() {
            exchange.response.check(&format!("{at}/exchanges/{n}/response"))?;
        }
        self.expect.check(&format!("{at}/expect"))
    }
}

impl Response {
    fn check(&self, at: &str) -> anyhow::Result<()> {
        ensure!(
            self.status.is_some() != self.fails.is_some(),
            "{at}: has either a status, or says how the request fails"
        );
        ensure!(
            self.status.is_none_or(|status| (200..=599).contains(&status)),
            "{at}/status: must be from 200 to 599"
        );
        let bodies = [self.body.is_some(), self.text.is_some(), self.size.is_some()];
        let bodies = bodies.into_iter().filter(|given| *given).count();
        let most = if self.fails.is_some() { 0 } else { 1 };
        ensure!(bodies <= most, "{at}: has one of body, text and size, and none where it fails");
        Ok(())
    }
}

impl Expected {
    fn check(&self, at: &str) -> anyhow::Result<()> {
        let outcome = self.outcome;
        for (name, given, of) in [
            ("records", self.records.is_some(), Ended::Records),
            ("identities", self.identities.is_some(), Ended::Identities),
            ("failure", self.failure.is_some(), Ended::Failed),
            ("form", self.form.is_some(), Ended::RequiresInput),
        ] {
            let word = serde_json::to_string(&of)?;
            ensure!(
                given == (outcome == of),
                "{at}/{name}: stands beside the outcome {word}, and only there"
            );
        }
        let lists = self.records.iter().flatten().position(|list| !list.is_array());
        if let Some(n) = lists {
            bail!("{at}/records/{n}: must be a list of objects, one for each list returned");
        }
        Ok(())
    }
}

fn located(pointer: &str, error: &serde_json::Error) -> anyhow::Error {
    if pointer.is_empty() { anyhow!("{error}") } else { anyhow!("{pointer}: {error}") }
}

/// The path as a JSON pointer.
fn pointer(path: &At) -> String {
    let mut pointer = String::new();
    for step in path {
        match step {
            Step::Seq { index } => pointer.push_str(&format!("/{index}")),
            Step::Map { key } => pointer.push_str(&format!("/{}", pointer_token(key))),
            Step::Enum { .. } | Step::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests;
