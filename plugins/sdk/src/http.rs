//! The only way out: one request, one answer.
//!
//! The words are those of the contract; [`send`] and [`Response`] are wrapped, so that a
//! connector's own tests meet a double of the host. Most connectors send through
//! [`Query`](crate::query::Query), which knows labels, dry runs and skipped queries.

pub use crate::bindings::cordon::connector::http::{Body, BodyUse, Escape, HttpError, HttpRequest};

use crate::handles::{Records, ShapeError, ValueId};
use crate::imports::http as imported;

/// The answer to a request, with a status of `success`.
///
/// ```
/// # use cordon_connector_sdk::http::Response;
/// fn is_running(response: &Response) -> bool {
///     response.status() == 202
/// }
/// ```
#[derive(Debug)]
pub struct Response(pub(crate) imported::Response);

impl Response {
    /// The status.
    ///
    /// ```
    /// # use cordon_connector_sdk::http::Response;
    /// fn is_unknown(response: &Response) -> bool {
    ///     response.status() == 404
    /// }
    /// ```
    pub fn status(&self) -> u16 {
        self.0.status()
    }

    /// The array of objects at a JSON pointer, `""` for the whole body.
    ///
    /// # Errors
    /// When something else stands there, or no body was asked for.
    ///
    /// ```
    /// # use cordon_connector_sdk::http::Response;
    /// # use cordon_connector_sdk::handles::ShapeError;
    /// fn how_many(response: &Response) -> Result<u32, ShapeError> {
    ///     Ok(response.records("/items")?.count())
    /// }
    /// ```
    pub fn records(&self, at: &str) -> Result<Records, ShapeError> {
        self.0.records(at).map(Records)
    }

    /// The object at a JSON pointer, `""` for the whole body, as records of one.
    ///
    /// # Errors
    /// When something else stands there, or no body was asked for. `found` says what it is: `null`
    /// and `missing` are what an upstream says for "no data".
    ///
    /// ```
    /// # use cordon_connector_sdk::http::Response;
    /// # use cordon_connector_sdk::handles::{Records, Shape, ShapeError};
    /// /// `{"member": {…}}`, or `{"member": null}` for somebody who is none.
    /// fn member(response: &Response) -> Result<Option<Records>, ShapeError> {
    ///     match response.object("/member") {
    ///         Ok(member) => Ok(Some(member)),
    ///         Err(error) if error.found == Shape::Null => Ok(None),
    ///         Err(error) => Err(error),
    ///     }
    /// }
    /// ```
    pub fn object(&self, at: &str) -> Result<Records, ShapeError> {
        self.0.object(at).map(Records)
    }

    /// One scalar of the body as a value. None: nothing or `null` stands there.
    ///
    /// # Errors
    /// When an array or an object stands there, or no body was asked for.
    ///
    /// ```
    /// # use cordon_connector_sdk::http::Response;
    /// # use cordon_connector_sdk::handles::ShapeError;
    /// fn goes_on(response: &Response) -> Result<bool, ShapeError> {
    ///     Ok(response.value("/next_cursor")?.is_some())
    /// }
    /// ```
    pub fn value(&self, at: &str) -> Result<Option<ValueId>, ShapeError> {
        self.0.value(at)
    }

    /// A header, by its name in any case. Needs the read grant `responses`; without it the run
    /// ends.
    ///
    /// ```
    /// # use cordon_connector_sdk::http::Response;
    /// fn is_csv(response: &Response) -> bool {
    ///     response.header("content-type").is_some_and(|it| it.starts_with("text/csv"))
    /// }
    /// ```
    pub fn header(&self, name: &str) -> Option<String> {
        self.0.header(name)
    }

    /// At most `limit` bytes of the body, from `offset`; fewer when the host hands out less at
    /// once, none at its end. Needs [`BodyUse::Bytes`] and the read grant `responses`; without
    /// either the run ends.
    ///
    /// ```
    /// # use cordon_connector_sdk::http::Response;
    /// fn begins_with_an_array(response: &Response) -> bool {
    ///     response.read(0, 1) == b"["
    /// }
    /// ```
    pub fn read(&self, offset: u64, limit: u32) -> Vec<u8> {
        self.0.read(offset, limit)
    }
}

/// Sends a request and waits.
///
/// # Errors
/// Why there is no usable response, after retries. In a dry run always
/// [`HttpError::Unreachable`], or [`HttpError::MissingPlaceholder`] of a query that may be
/// skipped.
///
/// ```
/// use cordon_connector_sdk::http::{self, HttpRequest};
/// use cordon_connector_sdk::text;
///
/// fn is_up() -> bool {
///     let ping = HttpRequest::new("ping", "GET", text!("https://api.acme.example/ping"));
///     http::send(&ping).is_ok()
/// }
/// ```
pub fn send(request: &HttpRequest) -> Result<Response, HttpError> {
    imported::send(request).map(Response)
}

/// Whether this is a dry run: an `unreachable` then says that the request was recorded and not
/// sent.
///
/// ```
/// # use cordon_connector_sdk::http::{self, HttpError};
/// fn goes_on_after(error: &HttpError) -> bool {
///     matches!(error, HttpError::Unreachable) && http::not_sent()
/// }
/// ```
pub fn not_sent() -> bool {
    imported::not_sent()
}
