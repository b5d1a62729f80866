//! The append-only account of what happened. Ids, words and counts only: no identity, secret or
//! content ever stands in it.

use crate::{RequestId, TenantId, Timestamp};

/// One thing that happened, written in the same transaction as the change it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Whose it is; none: the host's own.
    pub tenant: Option<TenantId>,
    /// The request it is about.
    pub request: Option<RequestId>,
    /// When.
    pub at: Timestamp,
    /// Who: name and id of a key, or the host itself.
    pub actor: Actor,
    /// What: a stable dotted word, `request.submitted`, `connection.updated`.
    pub event: String,
    /// What exactly: names and their values, ids, keys, codes and counts.
    pub facts: Vec<(String, String)>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The host, following a rule.
    Host,
    /// The holder of an API key.
    Key {
        /// The key's id.
        id: crate::ApiKeyId,
        /// Its name when it acted.
        name: String,
    },
}

/// An event as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place in the tenant's ledger, from 1, without gaps.
    pub sequence: u64,
    /// What happened.
    pub event: AuditEvent,
}

impl AuditEvent {
    /// An event about a tenant's object.
    pub fn new(tenant: &TenantId, at: Timestamp, actor: Actor, event: &str) -> Self {
        Self {
            tenant: Some(tenant.clone()),
            request: None,
            at,
            actor,
            event: event.to_owned(),
            facts: Vec::new(),
        }
    }

    /// The same event, about a request.
    #[must_use]
    pub fn about(mut self, request: RequestId) -> Self {
        self.request = Some(request);
        self
    }

    /// The same event, with one more fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.facts.push((name.to_owned(), value.to_string()));
        self
    }
}
