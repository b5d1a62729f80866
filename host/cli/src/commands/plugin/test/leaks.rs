//! The last look at a recording before it is written: no identity, no secret and no value that
//! was replaced may stand in it, in any common encoding.

use anyhow::bail;
use cordon_egress::appearances;

use super::scrub::Scrub;

/// Shorter encoded forms would be found by chance.
const ENCODED_BYTES_MIN: usize = 6;
/// A shorter value is found only where it stands alone.
const ALONE_BYTES_MAX: usize = 7;
/// Shorter identities say nothing.
const NAMED_BYTES_MIN: usize = 3;

/// Words that every recording holds.
const WORDS: [&str; 12] = [
    "recorded",
    "cassette",
    "example",
    "exchanges",
    "request",
    "response",
    "status",
    "outcome",
    "records",
    "connection",
    "expect",
    "identities",
];

/// # Errors
/// When something of the recorded run is left in the text; says whose it is, never what.
pub(super) fn refuse(text: &str, scrub: &Scrub) -> anyhow::Result<()> {
    for (name, value) in scrub.names().values() {
        if value.len() >= NAMED_BYTES_MIN && stands_in(text, value) {
            bail!("the cassette would hold the value of {{{name}}}; nothing was written");
        }
    }
    for value in scrub.replaced().filter(|value| !WORDS.contains(value)) {
        if stands_in(text, value) {
            bail!(
                "the cassette would hold a text of {} bytes that a response holds and the \
                 connector repeats in another form; nothing was written",
                value.len()
            );
        }
    }
    Ok(())
}

fn stands_in(text: &str, value: &str) -> bool {
    appearances(value).iter().any(|form| {
        let Ok(form) = std::str::from_utf8(form) else { return false };
        if form != value && form.len() < ENCODED_BYTES_MIN {
            return false;
        }
        text.match_indices(form)
            .any(|(at, _)| form.len() > ALONE_BYTES_MAX || stands_alone(text, at, at + form.len()))
    })
}

fn stands_alone(text: &str, from: usize, to: usize) -> bool {
    let before = text.get(..from).and_then(|before| before.chars().next_back());
    let after = text.get(to..).and_then(|after| after.chars().next());
    [before, after].into_iter().all(|c| !c.is_some_and(char::is_alphanumeric))
}
