//! Plays a cassette to its connector and compares.

use std::sync::Arc;

use cordon_runtime::Tape;
use serde_json::Value;

use super::cassette::{Cassette, Expected, Failed};
use super::difference::Mismatch;
use super::drive::{Came, Drive};
use super::names::Names;
use super::player::Playing;
use super::setting::Setting;
use crate::commands::plugin::sandbox::Sandbox;

/// Everything that is not as the cassette says; the first segment with a difference ends it.
///
/// # Errors
/// When the cassette cannot be run at all.
pub(super) async fn play(cassette: &Cassette, sandbox: &Sandbox) -> anyhow::Result<Vec<Mismatch>> {
    let setting = Setting::of(cassette, sandbox).await?;
    let mut drive = Drive::new(sandbox, cassette, &setting);
    for (n, segment) in cassette.segments.iter().enumerate() {
        let at = format!("/segments/{n}");
        let came = match run(cassette, &setting, &mut drive, n).await? {
            Ok(came) => came,
            Err(mismatch) => return Ok(vec![mismatch]),
        };
        if revealed(&segment.expect, &setting.names) != came.to {
            let mismatch = Mismatch::new(format!("{at}/expect"), "the run came to something else");
            return Ok(vec![mismatch.expecting(&segment.expect, came, &setting.names)]);
        }
    }
    Ok(Vec::new())
}

/// What comes of one segment, whatever is expected.
///
/// # Errors
/// When it cannot be run at all.
pub(super) async fn run(
    cassette: &Cassette,
    setting: &Setting,
    drive: &mut Drive<'_>,
    n: usize,
) -> anyhow::Result<Result<Came, Mismatch>> {
    let at = format!("/segments/{n}");
    let segment = cassette.segments.get(n);
    let exchanges = segment.map(|segment| segment.exchanges.clone()).unwrap_or_default();
    let input = segment.and_then(|segment| segment.input.as_ref());
    let reads = !setting.reads.is_empty();
    let playing = Playing::new(format!("{at}/exchanges"), exchanges, setting.names.clone(), reads);
    let playing = Arc::new(playing);
    let tape = Tape::Player(Arc::clone(&playing) as _);
    let ended = drive.next(input, tape).await;
    let log = playing.log();
    // What was sent says more than what came of it.
    if let Some(mismatch) = playing.mismatch() {
        return Ok(Err(mismatch.logged(log)));
    }
    let ended = ended.map(|came| Came { log: log.clone(), ..came });
    Ok(match (ended, playing.unsent(), segment) {
        (Err(error), ..) => Err(Mismatch::new(at, format!("{error:#}")).logged(log)),
        // A request may stay unsent because the host refused the one before it.
        (Ok(came), Some(unsent), Some(segment)) => {
            Err(unsent.expecting(&segment.expect, came, &setting.names))
        }
        (Ok(_), Some(unsent), None) => Err(unsent.logged(log)),
        (Ok(came), None, _) => Ok(came),
    })
}

impl Mismatch {
    /// With what the run came to, where it is not what it must come to.
    fn expecting(self, expected: &Expected, came: Came, names: &Names) -> Self {
        let expected = revealed(expected, names);
        let mismatch = self.logged(came.log);
        if expected == came.to {
            return mismatch;
        }
        let kinds = [&expected, &came.to].map(kind);
        let [expected, actual] = [&expected, &came.to].map(|side| concealed(side, names));
        let mut mismatch = mismatch.failed(came.failure);
        if expected == actual {
            mismatch.message.push_str("; it holds a value in another encoding");
        }
        match kinds {
            [one, other] if one == other => {
                mismatch.compare_documents("expect", &expected, &actual)
            }
            kinds => mismatch.compare_kinds("expect", kinds, [&expected, &actual]),
        }
    }
}

/// The kind of an outcome, in a few words.
fn kind(of: &Expected) -> String {
    let word = serde_json::to_value(of.outcome).ok();
    let word = word.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    match &of.failure {
        None => word,
        Some(Failed { code, label: None }) => format!("{word} with {code}"),
        Some(Failed { code, label: Some(label) }) => format!("{word} with {code} at {label}"),
    }
}

/// With the values that the cassette's names stand for, as the connector returns them.
fn revealed(expected: &Expected, names: &Names) -> Expected {
    let mut expected = expected.clone();
    for list in expected.records.iter_mut().flatten() {
        *list = names.reveal_in(list);
    }
    for value in expected.identities.iter_mut().flatten() {
        *value = names.reveal(value);
    }
    expected
}

/// As a cassette holds it.
pub(super) fn concealed(actual: &Expected, names: &Names) -> Value {
    names.conceal_in(&serde_json::to_value(actual).unwrap_or_default())
}
