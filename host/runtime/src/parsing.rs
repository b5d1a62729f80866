//! Parsing what upstreams and guests hand in, off the threads that run guests when it is large:
//! a document of 32 MiB takes a good part of a second.

use bytes::Bytes;

use cordon_model::Records;
use cordon_model::json::{Json, Shape, ShapeError};

use crate::call::{Stop, weight};

/// Up to this size a document is parsed where it is.
const INLINE_BYTES: usize = 64 << 10;

/// Parsed records, and about what they take in memory.
pub(crate) type Weighed = (Records, usize);

/// The array of objects at a JSON pointer.
pub(crate) async fn records(
    document: Bytes,
    at: String,
) -> Result<Result<Weighed, ShapeError>, Stop> {
    let size = document.len();
    away(size, move || Records::parse(&document, &at).map(weighed)).await
}

/// The object at a JSON pointer, as records of one.
pub(crate) async fn object(
    document: Bytes,
    at: String,
) -> Result<Result<Weighed, ShapeError>, Stop> {
    let size = document.len();
    away(size, move || Records::parse_object(&document, &at).map(weighed)).await
}

fn weighed(records: Records) -> Weighed {
    let weight = records.objects().iter().map(weight).sum();
    (records, weight)
}

/// The scalar at a JSON pointer; none: nothing or `null` is there.
pub(crate) async fn scalar(
    document: Bytes,
    at: String,
) -> Result<Result<Option<String>, ShapeError>, Stop> {
    let size = document.len();
    away(size, move || {
        let json = Json::parse(&document, Shape::Text)?;
        match json.at(&at) {
            None | Some(Json::Null) => Ok(None),
            Some(found) => found.scalar_text().map(Some).ok_or_else(|| ShapeError {
                expected: Shape::Text,
                found: found.shape(),
                offset: 0,
                size: size as u64,
            }),
        }
    })
    .await
}

async fn away<T: Send + 'static>(
    size: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Stop> {
    if size <= INLINE_BYTES {
        return Ok(work());
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Stop::Host("the host is stopping".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_scalar_keeps_its_text_and_nothing_is_none() {
        let body = Bytes::from_static(br#"{"id":12345678901234567890,"next":null,"page":{}}"#);
        let at = |pointer: &str| scalar(body.clone(), pointer.to_owned());
        assert_eq!(at("/id").await.unwrap(), Ok(Some("12345678901234567890".to_owned())));
        assert_eq!(at("/next").await.unwrap(), Ok(None));
        assert_eq!(at("/nowhere").await.unwrap(), Ok(None));
        assert_eq!(at("/page").await.unwrap().unwrap_err().found, Shape::Object);
    }

    #[tokio::test]
    async fn an_object_weighs_what_it_weighs_in_an_array() {
        let member = r#"{"id":7,"name":"x"}"#;
        let alone = Bytes::from(format!(r#"{{"member":{member}}}"#));
        let listed = Bytes::from(format!("[{member}]"));
        let (one, weight) = object(alone.clone(), "/member".to_owned()).await.unwrap().unwrap();
        assert_eq!(Ok((one, weight)), records(listed, String::new()).await.unwrap());
        assert!(weight > 0);
        let nowhere = object(alone, "/person".to_owned()).await.unwrap();
        assert_eq!(nowhere.unwrap_err().found, Shape::Missing);
    }

    #[tokio::test]
    async fn a_large_document_is_parsed_too() {
        let text = format!("[{}{{}}]", "{\"a\":1},".repeat(20_000));
        let (records, weight) = records(text.into(), String::new()).await.unwrap().unwrap();
        assert_eq!(records.len(), 20_001);
        assert!(weight > 20_000 * size_of::<Json>());
        let text = format!(r#"{{"member":{{"a":"{}"}}}}"#, "x".repeat(INLINE_BYTES));
        let (one, weight) = object(text.into(), "/member".to_owned()).await.unwrap().unwrap();
        assert_eq!(one.len(), 1);
        assert!(weight > INLINE_BYTES);
    }
}
