//! Values that must not be found somewhere, in every form in which they could be there.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A stretch of zeros holds no needle, and most of a guest's memory is one.
const ZEROS: [u8; 4096] = [0; 4096];

/// How many forms of a value are looked for.
pub(crate) const FORMS: usize = 12;

/// Bytes of the beginning of a value that are looked for by themselves.
const BEGINNING: usize = 12;

/// What is looked for.
pub(crate) struct Needles {
    values: Vec<String>,
    forms: AhoCorasick,
}

impl Needles {
    pub(crate) fn new(values: impl IntoIterator<Item = String>) -> Self {
        let values: Vec<String> = values.into_iter().collect();
        let forms = values.iter().flat_map(|value| forms(value));
        // Many needles in much hay: the time to build it comes back.
        let forms = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(forms).unwrap();
        Self { values, forms }
    }

    /// How many values there are, times their forms.
    pub(crate) fn len(&self) -> usize {
        self.forms.patterns_len()
    }

    /// The values of which some form stands in the hay.
    pub(crate) fn found_in(&self, hay: &[u8]) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        for stretch in stretches(hay) {
            for hit in self.forms.find_iter(stretch) {
                found.insert(self.values[hit.pattern().as_usize() / FORMS].as_str());
            }
        }
        found
    }
}

/// The hay without what is all zeros.
fn stretches(hay: &[u8]) -> Vec<&[u8]> {
    let mut stretches = Vec::new();
    let mut begin = None;
    for (n, page) in hay.chunks(ZEROS.len()).enumerate() {
        let at = n * ZEROS.len();
        if page == &ZEROS[..page.len()] {
            stretches.extend(begin.take().map(|begin| &hay[begin..at]));
        } else {
            begin.get_or_insert(at);
        }
    }
    stretches.extend(begin.map(|begin| &hay[begin..]));
    stretches
}

/// A value as it is and as it could have been encoded. A form that does not differ is there twice.
fn forms(value: &str) -> [Vec<u8>; FORMS] {
    let bytes = value.as_bytes();
    let json = serde_json::to_string(value).unwrap();
    let xml = value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    [
        bytes.to_vec(),
        base64_at(bytes, 0, STANDARD_NO_PAD.encode(bytes)),
        base64_at(bytes, 1, STANDARD_NO_PAD.encode([b" ", bytes].concat())),
        base64_at(bytes, 2, STANDARD_NO_PAD.encode([b"  ", bytes].concat())),
        base64_at(bytes, 0, URL_SAFE_NO_PAD.encode(bytes)),
        hex::encode(bytes).into_bytes(),
        hex::encode_upper(bytes).into_bytes(),
        utf8_percent_encode(value, NON_ALPHANUMERIC).to_string().into_bytes(),
        json.as_bytes()[1..json.len() - 1].to_vec(),
        xml.into_bytes(),
        bytes.iter().rev().copied().collect(),
        bytes[..bytes.len().min(BEGINNING)].to_vec(),
    ]
}

/// The characters of Base64 that hold nothing but bits of the value, with `before` bytes ahead.
fn base64_at(bytes: &[u8], before: usize, encoded: String) -> Vec<u8> {
    let first = (before * 8).div_ceil(6);
    let end = (before + bytes.len()) * 8 / 6;
    encoded.as_bytes()[first..end].to_vec()
}

#[test]
fn every_form_of_a_value_is_found_wherever_it_stands() {
    let value = "a\"<b&c>+0123456789abcdef/é";
    let needles = Needles::new([value.to_owned(), "another value".to_owned()]);
    assert_eq!(needles.len(), 2 * FORMS);
    for (n, form) in forms(value).into_iter().enumerate() {
        for at in [0, 4090, 8191] {
            let mut hay = vec![0; 20_000];
            hay[at..at + form.len()].copy_from_slice(&form);
            assert_eq!(needles.found_in(&hay), BTreeSet::from([value]), "form {n} at {at}");
        }
    }
    for before in ["", "x", "xy", "xyz"] {
        let encoded = STANDARD_NO_PAD.encode(format!("{before}{value}, and more"));
        assert_eq!(needles.found_in(encoded.as_bytes()).len(), 1, "after {before:?}");
    }
    assert!(needles.found_in(b"nothing of it").is_empty());
}
