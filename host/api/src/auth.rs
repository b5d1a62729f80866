//! From the `Authorization` header to a caller. Every handler but those of health and of the
//! OpenAPI document takes an [`Auth`] as its first argument, so that nothing else of the request
//! is looked at before its key. Who calls too often is told so here (see `rate`).

use std::time::Instant;

use axum::extract::FromRequestParts;
use cordon_engine::service::plugins::PluginAccess;
use cordon_engine::{Access, Caller, Services};
use cordon_model::TenantId;
use cordon_model::api_key::Scope;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::State;
use crate::error::{ApiError, Code};
use crate::rate::{RemoteAddress, TooOften};
use crate::uploads::Uploader;

/// Names the tenant that an operator's key acts for.
pub(crate) const TENANT_HEADER: &str = "cordon-tenant";

/// A caller whose key was checked, and who did not call too often.
pub(crate) struct Auth {
    pub(crate) caller: Caller,
    pub(crate) state: State,
    tenant: Option<String>,
}

impl Auth {
    pub(crate) fn services(&self) -> &Services {
        &self.state.services
    }

    /// The tenant that the header names.
    pub(crate) fn named_tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The tenant of its key or of the header, whether it is there or not.
    fn acts_for(&self) -> Option<TenantId> {
        let own = self.caller.tenant().cloned();
        own.or_else(|| self.named_tenant().and_then(|name| name.parse().ok()))
    }

    /// The caller, acting for the tenant of its key or of the header.
    pub(crate) async fn access(&self, scope: Scope) -> Result<Access, ApiError> {
        Ok(self.services().access(&self.caller, self.tenant.as_deref(), scope).await?)
    }

    /// The same for what takes no scope, because something else is the permission.
    pub(crate) async fn access_of_any_scope(&self) -> Result<Access, ApiError> {
        Ok(self.services().access_of_any_scope(&self.caller, self.tenant.as_deref()).await?)
    }

    /// The caller, acting for the plugins of the tenant of its key or of the header; an operator's
    /// key without it, for those of all.
    pub(crate) async fn plugin_access(&self, scope: Scope) -> Result<PluginAccess, ApiError> {
        Ok(self.services().plugin_access(&self.caller, self.tenant.as_deref(), scope).await?)
    }

    /// The caller, acting for the tenant that the path names.
    pub(crate) async fn access_to(&self, tenant: &str, scope: Scope) -> Result<Access, ApiError> {
        Ok(self.services().access(&self.caller, Some(tenant), scope).await?)
    }
}

impl FromRequestParts<State> for Auth {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, ApiError> {
        let remote = parts.extensions.get::<RemoteAddress>().copied();
        let auth = match authenticated(parts, state).await {
            Ok(auth) => auth,
            Err(refused) => {
                if let Some(remote) = remote.filter(|_| refused.key_is_none) {
                    let counted = state.rates.failed(remote, Instant::now());
                    counted.map_err(|too_often| limited("address", too_often))?;
                }
                return Err(refused.error);
            }
        };
        let caller = &auth.caller;
        if let (Some(tenant), Some(most)) = (caller.tenant(), caller.api_requests_per_minute_max())
        {
            let taken = state.rates.take(tenant, most, Instant::now());
            taken.map_err(|too_often| limited("tenant", too_often))?;
        }
        parts.extensions.insert(Uploader(auth.acts_for()));
        Ok(auth)
    }
}

fn limited(by: &'static str, too_often: TooOften) -> ApiError {
    metrics::counter!("cordon_http_rate_limited_total", "by" => by).increment(1);
    ApiError::rate_limited(too_often)
}

/// Why there is no caller.
struct Refused {
    error: ApiError,
    /// Because the key is none: somebody may be trying one after the other.
    key_is_none: bool,
}

async fn authenticated(parts: &Parts, state: &State) -> Result<Auth, Refused> {
    let refused = |error: ApiError| Refused { error, key_is_none: false };
    let bearer = bearer(parts).ok_or(cordon_engine::Error::Unauthenticated);
    let bearer = bearer.map_err(|error| refused(error.into()))?;
    let caller = state.services.authenticate(bearer).await.map_err(|error| Refused {
        key_is_none: matches!(error, cordon_engine::Error::Unauthenticated),
        error: error.into(),
    })?;
    let tenant = match parts.headers.get(TENANT_HEADER).map(|value| value.to_str()) {
        None => None,
        Some(Ok(tenant)) => Some(tenant.to_owned()),
        Some(Err(_)) => {
            let detail = "the header Cordon-Tenant must be the key of a tenant";
            return Err(refused(ApiError::new(Code::InvalidHeader, detail)));
        }
    };
    Ok(Auth { caller, state: state.clone(), tenant })
}

/// The token of `Authorization: Bearer <token>`, when there is exactly one such header.
fn bearer(parts: &Parts) -> Option<&str> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer_of(values: &[&str]) -> Option<String> {
        let mut request = http::Request::builder();
        for value in values {
            request = request.header(AUTHORIZATION, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        bearer(&parts).map(str::to_owned)
    }

    #[test]
    fn a_token_is_read_from_one_bearer_header_only() {
        assert_eq!(bearer_of(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(bearer_of(&["bearer abc"]).as_deref(), Some("abc"));
        for bad in [&[][..], &["Basic abc"], &["Bearer"], &["Bearer "], &["Bearer a", "Bearer b"]] {
            assert_eq!(bearer_of(bad), None, "{bad:?}");
        }
    }
}
