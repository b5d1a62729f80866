//! What came back for a query.

use crate::handles::{Records, Shape, ShapeError, ValueId};
use crate::http::Response;
use crate::query_failure;
use crate::text::Value;
use crate::types::{Failure, FailureCode};

/// The answer to a query. Whatever is wrong with it becomes a failure with the query's label.
///
/// ```
/// # use cordon_connector_sdk::query::Answer;
/// # use cordon_connector_sdk::handles::Records;
/// # use cordon_connector_sdk::types::Failure;
/// fn items(answer: &Answer) -> Result<Option<Records>, Failure> {
///     if answer.status() == 404 { Ok(None) } else { answer.records("/items").map(Some) }
/// }
/// ```
#[derive(Debug)]
pub struct Answer {
    response: Response,
    label: String,
}

impl Answer {
    pub(super) fn new(response: Response, label: &str) -> Self {
        Self { response, label: label.to_owned() }
    }

    /// The status; one of the query's `success`.
    ///
    /// ```
    /// # use cordon_connector_sdk::query::Answer;
    /// fn is_running(answer: &Answer) -> bool {
    ///     answer.status() == 202
    /// }
    /// ```
    pub fn status(&self) -> u16 {
        self.response.status()
    }

    /// The array of objects at a JSON pointer, `""` for the whole body.
    ///
    /// # Errors
    /// `malformed-response`, when something else stands there.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Answer, types::Failure};
    /// fn how_many(answer: &Answer) -> Result<u32, Failure> {
    ///     Ok(answer.records("/items")?.count())
    /// }
    /// ```
    pub fn records(&self, at: &str) -> Result<Records, Failure> {
        self.response.records(at).map_err(|error| self.malformed(&error))
    }

    /// The object at a JSON pointer, `""` for the whole body, as records of one. None: nothing or
    /// `null` stands there.
    ///
    /// # Errors
    /// `malformed-response`, when something else stands there or no body was asked for.
    ///
    /// ```
    /// # use cordon_connector_sdk::query::Answer;
    /// # use cordon_connector_sdk::types::{Failure, Finding, Outcome};
    /// fn found(answer: &Answer) -> Result<Outcome, Failure> {
    ///     let member = answer.object("/member")?;
    ///     Ok(Outcome::finished(Finding::Records(member.into_iter().collect())))
    /// }
    /// ```
    pub fn object(&self, at: &str) -> Result<Option<Records>, Failure> {
        match self.response.object(at) {
            Ok(object) => Ok(Some(object)),
            Err(error) if is_no_data(&error) => Ok(None),
            Err(error) => Err(self.malformed(&error)),
        }
    }

    /// The same where an object must be.
    ///
    /// # Errors
    /// `malformed-response`, when it is not there.
    ///
    /// ```
    /// # use cordon_connector_sdk::{handles::Records, query::Answer, types::Failure};
    /// fn person(answer: &Answer) -> Result<Records, Failure> {
    ///     answer.required_object("")
    /// }
    /// ```
    pub fn required_object(&self, at: &str) -> Result<Records, Failure> {
        self.response.object(at).map_err(|error| self.malformed(&error))
    }

    /// The identities of the wanted kind in the array of objects at a JSON pointer.
    ///
    /// # Errors
    /// `malformed-response`, when something else stands there.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Answer, types::{Failure, Finding, Outcome}};
    /// fn found(answer: &Answer) -> Result<Outcome, Failure> {
    ///     Ok(Outcome::finished(Finding::Identities(answer.identities("/ids")?)))
    /// }
    /// ```
    pub fn identities(&self, at: &str) -> Result<Vec<ValueId>, Failure> {
        let found = self.records(at)?.identities().map_err(|error| self.malformed(&error))?;
        Ok(found.into_iter().map(|identity| identity.id).collect())
    }

    /// One scalar of the body. None: nothing or `null` stands there.
    ///
    /// # Errors
    /// `malformed-response`, when an array or an object stands there.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Answer, types::Failure};
    /// fn is_last(answer: &Answer) -> Result<bool, Failure> {
    ///     Ok(answer.value("/next_cursor")?.is_none())
    /// }
    /// ```
    pub fn value(&self, at: &str) -> Result<Option<Value>, Failure> {
        let value = self.response.value(at).map_err(|error| self.malformed(&error))?;
        Ok(value.map(Value::from))
    }

    /// One scalar of the body that must be there.
    ///
    /// # Errors
    /// `malformed-response`, when it is not.
    ///
    /// ```
    /// # use cordon_connector_sdk::{query::Answer, text::Value, types::Failure};
    /// fn job(answer: &Answer) -> Result<Value, Failure> {
    ///     answer.required_value("/job")
    /// }
    /// ```
    pub fn required_value(&self, at: &str) -> Result<Value, Failure> {
        let missing = || format!("nothing stands at {at}, where a value must be");
        self.value(at)?
            .ok_or_else(|| query_failure(FailureCode::MalformedResponse, &self.label, missing()))
    }

    /// The whole body of a query with [`bytes`](crate::query::Query::bytes). Needs the read grant `responses`.
    ///
    /// ```
    /// # use cordon_connector_sdk::query::Answer;
    /// fn lines(answer: &Answer) -> usize {
    ///     answer.bytes().split(|byte| *byte == b'\n').count()
    /// }
    /// ```
    pub fn bytes(&self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let offset = u64::try_from(all.len()).unwrap_or(u64::MAX);
            let more = self.response.read(offset, u32::MAX);
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }

    /// The failure of a query whose answer does not have the shape that it must have.
    ///
    /// ```
    /// # use cordon_connector_sdk::{handles, query::Answer, types::Failure};
    /// fn again(answer: &Answer, json: &str) -> Result<handles::Records, Failure> {
    ///     handles::make_records(json).map_err(|error| answer.malformed(&error))
    /// }
    /// ```
    pub fn malformed(&self, error: &ShapeError) -> Failure {
        query_failure(FailureCode::MalformedResponse, &self.label, error.sentence())
    }

    /// The response itself, for what no method here does.
    ///
    /// ```
    /// # use cordon_connector_sdk::query::Answer;
    /// fn content_type(answer: &Answer) -> Option<String> {
    ///     answer.response().header("content-type")
    /// }
    /// ```
    pub const fn response(&self) -> &Response {
        &self.response
    }
}

/// Whether the upstream says that there is nothing. A body that was not asked for is missing too,
/// and has no size: that is a mistake of the connector, and must not look like an answer.
fn is_no_data(error: &ShapeError) -> bool {
    matches!(error.found, Shape::Null | Shape::Missing) && error.size > 0
}
