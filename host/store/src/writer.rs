//! Group commit: one thread takes what is queued and makes it durable in one transaction.
//!
//! Under load the cost of a flush is shared by every commit that arrived during the one before.
//! Each commit of a batch stands alone: a refused one leaves no trace, the others go on. Replies
//! are sent after redb's commit returned, never before.

mod queue;

use queue::BatchMax;
pub(crate) use queue::{Job, Queue};

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use cordon_model::commit::{CommitError, StoreError};
use redb::Database;

use crate::apply::Prepared;
use crate::blob::{self, Unnamed};
use crate::error::{again, closed, failed, unavailable};
use crate::options::Options;
use crate::shared::Shared;
use crate::staged::{Batch, Leftover};

/// What became of one commit, before the batch is durable.
type Verdict = Result<(), CommitError>;

/// What an applied batch leaves to do once it is durable.
struct Applied {
    verdicts: Vec<Verdict>,
    /// Files that a durable commit names.
    named: Vec<Unnamed>,
    leftover: Leftover,
}

/// Runs until the queue is closed and empty.
pub(crate) fn run(shared: &Arc<Shared>) {
    let Options { batch_commits_max, batch_commits_per_tenant_max, .. } = shared.options;
    let max = BatchMax { commits: batch_commits_max, of_tenant: batch_commits_per_tenant_max };
    while let Some(jobs) = shared.queue.take(max) {
        let begun = Instant::now();
        let count = jobs.len();
        let (work, replies): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|Job { prepared, reply, .. }| (prepared, reply)).unzip();
        // redb reports most damage and panics over some; a commit then fails, the thread does not.
        let written = catch_unwind(AssertUnwindSafe(|| write(shared, work)));
        let verdicts = written.unwrap_or_else(|_| {
            tracing::error!("the database gave up during a commit");
            Err(unavailable("the database gave up; restart the host"))
        });
        let verdicts = verdicts.unwrap_or_else(|error| {
            std::iter::repeat_with(|| Err(again(&error))).take(count).collect()
        });
        for (reply, verdict) in replies.into_iter().zip(verdicts) {
            // A caller that went away misses the answer, not the commit.
            let _ = reply.map(|reply| reply.send(verdict));
        }
        metrics::histogram!("cordon_store_commit_batch_size").record(count as f64);
        metrics::histogram!("cordon_store_commit_seconds").record(begun.elapsed());
    }
}

/// Writes a batch. An error means that the whole batch failed.
fn write(shared: &Shared, work: Vec<Prepared>) -> Result<Vec<Verdict>, StoreError> {
    let transaction = shared.with_database(begin)?;
    let applied = apply(&transaction, work);
    let Applied { verdicts, named, leftover } = match applied {
        Ok(applied) => applied,
        Err(error) => {
            transaction.abort().map_err(failed)?;
            return Err(error);
        }
    };
    // From here on a file may be named by a durable row even if an error is returned: a flush
    // that failed may have reached the disk. An orphan wastes space; a missing file is a loss.
    named.into_iter().for_each(Unnamed::keep);
    if verdicts.iter().all(Result::is_err) {
        transaction.abort().map_err(failed)?;
        return Ok(verdicts);
    }
    transaction.commit().map_err(failed)?;
    clean_up(shared, &leftover);
    Ok(verdicts)
}

/// Begins a transaction that is durable when its commit returns (redb's default durability).
///
/// Two-phase commit costs a second flush for each batch and buys this: a repair never goes back to
/// the commit before. With one phase, redb takes a damaged last commit for a torn one, drops it
/// in silence, and with it what was acknowledged. Quick repair stays off: it saves the state of
/// the allocator with every commit, so that a start after a crash need not read the file; here
/// that start is to read the file and verify every checksum.
fn begin(database: &Database) -> Result<redb::WriteTransaction, StoreError> {
    let mut transaction = database.begin_write().map_err(failed)?;
    transaction.set_two_phase_commit(true);
    Ok(transaction)
}

fn apply(transaction: &redb::WriteTransaction, work: Vec<Prepared>) -> Result<Applied, StoreError> {
    let mut batch = Batch::new(transaction);
    let mut applied =
        Applied { verdicts: Vec::new(), named: Vec::new(), leftover: Leftover::default() };
    for Prepared { operations, files } in work {
        let mut staged = batch.stage();
        let verdict = operations.into_iter().try_for_each(|operation| operation.apply(&mut staged));
        match verdict {
            // A damaged row too: it must not take the other commits down with it. If it is the
            // file that is damaged, redb refuses the whole transaction below.
            Err(refused) => applied.verdicts.push(Err(refused)),
            Ok(()) => {
                let leftover = staged.accept()?;
                applied.leftover.files.extend(leftover.files);
                applied.leftover.tenants.extend(leftover.tenants);
                applied.named.extend(files);
                applied.verdicts.push(Ok(()));
            }
        }
    }
    Ok(applied)
}

/// What a crash leaves of this wastes space and harms nothing.
fn clean_up(shared: &Shared, leftover: &Leftover) {
    let Leftover { files, tenants } = leftover;
    files.iter().for_each(|path| blob::remove(path));
    for tenant in tenants {
        shared.keyring.forget(tenant);
        shared.blobs.remove_folders(tenant);
    }
}

/// What a caller is told when the writer went away without an answer.
pub(crate) fn gone() -> CommitError {
    CommitError::Store(closed())
}
