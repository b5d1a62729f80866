//! What a task would send, without sending it: the words of [`super::Connectors::dry_run`].
//!
//! Holds placeholders and positions, never a value: everything here may be shown to whoever may
//! see the connection.

use tokio_util::sync::CancellationToken;

use crate::connection::Connection;
use crate::input::Form;
use crate::plan::EgressNeed;
use crate::subject::{DataSubject, IdentityKind};
use crate::task::SkippedQuery;
use crate::tenant::Terms;
use crate::{Action, Failure, Timestamp};

/// What a dry run depends on.
pub struct DryRunCall {
    /// The connection, with the grants of today.
    pub connection: Connection,
    /// What its tenant is limited to.
    pub terms: Terms,
    /// What it would be asked for.
    pub action: Action,
    /// The identifier that would be looked for.
    pub wanted: Option<IdentityKind>,
    /// The person; every identity is given to the run.
    pub subject: DataSubject,
    /// What the policy stores for the connection, as JSON.
    pub policy_settings: Option<String>,
    /// When it must be over.
    pub deadline: Timestamp,
    /// Ends it from outside.
    pub cancel: CancellationToken,
}

/// What a task would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DryRunEnd {
    /// The requests in the order in which they would be sent, then those of the plan that were
    /// not reached.
    pub requests: Vec<UnsentRequest>,
    /// Queries that would be skipped.
    pub skipped: Vec<SkippedQuery>,
    /// Why the task would fail before its first request, or what ended the dry run.
    pub problems: Vec<Failure>,
    /// What a person would be asked.
    pub asks: Option<Form>,
    /// What the connector asked for beyond its plan: requests that it makes of answers, which a
    /// dry run does not have and cannot show.
    pub beyond_plan: Vec<EgressNeed>,
}

/// A request that would be sent, with `{name}` wherever a value would stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsentRequest {
    /// The query's label.
    pub label: String,
    /// 0 for the first request with this label.
    pub occurrence: u32,
    /// The verb.
    pub method: String,
    /// The URL.
    pub url: String,
    /// Header names and values, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<String>,
    /// Which of the values given for a kind it is for, counted from 1.
    pub identities: Vec<(IdentityKind, usize)>,
    /// Whether certificates would be checked.
    pub verify_tls: bool,
    /// Whether sending it twice is as good as once.
    pub idempotent: bool,
    /// Whether it would go out.
    pub judgment: Judgment,
}

/// Whether a request would go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgment {
    /// It would, if the name service leads to addresses that may be dialed.
    Allowed,
    /// It would not.
    Refused(Refusal),
    /// The connector did not come to it: it wants the answer to an earlier one first, or the task
    /// would fail before.
    NotReached,
}

/// Why a request would not go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where it was decided: a stage of the gate.
    pub stage: &'static str,
    /// A stable word.
    pub code: &'static str,
    /// A sentence with names, never a value.
    pub detail: String,
}
