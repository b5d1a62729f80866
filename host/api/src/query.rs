//! Query strings, and the pages of lists. An unknown parameter is refused by name; values are
//! never repeated.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use cordon_model::page::{Listing, Page};
use http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;

use crate::State;
use crate::error::{ApiError, Code, FieldProblem};

/// Items of a page when the caller does not say.
const LIMIT_DEFAULT: usize = 50;

/// The parameters of a query string. Each is taken once; [`QueryString::finish`] refuses what is
/// left.
pub(crate) struct QueryString {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    problems: Vec<FieldProblem>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Items<T> {
    /// Newest first.
    pub(crate) items: Vec<T>,
    /// For `?cursor=` of the next page; null: this is the last.
    pub(crate) next_cursor: Option<String>,
}

impl<T> Items<T> {
    pub(crate) fn of<M>(listing: Listing<M>, f: impl FnMut(M) -> T) -> Self {
        let Listing { items, next_cursor } = listing.map(f);
        Self { items, next_cursor }
    }
}

impl QueryString {
    /// A parameter that may stand once.
    pub(crate) fn one(&mut self, name: &'static str) -> Option<String> {
        let mut values = self.all(name);
        if values.len() > 1 {
            let problem = FieldProblem::of_parameter(name, "duplicate", "may stand once");
            self.problems.push(problem);
        }
        values.pop()
    }

    /// A parameter that may stand several times.
    pub(crate) fn all(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        let (taken, left) =
            std::mem::take(&mut self.pairs).into_iter().partition(|(known, _)| known == name);
        self.pairs = left;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    /// A parameter of a type; `rule` says what it must be.
    pub(crate) fn parsed<T: FromStr>(&mut self, name: &'static str, rule: &str) -> Option<T> {
        let text = self.one(name)?;
        self.parse(name, &text, rule)
    }

    /// A value of a type; `rule` says what it must be.
    pub(crate) fn parse<T: FromStr>(
        &mut self,
        name: &'static str,
        text: &str,
        rule: &str,
    ) -> Option<T> {
        let value = text.parse().ok();
        if value.is_none() {
            self.problems.push(FieldProblem::of_parameter(name, "invalid_value", rule));
        }
        value
    }

    /// `?limit=&cursor=`
    pub(crate) fn page(&mut self) -> Page {
        let rule = format!("must be a whole number from 1 to {}", Page::LIMIT_MAX);
        let limit = self.parsed::<usize>("limit", &rule);
        if limit.is_some_and(|limit| !(1..=Page::LIMIT_MAX).contains(&limit)) {
            self.problems.push(FieldProblem::of_parameter("limit", "out_of_range", rule));
        }
        Page { limit: limit.unwrap_or(LIMIT_DEFAULT), cursor: self.one("cursor") }
    }

    /// Refuses what is wrong and what nobody took.
    pub(crate) fn finish(mut self) -> Result<(), ApiError> {
        let known = self.known.join(", ");
        for (name, _) in &self.pairs {
            let detail = match known.as_str() {
                "" => "this path takes no parameters".to_owned(),
                known => format!("unknown parameter; there are {known}"),
            };
            self.problems.push(FieldProblem::of_parameter(name, "unknown_parameter", detail));
        }
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(ApiError::with_errors(Code::InvalidQuery, self.problems))
    }
}

impl FromRequestParts<State> for QueryString {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, ApiError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|_| ApiError::plain(Code::InvalidQuery))?;
        Ok(Self { pairs, known: Vec::new(), problems: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> QueryString {
        let uri = format!("/?{text}").parse::<http::Uri>().unwrap();
        let Query(pairs) = Query::try_from_uri(&uri).unwrap();
        QueryString { pairs, known: Vec::new(), problems: Vec::new() }
    }

    fn refused(query: QueryString) -> Vec<(String, String)> {
        let Err(error) = query.finish() else { panic!("must be refused") };
        let found = |p: &FieldProblem| (p.parameter.clone().unwrap_or_default(), p.code.clone());
        error.errors().iter().map(found).collect()
    }

    #[test]
    fn a_page_is_fifty_items_unless_the_caller_says() {
        let mut q = query("limit=10&cursor=abc");
        assert_eq!(q.page(), Page { limit: 10, cursor: Some("abc".to_owned()) });
        assert!(q.finish().is_ok());
        assert_eq!(query("").page(), Page { limit: 50, cursor: None });
    }

    #[test]
    fn an_unknown_repeated_or_impossible_parameter_is_refused_by_name() {
        for (text, name, code) in [
            ("limit=0", "limit", "out_of_range"),
            ("limit=201", "limit", "out_of_range"),
            ("limit=x", "limit", "invalid_value"),
            ("cursor=a&cursor=b", "cursor", "duplicate"),
            ("limt=5", "limt", "unknown_parameter"),
        ] {
            let mut q = query(text);
            q.page();
            assert_eq!(refused(q), [(name.to_owned(), code.to_owned())], "{text}");
        }
    }
}
