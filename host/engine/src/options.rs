//! Limits of the application.

use std::time::Duration;

/// Limits of the application.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often the scheduler looks for due work without being woken. A wake is only a hint;
    /// this is what makes a lost one harmless.
    pub tick: Duration,
    /// Most requests that are worked on at the same time.
    pub requests_in_flight_max: usize,
    /// Most due requests taken from the store in one look.
    pub claim_max: usize,
    /// How long a request waits after the host could not do its part (disk full, destination
    /// unreachable) before it is tried again.
    pub host_retry: Duration,
    /// How often the package's destination is tried in a row before the request fails with
    /// `package_failed`.
    pub package_attempts_max: u32,
    /// Most tasks of one request.
    pub tasks_max: usize,
    /// Most identities of one request, found ones included.
    pub identities_max: usize,
    /// Most characters of a person's own words: the reason of a denial, the note of a settlement.
    pub note_chars_max: usize,
    /// Most bytes of one manual input, labels and values together.
    pub input_bytes_max: usize,
    /// How long the answer to a `POST` with an `Idempotency-Key` is remembered.
    pub replay_kept: Duration,
    /// How long a `POST` with an `Idempotency-Key` counts as at work when its answer was not
    /// stored: after a crash the key is free again then.
    pub replay_in_flight: Duration,
    /// How long a test of a connection may take.
    pub test_timeout: Duration,
    /// Most kinds of identity that a tenant declares.
    pub identity_kinds_max: usize,
    /// Most secrets of one connection.
    pub secrets_max: usize,
    /// Most bytes of one secret.
    pub secret_bytes_max: usize,
    /// Most grants of one kind of one connection.
    pub grants_max: usize,
    /// Most fields of one manual webhook.
    pub webhook_fields_max: usize,
    /// Most connections that a policy lists.
    pub policy_connections_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tick: Duration::from_millis(500),
            requests_in_flight_max: 256,
            claim_max: 256,
            host_retry: Duration::from_secs(5),
            package_attempts_max: 5,
            tasks_max: 1_000,
            identities_max: 200,
            note_chars_max: 2_000,
            input_bytes_max: 1024 * 1024,
            replay_kept: Duration::from_hours(24),
            replay_in_flight: Duration::from_mins(1),
            test_timeout: Duration::from_secs(60),
            identity_kinds_max: 100,
            secrets_max: 100,
            secret_bytes_max: 64 * 1024,
            grants_max: 1_000,
            webhook_fields_max: 200,
            policy_connections_max: 1_000,
        }
    }
}
