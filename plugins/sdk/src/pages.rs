//! Listings in pages: following a cursor that the connector does not see.

use crate::handles::ValueId;
use crate::query::{Answer, Query};
use crate::query_failure;
use crate::text::Value;
use crate::types::{Failure, FailureCode};

/// Most pages of a listing, unless [`Pages::at_most`] says otherwise. The host allows a run some
/// thousand calls; a cursor that never ends should be found before that.
pub const PAGES_MAX: u32 = 1000;

/// The pages of one listing, one after the other.
///
/// The first page is a planned query, unless it is made of an earlier answer. Each further one is
/// made from the cursor that stands in the page before, so it is outside the plan, under a label of
/// its own, and needs an [`EgressNeed`](crate::types::EgressNeed). The listing ends with a page
/// that has no cursor, with one whose status is not 2xx, after the first query of a dry run, or
/// when the caller stops asking; it fails when a page does, and when there are too many.
///
/// ```
/// use cordon_connector_sdk::pages::Pages;
/// use cordon_connector_sdk::query::Query;
/// use cordon_connector_sdk::text;
/// use cordon_connector_sdk::text::placeholder;
/// use cordon_connector_sdk::types::{Failure, Finding, Outcome, Task};
///
/// const PEOPLE: &str = "https://api.acme.example/people";
///
/// fn access(task: &Task) -> Result<Outcome, Failure> {
///     let url = text!("{}?email={}", PEOPLE, placeholder("email"));
///     let first = Query::new("access/people", "GET", url).records();
///     let mut found = Vec::new();
///     for email in task.identities_of("email") {
///         let pages = Pages::new(&first, &[email.id], "/next_cursor", |cursor| {
///             first.elsewhere("access/people/next", text!("{}?cursor={}", PEOPLE, cursor))
///         });
///         for page in pages.at_most(100) {
///             found.push(page?.records("/items")?);
///         }
///     }
///     Ok(Outcome::finished(Finding::Records(found)))
/// }
/// ```
///
/// Who first, then what is theirs: no page of the second listing is planned. The plan holds
/// `member`, the egress need `GET` below `/members`, and `DELETE` there for a deletion.
/// [`value`](Answer::value) is for what may be absent, as a cursor may. An id that must be there is
/// [`required_value`](Answer::required_value): with an answer of another shape the query fails, and
/// does not say that nothing was found.
///
/// ```
/// # use cordon_connector_sdk::pages::Pages;
/// # use cordon_connector_sdk::query::Query;
/// # use cordon_connector_sdk::text;
/// # use cordon_connector_sdk::text::Value;
/// # use cordon_connector_sdk::types::{Failure, Finding, Outcome, Task};
/// const MEMBERS: &str = "https://api.acme.example/members";
///
/// fn orders(id: Value) -> Query {
///     Query::new("access/orders", "GET", text!("{}/{}/orders", MEMBERS, id)).records()
/// }
///
/// fn more_orders(id: Value, cursor: Value) -> Query {
///     let url = text!("{}/{}/orders?from={}", MEMBERS, id, cursor);
///     orders(id).elsewhere("access/orders/next", url)
/// }
///
/// fn deletion(id: Value) -> Query {
///     let url = text!("{}/{}", MEMBERS, id);
///     Query::new("delete/erase", "DELETE", url).success(&[204, 404])
/// }
///
/// fn access(task: &Task, member: &Query) -> Result<Outcome, Failure> {
///     let mut found = Vec::new();
///     for email in task.identities_of("email") {
///         let Some(answer) = member.send(&[email.id])?.filter(|answer| answer.status() == 200)
///         else {
///             continue; // nobody, or a dry run
///         };
///         let Some(object) = answer.object("/member")? else { continue };
///         found.push(object);
///         let id = answer.required_value("/member/id")?;
///         let first = orders(id);
///         for page in Pages::new(&first, &[], "/next", |cursor| more_orders(id, cursor)) {
///             found.push(page?.records("/orders")?);
///         }
///     }
///     Ok(Outcome::finished(Finding::Records(found)))
/// }
///
/// fn delete(task: &Task, member: &Query) -> Result<Outcome, Failure> {
///     let mut deleted = false;
///     for email in task.identities_of("email") {
///         let Some(answer) = member.send(&[email.id])?.filter(|answer| answer.status() == 200)
///         else {
///             continue; // nobody, or a dry run
///         };
///         if answer.object("/member")?.is_none() {
///             continue;
///         }
///         let deletion = deletion(answer.required_value("/member/id")?);
///         // 404: gone since it was looked for.
///         deleted |= deletion.send(&[])?.is_some_and(|answer| answer.status() == 204);
///     }
///     Ok(if deleted { Outcome::done() } else { Outcome::nothing_found() })
/// }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before a page is asked for"]
pub struct Pages<F> {
    next: Option<Query>,
    bind: Vec<ValueId>,
    cursor_at: String,
    further: F,
    pages: u32,
    pages_max: u32,
}

impl<F: FnMut(Value) -> Query> Pages<F> {
    /// A listing that begins with `first`, bound to these identities. `cursor_at` is the JSON
    /// pointer of the cursor in a page, and `further` makes the query for the page behind it.
    ///
    /// ```
    /// # use cordon_connector_sdk::{pages::Pages, query::Query, text, text::Value};
    /// fn pages(first: &Query) -> Pages<impl FnMut(Value) -> Query> {
    ///     Pages::new(first, &[], "/next", |cursor| {
    ///         first.elsewhere("next", text!("https://api.acme.example/all?from={}", cursor))
    ///     })
    /// }
    /// ```
    pub fn new(first: &Query, bind: &[ValueId], cursor_at: &str, further: F) -> Self {
        Self {
            next: Some(first.clone()),
            bind: bind.to_vec(),
            cursor_at: cursor_at.to_owned(),
            further,
            pages: 0,
            pages_max: PAGES_MAX,
        }
    }

    /// With more pages than this it fails.
    ///
    /// ```
    /// # use cordon_connector_sdk::{pages::Pages, query::Query, text, text::Value};
    /// fn few<F: FnMut(Value) -> Query>(pages: Pages<F>) -> Pages<F> {
    ///     pages.at_most(20)
    /// }
    /// ```
    pub fn at_most(mut self, pages: u32) -> Self {
        self.pages_max = pages;
        self
    }

    fn page(&mut self, query: &Query) -> Result<Option<Answer>, Failure> {
        if self.pages >= self.pages_max {
            let detail = format!("the listing has more than {} pages", self.pages_max);
            return Err(query_failure(FailureCode::QueryFailed, query.label(), detail));
        }
        self.pages += 1;
        let Some(answer) = query.send(&self.bind)? else { return Ok(None) };
        if (200..300).contains(&answer.status()) {
            self.next = answer.value(&self.cursor_at)?.map(&mut self.further);
        }
        Ok(Some(answer))
    }
}

impl<F: FnMut(Value) -> Query> Iterator for Pages<F> {
    type Item = Result<Answer, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let query = self.next.take()?;
        self.page(&query).transpose()
    }
}
