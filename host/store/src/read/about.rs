//! Requests about a person, found by keyed hashes of identities.

use std::collections::BTreeSet;
use std::ops::Bound;

use cordon_model::commit::StoreError;
use cordon_model::page::{Listing, Page};
use cordon_model::request::PrivacyRequest;
use cordon_model::subject::IdentityKind;
use cordon_model::{RequestId, TenantId};
use uuid::Uuid;

use super::View;
use super::list::{limit, nothing};
use super::requests::request;
use crate::apply::request::identity_hash;
use crate::cursor;
use crate::row;
use crate::snapshot::{Order, Scan};
use crate::tables::{Key, TIME_BYTES, Table};

const INDEX: Table = Table::RequestsByIdentity;

/// Newest first. Looks at no more rows for each identity than the page has items, and one more.
pub(crate) fn requests_about(
    view: &View<'_>,
    tenant: &TenantId,
    identities: &[(IdentityKind, String)],
    page: &Page,
) -> Result<Listing<PrivacyRequest>, StoreError> {
    let Some(keys) = view.scope(Some(tenant))? else { return Ok(nothing()) };
    let from = match page.cursor.as_deref().map(cursor::decode) {
        None => None,
        Some(None) => return Ok(nothing()),
        Some(from) => from,
    };
    let hashes = identities.iter().map(|(kind, value)| identity_hash(&keys, kind, value));
    let limit = limit(page);
    // Time and id of each, so that one that several identities lead to stands here once.
    let mut found: BTreeSet<Vec<u8>> = BTreeSet::new();
    for hash in hashes.collect::<BTreeSet<_>>() {
        let prefix = Key::of(tenant).raw(&hash).done();
        let before = from.as_ref().map_or(Bound::Unbounded, |rest| {
            Bound::Excluded(Key::unscoped().raw(&prefix).raw(rest).done())
        });
        let mut seen = 0;
        view.snapshot.scan(INDEX, &prefix, before, Order::Descending, |key, _| {
            found.insert(key.get(prefix.len()..).ok_or_else(damaged)?.to_vec());
            seen += 1;
            Ok(if seen > limit { Scan::Stop } else { Scan::GoOn })
        })?;
        while found.len() > limit + 1 {
            found.pop_first();
        }
    }
    let more = found.len() > limit;
    let newest: Vec<Vec<u8>> = found.into_iter().rev().take(limit).collect();
    let next_cursor = newest.last().filter(|_| more).map(|last| cursor::encode(last));
    let load = |rest: &Vec<u8>| {
        let id = rest.get(TIME_BYTES..).and_then(|id| Uuid::from_slice(id).ok());
        let id = RequestId::new(id.ok_or_else(damaged)?);
        request(view, tenant, id)?.ok_or_else(|| row::damaged(Table::Requests))
    };
    let items: Result<Vec<_>, StoreError> = newest.iter().map(load).collect();
    Ok(Listing { items: items?, next_cursor })
}

fn damaged() -> StoreError {
    row::damaged(INDEX)
}
