//! Pages of lists, newest first.

use std::ops::Bound;

use cordon_model::commit::StoreError;
use cordon_model::page::{Listing, Page};

use super::View;
use crate::cursor;
use crate::row;
use crate::snapshot::{Order, Scan};
use crate::tables::{Key, TIME_BYTES, Table};

/// A list by time: keys are a prefix, a time, and the name of an object.
pub(super) struct List {
    /// The index.
    pub(super) index: Table,
    /// What its keys begin with.
    pub(super) prefix: Vec<u8>,
    /// Nothing newer than this key; none: from the newest.
    pub(super) before: Bound<Vec<u8>>,
    /// Nothing as old as this, as bytes of a time.
    pub(super) after: Option<[u8; TIME_BYTES]>,
}

/// An empty page: what a cursor that is none of ours leads to.
pub(super) fn nothing<T>() -> Listing<T> {
    Listing { items: Vec::new(), next_cursor: None }
}

/// How many items a page has at most.
pub(super) fn limit(page: &Page) -> usize {
    page.limit.clamp(1, Page::LIMIT_MAX)
}

impl List {
    /// The whole list.
    pub(super) fn new(index: Table, prefix: Vec<u8>) -> Self {
        Self { index, prefix, before: Bound::Unbounded, after: None }
    }

    /// One page. `load` gets the name of an object and says what it is, or that the filter leaves
    /// it out. Looks at no more than the view's limit of rows, and goes on from there.
    pub(super) fn page<T>(
        mut self,
        view: &View<'_>,
        page: &Page,
        mut load: impl FnMut(&[u8]) -> Result<Option<T>, StoreError>,
    ) -> Result<Listing<T>, StoreError> {
        if let Some(cursor) = &page.cursor {
            let Some(rest) = cursor::decode(cursor) else { return Ok(nothing()) };
            self.before = Bound::Excluded(Key::unscoped().raw(&self.prefix).raw(&rest).done());
        }
        let Self { index, prefix, before, after } = self;
        let limit = limit(page);
        let mut items = Vec::new();
        let mut looked_at = 0;
        let mut last: Option<Vec<u8>> = None;
        let mut next_cursor = None;
        view.snapshot.scan(index, &prefix, before, Order::Descending, |key, _| {
            let rest = key.get(prefix.len()..).ok_or_else(|| row::damaged(index))?;
            let (time, name) =
                rest.split_at_checked(TIME_BYTES).ok_or_else(|| row::damaged(index))?;
            if after.is_some_and(|after| time <= after.as_slice()) {
                return Ok(Scan::Stop);
            }
            // There is one more, so there is a next page.
            if items.len() == limit || looked_at >= view.list_scan_max.max(1) {
                next_cursor = last.take().map(|last| cursor::encode(&last));
                return Ok(Scan::Stop);
            }
            looked_at += 1;
            items.extend(load(name)?);
            last = Some(rest.to_vec());
            Ok(Scan::GoOn)
        })?;
        Ok(Listing { items, next_cursor })
    }
}
