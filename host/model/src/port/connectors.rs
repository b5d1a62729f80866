//! Running connectors. Implemented by `cordon-runtime`; fakes stand in for it in engine tests.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::commit::StoreError;
use crate::connection::Connection;
use crate::input::{Form, ManualInput};
use crate::journal::JournalEntry;
use crate::plan::{Assessment, Draft};
use crate::plugin::Plugin;
use crate::port::dry_run::{DryRunCall, DryRunEnd};
use crate::request::Found;
use crate::subject::{DataSubject, IdentityKind};
use crate::task::{CallReport, Carry, Segment, SkippedQuery};
use crate::tenant::Terms;
use crate::{Action, Failure, PluginDigest, Records, RequestId, TaskId, TenantId, Timestamp};

/// The admitted plugins, and calls into them. Each call has an instance of its own.
#[async_trait]
pub trait Connectors: Send + Sync {
    /// Every plugin that a tenant may use, loaded or not.
    fn plugins(&self, tenant: &TenantId) -> Vec<Plugin>;

    /// The active plugin that serves a connector type of a tenant.
    fn plugin_for(&self, tenant: &TenantId, connector_type: &str) -> Option<Plugin>;

    /// Asks a plugin about a configuration of a tenant and lets the egress gate look at the
    /// answer.
    ///
    /// # Errors
    /// When the plugin is not loaded or not the tenant's, traps, or answers with something that cannot be used.
    async fn validate(
        &self,
        terms: &Terms,
        plugin: PluginDigest,
        draft: &Draft,
    ) -> Result<Assessment, ConnectorError>;

    /// Runs the test queries of a connection. Cancel-safe: dropping it ends the instance.
    async fn test(
        &self,
        connection: &Connection,
        terms: &Terms,
        deadline: Timestamp,
        cancel: CancellationToken,
    ) -> TestEnd;

    /// Finds out what a task would send, and sends nothing: the requests that the connector
    /// composes are recorded and judged by the gate, without asking a name service. Cancel-safe:
    /// dropping it ends the instance.
    ///
    /// # Errors
    /// When the host could not do its part. What is wrong with the connection or with the
    /// identities is part of the answer.
    async fn dry_run(&self, call: DryRunCall) -> Result<DryRunEnd, ConnectorError>;

    /// What calls into connectors take at this moment: those of a tenant, or all.
    fn in_use(&self, tenant: Option<&TenantId>) -> CallsInUse;

    /// Runs a task. Cancel-safe: dropping it ends the instance; what was committed to the
    /// journal stays, and the run can be repeated.
    async fn run(&self, call: ConnectorCall) -> RunEnd;
}

/// What calls into connectors take at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallsInUse {
    /// Calls that have a place.
    pub calls: u64,
    /// The same, of the connection that has most of them.
    pub of_one_connection: u64,
    /// Calls that wait for their turn.
    pub waiting: u64,
    /// Linear memory and tables, in bytes.
    pub memory_bytes: u64,
}

/// Everything one run of a task depends on.
pub struct ConnectorCall {
    /// Whose it is, and what its tenant is limited to, as of now.
    pub terms: Terms,
    /// The request.
    pub request: RequestId,
    /// The task.
    pub task: TaskId,
    /// The pinned component.
    pub plugin: PluginDigest,
    /// The connection, at the revision that the segment pins, with the grants of today.
    pub connection: Connection,
    /// What it is asked for.
    pub action: Action,
    /// The identifier to find.
    pub wanted: Option<IdentityKind>,
    /// The open segment.
    pub segment: Segment,
    /// The person; `segment.identities` says which identities are given to the run.
    pub subject: DataSubject,
    /// What a person gave, when `segment.with_input` says so.
    pub input: Option<ManualInput>,
    /// The form that was asked before.
    pub form: Option<Form>,
    /// What the run before left.
    pub carry: Option<Carry>,
    /// Every journal entry of the task, in order.
    pub journal: Vec<JournalEntry>,
    /// Takes new entries.
    pub sink: Arc<dyn JournalSink>,
    /// Ends the run from outside.
    pub cancel: CancellationToken,
}

/// Takes new journal entries of one task. Durable when it returns.
#[async_trait]
pub trait JournalSink: Send + Sync {
    /// Appends.
    ///
    /// # Errors
    /// When the store failed; the run ends then, nothing is sent.
    async fn append(&self, entries: Vec<JournalEntry>) -> Result<(), StoreError>;
}

/// How a run ended.
#[derive(Debug)]
pub struct RunEnd {
    /// What became of each call, whatever the connector says.
    pub calls: Vec<CallReport>,
    /// What came out.
    pub result: Result<RunOutcome, ConnectorError>,
}

/// What a run came to. Already checked for size and shape, and against the action.
#[derive(Debug)]
pub enum RunOutcome {
    /// Done.
    Finished {
        /// With what.
        finding: Finding,
        /// Queries that were skipped.
        skipped: Vec<SkippedQuery>,
    },
    /// It asks a person; the segment is closed.
    RequiresInput {
        /// What.
        form: Form,
        /// For the next run.
        carry: Carry,
    },
    /// It goes on later in a new segment.
    Pending {
        /// When.
        until: Timestamp,
        /// For the next run.
        carry: Carry,
    },
    /// An upstream wants to be left alone for longer than a run can wait; the run is repeated
    /// from the journal, in the same segment.
    Suspended {
        /// When.
        until: Timestamp,
    },
}

/// What a finished run found or did.
#[derive(Debug)]
pub enum Finding {
    /// Access; empty: nothing found.
    Records(Vec<Records>),
    /// Identifiers, of the wanted kind, without duplicates; empty: not found.
    Identities(Vec<Found>),
    /// Delete, optout.
    Done,
    /// Delete, optout.
    NothingFound,
}

/// How a test ended.
#[derive(Debug)]
pub struct TestEnd {
    /// What became of each query.
    pub calls: Vec<CallReport>,
    /// Why it did not pass.
    pub result: Result<(), ConnectorError>,
}

/// Why a call into a connector gave no outcome.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// The connector said so, the host stopped it, or its outcome does not fit. An operator sees
    /// this and retries or settles.
    #[error("{}: {}", .0.code.as_str(), .0.detail)]
    Failed(Failure),
    /// The host could not do its part; nothing is wrong with the task, it is simply run again.
    #[error("the host could not run the connector: {0}")]
    Host(String),
}
