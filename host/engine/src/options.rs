//! Limits of the application.

use std::time::Duration;

use cordon_model::tenant::Allowance;
use cordon_turns::Processors;

use crate::service::limits::HostLimits;
use crate::service::plugins::Publisher;

/// Limits of the application.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often the scheduler looks for due work without being woken. A wake is only a hint;
    /// this is what makes a lost one harmless.
    pub tick: Duration,
    /// Most requests that are worked on at the same time.
    pub requests_in_flight_max: usize,
    /// Where the work on requests takes turns. Default: those of the machine, for the engine alone.
    pub processors: Processors,
    /// What every tenant may use, unless something was set for it.
    pub allowance: Allowance,
    /// What the host as a whole has to give; tenants' limits are checked against it. Enforced
    /// elsewhere, and set when the parts are wired.
    pub host: HostLimits,
    /// Most rows that are erased in one transaction when a tenant is removed: other writes wait for
    /// no more than that.
    pub removal_rows_max: usize,
    /// Most waiting requests that are looked at in one step, when what they wait for was changed.
    pub review_step: usize,
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
    /// Most bytes of one manual input, labels and texts together.
    pub input_bytes_max: usize,
    /// Most bytes of one file of a manual input.
    pub input_file_bytes_max: usize,
    /// Most bytes of all files of one manual input together; they are held in memory until they
    /// are stored.
    pub input_files_bytes_max: usize,
    /// Most requests that are looked at side by side after a change of what people are asked.
    pub reviews_in_flight_max: usize,
    /// How long the answer to a `POST` with an `Idempotency-Key` is remembered.
    pub replay_kept: Duration,
    /// How long a `POST` with an `Idempotency-Key` counts as at work when its answer was not
    /// stored: after a crash the key is free again then.
    pub replay_in_flight: Duration,
    /// How long a test of a connection may take.
    pub test_timeout: Duration,
    /// Most kinds of identity that a tenant declares.
    pub identity_kinds_max: usize,
    /// Most patterns in one list of a tenant's `egress`, and most of its `webhook_hosts`.
    pub tenant_patterns_max: usize,
    /// Most secrets of one connection.
    pub secrets_max: usize,
    /// Most bytes of one secret.
    pub secret_bytes_max: usize,
    /// Most grants of one kind of one connection.
    pub grants_max: usize,
    /// Most connections of one import.
    pub import_connections_max: usize,
    /// How long one try to tell a policy webhook or a submitter may take.
    pub webhook_timeout: Duration,
    /// How often a policy webhook is tried before the request is paused. With 5 s before the
    /// second try and twice as long before each further one.
    pub webhook_attempts_max: u32,
    /// Most policy webhooks of one policy.
    pub policy_webhooks_max: usize,
    /// Most requests that a policy webhook may hold as `paused` when it is removed: they go on
    /// in the same commit.
    pub webhook_held_max: usize,
    /// Most messages to the systems of one tenant, webhooks and callbacks together, that are
    /// under way at the same time. Further ones wait for their turn.
    pub deliveries_per_tenant_max: usize,
    /// Most requests that wait for such a turn without counting among those in flight.
    pub deliveries_waiting_max: usize,
    /// Most fields of one manual webhook.
    pub webhook_fields_max: usize,
    /// Most connections that a policy lists.
    pub policy_connections_max: usize,
    /// Most requests that are followed live at the same time, by one tenant.
    pub followers_per_tenant_max: usize,
    /// Most requests that are followed live at the same time, by all tenants together. Each takes
    /// a connection of the API.
    pub followers_max: usize,
    /// How often one who follows a request looks at it without being woken, and its key is checked
    /// again. A wake is only a hint; this is what makes a lost one harmless.
    pub follow_tick: Duration,
    /// Most events that one who follows a request is given at once.
    pub follow_batch_max: usize,
    /// Most entries of the ledger that one look at it goes through.
    pub audit_scan_max: usize,
    /// Most plugins, versions counted each, that are installed for one tenant, and for all.
    pub plugins_max: usize,
    /// Most connections that are checked with another version of their plugin at the same time.
    pub plugin_checks_max: usize,
    /// Most connections that the answer to a switch of versions lists; it counts all.
    pub plugin_connections_listed_max: usize,
    /// Most versions of its plugin that a connection is not with and that are looked at and listed
    /// with its grants.
    pub waiting_versions_max: usize,
    /// Most plugins that are read from the store and loaded at the same time after a start.
    pub plugin_loads_max: usize,
    /// Whose signatures of plugins count.
    pub plugin_publishers: Vec<Publisher>,
    /// Whether a plugin that nobody of these signed is refused, and not loaded.
    pub plugin_signatures_required: bool,
    /// Most bytes of the signature of a plugin.
    pub plugin_signature_bytes_max: usize,
    /// Most files of the operator's folder of plugins that are looked at.
    pub plugin_folder_files_max: usize,
    /// SHA-256 of the operator's key, when the configuration gives it. It is the only key of the
    /// operator then, and not stored: another one in its place, and this one is worth nothing.
    pub operator_key_hash: Option<[u8; 32]>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tick: Duration::from_millis(500),
            requests_in_flight_max: 256,
            processors: Processors::of_the_machine(),
            allowance: Allowance::default(),
            host: HostLimits::default(),
            removal_rows_max: 1_000,
            review_step: 256,
            host_retry: Duration::from_secs(5),
            package_attempts_max: 5,
            tasks_max: 1_000,
            identities_max: 200,
            note_chars_max: 2_000,
            input_bytes_max: 1024 * 1024,
            input_file_bytes_max: 16 * 1024 * 1024,
            input_files_bytes_max: 32 * 1024 * 1024,
            reviews_in_flight_max: 32,
            replay_kept: Duration::from_hours(24),
            replay_in_flight: Duration::from_mins(1),
            test_timeout: Duration::from_secs(60),
            identity_kinds_max: 100,
            tenant_patterns_max: 200,
            secrets_max: 100,
            secret_bytes_max: 64 * 1024,
            grants_max: 1_000,
            import_connections_max: 500,
            webhook_timeout: Duration::from_secs(30),
            webhook_attempts_max: 8,
            policy_webhooks_max: 50,
            webhook_held_max: 1_000,
            deliveries_per_tenant_max: 16,
            deliveries_waiting_max: 10_000,
            webhook_fields_max: 200,
            policy_connections_max: 1_000,
            followers_per_tenant_max: 64,
            followers_max: 512,
            follow_tick: Duration::from_secs(2),
            follow_batch_max: 100,
            audit_scan_max: 10_000,
            plugins_max: 200,
            plugin_checks_max: 8,
            plugin_connections_listed_max: 1_000,
            waiting_versions_max: 4,
            plugin_loads_max: 4,
            plugin_publishers: Vec::new(),
            plugin_signatures_required: false,
            plugin_signature_bytes_max: 4 * 1024,
            plugin_folder_files_max: 1_000,
            operator_key_hash: None,
        }
    }
}
