//! What the double holds while a connector runs, and where the imported functions find it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Purpose, Reply, Sent};
use crate::handles::ValueId;
use crate::types::{Action, EgressNeed, PlannedRequest, ReadGrant};

thread_local! {
    /// A connector runs on the thread of its test.
    static CURRENT: RefCell<Option<State>> = const { RefCell::new(None) };
}

/// One call of a connector.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// None: `validate`, which may call nothing but `log`.
    pub(super) purpose: Option<Purpose>,
    pub(super) plan: Vec<PlannedRequest>,
    pub(super) egress: Vec<EgressNeed>,
    pub(super) reads: Vec<ReadGrant>,
    /// By number.
    pub(super) held: Vec<Held>,
    pub(super) secrets: BTreeSet<String>,
    pub(super) replies: BTreeMap<String, VecDeque<Reply>>,
    pub(super) dry_run: bool,
    pub(super) sent: Vec<Sent>,
    pub(super) log: Vec<String>,
}

/// A value of the host.
#[derive(Debug, Clone)]
pub(crate) enum Held {
    Identity {
        kind: String,
        value: String,
        /// Whether this run found it; else it was given.
        found: bool,
    },
    Scalar(Scalar),
}

/// A scalar of a response.
#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    /// As JSON.
    pub(super) json: String,
    /// The only place it may go.
    pub(super) origin: String,
}

/// Ends the test as the host would end the run.
#[expect(clippy::panic, reason = "a test ends with the sentence that says why")]
#[track_caller]
pub(super) fn end<T>(why: impl AsRef<str>) -> T {
    panic!("the host would end this run: {}", why.as_ref())
}

/// Ends the test over something that the test itself got wrong, or expected in vain: the host has
/// nothing to do with it.
#[expect(clippy::panic, reason = "a test ends with the sentence that says why")]
#[track_caller]
pub(super) fn unmet<T>(why: impl AsRef<str>) -> T {
    panic!("{}", why.as_ref())
}

/// Calls a function with a host around it; gives what became of the host.
pub(super) fn within<T>(state: State, call: impl FnOnce() -> T) -> (State, T) {
    /// Takes the host away again, whatever happens.
    struct Around;
    impl Drop for Around {
        fn drop(&mut self) {
            CURRENT.take();
        }
    }
    CURRENT.replace(Some(state));
    let _around = Around;
    let came = call();
    (CURRENT.take().unwrap_or_default(), came)
}

/// The host of the connector that runs on this thread.
pub(super) fn with<T>(look: impl FnOnce(&mut State) -> T) -> T {
    CURRENT.with_borrow_mut(|state| match state {
        Some(state) => look(state),
        None => unmet(
            "there is no host here; call the connector through cordon_connector_sdk::testing::Host",
        ),
    })
}

/// The same for what only a run or a test may call.
pub(super) fn with_run<T>(look: impl FnOnce(&mut State) -> T) -> T {
    with(|state| match state.purpose {
        Some(_) => look(state),
        None => end("`validate` may call nothing but `log`"),
    })
}

impl State {
    /// The action, and the kind that is wanted. None: a test.
    pub(super) fn action(&self) -> (Option<Action>, Option<&str>) {
        match &self.purpose {
            None | Some(Purpose::Test) => (None, None),
            Some(Purpose::Action(action)) => (Some(*action), None),
            Some(Purpose::Find(wanted)) => (Some(Action::Identifiers), Some(wanted)),
        }
    }

    pub(super) fn need(&self, grant: ReadGrant) {
        let name = match grant {
            ReadGrant::Identities => "identities",
            ReadGrant::Responses => "responses",
        };
        if !self.reads.contains(&grant) {
            end(format!("the read grant `{name}` is missing"))
        }
    }

    pub(super) fn hold(&mut self, held: Held) -> ValueId {
        let id = ValueId::try_from(self.held.len()).unwrap_or(ValueId::MAX);
        self.held.push(held);
        id
    }

    pub(super) fn get(&self, id: ValueId) -> Option<&Held> {
        self.held.get(usize::try_from(id).ok()?)
    }

    /// The kind and value of an identity.
    pub(super) fn identity(&self, id: ValueId) -> Option<(&str, &str)> {
        match self.get(id)? {
            Held::Identity { kind, value, .. } => Some((kind, value)),
            Held::Scalar(_) => None,
        }
    }
}
