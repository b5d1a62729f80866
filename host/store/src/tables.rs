//! The tables of the database and the keys of their rows.
//!
//! Every table maps bytes to bytes. A key begins with its scope (`tenant\0`, or `\0` for the
//! host's own rows), so that no range of one tenant can reach into another's. Keys of ids, times
//! and counters are fixed in width and big-endian: rows sort as their values do.

use std::ops::Bound;

use cordon_model::{TenantId, Timestamp};
use redb::TableDefinition;
use uuid::Uuid;

/// The type of every table.
pub(crate) type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

macro_rules! tables {
    ($($name:ident = $text:literal, $doc:literal;)*) => {
        /// A table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Table { $(#[doc = $doc] $name,)* }

        impl Table {
            /// Its name in the file. Part of what a sealed row is bound to.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

tables! {
    Meta = "meta", "Format version, key check, time of creation.";
    Tenants = "tenants", "tenant → tenant, under the host's key.";
    TenantsByTime = "tenants_by_time", "time, tenant → nothing.";
    TenantKeys = "tenant_keys", "tenant → its key, wrapped.";
    ApiKeys = "api_keys", "scope, id → key.";
    ApiKeysByTime = "api_keys_by_time", "scope, time, id → nothing.";
    ApiKeysByHash = "api_keys_by_hash", "SHA-256 of the key → scope, id.";
    Connections = "connections", "tenant, key → connection.";
    ConnectionsByTime = "connections_by_time", "tenant, time, key → nothing.";
    ConnectionsByUuid = "connections_by_uuid", "tenant, UUID → key.";
    ConnectionRevisions = "connection_revisions", "tenant, key, revision → connection as it was.";
    Vault = "vault", "tenant, connection → a wrapped key, and secrets sealed with it.";
    Policies = "policies", "tenant, key → policy.";
    PoliciesByTime = "policies_by_time", "tenant, time, key → nothing.";
    Webhooks = "webhooks", "tenant, connection → manual webhook.";
    WebhooksByPolicy = "webhooks_by_policy", "tenant, policy, time, connection → nothing.";
    Requests = "requests", "tenant, id → request, under its own key.";
    RequestKeys = "request_keys", "tenant, id → its key, wrapped.";
    RequestsByTime = "requests_by_time", "tenant, time, id → nothing.";
    RequestsByExternal = "requests_by_external", "tenant, keyed hash, time, id → nothing.";
    OpenByPolicy = "open_by_policy", "tenant, policy, id → nothing, while it is not final.";
    OpenByConnection = "open_by_connection", "tenant, connection, id → nothing, while not final.";
    Due = "due", "time, tenant, id → nothing.";
    Inputs = "inputs", "tenant, request, task → input, under the request's key.";
    Records = "records", "tenant, request, task → records, under the request's key.";
    Journal = "journal", "tenant, request, task, number → line, under the request's key.";
    JournalCounts = "journal_counts", "tenant, request, task → lines so far.";
    Audit = "audit", "scope, sequence → event.";
    AuditByRequest = "audit_by_request", "scope, request, sequence → nothing.";
    AuditCounts = "audit_counts", "scope → events so far.";
    Replays = "replays", "scope, keyed hash of route and key → answer.";
    ReplaysByExpiry = "replays_by_expiry", "time, scope, keyed hash → nothing.";
}

impl Table {
    /// What redb opens it by.
    pub(crate) const fn definition(self) -> Definition {
        TableDefinition::new(self.name())
    }
}

/// Makes the key of a row, part by part.
#[derive(Debug, Clone, Default)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// A key of a table without scopes.
    pub(crate) fn unscoped() -> Self {
        Self::default()
    }

    /// A key of a tenant's row.
    pub(crate) fn of(tenant: &TenantId) -> Self {
        Self::scoped(Some(tenant))
    }

    /// A key of a tenant's row; none: of the host's. No tenant's key is empty, so the two never
    /// meet.
    pub(crate) fn scoped(tenant: Option<&TenantId>) -> Self {
        Self::default().text(tenant.map_or("", TenantId::as_str))
    }

    /// A name. Names of the model hold no NUL, which therefore ends them.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
        self
    }

    /// A UUID.
    pub(crate) fn uuid(mut self, uuid: &Uuid) -> Self {
        self.0.extend_from_slice(uuid.as_bytes());
        self
    }

    /// A counter.
    pub(crate) fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// A time.
    pub(crate) fn time(mut self, time: Timestamp) -> Self {
        self.0.extend_from_slice(&time_bytes(time));
        self
    }

    /// Bytes as they are; the last part, or of one width in the whole table.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// The key.
    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Width of a time in a key.
pub(crate) const TIME_BYTES: usize = 16;

/// Nanoseconds, exact: a due time that was rounded could come due early, again and again.
pub(crate) fn time_bytes(time: Timestamp) -> [u8; TIME_BYTES] {
    (time.as_nanosecond() ^ i128::MIN).to_be_bytes()
}

/// The time of its bytes in a key.
pub(crate) fn time_from(bytes: &[u8]) -> Option<Timestamp> {
    let nanoseconds = i128::from_be_bytes(bytes.try_into().ok()?) ^ i128::MIN;
    Timestamp::from_nanosecond(nanoseconds).ok()
}

/// The first key that does not begin with `prefix`.
pub(crate) fn after(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sort_as_they_pass_and_read_back() {
        let times = [
            Timestamp::MIN,
            "1969-01-01T00:00:00.5Z".parse().unwrap(),
            Timestamp::UNIX_EPOCH,
            Timestamp::MAX,
        ];
        for pair in times.windows(2) {
            assert!(time_bytes(pair[0]) < time_bytes(pair[1]));
        }
        for time in times {
            assert_eq!(time_from(&time_bytes(time)), Some(time));
        }
    }

    #[test]
    fn the_end_of_a_prefix_is_the_next_one() {
        assert_eq!(after(b"a\0"), Bound::Excluded(b"a\x01".to_vec()));
        assert_eq!(after(b"a\xff"), Bound::Excluded(b"b".to_vec()));
        assert_eq!(after(b"\xff"), Bound::Unbounded);
        assert_eq!(after(b""), Bound::Unbounded);
    }
}
