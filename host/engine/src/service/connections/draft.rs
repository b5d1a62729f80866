//! Reading the fields that every connection has (BEHAVIOUR A1 to A8). What stands under
//! `queries` and `config` is the plugin's to check.

use std::time::Duration;

use cordon_model::connection::{Connection, Mode};
use cordon_model::json::pointer_token;
use cordon_model::{Action, ConnectionKey, Problem};
use serde_json::{Map, Value};
use uuid::{Uuid, Variant};

use super::Wanted;
use crate::Error;
use crate::service::problems::{Problems, nearest};
use crate::service::tenants::JOB_TIMEOUT_SECONDS_MAX;

/// The fields of the object, in the order of the seed.
const FIELDS: [&str; 13] = [
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
    "job_timeout_seconds",
    "ca_bundle",
    "config",
];

/// The name of the connector type that the seed calls `APIProxy`.
const API_PROXY: &str = "api_proxy";

/// Longest description, in characters.
const DESCRIPTION_CHARACTERS_MAX: usize = 2_000;

/// Longest `credentials_location`, in characters: an ARN or a resource name with room to spare.
const LOCATION_CHARACTERS_MAX: usize = 2_048;

/// What an object says about itself. Where it says something wrong, a problem was reported and
/// what stands here is never stored.
pub(super) struct Draft {
    /// As it was written; none: it is made from the name.
    pub(super) key: Option<ConnectionKey>,
    pub(super) uuid: Option<Uuid>,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) connector_type: Option<String>,
    /// With their places in the list.
    pub(super) capabilities: Vec<(usize, Action)>,
    pub(super) mode: Mode,
    pub(super) enabled: bool,
    pub(super) credentials_location: Option<String>,
    /// As it was written; the gate checks it.
    pub(super) ca_bundle: Option<String>,
    pub(super) job_timeout: Option<Duration>,
}

/// Reads the object.
///
/// # Errors
/// When it is no object; everything else is added to the problems.
pub(super) fn read(body: &Value, problems: &mut Problems) -> Result<Draft, Error> {
    let Value::Object(object) = body else {
        let message = "a connection is a JSON object";
        return Err(Error::problem(Problem::error("wrong_type", "", message)));
    };
    let mut fields = Fields { object, problems };
    fields.check_names();
    let name = fields.name();
    let connector_type = fields.connector_type();
    Ok(Draft {
        key: fields.key(),
        uuid: fields.uuid(),
        name,
        description: fields.text("description", DESCRIPTION_CHARACTERS_MAX),
        connector_type,
        capabilities: fields.capabilities(),
        mode: fields.mode(),
        enabled: fields.enabled(),
        credentials_location: fields.text("credentials_location", LOCATION_CHARACTERS_MAX),
        ca_bundle: fields.ca_bundle(),
        job_timeout: fields.job_timeout(),
    })
}

impl Draft {
    /// The key and UUID that the object will have: keys, UUIDs and types never change, and those
    /// of the path are those of the object. None: a problem was reported.
    pub(super) fn identity(
        &self,
        stored: Option<&Connection>,
        wanted: Wanted,
        problems: &mut Problems,
    ) -> Option<(ConnectionKey, Uuid)> {
        if let Some(stored) = stored {
            let fixed = [
                ("/key", self.key.as_ref().is_none_or(|key| *key == stored.key)),
                ("/uuid", self.uuid.is_none_or(|uuid| uuid == stored.uuid)),
                (
                    "/connector_type",
                    self.connector_type.as_ref().is_none_or(|t| *t == stored.connector_type),
                ),
            ];
            for (pointer, _) in fixed.iter().filter(|(_, same)| !same) {
                problems.error("immutable", *pointer, "cannot be changed; keep it or leave it out");
            }
            return Some((stored.key.clone(), stored.uuid));
        }
        let mismatch = "is not the one in the path";
        if wanted.uuid.is_some() && self.uuid.is_some() && wanted.uuid != self.uuid {
            problems.error("mismatch", "/uuid", mismatch);
        }
        if wanted.key.is_some() && self.key.is_some() && wanted.key != self.key {
            problems.error("mismatch", "/key", mismatch);
        }
        let uuid = wanted.uuid.or(self.uuid).unwrap_or_else(Uuid::new_v4);
        match wanted
            .key
            .or_else(|| self.key.clone())
            .map_or_else(|| ConnectionKey::from_name(&self.name), Ok)
        {
            Ok(key) => Some((key, uuid)),
            Err(_) => {
                let message = "cannot be made from the name; give one";
                problems.error("invalid_key", "/key", message);
                None
            }
        }
    }
}

/// A connector type as it is stored and shown: the seed writes one of them in another way.
pub(in crate::service) fn plain_type(written: &str) -> &str {
    if written == "APIProxy" { API_PROXY } else { written }
}

/// The fields of one object, and where their problems go.
struct Fields<'a> {
    object: &'a Map<String, Value>,
    problems: &'a mut Problems,
}

impl<'a> Fields<'a> {
    /// A field that is there; `null` is as good as absent.
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    fn required(&mut self, name: &str) -> Option<&'a Value> {
        let value = self.get(name);
        if value.is_none() {
            self.problems.error("missing_field", format!("/{name}"), "is required");
        }
        value
    }

    fn check_names(&mut self) {
        for name in self.object.keys() {
            let pointer = format!("/{}", pointer_token(name));
            if name == "grants" {
                let message = "is written with PUT /v1/connections/{key}/grants; leave it out";
                self.problems.error("not_here", pointer, message);
            } else if !FIELDS.contains(&name.as_str()) {
                let message = match nearest(name, FIELDS) {
                    Some(near) => format!("unknown field; did you mean {near}?"),
                    None => format!("unknown field; there are {}", FIELDS.join(", ")),
                };
                self.problems.error("unknown_field", pointer, message);
            }
        }
    }

    fn string(&mut self, name: &str, value: &'a Value) -> Option<&'a str> {
        let text = value.as_str();
        if text.is_none() {
            self.problems.error("wrong_type", format!("/{name}"), "must be a string");
        }
        text
    }

    fn text(&mut self, name: &str, characters_max: usize) -> Option<String> {
        let value = self.get(name)?;
        let text = self.string(name, value)?;
        let pointer = format!("/{name}");
        if text.is_empty() || text.chars().count() > characters_max {
            let message = format!("must be 1 to {characters_max} characters");
            self.problems.error("invalid_length", pointer, message);
        } else if text.chars().any(|c| c.is_control() && c != '\n') {
            self.problems.error("not_printable", pointer, "must not contain control characters");
        }
        Some(text.to_owned())
    }

    fn ca_bundle(&mut self) -> Option<String> {
        let value = self.get("ca_bundle")?;
        self.string("ca_bundle", value).map(str::to_owned)
    }

    fn name(&mut self) -> String {
        let Some(value) = self.required("name") else { return String::new() };
        let Some(name) = self.string("name", value) else { return String::new() };
        self.problems.check_name("/name", name);
        name.to_owned()
    }

    fn key(&mut self) -> Option<ConnectionKey> {
        let value = self.get("key")?;
        match self.string("key", value)?.parse::<ConnectionKey>() {
            Ok(key) => Some(key),
            Err(reason) => {
                self.problems.error("invalid_key", "/key", reason.to_string());
                None
            }
        }
    }

    fn uuid(&mut self) -> Option<Uuid> {
        /// `8-4-4-4-12` hexadecimal digits with their dashes.
        const HYPHENATED: usize = 36;
        let value = self.get("uuid")?;
        let text = self.string("uuid", value)?;
        let uuid = Uuid::try_parse(text).ok().filter(|uuid| {
            text.len() == HYPHENATED
                && uuid.get_version_num() == 4
                && uuid.get_variant() == Variant::RFC4122
        });
        if uuid.is_none() {
            self.problems.error("invalid_uuid", "/uuid", "must be a version 4 UUID, with dashes");
        }
        uuid
    }

    fn connector_type(&mut self) -> Option<String> {
        let value = self.required("connector_type")?;
        let text = self.string("connector_type", value)?;
        Some(plain_type(text).to_owned())
    }

    fn capabilities(&mut self) -> Vec<(usize, Action)> {
        let Some(value) = self.required("capabilities") else { return Vec::new() };
        let Some(words) = value.as_array() else {
            self.problems.error("wrong_type", "/capabilities", "must be a list of strings");
            return Vec::new();
        };
        if words.is_empty() {
            self.problems.error("empty", "/capabilities", "must name at least one capability");
        }
        let mut actions: Vec<(usize, Action)> = Vec::new();
        for (n, word) in words.iter().enumerate() {
            let pointer = format!("/capabilities/{n}");
            let action = word.as_str().and_then(Action::from_capability);
            match action {
                None => {
                    let known = Action::ALL.map(Action::capability).join(", ");
                    let message = format!("must be one of {known}");
                    self.problems.error("unknown_capability", pointer, message);
                }
                Some(action) if actions.iter().any(|(_, other)| *other == action) => {
                    self.problems.error("duplicate", pointer, "stands here twice");
                }
                Some(action) => actions.push((n, action)),
            }
        }
        actions
    }

    fn mode(&mut self) -> Mode {
        let text = self.required("mode").map(|value| value.as_str());
        match text {
            Some(Some("live")) => Mode::Live,
            Some(Some("test")) | None => Mode::Test,
            Some(_) => {
                self.problems.error("invalid_mode", "/mode", "must be live or test");
                Mode::Test
            }
        }
    }

    fn enabled(&mut self) -> bool {
        let Some(value) = self.get("enabled") else { return true };
        value.as_bool().unwrap_or_else(|| {
            self.problems.error("wrong_type", "/enabled", "must be true or false");
            false
        })
    }

    fn job_timeout(&mut self) -> Option<Duration> {
        let value = self.get("job_timeout_seconds")?;
        let seconds = value.as_u64().filter(|s| (1..=JOB_TIMEOUT_SECONDS_MAX).contains(s));
        if seconds.is_none() {
            let message = format!("must be a whole number from 1 to {JOB_TIMEOUT_SECONDS_MAX}");
            self.problems.error("out_of_range", "/job_timeout_seconds", message);
        }
        seconds.map(Duration::from_secs)
    }
}
