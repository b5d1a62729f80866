//! Lists in pages, newest first.

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// At most this many items.
    pub limit: usize,
    /// Where the page before ended; opaque to callers.
    pub cursor: Option<String>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// Where the next page begins; none: this was the last.
    pub next_cursor: Option<String>,
}

impl Page {
    /// Most items a page can have.
    pub const LIMIT_MAX: usize = 200;

    /// The first page, as large as a page can be.
    pub const fn first() -> Self {
        Self { limit: Self::LIMIT_MAX, cursor: None }
    }
}

impl<T> Listing<T> {
    /// The same page with every item changed.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Listing<U> {
        Listing { items: self.items.into_iter().map(f).collect(), next_cursor: self.next_cursor }
    }
}
