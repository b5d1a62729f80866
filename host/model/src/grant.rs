//! What a connection may do: a need that the operator allowed. An absent grant denies.
//!
//! Checked in two places: when a connection or its secrets are written, and by the egress gate
//! at every send.

use std::collections::BTreeSet;

use crate::plan::{EgressNeed, Place, Query};

/// What a connection may reach and send there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    /// Where it may send requests.
    pub http: Vec<HttpGrant>,
    /// Which secrets it may send, where, and in which place.
    pub secrets: Vec<SecretGrant>,
}

/// Requests to one origin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpGrant {
    /// `scheme://host[:port]`, lower case, without a default port.
    pub origin: String,
    /// Verbs, as written.
    pub methods: BTreeSet<String>,
    /// Path prefix, matched by whole segments; `/` is every path.
    pub path_prefix: String,
    /// Whether a request may go there with certificates unchecked.
    pub unverified_tls: bool,
    /// Whether a body may be filled in verbatim.
    pub raw: bool,
}

/// One secret towards one origin, in certain places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretGrant {
    /// Key of the credentials.
    pub name: String,
    /// Where it may be sent.
    pub origin: String,
    /// Where in the request it may stand.
    pub places: BTreeSet<Place>,
}

impl Grants {
    /// The least that covers a plan: what an administrator grants by writing a configuration
    /// of a built-in connector. `is_identity` tells identities from secrets among the names.
    pub fn covering(
        queries: &[Query],
        egress: &[EgressNeed],
        is_identity: impl Fn(&str) -> bool,
    ) -> Self {
        let mut grants = Self::default();
        for query in queries {
            grants.add_http(&query.origin, &query.method, "/", !query.verify_tls, query.raw);
            for (name, place) in query.names.iter().filter(|(name, _)| !is_identity(name)) {
                grants.add_secret(name, &query.origin, [*place]);
            }
        }
        for need in egress {
            for method in &need.methods {
                grants.add_http(&need.origin, method, &need.path_prefix, false, false);
            }
            for name in &need.secrets {
                grants.add_secret(name, &need.origin, [Place::Header]);
            }
        }
        grants.http.sort();
        grants.secrets.sort();
        grants
    }

    fn add_http(&mut self, origin: &str, method: &str, prefix: &str, unverified: bool, raw: bool) {
        let same = |g: &&mut HttpGrant| {
            g.origin == origin
                && g.path_prefix == prefix
                && g.unverified_tls == unverified
                && g.raw == raw
        };
        match self.http.iter_mut().find(same) {
            Some(grant) => {
                grant.methods.insert(method.to_owned());
            }
            None => self.http.push(HttpGrant {
                origin: origin.to_owned(),
                methods: BTreeSet::from([method.to_owned()]),
                path_prefix: prefix.to_owned(),
                unverified_tls: unverified,
                raw,
            }),
        }
    }

    fn add_secret(&mut self, name: &str, origin: &str, places: impl IntoIterator<Item = Place>) {
        match self.secrets.iter_mut().find(|g| g.name == name && g.origin == origin) {
            Some(grant) => grant.places.extend(places),
            None => self.secrets.push(SecretGrant {
                name: name.to_owned(),
                origin: origin.to_owned(),
                places: places.into_iter().collect(),
            }),
        }
    }

    /// Whether a request may be sent.
    pub fn allows(
        &self,
        origin: &str,
        method: &str,
        path: &str,
        verify_tls: bool,
        raw: bool,
    ) -> bool {
        self.http.iter().any(|grant| {
            grant.origin == origin
                && grant.methods.contains(method)
                && path_has_prefix(path, &grant.path_prefix)
                && (verify_tls || grant.unverified_tls)
                && (!raw || grant.raw)
        })
    }

    /// Whether a secret may be sent to an origin in a place.
    pub fn allows_secret(&self, name: &str, origin: &str, place: Place) -> bool {
        self.secrets
            .iter()
            .any(|g| g.name == name && g.origin == origin && g.places.contains(&place))
    }
}

/// Whether `path` lies under `prefix`, by whole segments: `/v0` covers `/v0` and `/v0/users`,
/// not `/v00`.
fn path_has_prefix(path: &str, prefix: &str) -> bool {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_prefix_is_matched_by_whole_segments() {
        assert!(path_has_prefix("/v0", "/v0"));
        assert!(path_has_prefix("/v0/users", "/v0/"));
        assert!(path_has_prefix("/anything", "/"));
        assert!(!path_has_prefix("/v00", "/v0"));
        assert!(!path_has_prefix("/", "/v0"));
    }

    #[test]
    fn an_absent_grant_denies() {
        let grants = Grants::default();
        assert!(!grants.allows("https://api.acme.com", "GET", "/", true, false));
        assert!(!grants.allows_secret("credentials", "https://api.acme.com", Place::Header));
    }
}
