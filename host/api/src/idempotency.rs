//! `Idempotency-Key` of the `POST`s that create: the same key and body get the same answer.
//!
//! The work of such a request goes on to its end although the caller hangs up, so that a caller
//! who lost the connection gets the answer when it asks again.

use std::future::Future;

use axum::extract::FromRequestParts;
use cordon_engine::service::replay::Replay;
use cordon_model::TenantId;
use http::request::Parts;

use crate::State;
use crate::answer::Answer;
use crate::error::{ApiError, Code};

/// The header.
pub(crate) const HEADER: &str = "idempotency-key";

/// Longest key, in bytes.
const KEY_BYTES_MAX: usize = 255;

/// The key of a request, if it has one, and what it is for.
pub(crate) struct Idempotency {
    key: Option<String>,
    /// Method and path.
    route: String,
}

impl FromRequestParts<State> for Idempotency {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, ApiError> {
        let mut values = parts.headers.get_all(HEADER).iter();
        let key = match (values.next().map(|value| value.to_str()), values.next()) {
            (None, _) => None,
            (Some(Ok(key)), None) if (1..=KEY_BYTES_MAX).contains(&key.len()) => {
                Some(key.to_owned())
            }
            (Some(_), _) => {
                let detail = format!(
                    "Idempotency-Key must be one text of 1 to {KEY_BYTES_MAX} printable ASCII characters"
                );
                return Err(ApiError::new(Code::InvalidHeader, detail));
            }
        };
        Ok(Self { key, route: format!("{} {}", parts.method, parts.uri.path()) })
    }
}

impl Idempotency {
    /// Does the work, or gives the answer that it had before.
    pub(crate) async fn once(
        self,
        state: &State,
        tenant: Option<&TenantId>,
        body_sha256: [u8; 32],
        work: impl Future<Output = Result<Answer, ApiError>> + Send + 'static,
    ) -> Result<Answer, ApiError> {
        let Some(key) = self.key else { return work.await };
        let services = state.services.clone();
        let tenant = tenant.cloned();
        let claimed = async move {
            let begun =
                services.begin_replay(tenant.as_ref(), &self.route, &key, body_sha256).await?;
            let claim = match begun {
                Replay::Answered(status, parts) => return Answer::remembered(status, &parts),
                Replay::Fresh(claim) => claim,
            };
            let answer = work.await;
            // A refusal is not remembered: the corrected body may come under the same key.
            let remember = answer.as_ref().ok().map(Answer::to_remember).transpose()?;
            if let Err(error) = services.finish_replay(claim, remember).await {
                // The work is done and durable; what is lost is that a repetition knows of it.
                tracing::warn!(error.reason = %error, "an answer could not be remembered");
            }
            answer
        };
        let done = state.unfinished.spawn(claimed).await;
        done.unwrap_or_else(|_| Err(ApiError::plain(Code::Internal)))
    }
}
