//! Grants: what a connection may reach, send there, and see.

use cordon_engine::service::grants::{GrantsDraft, GrantsState, HttpGrantDraft, SecretGrantDraft};
use cordon_engine::service::plugins::{WaitingVersion, Why};
use cordon_model::grant::Grants;
use cordon_model::plugin::ReadGrant;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::FieldProblem;
use crate::json::Dto;

/// Grants as they are written. What is left out is not granted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GrantsObject)]
pub(crate) struct GrantsBody {
    /// Where it may send requests.
    #[serde(default)]
    http: Vec<HttpGrantBody>,
    /// Private networks that these hosts may lead to, like `10.20.0.0/16`.
    #[serde(default)]
    private: Vec<String>,
    /// Which secrets it may send, where, and in which place.
    #[serde(default)]
    secrets: Vec<SecretGrantBody>,
    /// `handle` (left out) or `read`: whether its plugin sees the identities it works with.
    identities: Option<String>,
    /// `handle` (left out) or `read`: whether its plugin sees what upstreams answer.
    responses: Option<String>,
}

/// Requests to some origins.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HttpGrantObject)]
pub(crate) struct HttpGrantBody {
    /// `scheme://host[:port]`; `*.` before the host stands for one or more labels.
    origin: String,
    /// Verbs; at least one.
    methods: Vec<String>,
    /// This path alone, byte for byte as it is sent.
    path: Option<String>,
    /// This path and what is below it, by whole segments. With neither: every path; with both it
    /// is refused.
    path_prefix: Option<String>,
    /// Whether certificates may stay unchecked.
    #[serde(default)]
    unverified_tls: bool,
    /// Whether a body may be filled in verbatim.
    #[serde(default)]
    raw: bool,
}

/// One secret towards some origins.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecretGrantObject)]
pub(crate) struct SecretGrantBody {
    /// Key of the credentials.
    name: String,
    /// `scheme://host[:port]`; `*.` before the host stands for one or more labels.
    origin: String,
    /// `url`, `header`, `body`; at least one.
    places: Vec<String>,
}

impl Dto for GrantsBody {}

impl From<GrantsBody> for GrantsDraft {
    fn from(body: GrantsBody) -> Self {
        let http = body.http.into_iter().map(|grant| HttpGrantDraft {
            origin: grant.origin,
            methods: grant.methods,
            path: grant.path,
            path_prefix: grant.path_prefix,
            unverified_tls: grant.unverified_tls,
            raw: grant.raw,
        });
        let secrets = body.secrets.into_iter().map(|grant| SecretGrantDraft {
            name: grant.name,
            origin: grant.origin,
            places: grant.places,
        });
        Self {
            http: http.collect(),
            private: body.private,
            secrets: secrets.collect(),
            identities: body.identities,
            responses: body.responses,
        }
    }
}

/// The grants of a connection, from every side.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectionGrants)]
pub(crate) struct ConnectionGrantsView {
    /// `granted`, or `waiting`: something that it needs is not granted, and nothing of it is sent.
    approval: &'static str,
    /// What its configuration needs.
    needs: GrantsView,
    /// What it was granted.
    granted: GrantsView,
    /// What it can do: needed, granted, and allowed by the operator.
    effective: GrantsView,
    /// Denied by the operator although a wildcard of `effective` covers it.
    except: Vec<String>,
    /// What it needs and was not granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<GrantsView>,
    /// Versions of its plugin that it is not with: newer ones that are installed, and the active
    /// one when it stayed behind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    waiting_versions: Vec<WaitingVersionView>,
}

/// A version of its plugin that a connection is not with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WaitingVersion)]
pub(crate) struct WaitingVersionView {
    /// Name of the plugin.
    name: String,
    /// The version.
    version: String,
    /// SHA-256 of the component.
    digest: String,
    /// Whether it is the active version, and the connection stayed behind.
    active: bool,
    /// Why the connection would not go over to it; left out: it would. `needs_more`: it would need
    /// more than it was granted. `refused`: the version refuses its configuration. `not_now`: it
    /// could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// What the connection would need with it beyond what it was granted. It can be granted before
    /// the switch.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<GrantsView>,
    /// What the version finds wrong with its configuration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    problems: Vec<FieldProblem>,
    /// Why it could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl From<WaitingVersion> for WaitingVersionView {
    fn from(waiting: WaitingVersion) -> Self {
        let WaitingVersion { plugin, active, hindrance, missing } = waiting;
        let reason = hindrance.as_ref().map(Why::as_str);
        let (problems, detail) = match hindrance {
            Some(Why::Refused(found)) => {
                (found.into_iter().map(FieldProblem::from).collect(), None)
            }
            Some(Why::NotNow(why)) => (Vec::new(), Some(why)),
            Some(Why::NeedsMore(_)) | None => (Vec::new(), None),
        };
        Self {
            name: plugin.name,
            version: plugin.version,
            digest: plugin.digest.to_string(),
            active,
            reason,
            missing: (!missing.is_empty()).then(|| missing.into()),
            problems,
            detail,
        }
    }
}

impl From<GrantsState> for ConnectionGrantsView {
    fn from(state: GrantsState) -> Self {
        let missing = (!state.missing.is_empty()).then_some(state.missing);
        Self {
            approval: approval(missing.is_some()),
            needs: state.needs.into(),
            granted: state.granted.into(),
            effective: state.effective.into(),
            except: state.except.iter().map(ToString::to_string).collect(),
            missing: missing.map(GrantsView::from),
            waiting_versions: state.waiting_versions.into_iter().map(Into::into).collect(),
        }
    }
}

/// The word for a connection that waits for approval, and for one that does not.
pub(crate) const fn approval(waits: bool) -> &'static str {
    if waits { "waiting" } else { "granted" }
}

/// What a connection may reach, send there, and see.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Grants)]
pub(crate) struct GrantsView {
    /// Where it may send requests.
    http: Vec<HttpGrantView>,
    /// Private networks that these hosts may lead to.
    private: Vec<String>,
    /// Which secrets it may send, where, and in which place.
    secrets: Vec<SecretGrantView>,
    /// `handle` or `read`: whether its plugin sees the identities it works with.
    identities: &'static str,
    /// `handle` or `read`: whether its plugin sees what upstreams answer.
    responses: &'static str,
}

/// Requests to some origins.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HttpGrant)]
pub(crate) struct HttpGrantView {
    /// `scheme://host[:port]`; `*.` before the host stands for one or more labels.
    origin: String,
    /// Verbs.
    methods: Vec<String>,
    /// This path alone. There is either `path` or `path_prefix`.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// This path and what is below it, by whole segments.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_prefix: Option<String>,
    /// Whether certificates may stay unchecked.
    unverified_tls: bool,
    /// Whether a body may be filled in verbatim.
    raw: bool,
}

/// One secret towards some origins.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecretGrant)]
pub(crate) struct SecretGrantView {
    /// Key of the credentials.
    name: String,
    /// Where it may be sent.
    origin: String,
    /// `url`, `header`, `body`
    places: Vec<&'static str>,
}

impl From<Grants> for GrantsView {
    fn from(grants: Grants) -> Self {
        let word = |grant| if grants.reads.contains(&grant) { "read" } else { "handle" };
        let (identities, responses) = (word(ReadGrant::Identities), word(ReadGrant::Responses));
        let http = grants.http.into_iter().map(|grant| HttpGrantView {
            origin: grant.origin.to_string(),
            methods: grant.methods.into_iter().collect(),
            path: grant.paths.path().map(str::to_owned),
            path_prefix: grant.paths.path_prefix().map(str::to_owned),
            unverified_tls: grant.unverified_tls,
            raw: grant.raw,
        });
        let secrets = grants.secrets.into_iter().map(|grant| SecretGrantView {
            name: grant.name,
            origin: grant.origin.to_string(),
            places: grant.places.into_iter().map(|place| place.as_str()).collect(),
        });
        Self {
            http: http.collect(),
            private: grants.private.iter().map(ToString::to_string).collect(),
            secrets: secrets.collect(),
            identities,
            responses,
        }
    }
}
