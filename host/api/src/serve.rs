//! Serving the API on a listener, until told to stop.
//!
//! Every connection is bounded: how many there are, how long a caller may take to send the head
//! of a request, and how long work may go on after the host was told to stop.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::rate::RemoteAddress;
use crate::{State, router};

/// How long accepting rests after it failed, so that a lack of file descriptors does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why serving ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Requests were still at work when the time to stop was over; they were dropped.
    #[error("{0} connections were still at work when the time to stop was over")]
    StillAtWork(usize),
}

/// Serves until `shutdown`, then lets requests at work end within `Options::shutdown_timeout`.
///
/// # Errors
/// When some did not end in time.
pub async fn serve(
    listener: TcpListener,
    state: State,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let options = Arc::clone(&state.options);
    let (unfinished, stopping) = (state.unfinished.clone(), state.stopping.clone());
    let router = router(state);
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(options.connections_max));
    // Dropped when this returns: nothing goes on behind the back of who waited for the end.
    let end = CancellationToken::new();
    let _guard = end.clone().drop_guard();
    while let Some((stream, remote, place)) = next(&listener, &places, &shutdown).await {
        let router = router.clone();
        let connection = converse(stream, remote, router, options.head_timeout, shutdown.clone());
        let end = end.clone();
        connections.spawn(async move {
            end.run_until_cancelled(connection).await;
            drop(place);
        });
    }
    drop(listener);
    stopping.cancel();
    connections.close();
    unfinished.close();
    let ended = async {
        connections.wait().await;
        unfinished.wait().await;
    };
    let in_time = tokio::time::timeout(options.shutdown_timeout, ended).await;
    in_time.map_err(|_| Error::StillAtWork(connections.len() + unfinished.len()))
}

/// The next connection, as soon as there is a place for it; none: it is time to stop.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, RemoteAddress, OwnedSemaphorePermit)> {
    let accept = async {
        let place = Arc::clone(places).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, remote)) => return Some((stream, RemoteAddress(remote.ip()), place)),
                Err(error) => {
                    tracing::warn!(error.reason = %error, "a connection cannot be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    shutdown.run_until_cancelled(accept).await.flatten()
}

/// Answers the requests of one connection.
async fn converse(
    stream: TcpStream,
    remote: RemoteAddress,
    router: Router,
    head_timeout: Duration,
    shutdown: CancellationToken,
) {
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(remote);
        router.clone().oneshot(request.map(axum::body::Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // A caller that hangs up or talks no HTTP is no concern of the operator.
        tracing::debug!(error.reason = %error, "a connection ended early");
    }
}
