//! What an operator leaves to one tenant of what the host's egress policy allows.
//!
//! Limits only narrow: they open nothing, and in particular they write out no inner name (see
//! [`EgressPolicy::names`](super::EgressPolicy::names)). Checked together with the operator's
//! policy, when a connection or its grants are written and at every send.

use super::{OriginPattern, PolicyRefusal};
use crate::Problem;

/// The limits of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EgressLimits {
    /// Where its requests may go at all; none: wherever the operator's policy allows, an empty
    /// list: nowhere.
    pub allow: Option<Vec<OriginPattern>>,
    /// Where they may not go, whatever is allowed.
    pub deny: Vec<OriginPattern>,
}

impl EgressLimits {
    /// Reads limits as they are written: two lists of origin patterns.
    ///
    /// # Errors
    /// Everything that is no pattern, with its place: `/allow/0`.
    pub fn read(allow: Option<&[String]>, deny: &[String]) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut patterns = |list: &str, texts: &[String]| -> Vec<OriginPattern> {
            let mut read = |(n, text): (usize, &String)| match text.parse::<OriginPattern>() {
                Ok(pattern) => Some(pattern),
                Err(error) => {
                    let at = format!("/{list}/{n}");
                    problems.push(Problem::error(error.code(), at, error.to_string()));
                    None
                }
            };
            texts.iter().enumerate().filter_map(&mut read).collect()
        };
        let allow = allow.map(|texts| patterns("allow", texts));
        let deny = patterns("deny", deny);
        if problems.is_empty() { Ok(Self { allow, deny }) } else { Err(problems) }
    }

    /// `allow` as it is written.
    pub fn allow_texts(&self) -> Option<Vec<String>> {
        self.allow.as_deref().map(texts)
    }

    /// `deny` as it is written.
    pub fn deny_texts(&self) -> Vec<String> {
        texts(&self.deny)
    }

    /// Whether they leave everything that the operator allows.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether requests may go to an origin, or to all that a pattern stands for, as far as the
    /// tenant's limits say.
    ///
    /// # Errors
    /// With the reason.
    pub fn judge(&self, origin: &OriginPattern) -> Result<(), PolicyRefusal> {
        if let Some(deny) = self.deny.iter().find(|deny| deny.covers(origin)) {
            return Err(PolicyRefusal::DeniedToTenant(deny.clone()));
        }
        let allowed = |allow: &Vec<OriginPattern>| allow.iter().any(|own| own.covers(origin));
        if self.allow.as_ref().is_none_or(allowed) {
            Ok(())
        } else {
            Err(PolicyRefusal::NotAllowedToTenant)
        }
    }

    /// The parts of a pattern that `allow` leaves; what `deny` covers whole is among them.
    pub(super) fn parts(&self, origin: &OriginPattern) -> Vec<OriginPattern> {
        match &self.allow {
            None => vec![origin.clone()],
            Some(allow) => allow.iter().filter_map(|own| own.intersect(origin)).collect(),
        }
    }
}

fn texts(patterns: &[OriginPattern]) -> Vec<String> {
    patterns.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(allow: Option<&[&str]>, deny: &[&str]) -> EgressLimits {
        let owned = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let allow = allow.map(owned);
        EgressLimits::read(allow.as_deref(), &owned(deny)).unwrap()
    }

    fn code(limits: &EgressLimits, origin: &str) -> &'static str {
        limits.judge(&origin.parse().unwrap()).map_or_else(|refusal| refusal.code(), |()| "ok")
    }

    #[test]
    fn no_limits_leave_everything_and_an_empty_list_leaves_nothing() {
        assert_eq!(code(&EgressLimits::default(), "https://api.acme.com"), "ok");
        assert_eq!(code(&limits(Some(&[]), &[]), "https://api.acme.com"), "origin_not_allowed");
    }

    #[test]
    fn what_is_denied_is_denied_whatever_is_allowed() {
        let limits = limits(Some(&["https://*.acme.com"]), &["https://hr.acme.com"]);
        assert_eq!(code(&limits, "https://api.acme.com"), "ok");
        assert_eq!(code(&limits, "https://hr.acme.com"), "origin_denied");
        assert_eq!(code(&limits, "https://acme.com"), "origin_not_allowed");
        assert_eq!(code(&limits, "http://api.acme.com"), "origin_not_allowed");
        let refusal = limits.judge(&"https://hr.acme.com".parse().unwrap()).unwrap_err();
        assert!(refusal.to_string().contains("the tenant's limits"), "{refusal}");
    }

    #[test]
    fn limits_are_shown_as_they_were_written() {
        let limits = limits(Some(&["https://*.acme.com"]), &["http://*:*"]);
        assert_eq!(limits.allow_texts(), Some(vec!["https://*.acme.com".to_owned()]));
        assert_eq!(limits.deny_texts(), ["http://*:*"]);
        let allow = limits.allow_texts();
        assert_eq!(EgressLimits::read(allow.as_deref(), &limits.deny_texts()), Ok(limits));
    }

    #[test]
    fn what_is_no_pattern_is_named_by_its_place() {
        let (allow, deny) = (["https://a.*.com".to_owned()], ["x".to_owned()]);
        let problems = EgressLimits::read(Some(&allow), &deny).unwrap_err();
        let found: Vec<_> =
            problems.iter().map(|p| (p.pointer.as_str(), p.code.as_str())).collect();
        assert_eq!(found, [("/allow/0", "invalid_wildcard"), ("/deny/0", "invalid_scheme")]);
    }
}
