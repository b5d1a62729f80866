//! In which order tenants are served: in turns, so that one with very much to do delays nobody
//! else by more than a turn.

use cordon_model::{RequestId, TenantId};

/// One of each tenant, then a second of each, and so on. Who was served last begins last.
pub(crate) fn in_turns(
    mut due: Vec<(TenantId, Vec<RequestId>)>,
    last: Option<&TenantId>,
) -> Vec<(TenantId, RequestId)> {
    if let Some(last) = last {
        let first = due.iter().position(|(tenant, _)| tenant > last).unwrap_or(0);
        due.rotate_left(first);
    }
    let longest = due.iter().map(|(_, ids)| ids.len()).max().unwrap_or(0);
    let turns = (0..longest).flat_map(|turn| {
        due.iter().filter_map(move |(tenant, ids)| Some((tenant.clone(), *ids.get(turn)?)))
    });
    turns.collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    fn ids(numbers: &[u128]) -> Vec<RequestId> {
        numbers.iter().map(|n| RequestId::new(Uuid::from_u128(*n))).collect()
    }

    fn served(due: &[(&str, &[u128])], last: Option<&str>) -> Vec<(String, u128)> {
        let due = due.iter().map(|(name, numbers)| (tenant(name), ids(numbers))).collect();
        let places = in_turns(due, last.map(tenant).as_ref());
        let plain =
            |(tenant, id): (TenantId, RequestId)| (tenant.to_string(), id.as_uuid().as_u128());
        places.into_iter().map(plain).collect()
    }

    #[test]
    fn a_tenant_with_much_to_do_takes_turns_with_the_others() {
        let order = served(&[("big", &[1, 2, 3]), ("small", &[7])], None);
        let expected = [("big", 1), ("small", 7), ("big", 2), ("big", 3)];
        assert_eq!(order, expected.map(|(name, n)| (name.to_owned(), n)));
    }

    #[test]
    fn who_was_served_last_begins_last() {
        let due: &[(&str, &[u128])] = &[("a", &[1]), ("b", &[2]), ("c", &[3])];
        assert_eq!(served(due, Some("a"))[0].0, "b");
        assert_eq!(served(due, Some("c"))[0].0, "a");
        assert_eq!(served(due, Some("bb"))[0].0, "c", "one that has nothing to do any more");
    }
}
