//! Which of two versions of a plugin is the older one, and what that means for an installation.
//!
//! Semantic versions have an order; `1` and `1.2` are read as `1.0.0` and `1.2.0`. Other versions
//! have none: one of them follows only itself. The newest version of a name is remembered by the
//! store although the plugin goes, so that removing it and installing an older one is noticed.

use std::cmp::Ordering;

use cordon_model::TenantId;
use cordon_model::commit::Change;
use semver::Version;

use crate::{Conflict, Error, Services};

/// How `a` stands to `b`; none: there is no order between them.
pub(super) fn order(a: &str, b: &str) -> Option<Ordering> {
    if a == b {
        return Some(Ordering::Equal);
    }
    // What was built from the same source twice is no version of its own.
    Some(semantic(a)?.cmp_precedence(&semantic(b)?))
}

fn semantic(text: &str) -> Option<Version> {
    Version::parse(text).ok().or_else(|| {
        let end = text.find(['-', '+']).unwrap_or(text.len());
        let (core, rest) = text.split_at(end);
        let missing = 2_usize.checked_sub(core.matches('.').count())?;
        Version::parse(&format!("{core}{}{rest}", ".0".repeat(missing))).ok()
    })
}

/// What was ever installed under a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The newest version.
    pub(super) newest: Option<String>,
    /// What the store has noted of it.
    noted: Option<String>,
}

/// What installing a version means.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The newest version so far, when the new one is not known to be as new.
    pub(super) down_from: Option<String>,
    /// The newest version from now on, when it is to be noted.
    pub(super) note: Option<String>,
}

impl Seen {
    /// What installing `version` would mean after what is `seen` here.
    ///
    /// # Errors
    /// When it is older, or nobody can say, and that is not `allowed`.
    pub(super) fn step(&self, name: &str, version: &str, allowed: bool) -> Result<Step, Error> {
        let Some(newest) = &self.newest else {
            return Ok(Step { down_from: None, note: Some(version.to_owned()) });
        };
        let known = order(version, newest);
        let is_down = !matches!(known, Some(Ordering::Equal | Ordering::Greater));
        if is_down && !allowed {
            return Err(refusal(name, version, newest, known));
        }
        let now = match known {
            // The newest stays the newest although an older one was let in.
            Some(Ordering::Less | Ordering::Equal) => newest,
            // Where there is no order a new one begins.
            Some(Ordering::Greater) | None => version,
        };
        Ok(Step {
            down_from: is_down.then(|| newest.clone()),
            note: (self.noted.as_deref() != Some(now)).then(|| now.to_owned()),
        })
    }

    /// The change that a step asks for.
    pub(super) fn noting(
        &self,
        step: &Step,
        scope: Option<&TenantId>,
        name: &str,
    ) -> Option<Change> {
        let version = step.note.clone()?;
        let (scope, name) = (scope.cloned(), name.to_owned());
        Some(Change::PutNewestVersion { scope, name, before: self.noted.clone(), version })
    }

    /// The change that keeps what is known although the plugin goes.
    pub(super) fn keeping(&self, scope: Option<&TenantId>, name: &str) -> Option<Change> {
        let note = self.newest.clone().filter(|newest| self.noted.as_ref() != Some(newest));
        self.noting(&Step { down_from: None, note }, scope, name)
    }
}

fn refusal(name: &str, version: &str, newest: &str, known: Option<Ordering>) -> Error {
    let way = "allow it with ?allow_downgrade=true (--allow-downgrade)";
    match known {
        Some(_) => {
            let detail = format!("{version} is older than {name} {newest}, which was here; {way}");
            Error::conflict(Conflict::Downgrade, detail)
        }
        None => {
            let detail = format!(
                "nobody can say whether {version} is newer than {name} {newest}, which was here: \
                 only semantic versions have an order; {way}"
            );
            Error::conflict(Conflict::VersionUnordered, detail)
        }
    }
}

impl Services {
    /// What was ever installed under a name.
    pub(super) async fn seen(&self, scope: Option<&TenantId>, name: &str) -> Result<Seen, Error> {
        let noted = self.store().newest_plugin_version(scope, name).await?;
        // Some may have been installed before versions were noted.
        let installed = self.store().plugins(scope).await?;
        let installed = installed.into_iter().filter(|plugin| plugin.reference.name == name);
        let newest = installed.fold(noted.clone(), |newest, plugin| {
            let version = plugin.reference.version;
            match newest {
                Some(newest) if order(&version, &newest) != Some(Ordering::Greater) => Some(newest),
                Some(_) | None => Some(version),
            }
        });
        Ok(Seen { newest, noted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(newest: &str) -> Seen {
        Seen { newest: Some(newest.to_owned()), noted: Some(newest.to_owned()) }
    }

    #[test]
    fn semantic_versions_have_an_order_and_others_follow_only_themselves() {
        use Ordering::{Equal, Greater, Less};
        for (a, b, expected) in [
            ("1.2.0", "1.10.0", Some(Less)),
            ("1.2", "1.2.0", Some(Equal)),
            ("2", "1.9.9", Some(Greater)),
            ("1.0.0-rc.1", "1.0.0", Some(Less)),
            ("1.0-rc.2", "1.0-rc.1", Some(Greater)),
            ("1.0.0+a", "1.0.0+b", Some(Equal)),
            ("nightly", "nightly", Some(Equal)),
            ("nightly", "1.0.0", None),
            ("2027_01", "2027_02", None),
            ("1.2.3.4", "1.2.3", None),
            ("01", "1", None),
        ] {
            assert_eq!(order(a, b), expected, "{a} {b}");
            assert_eq!(order(b, a), expected.map(Ordering::reverse), "{b} {a}");
        }
    }

    #[test]
    fn what_is_older_or_has_no_order_is_refused_unless_that_is_allowed() {
        let conflict = |seen: &Seen, version: &str| match seen.step("shop", version, false) {
            Err(Error::Conflict { code, detail }) => (code, detail),
            other => panic!("{other:?}"),
        };
        let (code, detail) = conflict(&seen("1.2.0"), "1.1.0");
        assert_eq!(code, Conflict::Downgrade);
        assert!(detail.contains("1.2.0") && detail.contains("allow_downgrade"), "{detail}");
        assert_eq!(conflict(&seen("1.2.0"), "nightly").0, Conflict::VersionUnordered);
        assert_eq!(conflict(&seen("2027_01"), "2027_02").0, Conflict::VersionUnordered);
        let step = seen("1.2.0").step("shop", "1.1.0", true).unwrap();
        assert_eq!(step, Step { down_from: Some("1.2.0".into()), note: None }, "1.2.0 was here");
        let step = seen("2027_01").step("shop", "1.0.0", true).unwrap();
        assert_eq!(step.note.as_deref(), Some("1.0.0"), "an order begins");
        let step = seen("1.2.0").step("shop", "1.3.0", false).unwrap();
        assert_eq!(step, Step { down_from: None, note: Some("1.3.0".into()) });
        let step = Seen::default().step("shop", "anything", false).unwrap();
        assert_eq!(step.note.as_deref(), Some("anything"));
    }

    proptest! {
        #[test]
        fn no_sequence_of_installations_without_leave_ever_goes_back(
            versions in proptest::collection::vec("[0-3](\\.[0-3]){0,2}(-[ab])?|[a-c]", 1..20)
        ) {
            let mut seen = Seen::default();
            for version in versions {
                let Ok(step) = seen.step("shop", &version, false) else { continue };
                if let Some(newest) = &seen.newest {
                    prop_assert_ne!(order(&version, newest), Some(Ordering::Less));
                }
                let newest = step.note.or(seen.newest);
                seen = Seen { noted: newest.clone(), newest };
            }
        }
    }
}
