//! Optimistic concurrency of administrative writes: `If-Match`, the revision an object will
//! have, and what a lost race is called.

use cordon_model::Revision;
use cordon_model::commit::{Commit, CommitError};

use crate::{Conflict, Error, Services};

/// The revision that a write gives its object.
///
/// # Errors
/// When the caller expects another revision than the stored one, or one where nothing is stored.
pub(super) fn next_revision(
    stored: Option<Revision>,
    if_match: Option<Revision>,
) -> Result<Revision, Error> {
    if if_match.is_some() && if_match != stored {
        return Err(Error::PreconditionFailed);
    }
    Ok(stored.map_or(Revision::FIRST, Revision::next))
}

impl Services {
    /// Commits an administrative write. Who named a revision and lost a race learns that it does
    /// not match; who named none, that something changed under the request.
    pub(super) async fn commit_write(
        &self,
        commit: Commit,
        if_match: Option<Revision>,
    ) -> Result<(), Error> {
        match self.store().commit(commit).await {
            Err(CommitError::Conflict(_)) if if_match.is_none() => Err(Error::conflict(
                Conflict::Changed,
                "the object was changed at the same moment; read it and try again",
            )),
            other => other.map_err(Error::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_expects_another_revision_is_refused() {
        let (one, two) = (Some(Revision(1)), Some(Revision(2)));
        assert!(matches!(next_revision(one, two), Err(Error::PreconditionFailed)));
        assert!(matches!(next_revision(None, one), Err(Error::PreconditionFailed)));
        assert_eq!(next_revision(two, two).unwrap(), Revision(3));
        assert_eq!(next_revision(two, None).unwrap(), Revision(3));
        assert_eq!(next_revision(None, None).unwrap(), Revision::FIRST);
    }
}
