//! The journal of a task's calls: what may be sent, what is replayed, what is in doubt.
//!
//! A connector's `run` is deterministic, so the host can run it again from the start. Calls are
//! keyed by label and occurrence, with a fingerprint over the rendered request without secret
//! values. Before the first byte of an unsafe call its intent is committed, and with it the
//! outcomes of the safe calls so far (what follows may depend on them); after the last byte its
//! outcome. A run of safe calls alone journals nothing and is simply sent again.
//!
//! This module decides; `cordon-runtime` renders and sends, `cordon-store` keeps the entries.
//!
//! ```text
//!                    ┌ replay     an outcome of this attempt, or a success of an earlier one
//! next(label, fp) ───┼ send       nothing known; or an intent alone and the call is idempotent
//!                    ├ in doubt   an intent of this attempt alone, and the call is not
//!                    └ nondeterministic   another request under the same key in this attempt
//! ```

use std::collections::HashMap;

use bytes::Bytes;

use crate::http_request::CallError;

/// HMAC-SHA256 over the rendered request with every secret replaced by its name.
pub type Fingerprint = [u8; 32];

/// Which call of a run: the n-th with this label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey {
    /// The query's label.
    pub label: String,
    /// 0 for the first call with this label in a segment.
    pub occurrence: u32,
}

/// One line of the journal of a task. Lines are only ever added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// Segment of the task.
    pub segment: u32,
    /// Attempt within the segment: an operator's retry begins a new one.
    pub attempt: u32,
    /// Which call.
    pub key: CallKey,
    /// Of the request as it was rendered.
    pub fingerprint: Fingerprint,
    /// What is known.
    pub event: CallEvent,
}

/// What is known of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEvent {
    /// It is about to be sent.
    Intent,
    /// It was answered with a status that is tried again, later than the run can wait.
    Deferred {
        /// Tries so far.
        attempts: u8,
    },
    /// It ended.
    Outcome(CallOutcome),
    /// An operator said what became of a call in doubt.
    Settled {
        /// Whether it took effect. If not, a retry sends it again.
        done: bool,
    },
}

/// How a call ended, after retries.
#[derive(Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// With a status that the query lists as a success.
    Success {
        /// The status.
        status: u16,
        /// The body, when the query asked for it.
        body: Option<Bytes>,
        /// The response's Retry-After, in seconds, for `pending`.
        retry_after: Option<u64>,
        /// Tries it took.
        attempts: u8,
    },
    /// Without one.
    Failed {
        /// Why.
        error: CallError,
        /// Tries it took.
        attempts: u8,
    },
}

impl std::fmt::Debug for CallOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Success { status, body, .. } => {
                write!(f, "Success({status}, {:?} bytes)", body.as_ref().map(Bytes::len))
            }
            Self::Failed { error, .. } => write!(f, "Failed({})", error.code()),
        }
    }
}

/// What to do with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Answer with this; nothing is sent.
    Replay(CallOutcome),
    /// An operator settled it as done; answer with the first status the query lists.
    Settled,
    /// Commit these entries, then send.
    Send(SendCall),
    /// End the run: whether the call took effect is not known.
    InDoubt,
    /// End the run: another request was recorded under this key.
    Nondeterministic,
}

/// A call that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendCall {
    /// Its key.
    pub key: CallKey,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Whether its outcome must be committed before the run goes on.
    pub safe: bool,
    /// To commit before the first byte; empty for a safe call.
    pub before: Vec<JournalEntry>,
    /// Goes into the `Idempotency-Key`: counts the recorded failures of this call, because a
    /// recorded failure is not an answer for ever.
    pub generation: u32,
    /// Tries already made before the run was suspended.
    pub attempts: u8,
}

/// What one key's lines of the open segment come to.
#[derive(Debug, Default)]
struct Known {
    /// Of the current attempt.
    fingerprint: Option<Fingerprint>,
    intent: bool,
    deferred: Option<u8>,
    outcome: Option<CallOutcome>,
    settled: Option<bool>,
    /// Of earlier attempts.
    earlier_success: Option<(Fingerprint, CallOutcome)>,
    /// Settled as done in an earlier attempt.
    earlier_settled: Option<Fingerprint>,
    failures: u32,
}

/// The journal of one run: the open segment of a task, and what this run adds to it.
#[derive(Debug)]
pub struct Journal {
    segment: u32,
    attempt: u32,
    known: HashMap<CallKey, Known>,
    occurrences: HashMap<String, u32>,
    /// Outcomes of safe calls of this run that no unsafe call has committed yet.
    unwritten: Vec<JournalEntry>,
}

impl Journal {
    /// The journal of `segment`, in `attempt`, from a task's entries in the order they were added.
    pub fn open(segment: u32, attempt: u32, entries: &[JournalEntry]) -> Self {
        let mut known: HashMap<CallKey, Known> = HashMap::new();
        for entry in entries.iter().filter(|entry| entry.segment == segment) {
            let of_key = known.entry(entry.key.clone()).or_default();
            if entry.attempt == attempt {
                of_key.add(entry);
            } else {
                of_key.add_earlier(entry);
            }
        }
        Self { segment, attempt, known, occurrences: HashMap::new(), unwritten: Vec::new() }
    }

    /// What to do with the next call under this label.
    pub fn next(
        &mut self,
        label: &str,
        fingerprint: Fingerprint,
        safe: bool,
        idempotent: bool,
    ) -> Next {
        let occurrence = self.occurrences.entry(label.to_owned()).or_default();
        let key = CallKey { label: label.to_owned(), occurrence: *occurrence };
        *occurrence += 1;
        let nothing = Known::default();
        let known = self.known.get(&key).unwrap_or(&nothing);
        if known.fingerprint.is_some_and(|recorded| recorded != fingerprint) {
            return Next::Nondeterministic;
        }
        if let Some(outcome) = &known.outcome {
            return Next::Replay(outcome.clone());
        }
        if known.settled == Some(true) || known.earlier_settled == Some(fingerprint) {
            return Next::Settled;
        }
        if let Some((recorded, outcome)) = &known.earlier_success
            && *recorded == fingerprint
        {
            return Next::Replay(outcome.clone());
        }
        let open_intent = known.intent && known.deferred.is_none() && known.settled.is_none();
        if open_intent && !idempotent {
            return Next::InDoubt;
        }
        let (generation, attempts) = (known.failures, known.deferred.unwrap_or(0));
        let before = if safe { Vec::new() } else { self.announce(&key, fingerprint) };
        Next::Send(SendCall { key, fingerprint, safe, before, generation, attempts })
    }

    fn announce(&mut self, key: &CallKey, fingerprint: Fingerprint) -> Vec<JournalEntry> {
        let intent = self.entry(key, fingerprint, CallEvent::Intent);
        let mut before = std::mem::take(&mut self.unwritten);
        before.push(intent);
        before
    }

    fn entry(&self, key: &CallKey, fingerprint: Fingerprint, event: CallEvent) -> JournalEntry {
        let (segment, attempt) = (self.segment, self.attempt);
        JournalEntry { segment, attempt, key: key.clone(), fingerprint, event }
    }

    /// Records how a sent call ended; the entries returned must be committed before the run
    /// goes on. A safe call's outcome waits for the next unsafe call.
    pub fn ended(&mut self, call: &SendCall, outcome: CallOutcome) -> Vec<JournalEntry> {
        let entry = self.entry(&call.key, call.fingerprint, CallEvent::Outcome(outcome));
        if call.safe {
            self.unwritten.push(entry);
            return Vec::new();
        }
        vec![entry]
    }

    /// Records that a call was put off and the run is suspended: everything unwritten must be
    /// committed, so that the repeated run gets to the same place.
    pub fn deferred(&mut self, call: &SendCall, attempts: u8) -> Vec<JournalEntry> {
        let mut entries = std::mem::take(&mut self.unwritten);
        entries.push(self.entry(&call.key, call.fingerprint, CallEvent::Deferred { attempts }));
        entries
    }
}

impl Known {
    fn add(&mut self, entry: &JournalEntry) {
        self.fingerprint = Some(entry.fingerprint);
        match &entry.event {
            CallEvent::Intent => (self.intent, self.deferred) = (true, None),
            CallEvent::Deferred { attempts } => self.deferred = Some(*attempts),
            CallEvent::Outcome(outcome) => self.outcome = Some(outcome.clone()),
            CallEvent::Settled { done } => self.settled = Some(*done),
        }
    }

    fn add_earlier(&mut self, entry: &JournalEntry) {
        match &entry.event {
            CallEvent::Intent | CallEvent::Deferred { .. } => {}
            CallEvent::Outcome(outcome @ CallOutcome::Success { .. }) => {
                self.earlier_success = Some((entry.fingerprint, outcome.clone()));
            }
            CallEvent::Outcome(CallOutcome::Failed { .. }) => self.failures += 1,
            CallEvent::Settled { done: true } => self.earlier_settled = Some(entry.fingerprint),
            CallEvent::Settled { done: false } => self.failures += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Fingerprint = [1; 32];
    const B: Fingerprint = [2; 32];

    fn ok(status: u16) -> CallOutcome {
        CallOutcome::Success { status, body: None, retry_after: None, attempts: 1 }
    }

    fn failed() -> CallOutcome {
        CallOutcome::Failed { error: CallError::UnexpectedStatus(500), attempts: 1 }
    }

    fn entry(
        attempt: u32,
        label: &str,
        fingerprint: Fingerprint,
        event: CallEvent,
    ) -> JournalEntry {
        let key = CallKey { label: label.into(), occurrence: 0 };
        JournalEntry { segment: 0, attempt, key, fingerprint, event }
    }

    fn send(next: Next) -> SendCall {
        match next {
            Next::Send(call) => call,
            other => panic!("not sent: {other:?}"),
        }
    }

    #[test]
    fn a_run_of_safe_calls_alone_journals_nothing() {
        let mut journal = Journal::open(0, 0, &[]);
        let call = send(journal.next("q", A, true, true));
        assert!(call.before.is_empty());
        assert!(journal.ended(&call, ok(200)).is_empty());
    }

    #[test]
    fn an_unsafe_call_announces_itself_and_the_safe_outcomes_before_it() {
        let mut journal = Journal::open(0, 0, &[]);
        let read = send(journal.next("read", A, true, true));
        journal.ended(&read, ok(200));
        let write = send(journal.next("write", B, false, false));
        let labels: Vec<_> = write.before.iter().map(|e| e.key.label.as_str()).collect();
        assert_eq!(labels, ["read", "write"]);
        assert_eq!(write.before[1].event, CallEvent::Intent);
        assert_eq!(journal.ended(&write, ok(200)).len(), 1);
    }

    #[test]
    fn an_intent_alone_is_in_doubt_unless_the_call_is_idempotent() {
        let entries = [entry(0, "q", A, CallEvent::Intent)];
        assert_eq!(Journal::open(0, 0, &entries).next("q", A, false, false), Next::InDoubt);
        let again = send(Journal::open(0, 0, &entries).next("q", A, false, true));
        assert_eq!(again.generation, 0, "the same Idempotency-Key");
    }

    #[test]
    fn an_outcome_is_replayed_within_its_attempt_failures_included() {
        for outcome in [ok(200), failed()] {
            let entries = [
                entry(0, "q", A, CallEvent::Intent),
                entry(0, "q", A, CallEvent::Outcome(outcome.clone())),
            ];
            assert_eq!(
                Journal::open(0, 0, &entries).next("q", A, false, false),
                Next::Replay(outcome)
            );
        }
    }

    #[test]
    fn another_request_under_the_same_key_is_nondeterministic() {
        let entries = [entry(0, "q", A, CallEvent::Outcome(ok(200)))];
        assert_eq!(Journal::open(0, 0, &entries).next("q", B, false, true), Next::Nondeterministic);
    }

    #[test]
    fn a_retry_replays_successes_and_sends_the_rest_again() {
        let entries = [
            entry(0, "good", A, CallEvent::Intent),
            entry(0, "good", A, CallEvent::Outcome(ok(200))),
            entry(0, "bad", A, CallEvent::Intent),
            entry(0, "bad", A, CallEvent::Outcome(failed())),
            entry(0, "doubt", A, CallEvent::Intent),
        ];
        let mut retry = Journal::open(0, 1, &entries);
        assert_eq!(retry.next("good", A, false, false), Next::Replay(ok(200)));
        assert_eq!(send(retry.next("bad", A, false, false)).generation, 1);
        assert_eq!(send(retry.next("doubt", A, false, false)).generation, 0);
    }

    #[test]
    fn a_corrected_query_is_sent_on_retry_although_the_old_one_succeeded() {
        let entries = [entry(0, "q", A, CallEvent::Outcome(ok(200)))];
        send(Journal::open(0, 1, &entries).next("q", B, false, false));
    }

    #[test]
    fn a_settled_call_counts_as_done_and_one_settled_as_not_done_is_sent_again() {
        let mut entries = vec![
            entry(0, "q", A, CallEvent::Intent),
            entry(0, "q", A, CallEvent::Settled { done: true }),
        ];
        assert_eq!(Journal::open(0, 1, &entries).next("q", A, false, false), Next::Settled);
        entries[1].event = CallEvent::Settled { done: false };
        send(Journal::open(0, 1, &entries).next("q", A, false, false));
    }

    #[test]
    fn a_deferred_call_is_sent_again_and_keeps_its_count_of_tries() {
        let entries = [
            entry(0, "q", A, CallEvent::Intent),
            entry(0, "q", A, CallEvent::Deferred { attempts: 2 }),
        ];
        assert_eq!(send(Journal::open(0, 0, &entries).next("q", A, false, false)).attempts, 2);
    }

    #[test]
    fn a_second_call_under_a_label_has_a_key_of_its_own() {
        let mut journal = Journal::open(0, 0, &[entry(0, "q", A, CallEvent::Outcome(ok(200)))]);
        assert_eq!(journal.next("q", A, false, false), Next::Replay(ok(200)));
        assert_eq!(send(journal.next("q", A, false, false)).key.occurrence, 1);
    }

    #[test]
    fn another_segment_begins_with_nothing() {
        let entries = [entry(0, "q", A, CallEvent::Outcome(ok(200)))];
        send(Journal::open(1, 0, &entries).next("q", A, false, false));
    }
}
