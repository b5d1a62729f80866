//! The leak scan: does an answer repeat a secret that was sent?
//!
//! Redaction would falsify records in silence, so a hit fails the call. Looks for each secret of
//! 8 bytes or more as it is and in common encodings, in a stream, so that a body is scanned while
//! it is read. Called while an answer is received.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use cordon_model::Secret;
use zeroize::{Zeroize as _, Zeroizing};

/// Shorter secrets would be found by chance.
const SECRET_BYTES_MIN: usize = 8;
/// Of a longer secret the beginning is looked for, which finds the whole as well.
const SECRET_BYTES_SCANNED: usize = 256;

/// The forms in which a value may stand in a text: as it is, and in common encodings. For whoever
/// has to find one that must not be there.
pub fn appearances(value: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let mut forms = BTreeSet::new();
    encodings(value, &mut forms);
    forms.into_iter().map(Zeroizing::new).collect()
}

/// Looks for secrets in a stream of bytes.
pub(crate) struct Scanner {
    needles: Vec<Zeroizing<Vec<u8>>>,
    /// Which bytes begin a needle.
    first: [bool; 256],
    longest: usize,
    /// The end of what was seen: a needle may continue in the next chunk.
    tail: Zeroizing<Vec<u8>>,
}

impl Scanner {
    /// A scanner for these secrets.
    pub(crate) fn new<'a>(secrets: impl Iterator<Item = &'a Secret>) -> Self {
        let mut needles = BTreeSet::new();
        for secret in secrets.filter(|secret| secret.expose().len() >= SECRET_BYTES_MIN) {
            encodings(secret.expose(), &mut needles);
        }
        let mut first = [false; 256];
        for needle in &needles {
            if let Some(slot) = needle.first().and_then(|b| first.get_mut(usize::from(*b))) {
                *slot = true;
            }
        }
        let longest = needles.iter().map(Vec::len).max().unwrap_or(0);
        let needles = needles.into_iter().map(Zeroizing::new).collect();
        Self { needles, first, longest, tail: Zeroizing::default() }
    }

    /// Whether a text that stands alone holds a secret.
    pub(crate) fn finds_in(&self, text: &[u8]) -> bool {
        !self.needles.is_empty() && self.search(text)
    }

    /// Whether a secret ends in this chunk of the stream.
    pub(crate) fn feed(&mut self, chunk: &[u8]) -> bool {
        if self.needles.is_empty() {
            return false;
        }
        self.tail.extend_from_slice(chunk);
        let found = self.search(&self.tail);
        let keep = self.longest.saturating_sub(1);
        let cut = self.tail.len().saturating_sub(keep);
        self.tail.drain(..cut);
        found
    }

    fn search(&self, text: &[u8]) -> bool {
        text.iter().enumerate().any(|(at, byte)| {
            self.first.get(usize::from(*byte)).is_some_and(|begins| *begins)
                && text
                    .get(at..)
                    .is_some_and(|rest| self.needles.iter().any(|needle| rest.starts_with(needle)))
        })
    }
}

/// The secret as it is, and as base64, hexadecimal, percent-encoded, JSON and XML text.
fn encodings(secret: &str, needles: &mut BTreeSet<Vec<u8>>) {
    let mut end = secret.len().min(SECRET_BYTES_SCANNED);
    while !secret.is_char_boundary(end) {
        end -= 1;
    }
    let secret = secret.get(..end).unwrap_or(secret);
    let mut add = |text: String| {
        needles.insert(text.into_bytes());
    };
    add(secret.to_owned());
    add(hex::encode(secret));
    add(hex::encode_upper(secret));
    for (plus, keep) in [("%20", "-._~"), ("+", "-._*"), ("%20", "-._~!'()*")] {
        let upper = percent_encoded(secret, plus, keep, true);
        add(percent_encoded(secret, plus, keep, false));
        add(upper);
    }
    let json = serde_json::Value::from(secret).to_string();
    let json = json.get(1..json.len() - 1).unwrap_or_default();
    add(json.replace('/', "\\/"));
    add(json.to_owned());
    add(secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
    for alphabet in [&alphabet::STANDARD, &alphabet::URL_SAFE] {
        let engine = GeneralPurpose::new(alphabet, GeneralPurposeConfig::new());
        for shift in 0..3 {
            add(base64_within(&engine, secret.as_bytes(), shift));
        }
    }
}

fn percent_encoded(secret: &str, space: &str, keep: &str, upper: bool) -> String {
    let mut out = String::new();
    for byte in secret.bytes() {
        match byte {
            b' ' => out.push_str(space),
            b if b.is_ascii_alphanumeric() || keep.as_bytes().contains(&b) => {
                out.push(char::from(b));
            }
            b if upper => out.push_str(&format!("%{b:02X}")),
            b => out.push_str(&format!("%{b:02x}")),
        }
    }
    out
}

/// What base64 of any text holds that has the secret at an offset of `shift` modulo 3: the
/// characters that depend on the secret alone.
fn base64_within(engine: &GeneralPurpose, secret: &[u8], shift: usize) -> String {
    let mut padded = vec![0_u8; shift];
    padded.extend_from_slice(secret);
    let whole = engine.encode(&padded);
    let skip = (shift * 8).div_ceil(6);
    let end = padded.len() * 8 / 6;
    padded.zeroize();
    whole.get(skip..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "p&ss/w\"rd+7 <x>";

    fn finds(secret: &str, text: &str) -> bool {
        let secret = Secret::new(secret.to_owned());
        let scanner = Scanner::new(std::iter::once(&secret));
        scanner.finds_in(text.as_bytes())
    }

    #[test]
    fn a_secret_is_found_in_every_common_encoding() {
        let standard = base64::engine::general_purpose::STANDARD;
        let url = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let mut texts = vec![
            SECRET.to_owned(),
            hex::encode(SECRET),
            hex::encode_upper(SECRET),
            "p%26ss%2Fw%22rd%2B7%20%3Cx%3E".to_owned(),
            "p%26ss%2fw%22rd%2b7%20%3cx%3e".to_owned(),
            "p%26ss%2Fw%22rd%2B7+%3Cx%3E".to_owned(),
            serde_json::json!({ "echo": SECRET }).to_string(),
            "p&ss\\/w\\\"rd+7 <x>".to_owned(),
            "p&amp;ss/w\"rd+7 &lt;x&gt;".to_owned(),
        ];
        for before in ["", "u", "us", "use", "user:"] {
            texts.push(standard.encode(format!("{before}{SECRET}")));
            texts.push(url.encode(format!("{before}{SECRET}~~~")));
        }
        for text in texts {
            assert!(finds(SECRET, &format!("before {text} after")), "{text}");
        }
    }

    #[test]
    fn other_text_and_short_secrets_are_left_alone() {
        assert!(!finds(SECRET, "p&ss/w\"rd+7 <y>"));
        assert!(!finds("7bytes!", "7bytes!"));
        assert!(finds("8 bytes!", "8 bytes!"));
        assert!(!Scanner::new(std::iter::empty()).finds_in(b"anything"));
    }

    #[test]
    fn a_secret_is_found_across_chunks_of_any_size() {
        let secret = Secret::new("correct horse".to_owned());
        let text = b"xxxxx correct correct horse xxxxx";
        for size in 1..=text.len() {
            let mut scanner = Scanner::new(std::iter::once(&secret));
            let hits = text.chunks(size).filter(|chunk| scanner.feed(chunk)).count();
            assert!(hits > 0, "chunks of {size}");
        }
    }

    #[test]
    fn of_a_long_secret_the_beginning_is_enough() {
        let long = "0123456789abcdef".repeat(64);
        assert!(finds(&long, &long));
        assert!(!finds(&long, &long[..200]));
    }
}
