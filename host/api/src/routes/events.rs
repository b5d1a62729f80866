//! `/v1/privacy-requests/{id}/events`: as a list, and live.
//!
//! A stream pulls: the next events are read from the store when the one before was sent, so a
//! slow reader holds no memory. It ends with the event `end` when nothing more will happen, and
//! without one when its key is revoked, the host stops or the store fails; a client goes on with
//! `Last-Event-ID` then.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use cordon_engine::Missing;
use cordon_engine::service::events::{Follow, Followed};
use cordon_model::RequestId;
use cordon_model::api_key::Scope;
use cordon_model::audit::AuditEntry;
use futures_util::Stream;
use futures_util::stream::unfold;
use http::HeaderMap;
use http::header::{ACCEPT, HeaderName, HeaderValue};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::auth::Auth;
use crate::dto::events::EventView;
use crate::error::{ApiError, Code};
use crate::path::{Segments, id};
use crate::query::{Items, QueryString};

const EVENT_STREAM: &str = "text/event-stream";

const LAST_EVENT_ID: &str = "last-event-id";

/// List what happened to a request, or follow it live
///
/// In order, without personal data. With `Accept: text/event-stream` the answer is a stream of
/// server-sent events: `id` is the item's sequence, `event` its word, `data` the item as the list
/// has it. The last one is `end`, with the request's final status as `data`.
#[utoipa::path(
    get,
    path = "/v1/privacy-requests/{id}/events",
    tag = "privacy requests",
    params(
        ("id" = String, Path, description = "Id of the request"),
        ("limit" = Option<u64>, Query, description = "Most items of the page, 1 to 200; 50 when left out"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("Accept" = Option<String>, Header, description = "`text/event-stream`: follow it live"),
        ("Last-Event-ID" = Option<String>, Header, description = "Follow from after the event of this sequence on"),
    ),
    responses((status = 200, description = "A page of events, oldest first; or a stream of them", body = Items<EventView>))
)]
pub(crate) async fn list_events(
    auth: Auth,
    Segments(request): Segments<String>,
    headers: HeaderMap,
    mut query: QueryString,
) -> Result<Response, ApiError> {
    let access = auth.access(Scope::RequestsRead).await?;
    let request: RequestId = id(&request, Missing::Request)?;
    if !wants_stream(&headers) {
        let page = query.page();
        query.finish()?;
        let listing = auth.services().events(&access, request, &page).await?;
        return Ok(Answer::ok(&Items::of(listing, EventView::from))?.into_response());
    }
    query.finish()?;
    let after = last_event(&headers)?;
    let follow = auth.services().follow(&auth.caller, &access, request, after).await?;
    let events = events(follow, auth.state.stopping.clone());
    let keep_alive =
        KeepAlive::new().interval(auth.state.options.event_keep_alive).text("still here");
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(([unbuffered], Sse::new(events).keep_alive(keep_alive)).into_response())
}

/// Whether the caller names the media type of streams, and did not weigh it down to nothing.
fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(EVENT_STREAM));
        named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// The sequence of the last event that the caller has; 0: none.
fn last_event(headers: &HeaderMap) -> Result<u64, ApiError> {
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else {
        return Ok(0);
    };
    let sequence = value.to_str().ok().and_then(|text| text.parse().ok());
    sequence.ok_or_else(|| {
        let detail = "Last-Event-ID must be the id of an event of this stream, a whole number";
        ApiError::new(Code::InvalidHeader, detail)
    })
}

/// Where a stream is.
struct Streaming {
    /// None: it said `end`.
    follow: Option<Follow>,
    /// Read, and still to be sent; at most what one look brings.
    read: VecDeque<AuditEntry>,
    stopping: CancellationToken,
}

fn events(
    follow: Follow,
    stopping: CancellationToken,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let start = Streaming { follow: Some(follow), read: VecDeque::new(), stopping };
    unfold(start, |mut streaming| async move {
        let event = streaming.next().await?;
        Some((Ok(event), streaming))
    })
}

impl Streaming {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(entry) = self.read.pop_front() {
                return event_of(entry);
            }
            let follow = self.follow.as_mut()?;
            match self.stopping.run_until_cancelled(follow.next()).await? {
                Ok(Followed::Events(entries)) => self.read.extend(entries),
                Ok(Followed::Over(status)) => {
                    self.follow = None;
                    return Event::default()
                        .event("end")
                        .json_data(json!({ "status": status.as_str() }))
                        .ok();
                }
                Err(error) => {
                    tracing::debug!(error.reason = %error, "an event stream ends early");
                    return None;
                }
            }
        }
    }
}

/// None cannot happen: what the list has is JSON.
fn event_of(entry: AuditEntry) -> Option<Event> {
    let (sequence, word) = (entry.sequence.to_string(), entry.event.event.clone());
    Event::default().id(sequence).event(word).json_data(EventView::from(entry)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))])
    }

    #[test]
    fn a_stream_is_what_is_asked_for_by_name() {
        for yes in ["text/event-stream", "application/json, Text/Event-Stream; q=0.5"] {
            assert!(wants_stream(&headers("accept", yes)), "{yes}");
        }
        for no in ["*/*", "application/json", "text/*", "text/event-stream;q=0"] {
            assert!(!wants_stream(&headers("accept", no)), "{no}");
        }
        assert!(!wants_stream(&HeaderMap::new()));
    }

    #[test]
    fn a_stream_goes_on_after_the_event_that_the_caller_has() {
        assert_eq!(last_event(&HeaderMap::new()).unwrap(), 0);
        assert_eq!(last_event(&headers("last-event-id", "")).unwrap(), 0);
        assert_eq!(last_event(&headers("last-event-id", "17")).unwrap(), 17);
        for bad in ["-1", "x", "1.5", "99999999999999999999"] {
            let error = last_event(&headers("last-event-id", bad)).unwrap_err();
            assert_eq!(error.code(), Code::InvalidHeader, "{bad}");
        }
    }
}
