//! Places in a URL: path segments and values of query parameters, nothing else.

use super::pairs::PairReader;
use super::{Placed, Reader, Slot};
use crate::names::{Reach, reach};
use crate::target::{Fault, Host, Target};

/// Reads a URL. What it finds of places holds only if the whole is a strict URL, which is
/// checked beside it.
#[derive(Default)]
pub(super) struct UrlReader {
    at: At,
    /// Literal text before the path, to find `://` in it.
    head: String,
    query: PairReader,
    percent: PercentState,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum At {
    #[default]
    Scheme,
    Authority,
    Path,
    Query,
    Fragment,
}

impl Reader for UrlReader {
    fn literal(&mut self, c: char) -> Result<(), Fault> {
        self.percent.read(c);
        self.at = match (self.at, c) {
            (At::Scheme, c) => {
                self.head.push(c);
                if self.head.ends_with("://") { At::Authority } else { At::Scheme }
            }
            (_, '#') => At::Fragment,
            (At::Authority | At::Path, '?') => At::Query,
            (At::Authority, '/') => At::Path,
            (At::Query, c) => {
                self.query.read(c);
                At::Query
            }
            (at, _) => at,
        };
        Ok(())
    }

    fn value(&mut self) -> Result<Slot, Fault> {
        if self.percent.is_open() {
            return Err(PARTIAL_PERCENT);
        }
        match self.at {
            At::Scheme => {
                Err(("placeholder_in_scheme", "a URL starts with a literal scheme and host"))
            }
            At::Authority => Err((
                "placeholder_in_host",
                "a placeholder must not stand in the user, host or port of a URL",
            )),
            At::Path => Ok(Slot::Path),
            At::Query => self.query.value().map(|()| Slot::Query),
            At::Fragment => Err(("placeholder_in_fragment", "a fragment is never sent")),
        }
    }

    fn finish(self) -> Vec<Placed> {
        Vec::new()
    }
}

/// A value after `%` or `%4` would become part of the encoding.
pub(super) const PARTIAL_PERCENT: Fault =
    ("partial_escape", "a placeholder must not stand inside a percent-encoding");

/// Whether the text stands inside a percent-encoding.
#[derive(Default)]
pub(super) struct PercentState(u8);

impl PercentState {
    /// Reads one character.
    pub(super) fn read(&mut self, c: char) {
        self.0 = if c == '%' { 2 } else { self.0.saturating_sub(1) };
    }

    /// Whether digits are still missing.
    pub(super) const fn is_open(&self) -> bool {
        self.0 > 0
    }
}

/// Names that no grant can open, as far as that can be said without the operator's settings.
pub(super) fn check_host(target: &Target) -> Option<Placed> {
    match &target.host {
        Host::Name(name) if reach(name) == Reach::Never => {
            Some((("host_reserved", "the platform's own services are never called"), None))
        }
        Host::Name(_) | Host::Address(_) => None,
    }
}
