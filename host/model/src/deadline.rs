//! Until when a request must be answered: the calendar of a law, or a number of days.
//!
//! A pure function of the time of submission. What happens when the time is over stands in
//! [`crate::request`].

use jiff::{Span, tz::TimeZone};

use crate::Timestamp;

/// Most days a deadline may be away.
pub const DAYS_MAX: u32 = 3650;

/// When a request under a policy is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// One calendar month (GDPR, Article 12(3)): the same day of the next month, or that month's
    /// last day when it is shorter.
    Gdpr,
    /// 45 calendar days (CCPA, California Civil Code 1798.130(a)(2)).
    Ccpa,
    /// This many calendar days, 1 to [`DAYS_MAX`].
    Days(u32),
}

impl Deadline {
    /// The moment the time is over for a request that was submitted at `submitted`. Reckoned in
    /// UTC and kept at the time of day of the submission, so never later than the law counts.
    pub fn due_at(self, submitted: Timestamp) -> Timestamp {
        let span = match self {
            Self::Gdpr => Span::new().months(1),
            Self::Ccpa => Span::new().days(45),
            Self::Days(days) => Span::new().days(i64::from(days.min(DAYS_MAX))),
        };
        let due = submitted.to_zoned(TimeZone::UTC).checked_add(span);
        due.map_or(Timestamp::MAX, |due| due.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(deadline: Deadline, submitted: &str) -> String {
        deadline.due_at(submitted.parse().unwrap()).to_string()
    }

    #[test]
    fn a_calendar_month_ends_on_the_same_day_of_the_next_month() {
        assert_eq!(due(Deadline::Gdpr, "2026-03-15T10:20:30Z"), "2026-04-15T10:20:30Z");
        assert_eq!(due(Deadline::Gdpr, "2026-12-03T00:00:00Z"), "2027-01-03T00:00:00Z");
    }

    #[test]
    fn a_calendar_month_into_a_shorter_month_ends_on_its_last_day() {
        assert_eq!(due(Deadline::Gdpr, "2026-01-31T23:59:59Z"), "2026-02-28T23:59:59Z");
        assert_eq!(due(Deadline::Gdpr, "2028-01-30T12:00:00Z"), "2028-02-29T12:00:00Z");
        assert_eq!(due(Deadline::Gdpr, "2026-08-31T08:00:00Z"), "2026-09-30T08:00:00Z");
    }

    #[test]
    fn days_are_calendar_days() {
        assert_eq!(due(Deadline::Ccpa, "2026-01-01T00:00:00Z"), "2026-02-15T00:00:00Z");
        assert_eq!(due(Deadline::Days(1), "2028-02-28T06:00:00Z"), "2028-02-29T06:00:00Z");
    }
}
