//! Plays a cassette to its connector and compares.

use std::sync::Arc;

use cordon_runtime::Tape;

use super::cassette::{Cassette, Expected};
use super::difference::Mismatch;
use super::drive::Drive;
use super::names::Names;
use super::player::Playing;
use super::setting::Setting;
use crate::commands::plugin::sandbox::Sandbox;

/// Everything that is not as the cassette says; the first segment with a difference ends it.
///
/// # Errors
/// When the cassette cannot be run at all.
pub(super) async fn play(cassette: &Cassette, sandbox: &Sandbox) -> anyhow::Result<Vec<Mismatch>> {
    let setting = Setting::of(cassette, sandbox, None).await?;
    let mut drive = Drive::new(sandbox, cassette, &setting);
    for (n, segment) in cassette.segments.iter().enumerate() {
        let at = format!("/segments/{n}");
        let actual = match run(cassette, &setting, &mut drive, n).await? {
            Ok(actual) => actual,
            Err(mismatch) => return Ok(vec![mismatch]),
        };
        let mismatch =
            differences(&format!("{at}/expect"), &segment.expect, &actual, &setting.names);
        if !mismatch.parts.is_empty() {
            return Ok(vec![mismatch]);
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
) -> anyhow::Result<Result<Expected, Mismatch>> {
    let at = format!("/segments/{n}");
    let segment = cassette.segments.get(n);
    let exchanges = segment.map(|segment| segment.exchanges.clone()).unwrap_or_default();
    let input = segment.and_then(|segment| segment.input.as_ref());
    let reads = !setting.reads.is_empty();
    let playing = Playing::new(format!("{at}/exchanges"), exchanges, setting.names.clone(), reads);
    let playing = Arc::new(playing);
    let tape = Tape::Player(Arc::clone(&playing) as _);
    let ended = drive.next(input, tape).await;
    // What was sent says more than what came of it.
    match playing.mismatch() {
        // A request may stay unsent because the host refused the one before it.
        Some(mismatch) => Ok(Err(match &ended {
            Ok(actual) => mismatch.because(actual, &setting.names),
            Err(_) => mismatch,
        })),
        None => match ended {
            Ok(actual) => Ok(Ok(actual)),
            Err(error) => Ok(Err(Mismatch::new(at, format!("{error:#}")))),
        },
    }
}

impl Mismatch {
    /// With what the run came to.
    fn because(self, actual: &Expected, names: &Names) -> Self {
        let came = concealed(actual, names);
        self.compare("the run came to", None, Some(came))
    }
}

fn differences(at: &str, expected: &Expected, actual: &Expected, names: &Names) -> Mismatch {
    let revealed = revealed(expected, names);
    let mut mismatch = Mismatch::new(at, "the run came to something else");
    if revealed != *actual {
        let sides = [&revealed, actual].map(|side| concealed(side, names));
        let [expected, actual] = sides;
        mismatch = mismatch.compare("outcome", Some(expected), Some(actual));
    }
    mismatch
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
pub(super) fn concealed(actual: &Expected, names: &Names) -> String {
    let value = serde_json::to_value(actual).unwrap_or_default();
    serde_json::to_string_pretty(&names.conceal_in(&value)).unwrap_or_default()
}
