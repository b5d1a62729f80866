//! What became of the policy's webhooks for one request.

use cordon_model::request::{WebhookRun, WebhookState};
use serde::Serialize;
use utoipa::ToSchema;

use super::tasks::FailureView;

/// One webhook of the policy, for one request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookRun)]
pub(crate) struct WebhookRunView {
    /// Id of the webhook.
    id: String,
    /// `pre_execution` or `post_execution`
    phase: &'static str,
    /// Its place in its phase.
    order: u32,
    /// `one_way` or `two_way`
    direction: &'static str,
    /// `queued`, `waiting`, `done`, `halted`, `failed`, `withdrawn`
    state: &'static str,
    /// How often it was tried since it was last queued.
    attempts: u32,
    /// RFC 3339. When it is tried again, while it is waiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// RFC 3339. Since when it is where it is, once it was told or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// Why it could not be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureView>,
}

impl From<&WebhookRun> for WebhookRunView {
    fn from(webhook: &WebhookRun) -> Self {
        let (mut until, mut since, mut failure) = (None, None, None);
        match &webhook.state {
            WebhookState::Queued => {}
            WebhookState::Waiting { until: time } => until = Some(time.to_string()),
            WebhookState::Done { at }
            | WebhookState::Halted { at, .. }
            | WebhookState::Withdrawn { at } => since = Some(at.to_string()),
            WebhookState::Failed { failure: why, at } => {
                (failure, since) = (Some(why.clone().into()), Some(at.to_string()));
            }
        }
        Self {
            id: webhook.id.to_string(),
            phase: webhook.phase.as_str(),
            order: webhook.order,
            direction: webhook.direction.as_str(),
            state: webhook.state.as_str(),
            attempts: webhook.attempts,
            until,
            since,
            failure,
        }
    }
}
