//! What a connection may do: a need that the operator allowed. An absent grant denies.
//!
//! A plugin's plan says what a configuration needs; the connection's grants, the operator's
//! [`EgressPolicy`] and the needs together say what it may do. Checked in two places: when a
//! connection or its grants are written, and by the egress gate at every send. Deliberately knows
//! no address that a name leads to: the gate asks.

mod exact_path;
mod host_pattern;
mod invalid;
mod limits;
mod need;
mod network;
mod origin;
mod path_prefix;
mod paths;
mod policy;
mod public_suffix;

use std::collections::BTreeSet;

pub use exact_path::ExactPath;
pub use host_pattern::HostPattern;
pub use invalid::InvalidGrant;
pub use limits::EgressLimits;
pub use network::PrivateNetwork;
pub use origin::OriginPattern;
pub use path_prefix::PathPrefix;
pub use paths::Paths;
pub use policy::{EgressPolicy, PolicyRefusal};

use crate::plan::Place;
use crate::plugin::ReadGrant;

/// What a connection may reach, send there, and see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    /// Where it may send requests.
    pub http: Vec<HttpGrant>,
    /// Private networks that these hosts may lead to. Opens no host by itself.
    pub private: Vec<PrivateNetwork>,
    /// Which secrets it may send, where, and in which place.
    pub secrets: Vec<SecretGrant>,
    /// What its plugin may see of what is otherwise a number to it.
    pub reads: BTreeSet<ReadGrant>,
}

/// Requests to some origins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpGrant {
    /// Where.
    pub origin: OriginPattern,
    /// Verbs, as written.
    pub methods: BTreeSet<String>,
    /// Which of its paths.
    pub paths: Paths,
    /// Whether a request may go there with certificates unchecked.
    pub unverified_tls: bool,
    /// Whether a body may be filled in verbatim.
    pub raw: bool,
}

/// One secret towards some origins, in certain places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretGrant {
    /// Key of the credentials.
    pub name: String,
    /// Where it may be sent.
    pub origin: OriginPattern,
    /// Where in the request it may stand.
    pub places: BTreeSet<Place>,
}

/// Whether a text is a verb that a grant may name.
///
/// # Errors
/// When it is none.
pub fn check_method(method: &str) -> Result<(), InvalidGrant> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let never = ["TRACE", "CONNECT"].iter().any(|verb| method.eq_ignore_ascii_case(verb));
    let plain = (1..=64).contains(&method.len()) && method.bytes().all(token);
    if plain && !never && method != "*" { Ok(()) } else { Err(InvalidGrant::Method) }
}

impl Grants {
    /// Whether nothing is granted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a request may be sent. `origin` is exact, `path` as it is sent.
    pub fn allows(
        &self,
        origin: &OriginPattern,
        method: &str,
        path: &str,
        verify_tls: bool,
        raw: bool,
    ) -> bool {
        self.http.iter().any(|grant| {
            grant.origin.covers(origin)
                && grant.methods.contains(method)
                && grant.paths.covers(path)
                && (verify_tls || grant.unverified_tls)
                && (!raw || grant.raw)
        })
    }

    /// Whether a secret may be sent to an origin in a place.
    pub fn allows_secret(&self, name: &str, origin: &OriginPattern, place: Place) -> bool {
        self.secrets
            .iter()
            .any(|g| g.name == name && g.origin.covers(origin) && g.places.contains(&place))
    }

    /// What is in here and in `needs`: what a connection with these grants can do. Private
    /// networks stay as they were granted, because no plan can say where a name leads.
    #[must_use]
    pub fn limited_to(&self, needs: &Self) -> Self {
        let mut both = Self {
            private: self.private.clone(),
            reads: &self.reads & &needs.reads,
            ..Self::default()
        };
        for need in &needs.http {
            for grant in self.http.iter().filter_map(|grant| grant.intersect(need)) {
                both.add_http(grant);
            }
        }
        for need in &needs.secrets {
            for grant in self.secrets.iter().filter_map(|grant| grant.intersect(need)) {
                both.add_secret(grant);
            }
        }
        both.sort();
        both
    }

    /// What is in here and not covered by `granted`: what is still to be granted.
    #[must_use]
    pub fn beyond(&self, granted: &Self) -> Self {
        let http = self.http.iter().filter_map(|need| {
            let covered = |method: &String| granted.http.iter().any(|g| g.covers(need, method));
            let methods: BTreeSet<String> =
                need.methods.iter().filter(|method| !covered(method)).cloned().collect();
            (!methods.is_empty()).then(|| HttpGrant { methods, ..need.clone() })
        });
        let secrets = self.secrets.iter().filter_map(|need| {
            let covered = |place: &Place| granted.secrets.iter().any(|g| g.covers(need, *place));
            let places: BTreeSet<Place> =
                need.places.iter().filter(|place| !covered(place)).copied().collect();
            (!places.is_empty()).then(|| SecretGrant { places, ..need.clone() })
        });
        let private =
            self.private.iter().filter(|need| !granted.private.iter().any(|g| g.covers(need)));
        Self {
            http: http.collect(),
            private: private.copied().collect(),
            secrets: secrets.collect(),
            reads: &self.reads - &granted.reads,
        }
    }

    /// These grants and others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        others.http.into_iter().for_each(|grant| self.add_http(grant));
        others.secrets.into_iter().for_each(|grant| self.add_secret(grant));
        self.private.extend(others.private);
        self.reads.extend(others.reads);
        self.sort();
        self
    }

    /// In one order, each thing once.
    pub fn sort(&mut self) {
        self.http.sort();
        self.http.dedup();
        self.private.sort();
        self.private.dedup();
        self.secrets.sort();
        self.secrets.dedup();
    }

    fn add_http(&mut self, grant: HttpGrant) {
        let same = |known: &&mut HttpGrant| {
            known.origin == grant.origin
                && known.paths == grant.paths
                && known.unverified_tls == grant.unverified_tls
                && known.raw == grant.raw
        };
        match self.http.iter_mut().find(same) {
            Some(known) => known.methods.extend(grant.methods),
            None => self.http.push(grant),
        }
    }

    fn add_secret(&mut self, grant: SecretGrant) {
        let same =
            |known: &&mut SecretGrant| known.name == grant.name && known.origin == grant.origin;
        match self.secrets.iter_mut().find(same) {
            Some(known) => known.places.extend(grant.places),
            None => self.secrets.push(grant),
        }
    }
}

impl HttpGrant {
    fn intersect(&self, other: &Self) -> Option<Self> {
        let methods = &self.methods & &other.methods;
        let grant = Self {
            origin: self.origin.intersect(&other.origin)?,
            paths: self.paths.intersect(&other.paths)?,
            unverified_tls: self.unverified_tls && other.unverified_tls,
            raw: self.raw && other.raw,
            methods,
        };
        (!grant.methods.is_empty()).then_some(grant)
    }

    fn covers(&self, need: &Self, method: &str) -> bool {
        self.origin.covers(&need.origin)
            && self.methods.contains(method)
            && self.paths.covers_all(&need.paths)
            && (self.unverified_tls || !need.unverified_tls)
            && (self.raw || !need.raw)
    }
}

impl SecretGrant {
    fn intersect(&self, other: &Self) -> Option<Self> {
        let places = &self.places & &other.places;
        let origin = self.origin.intersect(&other.origin)?;
        let one = self.name == other.name && !places.is_empty();
        one.then(|| Self { name: self.name.clone(), origin, places })
    }

    fn covers(&self, need: &Self, place: Place) -> bool {
        self.name == need.name && self.origin.covers(&need.origin) && self.places.contains(&place)
    }
}

#[cfg(test)]
mod tests;
