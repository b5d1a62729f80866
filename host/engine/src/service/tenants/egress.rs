//! What a tenant may reach: its limits within the operator's policy, and the hosts of its webhooks.
//!
//! Checked for their form when they are written and enforced at every send; what was granted
//! before stays granted and goes nowhere that the limits do not leave.

use std::collections::BTreeSet;

use cordon_model::Problem;
use cordon_model::grant::{EgressLimits, HostPattern, InvalidGrant};

use crate::service::problems::Problems;

/// The limits of a tenant as they are written: patterns over origins.
#[derive(Debug, Clone, Default)]
pub struct EgressDraft {
    /// Where requests may go at all; none: wherever the operator allows.
    pub allow: Option<Vec<String>>,
    /// Where they may not go.
    pub deny: Vec<String>,
}

/// A change of these limits: outer none: as it is; inner none: back to the default.
#[derive(Debug, Clone, Default)]
pub struct EgressPatch {
    /// Where requests may go at all.
    pub allow: Option<Option<Vec<String>>>,
    /// Where they may not go.
    pub deny: Option<Option<Vec<String>>>,
}

impl EgressPatch {
    /// The limits that it makes of others.
    pub(super) fn applied_to(self, limits: &EgressLimits) -> EgressDraft {
        EgressDraft {
            allow: self.allow.unwrap_or_else(|| limits.allow_texts()),
            deny: self.deny.map_or_else(|| limits.deny_texts(), Option::unwrap_or_default),
        }
    }
}

/// Reads limits. Of what cannot be read nothing is stored: a problem was reported.
pub(super) fn limits(draft: &EgressDraft, most: usize, problems: &mut Problems) -> EgressLimits {
    let lists = [("allow", draft.allow.as_ref()), ("deny", Some(&draft.deny))];
    for (name, list) in lists {
        if list.is_some_and(|list| list.len() > most) {
            problems.error("too_many", format!("/egress/{name}"), format!("at most {most}"));
            return EgressLimits::default();
        }
    }
    match EgressLimits::read(draft.allow.as_deref(), &draft.deny) {
        Ok(limits) => limits,
        Err(found) => {
            let below = |p: Problem| Problem { pointer: format!("/egress{}", p.pointer), ..p };
            problems.extend(found.into_iter().map(below));
            EgressLimits::default()
        }
    }
}

/// Reads the hosts that webhooks and callbacks may name.
pub(super) fn webhook_hosts(
    words: &[String],
    most: usize,
    problems: &mut Problems,
) -> BTreeSet<HostPattern> {
    if words.len() > most {
        problems.error("too_many", "/webhook_hosts", format!("at most {most}"));
        return BTreeSet::new();
    }
    let mut hosts = BTreeSet::new();
    for (n, word) in words.iter().enumerate() {
        match host(word) {
            Ok(pattern) => {
                hosts.insert(pattern);
            }
            Err(error) => {
                problems.error(error.code(), format!("/webhook_hosts/{n}"), error.to_string());
            }
        }
    }
    hosts
}

fn host(word: &str) -> Result<HostPattern, InvalidGrant> {
    let pattern: HostPattern = word.parse()?;
    pattern.check_width()?;
    Ok(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn refused(problems: Problems) -> Vec<(String, String)> {
        match problems.finish() {
            Err(Error::Invalid(found)) => found.into_iter().map(|p| (p.pointer, p.code)).collect(),
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn what_is_no_pattern_is_named_by_its_place() {
        let mut problems = Problems::default();
        let draft = EgressDraft { allow: Some(owned(&["https://a.b", "x"])), deny: owned(&["*"]) };
        limits(&draft, 10, &mut problems);
        webhook_hosts(&owned(&["hooks.acme.com", "*.com", "a/b"]), 10, &mut problems);
        let expected = [
            ("/egress/allow/1", "invalid_scheme"),
            ("/egress/deny/0", "invalid_scheme"),
            ("/webhook_hosts/1", "wildcard_too_wide"),
            ("/webhook_hosts/2", "invalid_host"),
        ];
        assert_eq!(refused(problems), expected.map(|(p, c)| (p.to_owned(), c.to_owned())));
    }

    #[test]
    fn lists_have_an_end() {
        let mut problems = Problems::default();
        let draft = EgressDraft { allow: None, deny: owned(&["https://a.b", "https://c.d"]) };
        limits(&draft, 1, &mut problems);
        webhook_hosts(&owned(&["a.b", "c.d"]), 1, &mut problems);
        let pointers: Vec<_> = refused(problems).into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, ["/egress/deny", "/webhook_hosts"]);
    }

    #[test]
    fn a_change_leaves_what_it_does_not_name() {
        let before = EgressLimits::read(Some(&owned(&["https://a.b"])), &owned(&["https://c.d"]));
        let before = before.unwrap();
        let after = EgressPatch { deny: Some(None), ..EgressPatch::default() }.applied_to(&before);
        assert_eq!((after.allow, after.deny), (Some(owned(&["https://a.b"])), vec![]));
        let after = EgressPatch { allow: Some(None), ..EgressPatch::default() }.applied_to(&before);
        assert_eq!((after.allow, after.deny), (None, owned(&["https://c.d"])));
    }
}
