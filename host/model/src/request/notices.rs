//! Messages to the submitter's `callback_url`: kept in the request itself, so that a crash
//! cannot lose one and there is no outbox beside the state.
//!
//! A notice is made by the change of status that it tells of, and is gone when it was delivered
//! or given up; the ledger keeps what became of it.

use std::time::Duration;

use super::event::NoticeEvent;
use super::{PrivacyRequest, Status};
use crate::{Revision, Timestamp};

/// For how long a notice is tried.
pub const NOTICE_TRIED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Most notices that wait for delivery; the oldest gives way.
pub const NOTICES_MAX: usize = 16;

/// One message that is to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The request's revision that it tells of: its name within the request.
    pub revision: Revision,
    /// The status that was reached.
    pub status: Status,
    /// When it was reached.
    pub at: Timestamp,
    /// How often delivery was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub due: Timestamp,
}

impl PrivacyRequest {
    /// The notice to be delivered next; they are delivered in order.
    pub fn next_notice(&self) -> Option<&Notice> {
        self.notices.first()
    }

    /// Whether the submitter is told of a status.
    fn tells_of(status: Status) -> bool {
        status.is_final() || matches!(status, Status::Error | Status::RequiresInput)
    }

    /// Makes a notice of a change of status, when the submitter wants to be told.
    pub(super) fn note_status(&mut self, before: Status, at: Timestamp) {
        let status = self.status();
        if self.callback_url.is_none() || status == before || !Self::tells_of(status) {
            return;
        }
        if self.notices.len() >= NOTICES_MAX {
            self.notices.remove(0);
        }
        self.notices.push(Notice { revision: self.revision, status, at, attempts: 0, due: at });
    }

    /// The error means that there is no such notice.
    pub(super) fn apply_to_notice(
        &mut self,
        revision: Revision,
        event: NoticeEvent,
    ) -> Result<(), ()> {
        let index = self.notices.iter().position(|n| n.revision == revision).ok_or(())?;
        match event {
            NoticeEvent::Delivered { .. } | NoticeEvent::GivenUp { .. } => {
                self.notices.remove(index);
            }
            NoticeEvent::Postponed { until, .. } => {
                if let Some(notice) = self.notices.get_mut(index) {
                    notice.attempts += 1;
                    notice.due = until;
                }
            }
        }
        Ok(())
    }
}
