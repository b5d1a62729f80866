//! `cordon connection grants approve`: grants what is missing and keeps what was granted, unless
//! the connection was changed since that was looked at.

use anyhow::{Context as _, bail, ensure};
use serde_json::{Map, Value};

use super::path;
use crate::client::{Answer, Client};
use crate::commands::body::segment;
use crate::commands::cell;
use crate::output::{items, note};

#[derive(Debug, clap::Args)]
pub(in crate::commands::connection) struct Args {
    /// Key or UUID of the connection
    #[arg(value_parser = segment)]
    key: String,
    /// Also what it would need with this version of its plugin, so that a switch takes it along
    #[arg(long, value_name = "VERSION")]
    with: Option<String>,
}

/// The key, and the grants as they are then.
pub(super) async fn run(args: Args, client: &Client) -> anyhow::Result<(String, Answer)> {
    let Args { key, with } = args;
    let answer = client.get(path(&key)).await?;
    let state = answer.json()?;
    let more: Vec<&Value> = match &with {
        None => state.get("missing").into_iter().collect(),
        Some(version) => {
            let ahead = version_of(&state, version)?.get("missing");
            state.get("missing").into_iter().chain(ahead).collect()
        }
    };
    if more.is_empty() {
        note("nothing is missing");
        return Ok((key, answer));
    }
    let granted = state.get("granted").context("the answer has no grants")?;
    let all = more.into_iter().fold(granted.clone(), added);
    let etag = answer.etag.as_deref().context("the answer has no tag")?;
    let body = serde_json::to_vec(&all)?.into();
    let answer = client.put_over(etag, path(&key), body).await?;
    Ok((key, answer))
}

/// A version that the connection is not with.
fn version_of<'s>(state: &'s Value, version: &str) -> anyhow::Result<&'s Value> {
    let mut found = items(state, "waiting_versions").filter(|w| cell(w, "version") == version);
    let Some(waiting) = found.next() else {
        bail!(
            "the connection waits for no version {version}; cordon connection grants show lists them"
        );
    };
    ensure!(found.next().is_none(), "several plugins have a version {version}");
    let reason = cell(waiting, "reason");
    ensure!(reason != "refused", "version {version} refuses the configuration of the connection");
    ensure!(reason != "not_now", "{}", cell(waiting, "detail"));
    Ok(waiting)
}

/// Both, as the API takes them: lists together, and what is read by either.
fn added(granted: Value, more: &Value) -> Value {
    let mut all = match granted {
        Value::Object(all) => all,
        _ => Map::new(),
    };
    for (name, value) in more.as_object().into_iter().flatten() {
        match (all.get_mut(name), value) {
            (Some(Value::Array(known)), Value::Array(new)) => known.extend(new.iter().cloned()),
            (Some(Value::String(known)), Value::String(new)) if new == "read" => {
                known.clone_from(new);
            }
            (Some(_), _) => {}
            (None, _) => {
                all.insert(name.clone(), value.clone());
            }
        }
    }
    all.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_missing_comes_to_what_was_granted_and_takes_nothing_away() {
        let granted =
            json!({ "http": [1], "private": [], "identities": "read", "responses": "handle" });
        let missing =
            json!({ "http": [2], "private": [3], "identities": "handle", "responses": "read" });
        let all =
            json!({ "http": [1, 2], "private": [3], "identities": "read", "responses": "read" });
        assert_eq!(added(granted, &missing), all);
    }

    #[test]
    fn a_version_that_refuses_the_configuration_cannot_be_approved() {
        let state = json!({ "waiting_versions": [
            { "version": "1.1", "reason": "needs_more" },
            { "version": "1.2", "reason": "refused" },
            { "version": "1.3", "reason": "not_now", "detail": "the plugin is being loaded" },
        ]});
        assert!(version_of(&state, "1.1").is_ok());
        for (version, told) in [("1.2", "refuses"), ("1.3", "being loaded"), ("2.0", "show")] {
            let error = version_of(&state, version).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
