//! Connections: each is served until it is closed, is idle for too long, or the host drains.
//!
//! Owns: the limits of HTTP itself. Handlers run only after a complete head, so only this module can time out
//! a slow head.

use crate::limits::ClientLimitListener;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::serve::Listener as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// Accepts connections until `stop` completes, then finishes the requests in flight and closes idle
/// connections. `idle` is the maximum time for a head, including the wait for its first byte.
pub(crate) async fn serve_connections(
    mut listener: ClientLimitListener,
    router: Router,
    idle: Duration,
    stop: impl Future<Output = ()>,
) {
    let (open, closing) = (TaskTracker::new(), CancellationToken::new());
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(idle);
    let mut stop = pin!(stop);
    loop {
        let (io, address) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let service = hyper::service::service_fn({
            let router = router.clone();
            move |request: hyper::Request<Incoming>| {
                let mut request = request.map(Body::new);
                let from: SocketAddr = address;
                request.extensions_mut().insert(ConnectInfo(from));
                router.clone().oneshot(request)
            }
        });
        let connection = http.serve_connection(TokioIo::new(io), service);
        let closing = closing.clone();
        open.spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = closing.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended early");
            }
        });
    }
    drop(listener);
    closing.cancel();
    open.close();
    open.wait().await;
}
