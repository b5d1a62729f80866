//! What became of the policy's webhooks for one request.
//!
//! ```text
//! queued → done                   queued → waiting (until a time) → queued …
//!    │ └→ halted (token) → done        └→ failed → (resume) queued
//!    └→ withdrawn
//! ```
//!
//! Those of one phase run one after the other, in their order. A halted or failed one holds the
//! request as `paused`: it never vanishes.

use super::event::WebhookEvent;
use super::{PrivacyRequest, Work};
use crate::subject::{Identity, IdentitySource};
use crate::webhook::{Direction, WebhookAnswer, WebhookPhase};
use crate::{Failure, Timestamp, WebhookId};

/// One webhook of the policy, for one request. Where it is and its secret stand in its
/// definition: a corrected one is used at the next try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRun {
    /// Which.
    pub id: WebhookId,
    /// When it is told.
    pub phase: WebhookPhase,
    /// Its place in its phase.
    pub order: u32,
    /// Whether its answer counts.
    pub direction: Direction,
    /// How often it was tried since it was last queued.
    pub attempts: u32,
    /// Where it is.
    pub state: WebhookState,
}

/// Where a webhook of a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookState {
    /// To be told.
    Queued,
    /// To be told again at a time.
    Waiting {
        /// When.
        until: Timestamp,
    },
    /// It was told, and what it wanted was done.
    Done {
        /// When.
        at: Timestamp,
    },
    /// It halted the request until somebody resumes it.
    Halted {
        /// SHA-256 of the one-time token that resumes it.
        token_sha256: [u8; 32],
        /// When.
        at: Timestamp,
    },
    /// It could not be told.
    Failed {
        /// Why.
        failure: Failure,
        /// When.
        at: Timestamp,
    },
    /// Its definition was removed before it was told.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
}

impl WebhookState {
    /// The word used in the API.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Waiting { .. } => "waiting",
            Self::Done { .. } => "done",
            Self::Halted { .. } => "halted",
            Self::Failed { .. } => "failed",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }

    /// Whether the request waits for somebody to resume it.
    pub const fn is_paused(&self) -> bool {
        matches!(self, Self::Halted { .. } | Self::Failed { .. })
    }

    const fn is_over(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Withdrawn { .. })
    }
}

impl PrivacyRequest {
    /// The webhook that comes next in a phase; none: they are all over.
    pub(crate) fn next_webhook(&self, phase: WebhookPhase) -> Option<&WebhookRun> {
        let open = self.webhooks.iter().filter(|w| w.phase == phase && !w.state.is_over());
        open.min_by_key(|webhook| (webhook.order, webhook.id))
    }

    /// The webhook that holds the request as `paused`.
    pub fn paused_by(&self) -> Option<&WebhookRun> {
        if self.status() != super::Status::Paused {
            return None;
        }
        self.webhooks.iter().find(|webhook| webhook.state.is_paused())
    }

    pub(super) fn work_for_webhook(webhook: &WebhookRun, now: Timestamp) -> Work {
        match webhook.state {
            WebhookState::Queued => Work::Tell(webhook.id),
            WebhookState::Waiting { until } if until <= now => Work::Tell(webhook.id),
            WebhookState::Waiting { until } => Work::WaitUntil(until),
            WebhookState::Done { .. }
            | WebhookState::Halted { .. }
            | WebhookState::Failed { .. }
            | WebhookState::Withdrawn { .. } => Work::Nothing,
        }
    }

    /// One match over the webhook's state and the event. The error is the state's word; none
    /// when there is no such webhook or its turn has not come.
    pub(super) fn apply_to_webhook(
        &mut self,
        id: WebhookId,
        event: WebhookEvent,
        at: Timestamp,
    ) -> Result<(), Option<&'static str>> {
        let is_next = matches!(self.phase(), super::Phase::Webhook(next) if next == id);
        let webhook = self.webhooks.iter_mut().find(|webhook| webhook.id == id);
        let webhook = webhook.filter(|_| is_next).ok_or(None)?;
        let word = webhook.state.as_str();
        let mut learned = WebhookAnswer::default();
        webhook.state = match (&webhook.state, event) {
            (
                WebhookState::Queued | WebhookState::Waiting { .. },
                WebhookEvent::Answered { answer, token_sha256 },
            ) => {
                webhook.attempts += 1;
                let halted = answer.halt;
                learned = answer;
                match token_sha256.filter(|_| halted) {
                    Some(token_sha256) => WebhookState::Halted { token_sha256, at },
                    None => WebhookState::Done { at },
                }
            }
            (
                WebhookState::Queued | WebhookState::Waiting { .. },
                WebhookEvent::Postponed { until, .. },
            ) => {
                webhook.attempts += 1;
                WebhookState::Waiting { until }
            }
            (
                WebhookState::Queued | WebhookState::Waiting { .. },
                WebhookEvent::Failed { failure },
            ) => {
                webhook.attempts += 1;
                WebhookState::Failed { failure, at }
            }
            (
                WebhookState::Queued
                | WebhookState::Waiting { .. }
                | WebhookState::Halted { .. }
                | WebhookState::Failed { .. },
                WebhookEvent::Withdrawn,
            ) => WebhookState::Withdrawn { at },
            (WebhookState::Halted { .. }, WebhookEvent::Released) => WebhookState::Done { at },
            (WebhookState::Failed { .. }, WebhookEvent::Released) => {
                webhook.attempts = 0;
                WebhookState::Queued
            }
            (
                WebhookState::Queued
                | WebhookState::Waiting { .. }
                | WebhookState::Done { .. }
                | WebhookState::Halted { .. }
                | WebhookState::Failed { .. }
                | WebhookState::Withdrawn { .. },
                WebhookEvent::Answered { .. }
                | WebhookEvent::Postponed { .. }
                | WebhookEvent::Failed { .. }
                | WebhookEvent::Withdrawn
                | WebhookEvent::Released,
            ) => return Err(Some(word)),
        };
        for (kind, values) in learned.identities {
            for value in values {
                if self.subject.position(&kind, &value).is_none() {
                    let source = IdentitySource::Webhook(id);
                    self.subject.identities.push(Identity { kind: kind.clone(), value, source });
                }
            }
        }
        Ok(())
    }
}
