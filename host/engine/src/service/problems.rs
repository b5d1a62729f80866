//! Collecting everything that is wrong with what a person wrote, so that all of it is reported
//! together and nothing is stored.
//!
//! Checks only texts and shapes; what an object means is checked where its use case is. Messages
//! name rules and fields, never the value that was sent.

use cordon_model::subject::{InvalidIdentity, check_identity_value};
use cordon_model::{Problem, Severity};

use crate::Error;

/// Longest display name, in characters (BEHAVIOUR A5).
const NAME_CHARACTERS_MAX: usize = 200;

/// What was found so far. Two findings of one code at one place are one.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn error(
        &mut self,
        code: &str,
        pointer: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.push(Problem::error(code, pointer, message));
    }

    pub(super) fn warning(
        &mut self,
        code: &str,
        pointer: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.push(Problem::warning(code, pointer, message));
    }

    pub(super) fn push(&mut self, problem: Problem) {
        let same = |other: &Problem| {
            (&other.code, &other.pointer, other.column, other.severity)
                == (&problem.code, &problem.pointer, problem.column, problem.severity)
                && (problem.severity == Severity::Error || other.message == problem.message)
        };
        if !self.0.iter().any(same) {
            self.0.push(problem);
        }
    }

    pub(super) fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }

    /// The warnings, when there is no error.
    ///
    /// # Errors
    /// Every error together.
    pub(super) fn finish(self) -> Result<Vec<Problem>, Error> {
        if self.0.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(self.refuse());
        }
        Ok(self.0)
    }

    /// The refusal, where the checks cannot go on.
    pub(super) fn refuse(self) -> Error {
        Error::Invalid(self.0.into_iter().filter(|p| p.severity == Severity::Error).collect())
    }

    /// A name that people read: 1 to 200 characters that they can see.
    pub(super) fn check_name(&mut self, pointer: &str, name: &str) {
        if name.chars().count() > NAME_CHARACTERS_MAX {
            self.error(
                "too_long",
                pointer,
                format!("must be at most {NAME_CHARACTERS_MAX} characters"),
            );
        } else if let Err(reason) = check_identity_value(name) {
            // The same rule as for identities: nothing that a reader cannot see.
            let code = match reason {
                InvalidIdentity::Empty => "empty",
                InvalidIdentity::TooLong => "too_long",
                InvalidIdentity::NotTrimmed => "not_trimmed",
                InvalidIdentity::Invisible => "not_printable",
            };
            self.error(code, pointer, reason.to_string());
        }
    }
}

/// The known word (in lower case) that is nearest to an unknown one, when one is near.
pub(super) fn nearest<'a>(
    unknown: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    /// Below this a suggestion would be a guess.
    const SIMILARITY_MIN: f64 = 0.8;
    let unknown = unknown.to_lowercase();
    known
        .into_iter()
        .map(|word| (strsim::jaro_winkler(&unknown, word), word))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_reported_together_and_only_once_each() {
        let mut problems = Problems::default();
        problems.error("empty", "/name", "must not be empty");
        problems.error("empty", "/name", "must not be empty");
        problems.warning("secret_in_url", "/queries/test/0", "a secret stands in the URL");
        problems.error("invalid", "/mode", "must be live or test");
        let Err(Error::Invalid(errors)) = problems.finish() else { panic!("there are errors") };
        assert_eq!(errors.len(), 2);
    }

    #[test]
    fn warnings_alone_refuse_nothing() {
        let mut problems = Problems::default();
        problems.warning("unknown_placeholder", "/queries/access/0", "{a}");
        problems.warning("unknown_placeholder", "/queries/access/0", "{b}");
        assert_eq!(problems.finish().map(|warnings| warnings.len()).unwrap(), 2);
    }

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_is_not() {
        assert_eq!(nearest("capabilites", ["capabilities", "mode"]), Some("capabilities"));
        assert_eq!(nearest("Mode", ["capabilities", "mode"]), Some("mode"));
        assert_eq!(nearest("zzz", ["capabilities", "mode"]), None);
    }
}
