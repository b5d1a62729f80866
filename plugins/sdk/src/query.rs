//! One definition of a request, for the plan and for sending.
//!
//! A request under a planned label is sent as planned or not at all. A connector that makes its
//! queries in one place – a function of its configuration – and hands the same [`Query`] to
//! [`verdict`](crate::plan::verdict) and to [`Query::send`] cannot break that rule.

mod answer;

pub use answer::Answer;

use crate::compose::{JSON, literal};
use crate::failure_of;
use crate::handles::{Identity, Text, ValueId};
use crate::http::{self, BodyUse, HttpError, HttpRequest};
use crate::types::{Action, Failure, PlannedRequest, SkipReason, Skipped, WhenMissing};

/// A request with its label and what it is for.
///
/// ```
/// use cordon_connector_sdk::query::Query;
/// use cordon_connector_sdk::text;
/// use cordon_connector_sdk::text::{placeholder, secret};
/// use cordon_connector_sdk::types::Action;
///
/// fn people(origin: &str) -> Query {
///     Query::new("access/people", "GET", text!("{}/people?email={}", origin, placeholder("email")))
///         .serving(Action::Access)
///         .at("/config/origin")
///         .header("Authorization", text!("Bearer {}", secret("api_key")))
///         .success(&[200, 404])
///         .retry(&[429, 503])
///         .records()
/// }
/// # assert_eq!(people("https://a.example").label(), "access/people");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    planned: PlannedRequest,
}

impl Query {
    /// A query of `test` until [`serving`](Self::serving) or [`finding`](Self::finding) says
    /// otherwise; what it sends begins like [`HttpRequest::new`].
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, text};
    /// let ping = Query::new("test/ping", "GET", text!("https://api.acme.example/ping"));
    /// # assert_eq!(ping.request().success, [200]);
    /// ```
    pub fn new(label: impl Into<String>, method: impl Into<String>, url: Text) -> Self {
        Self { planned: HttpRequest::new(label, method, url).planned("", None) }
    }

    /// Which action sends it. Not for identifiers: see [`finding`](Self::finding).
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, text, types::Action};
    /// let erase = Query::new("delete/all", "DELETE", text!("https://api.acme.example/me"))
    ///     .serving(Action::Delete);
    /// # assert_eq!(erase.action(), Some(Action::Delete));
    /// ```
    #[must_use]
    pub fn serving(mut self, action: Action) -> Self {
        self.planned.action = Some(action);
        self
    }

    /// It is sent by an identifiers run that looks for identities of this kind.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, text, types::Action};
    /// let ids = Query::new("identifiers/user_id", "GET", text!("https://api.acme.example/ids"))
    ///     .finding("user_id");
    /// # assert_eq!(ids.action(), Some(Action::Identifiers));
    /// ```
    #[must_use]
    pub fn finding(mut self, kind: impl Into<String>) -> Self {
        self.planned.wanted = Some(kind.into());
        self.serving(Action::Identifiers)
    }

    /// JSON pointer of what it was made from in the configuration: where a problem of it is shown.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, text};
    /// # let query = Query::new("test/ping", "GET", text!("https://api.acme.example/ping"));
    /// let query = query.at("/config/origin");
    /// # assert_eq!(query.planned().pointer, "/config/origin");
    /// ```
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.planned.pointer = pointer.into();
        self
    }

    /// Without an identity that it names it is left out; otherwise the task fails.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, text, text::placeholder};
    /// let url = text!("https://api.acme.example/calls/{}", placeholder("phone_number"));
    /// let calls = Query::new("access/calls", "GET", url).skip_when_missing();
    /// # assert!(calls.skipped(&[]).is_some());
    /// ```
    #[must_use]
    pub fn skip_when_missing(mut self) -> Self {
        self.planned.when_missing = WhenMissing::Skip;
        self
    }

    /// Adds a header.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, text, text::secret};
    /// # let query = Query::new("test/ping", "GET", text!("https://api.acme.example/ping"));
    /// let query = query.header("Authorization", text!("Bearer {}", secret("api_key")));
    /// # assert_eq!(query.request().headers.len(), 1);
    /// ```
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: Text) -> Self {
        self.planned.request.headers.push((name.into(), value));
        self
    }

    /// Sets a JSON body and its Content-Type.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, text, text::placeholder};
    /// # let query = Query::new("access/find", "POST", text!("https://api.acme.example/find"));
    /// let query = query.json(text!(r#"{{"email": "{}"}}"#, placeholder("email")));
    /// # assert_eq!(query.request().headers[0].0, "Content-Type");
    /// ```
    #[must_use]
    pub fn json(self, content: Text) -> Self {
        self.header("Content-Type", literal(JSON)).body(content)
    }

    /// Sets the body; its pieces are escaped by the Content-Type header.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, compose::literal, text, text::placeholder};
    /// # let query = Query::new("access/find", "POST", text!("https://api.acme.example/find"));
    /// let query = query
    ///     .header("Content-Type", literal("application/x-www-form-urlencoded"))
    ///     .body(text!("email={}", placeholder("email")));
    /// # assert!(query.request().body.is_some());
    /// ```
    #[must_use]
    pub fn body(mut self, content: Text) -> Self {
        self.planned.request = self.planned.request.body(content);
        self
    }

    /// Statuses that are a success, in place of 200 alone.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, text};
    /// # let query = Query::new("delete/it", "DELETE", text!("https://api.acme.example/it"));
    /// let query = query.success(&[204, 404]);
    /// # assert_eq!(query.request().success, [204, 404]);
    /// ```
    #[must_use]
    pub fn success(mut self, statuses: &[u16]) -> Self {
        self.planned.request.success = statuses.to_vec();
        self
    }

    /// Statuses that the host tries again.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, text};
    /// # let query = Query::new("test/ping", "GET", text!("https://api.acme.example/ping"));
    /// let query = query.retry(&[429, 503]);
    /// # assert_eq!(query.request().retry_statuses, [429, 503]);
    /// ```
    #[must_use]
    pub fn retry(mut self, statuses: &[u16]) -> Self {
        self.planned.request.retry_statuses = statuses.to_vec();
        self
    }

    /// Says that sending it twice is as good as once, whatever its method; or that it is not.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, text};
    /// # let query = Query::new("delete/it", "POST", text!("https://api.acme.example/forget"));
    /// let query = query.idempotent(true);
    /// # assert_eq!(query.request().idempotent, Some(true));
    /// ```
    #[must_use]
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.planned.request.idempotent = Some(idempotent);
        self
    }

    /// The body of the response is parsed: [`Answer::records`], [`Answer::object`],
    /// [`Answer::value`].
    ///
    /// ```
    /// # use cordon_connector_sdk::{http::BodyUse, query::Query, text};
    /// # let query = Query::new("access/all", "GET", text!("https://api.acme.example/all"));
    /// let query = query.records();
    /// # assert_eq!(query.request().response_body, BodyUse::Records);
    /// ```
    #[must_use]
    pub fn records(mut self) -> Self {
        self.planned.request.response_body = BodyUse::Records;
        self
    }

    /// The body of the response is read, which needs the read grant `responses`: see
    /// [`Answer::bytes`].
    ///
    /// ```
    /// # use cordon_connector_sdk::{http::BodyUse, query::Query, text};
    /// # let query = Query::new("access/csv", "GET", text!("https://api.acme.example/all.csv"));
    /// let query = query.bytes();
    /// # assert_eq!(query.request().response_body, BodyUse::Bytes);
    /// ```
    #[must_use]
    pub fn bytes(mut self) -> Self {
        self.planned.request.response_body = BodyUse::Bytes;
        self
    }

    /// The same under another label and with another URL: the next page of a listing, say. It is
    /// outside the plan, so what it reaches is an
    /// [`EgressNeed`](crate::types::EgressNeed).
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, text, text::Value};
    /// fn next(people: &Query, cursor: Value) -> Query {
    ///     let url = text!("https://api.acme.example/people?cursor={}", cursor);
    ///     people.elsewhere("access/people/next", url)
    /// }
    /// ```
    #[must_use]
    pub fn elsewhere(&self, label: impl Into<String>, url: Text) -> Self {
        let mut other = self.clone();
        other.planned.request.label = label.into();
        other.planned.request.url = url;
        other
    }

    /// Its label.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, text};
    /// let ping = Query::new("test/ping", "GET", text!("https://api.acme.example/ping"));
    /// assert_eq!(ping.label(), "test/ping");
    /// ```
    pub fn label(&self) -> &str {
        &self.planned.request.label
    }

    /// Which action sends it. None: `test`.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, text};
    /// let ping = Query::new("test/ping", "GET", text!("https://api.acme.example/ping"));
    /// assert_eq!(ping.action(), None);
    /// ```
    pub const fn action(&self) -> Option<Action> {
        self.planned.action
    }

    /// The request, bound to no identity.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, text};
    /// let ping = Query::new("test/ping", "GET", text!("https://api.acme.example/ping"));
    /// assert!(ping.request().bind.is_empty());
    /// ```
    pub const fn request(&self) -> &HttpRequest {
        &self.planned.request
    }

    /// Its entry in a plan; [`verdict`](crate::plan::verdict) makes a whole plan.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, text};
    /// let ping = Query::new("test/ping", "GET", text!("https://api.acme.example/ping"));
    /// assert_eq!(ping.clone().planned().request, *ping.request());
    /// ```
    pub fn planned(self) -> PlannedRequest {
        self.planned
    }

    /// What the report says of it when it names an identity that is not known and may be
    /// skipped. None: it is sent. A placeholder that is a credential counts as an identity here;
    /// name those with [`secret`](crate::text::secret).
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Query, text, text::placeholder};
    /// # use cordon_connector_sdk::types::{Outcome, Finding, Report, Task};
    /// fn report(task: &Task, calls: &Query) -> Outcome {
    ///     let skipped = calls.skipped(&task.identities).into_iter().collect();
    ///     Outcome::Finished(Report { finding: Finding::Done, skipped })
    /// }
    /// ```
    pub fn skipped(&self, identities: &[Identity]) -> Option<Skipped> {
        let known = |kind: &&str| identities.iter().any(|identity| identity.kind == **kind);
        let may_skip = self.planned.when_missing == WhenMissing::Skip;
        let missing = self.request().placeholders().find(|name| !known(name));
        let missing = missing.filter(|_| may_skip)?.to_owned();
        let reason = SkipReason::MissingPlaceholder(missing);
        Some(Skipped { label: self.label().to_owned(), reason })
    }

    /// Sends it for these identities and waits. None: nothing was sent, because this is a dry run
    /// or the query may be [skipped](Self::skipped); go on to what needs no answer to it.
    ///
    /// # Errors
    /// A failure with the label, when there is no usable response.
    ///
    /// ```
    /// # use cordon_connector_sdk::query::Query;
    /// # use cordon_connector_sdk::types::{Failure, Finding, Outcome, Task};
    /// fn access(task: &Task, people: &Query) -> Result<Outcome, Failure> {
    ///     let mut found = Vec::new();
    ///     for email in task.identities_of("email") {
    ///         if let Some(answer) = people.send(&[email.id])? {
    ///             found.push(answer.records("/items")?);
    ///         }
    ///     }
    ///     Ok(Outcome::finished(Finding::Records(found)))
    /// }
    /// ```
    pub fn send(&self, bind: &[ValueId]) -> Result<Option<Answer>, Failure> {
        match http::send(&self.request().bound_to(bind.to_vec())) {
            Ok(response) => Ok(Some(Answer::new(response, self.label()))),
            Err(HttpError::Unreachable) if http::not_sent() => Ok(None),
            Err(HttpError::MissingPlaceholder(_))
                if self.planned.when_missing == WhenMissing::Skip =>
            {
                Ok(None)
            }
            Err(error) => Err(failure_of(self.label(), &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;
    use crate::text::placeholder;

    #[test]
    fn what_is_sent_elsewhere_differs_in_label_and_url_only() {
        let first = Query::new("a", "POST", text!("https://a.example/"))
            .serving(Action::Access)
            .json(text!("{{}}"))
            .success(&[200, 404])
            .records();
        let next = first.elsewhere("b", text!("https://a.example/b"));
        assert_eq!((next.label(), next.action()), ("b", Some(Action::Access)));
        let back = next.elsewhere("a", text!("https://a.example/"));
        assert_eq!(back, first);
    }

    #[test]
    fn a_query_that_may_be_skipped_says_for_what_it_was() {
        let url = text!("https://a.example/{}/{}", placeholder("email"), placeholder("user_id"));
        let ada = Identity { id: 0, kind: "email".to_owned(), fresh: true };
        let query = Query::new("access/0", "GET", url);
        assert_eq!(query.skipped(&[]), None, "the task fails instead");
        let skipped = query.skip_when_missing().skipped(&[ada]).unwrap();
        assert_eq!(skipped.reason, SkipReason::MissingPlaceholder("user_id".to_owned()));
    }
}
