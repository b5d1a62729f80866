//! Policy webhooks: systems that are told before a request is worked on, or after.
//!
//! What is configured; what became of it for one request stands in [`crate::request::webhooks`].

use std::collections::BTreeMap;

use crate::subject::IdentityKind;
use crate::{PolicyKey, Revision, Secret, TenantId, Timestamp, WebhookId};

/// One system that is told about every request under a policy.
#[derive(Debug, Clone)]
pub struct PolicyWebhook {
    /// Whose it is.
    pub tenant: TenantId,
    /// The policy whose requests it is told about.
    pub policy: PolicyKey,
    /// Its id.
    pub id: WebhookId,
    /// Its place among those of its phase; the smaller first.
    pub order: u32,
    /// When it is told.
    pub phase: WebhookPhase,
    /// Whether its answer counts.
    pub direction: Direction,
    /// Where it is told.
    pub url: String,
    /// Whether it is told the person's identities; if not, the request's id alone.
    pub sends_identities: bool,
    /// What the messages are signed with: `whsec_` and base64 (Standard Webhooks).
    pub secret: Secret,
    /// When it was created.
    pub created_at: Timestamp,
    /// Counts its writes.
    pub revision: Revision,
}

/// When a webhook is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WebhookPhase {
    /// After the manual webhooks, before any connector.
    PreExecution,
    /// When everything else is done.
    PostExecution,
}

impl WebhookPhase {
    /// The word used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreExecution => "pre_execution",
            Self::PostExecution => "post_execution",
        }
    }
}

/// Whether a webhook's answer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It is told, and any 2xx answer will do.
    OneWay,
    /// Its answer may halt the request, or add identities.
    TwoWay,
}

impl Direction {
    /// The word used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneWay => "one_way",
            Self::TwoWay => "two_way",
        }
    }
}

/// What a two-way webhook answered. `Debug` shows no value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WebhookAnswer {
    /// The request is to wait until somebody resumes it.
    pub halt: bool,
    /// More identities of the person.
    pub identities: BTreeMap<IdentityKind, Vec<String>>,
}

impl std::fmt::Debug for WebhookAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count: usize = self.identities.values().map(Vec::len).sum();
        write!(f, "WebhookAnswer(halt: {}, {count} identities)", self.halt)
    }
}
