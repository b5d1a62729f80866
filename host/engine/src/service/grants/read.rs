//! From what a person wrote to grants that can be enforced: everything else is refused, each with
//! its place and the remedy.

use std::collections::BTreeSet;
use std::str::FromStr;

use cordon_model::grant::{
    Grants, HttpGrant, InvalidGrant, OriginPattern, Paths, PrivateNetwork, SecretGrant,
    check_method,
};
use cordon_model::plan::Place;
use cordon_model::plugin::ReadGrant;

use crate::Error;
use crate::service::problems::Problems;

/// Grants as they were written.
#[derive(Debug, Clone, Default)]
pub struct GrantsDraft {
    /// Where requests may go.
    pub http: Vec<HttpGrantDraft>,
    /// Private networks.
    pub private: Vec<String>,
    /// Secrets.
    pub secrets: Vec<SecretGrantDraft>,
    /// `handle` or `read`.
    pub identities: Option<String>,
    /// `handle` or `read`.
    pub responses: Option<String>,
}

/// Requests to some origins, as they were written.
#[derive(Debug, Clone)]
pub struct HttpGrantDraft {
    /// `scheme://host[:port]`
    pub origin: String,
    /// Verbs.
    pub methods: Vec<String>,
    /// This path alone.
    pub path: Option<String>,
    /// This path and what is below it. With neither: every path.
    pub path_prefix: Option<String>,
    /// Whether certificates may stay unchecked.
    pub unverified_tls: bool,
    /// Whether a body may be filled in verbatim.
    pub raw: bool,
}

/// A secret towards some origins, as it was written.
#[derive(Debug, Clone)]
pub struct SecretGrantDraft {
    /// Key of the credentials.
    pub name: String,
    /// `scheme://host[:port]`
    pub origin: String,
    /// `url`, `header`, `body`
    pub places: Vec<String>,
}

/// Reads grants; `most` bounds each list.
pub(super) fn read(draft: GrantsDraft, most: usize) -> Result<Grants, Error> {
    let mut problems = Problems::default();
    for (name, count) in [
        ("/http", draft.http.len()),
        ("/private", draft.private.len()),
        ("/secrets", draft.secrets.len()),
    ] {
        if count > most {
            problems.error("too_many", name, format!("must hold at most {most} grants"));
        }
    }
    let mut grants = Grants::default();
    for (n, grant) in draft.http.into_iter().enumerate() {
        grants.http.extend(read_http(&format!("/http/{n}"), grant, most, &mut problems));
    }
    for (n, network) in draft.private.into_iter().enumerate() {
        let network: Option<PrivateNetwork> =
            parsed(format!("/private/{n}"), &network, &mut problems);
        grants.private.extend(network);
    }
    for (n, grant) in draft.secrets.into_iter().enumerate() {
        grants.secrets.extend(read_secret(&format!("/secrets/{n}"), grant, &mut problems));
    }
    for (name, word, grant) in [
        ("/identities", draft.identities, ReadGrant::Identities),
        ("/responses", draft.responses, ReadGrant::Responses),
    ] {
        match word.as_deref() {
            None | Some("handle") => {}
            Some("read") => {
                grants.reads.insert(grant);
            }
            Some(_) => problems.error("invalid_value", name, "must be handle or read"),
        }
    }
    problems.finish()?;
    Ok(grants)
}

fn read_http(
    at: &str,
    draft: HttpGrantDraft,
    most: usize,
    problems: &mut Problems,
) -> Option<HttpGrant> {
    let HttpGrantDraft { origin, methods, path, path_prefix, unverified_tls, raw } = draft;
    let origin = grantable(format!("{at}/origin"), &origin, problems);
    let paths = read_paths(at, path.as_deref(), path_prefix.as_deref(), problems);
    if methods.is_empty() || methods.len() > most {
        let message = format!("must name 1 to {most} verbs");
        problems.error("invalid_length", format!("{at}/methods"), message);
    }
    for (n, method) in methods.iter().enumerate() {
        if let Err(error) = check_method(method) {
            refuse(format!("{at}/methods/{n}"), error, problems);
        }
    }
    let methods = methods.into_iter().collect();
    Some(HttpGrant { origin: origin?, methods, paths: paths?, unverified_tls, raw })
}

/// A problem stands at the field that is wrong; of two, at the one that can go.
fn read_paths(
    at: &str,
    path: Option<&str>,
    path_prefix: Option<&str>,
    problems: &mut Problems,
) -> Option<Paths> {
    let field = if path.is_some() { "path" } else { "path_prefix" };
    match Paths::read(path, path_prefix) {
        Ok(paths) => Some(paths),
        Err(error) => {
            refuse(format!("{at}/{field}"), error, problems);
            None
        }
    }
}

fn read_secret(at: &str, draft: SecretGrantDraft, problems: &mut Problems) -> Option<SecretGrant> {
    let SecretGrantDraft { name, origin, places } = draft;
    if name.is_empty() {
        problems.error("empty", format!("{at}/name"), "must be a key of the credentials");
    }
    let origin = grantable(format!("{at}/origin"), &origin, problems);
    if origin.as_ref().is_some_and(OriginPattern::is_any_host) {
        refuse(format!("{at}/origin"), InvalidGrant::SecretToAnyHost, problems);
    }
    if places.is_empty() {
        let message = "must name at least one of url, header, body";
        problems.error("empty", format!("{at}/places"), message);
    }
    let mut known = BTreeSet::new();
    for (n, word) in places.iter().enumerate() {
        let place = [Place::Url, Place::Header, Place::Body];
        match place.into_iter().find(|place| place.as_str() == word) {
            Some(place) => {
                known.insert(place);
            }
            None => {
                let message = "must be url, header or body";
                problems.error("invalid_value", format!("{at}/places/{n}"), message);
            }
        }
    }
    Some(SecretGrant { name, origin: origin?, places: known })
}

/// An origin that may be granted: not everybody's hosts below a public suffix.
fn grantable(pointer: String, text: &str, problems: &mut Problems) -> Option<OriginPattern> {
    let origin: OriginPattern = parsed(pointer.clone(), text, problems)?;
    match origin.check_width() {
        Ok(()) => Some(origin),
        Err(error) => {
            refuse(pointer, error, problems);
            None
        }
    }
}

fn parsed<T: FromStr<Err = InvalidGrant>>(
    pointer: String,
    text: &str,
    problems: &mut Problems,
) -> Option<T> {
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            refuse(pointer, error, problems);
            None
        }
    }
}

fn refuse(pointer: String, error: InvalidGrant, problems: &mut Problems) {
    problems.error(error.code(), pointer, error.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(origin: &str, methods: &[&str], path_prefix: Option<&str>) -> HttpGrantDraft {
        HttpGrantDraft {
            origin: origin.to_owned(),
            methods: methods.iter().map(|m| (*m).to_owned()).collect(),
            path: None,
            path_prefix: path_prefix.map(str::to_owned),
            unverified_tls: false,
            raw: false,
        }
    }

    fn secret(origin: &str, places: &[&str]) -> SecretGrantDraft {
        SecretGrantDraft {
            name: "token".to_owned(),
            origin: origin.to_owned(),
            places: places.iter().map(|p| (*p).to_owned()).collect(),
        }
    }

    #[test]
    fn what_cannot_be_enforced_is_refused_together_and_by_its_place() {
        let draft = GrantsDraft {
            http: vec![
                http("https://api.acme.com/v0", &["GET"], None),
                http("https://*.com", &["GET"], Some("/v0/*")),
                http("https://api.acme.com", &["TRACE"], None),
                http("https://api.acme.com", &[], None),
            ],
            private: ["10.20.3.4/16", "127.0.0.0/8"].map(str::to_owned).into(),
            secrets: vec![secret("https://*", &["cookie"]), secret("https://u:p@acme.com", &[])],
            identities: Some("write".to_owned()),
            responses: Some("handle".to_owned()),
        };
        let Err(Error::Invalid(problems)) = read(draft, 10) else { panic!("it has problems") };
        let found: Vec<_> =
            problems.iter().map(|p| (p.pointer.as_str(), p.code.as_str())).collect();
        let expected = [
            ("/http/0/origin", "path_in_origin"),
            ("/http/1/origin", "wildcard_too_wide"),
            ("/http/1/path_prefix", "invalid_path_prefix"),
            ("/http/2/methods/0", "invalid_method"),
            ("/http/3/methods", "invalid_length"),
            ("/private/0", "host_bits_set"),
            ("/private/1", "network_not_grantable"),
            ("/secrets/0/origin", "secret_to_any_host"),
            ("/secrets/0/places/0", "invalid_value"),
            ("/secrets/1/origin", "userinfo_in_origin"),
            ("/secrets/1/places", "empty"),
            ("/identities", "invalid_value"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn paths_are_one_path_or_a_prefix_and_never_both() {
        let with = |path: Option<&str>, prefix: Option<&str>| HttpGrantDraft {
            path: path.map(str::to_owned),
            ..http("https://api.acme.com", &["GET"], prefix)
        };
        let read_one = |grant: HttpGrantDraft| match read(
            GrantsDraft { http: vec![grant], ..Default::default() },
            10,
        ) {
            Ok(grants) => Ok(grants.http[0].paths.clone()),
            Err(Error::Invalid(problems)) => {
                Err((problems[0].pointer.clone(), problems[0].code.clone()))
            }
            Err(other) => panic!("{other}"),
        };
        assert_eq!(read_one(with(None, None)), Ok(Paths::all()));
        let members = Paths::Exactly("/members".parse().unwrap());
        assert_eq!(read_one(with(Some("/members"), None)), Ok(members));
        let below = Paths::Under("/members".parse().unwrap());
        assert_eq!(read_one(with(None, Some("/members"))), Ok(below));
        for (path, prefix, pointer, code) in [
            (Some("/a"), Some("/a"), "/http/0/path", "path_and_path_prefix"),
            (Some("/a/*"), None, "/http/0/path", "invalid_path"),
            (None, Some("/a/*"), "/http/0/path_prefix", "invalid_path_prefix"),
        ] {
            let expected = Err((pointer.to_owned(), code.to_owned()));
            assert_eq!(read_one(with(path, prefix)), expected);
        }
    }

    #[test]
    fn a_list_has_an_end() {
        let draft = GrantsDraft { private: vec!["10.0.0.0/8".to_owned(); 3], ..Default::default() };
        assert!(matches!(read(draft, 2), Err(Error::Invalid(_))));
    }
}
