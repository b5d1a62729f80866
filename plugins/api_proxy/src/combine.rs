//! Combinations of identities: a query runs once for each (BEHAVIOUR B6).

use cordon_connector_sdk::handles::Identity;

/// Most combinations of identities that one query is sent for.
pub(crate) const COMBINATIONS_MAX: usize = 100;

/// The identities of a query combine in more ways than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// In how many, at least.
    pub(crate) count: usize,
}

/// Every choice of one identity for each kind, the last kind changing fastest. For no kinds there
/// is one choice, the empty one; for a kind without an identity there is none.
///
/// # Errors
/// When there are more than [`COMBINATIONS_MAX`]; nothing is built then.
pub(crate) fn combinations<'i>(
    kinds: &[&str],
    identities: &'i [Identity],
) -> Result<Vec<Vec<&'i Identity>>, TooMany> {
    let of_kind = |kind: &&str| {
        let known = identities.iter();
        known.filter(|identity| identity.kind == **kind).collect::<Vec<_>>()
    };
    let choices: Vec<Vec<&Identity>> = kinds.iter().map(of_kind).collect();
    let count = choices.iter().fold(1, |count: usize, choice| count.saturating_mul(choice.len()));
    if count > COMBINATIONS_MAX {
        return Err(TooMany { count });
    }
    let mut combined = vec![Vec::new()];
    for choice in &choices {
        let extend = |chosen: &Vec<&'i Identity>| {
            let with = |next: &&'i Identity| [chosen.as_slice(), &[*next]].concat();
            choice.iter().map(with).collect::<Vec<_>>()
        };
        combined = combined.iter().flat_map(extend).collect();
    }
    Ok(combined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identities(kinds: &[(&str, u32)]) -> Vec<Identity> {
        let mut all = Vec::new();
        for (kind, count) in kinds {
            for _ in 0..*count {
                let id = u32::try_from(all.len()).unwrap();
                all.push(Identity { id, kind: (*kind).to_owned(), fresh: true });
            }
        }
        all
    }

    fn ids(kinds: &[&str], identities: &[Identity]) -> Result<Vec<Vec<u32>>, TooMany> {
        let combined = combinations(kinds, identities)?;
        Ok(combined.iter().map(|chosen| chosen.iter().map(|i| i.id).collect()).collect())
    }

    #[test]
    fn several_identities_give_every_combination_in_order() {
        let known = identities(&[("email", 2), ("user_id", 2), ("phone_number", 1)]);
        assert_eq!(ids(&["user_id", "email"], &known).unwrap(), [[2, 0], [2, 1], [3, 0], [3, 1]]);
        assert_eq!(ids(&["phone_number"], &known).unwrap(), [[4]]);
    }

    #[test]
    fn no_kinds_are_one_call_and_an_unknown_kind_is_none() {
        let known = identities(&[("email", 2)]);
        assert_eq!(ids(&[], &known).unwrap(), [[0_u32; 0]]);
        assert_eq!(ids(&["user_id"], &known).unwrap(), Vec::<Vec<u32>>::new());
    }

    #[test]
    fn a_hundred_combinations_are_allowed_and_one_more_is_not() {
        let known = identities(&[("email", 10), ("user_id", 10), ("phone_number", 101)]);
        assert_eq!(ids(&["email", "user_id"], &known).unwrap().len(), 100);
        assert_eq!(ids(&["phone_number"], &known), Err(TooMany { count: 101 }));
    }
}
