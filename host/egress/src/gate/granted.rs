//! What a connection was granted, looked at for one attempt. Every refusal names what is missing.

use cordon_model::grant::{Grants, InvalidGrant, OriginPattern};

use super::denied;
use crate::render::Rendered;
use crate::send::{SendError, Stage};
use crate::target::Target;

/// What the connection may do, today.
pub(super) fn check(
    grants: &Grants,
    rendered: &Rendered,
    origin: &OriginPattern,
    verify_tls: bool,
) -> Result<(), SendError> {
    let (method, path, raw) = (rendered.method(), rendered.path(), rendered.raw);
    let to_here = || grants.http.iter().filter(|grant| grant.origin.covers(origin));
    if !grants.allows(origin, method, path, verify_tls, raw) {
        let (code, detail) = if to_here().next().is_none() {
            ("origin_not_granted", format!("requests to {origin} are not granted"))
        } else if grants.allows(origin, method, path, true, raw) {
            (
                "tls_unverified_not_granted",
                format!("unchecked certificates are not granted for {origin}"),
            )
        } else if grants.allows(origin, method, path, verify_tls, false) {
            ("raw_not_granted", format!("a verbatim body is not granted for {origin}"))
        } else if to_here().any(|grant| grant.methods.contains(method)) {
            ("path_not_granted", format!("this path of {origin} is not granted for {method}"))
        } else {
            ("method_not_granted", format!("{method} is not granted for {origin}"))
        };
        return Err(denied(Stage::Policy, code, detail));
    }
    for (name, place) in rendered.secrets.keys() {
        if !grants.allows_secret(name, origin, *place) {
            let place = place.as_str();
            let detail = format!("the secret {name} is not granted for {origin} in the {place}");
            return Err(denied(Stage::Policy, "secret_not_granted", detail));
        }
    }
    Ok(())
}

/// An origin as grants write it. The two readings agree on every origin that can be dialed; what
/// grants cannot name is not granted.
pub(super) fn origin_of(target: &Target) -> Result<OriginPattern, SendError> {
    target.origin.parse().map_err(|error: InvalidGrant| {
        let detail = format!("no grant can name the origin: {error}");
        denied(Stage::Policy, "origin_not_granted", detail)
    })
}
