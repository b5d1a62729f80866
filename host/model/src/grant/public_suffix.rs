//! Domains under which strangers have their hosts, by the Public Suffix List, private section
//! included. The list is compiled in; a newer one comes with a newer dependency. Called when
//! somebody writes a wildcard.

use psl::{List, Psl as _};

/// Whether a wildcard over this name would cover hosts of many owners: the name is a public
/// suffix itself (`co.uk`, `github.io`, any single label), or there are some below it
/// (`amazonaws.com` holds `s3.amazonaws.com`). Lower case, without a trailing dot.
pub(super) fn covers_strangers(name: &str) -> bool {
    let mut labels = Labels { rest: name.rsplit('.'), asked_for_more: false };
    let found = List.find(&mut labels);
    found.len >= name.len() || labels.asked_for_more
}

/// The labels of a name from the right. The list asks for one more than there are exactly when it
/// has rules below the whole name.
struct Labels<'a> {
    rest: std::str::RSplit<'a, char>,
    asked_for_more: bool,
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let label = self.rest.next();
        self.asked_for_more |= label.is_none();
        label.map(str::as_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_suffix_and_what_holds_some_is_everybodys() {
        for name in [
            "com",
            "internal",
            "co.uk",
            "com.au",
            "kawasaki.jp",
            "github.io",
            "herokuapp.com",
            "s3.amazonaws.com",
            "amazonaws.com",
            "compute.amazonaws.com",
            "fastly.net",
            "xn--p1ai",
        ] {
            assert!(covers_strangers(name), "{name}");
        }
    }

    #[test]
    fn what_is_below_a_public_suffix_has_one_owner() {
        for name in [
            "acme.com",
            "api.acme.com",
            "acme.co.uk",
            "acme.github.io",
            "acme.s3.amazonaws.com",
            "corp.internal",
            "xn--bcher-kva.example",
            "city.kawasaki.jp",
        ] {
            assert!(!covers_strangers(name), "{name}");
        }
    }
}
