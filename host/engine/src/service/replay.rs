//! `Idempotency-Key`: the same key and body get the same answer, however often they are sent.
//!
//! A key goes through two writes: it is claimed before the work begins and answered when the work
//! is done. Between the two it counts as in flight; when the host dies there, the claim runs out
//! after [`crate::Options::replay_in_flight`]. A claim whose work was refused is given back, so
//! that the corrected body can come under the same key.

use cordon_model::commit::{Change, Commit, CommitError, ReplayRecord};
use cordon_model::{Problem, TenantId, Timestamp};

use crate::{Conflict, Error, Services};

/// What is known of a key.
#[derive(Debug)]
pub enum Replay {
    /// Nothing: the work is the caller's, who then calls [`Services::finish_replay`].
    Fresh(ReplayClaim),
    /// The answer that was given before: status and body.
    Answered(u16, Vec<u8>),
}

/// The right to do the work of a key.
#[derive(Debug)]
pub struct ReplayClaim(ReplayRecord);

impl Services {
    /// Claims a key. `tenant` is none for what belongs to no tenant; `route` is method and path.
    ///
    /// # Errors
    /// When the key came with another body before, or its work is going on.
    pub async fn begin_replay(
        &self,
        tenant: Option<&TenantId>,
        route: &str,
        key: &str,
        body_sha256: [u8; 32],
    ) -> Result<Replay, Error> {
        let now = self.now();
        if let Some(known) = self.store().replay(tenant, route, key, now).await? {
            if known.body_sha256 != body_sha256 {
                let message = "this Idempotency-Key came with another body before; use a new one";
                return Err(Error::problem(Problem::error("idempotency_key_reused", "", message)));
            }
            return match known.answer {
                Some((status, body)) => Ok(Replay::Answered(status, body)),
                None => Err(in_flight()),
            };
        }
        let claim = ReplayRecord {
            tenant: tenant.cloned(),
            route: route.to_owned(),
            key: key.to_owned(),
            body_sha256,
            answer: None,
            expires_at: now.checked_add(self.options.replay_in_flight).unwrap_or(Timestamp::MAX),
        };
        match self.put_replay(claim.clone()).await {
            Ok(()) => Ok(Replay::Fresh(ReplayClaim(claim))),
            Err(CommitError::Exists(_)) => Err(in_flight()),
            Err(other) => Err(other.into()),
        }
    }

    /// Remembers the answer; none: gives the key back.
    ///
    /// # Errors
    /// When the store fails. The work itself is done all the same.
    pub async fn finish_replay(
        &self,
        claim: ReplayClaim,
        answer: Option<(u16, Vec<u8>)>,
    ) -> Result<(), Error> {
        let now = self.now();
        let record = match answer {
            Some(answer) => ReplayRecord {
                answer: Some(answer),
                expires_at: now.checked_add(self.options.replay_kept).unwrap_or(Timestamp::MAX),
                ..claim.0
            },
            // An answer that is forgotten as soon as it is remembered.
            None => ReplayRecord { answer: Some((0, Vec::new())), expires_at: now, ..claim.0 },
        };
        self.put_replay(record).await?;
        Ok(())
    }

    async fn put_replay(&self, record: ReplayRecord) -> Result<(), CommitError> {
        // No audit event: the work tells of itself, and this changes nothing else.
        let commit = Commit { changes: vec![Change::PutReplay(record)], audit: Vec::new() };
        self.store().commit(commit).await
    }
}

fn in_flight() -> Error {
    let detail = "a request with this Idempotency-Key is being worked on; try again soon";
    Error::conflict(Conflict::IdempotencyInFlight, detail)
}
