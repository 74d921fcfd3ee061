//! HTTP/JSON for the session: reads requests, passes them to the controller, writes answers. Decides nothing
//! and holds no state of the session.
//!
//! Here: serving, and the router. Handlers are in files by what they are about, each with its `routes()`; a new
//! one is merged in [`router`] and described in `openapi.rs`.

pub(super) mod answer;
mod compose;
mod compose_logs;
mod compose_request;
pub(super) mod document;
pub(super) mod events;
pub(super) mod listen;
pub(super) mod output;
pub(super) mod request;
pub(super) mod services;
pub(super) mod session;
mod sse;
pub(super) mod window;

use super::MAX_BODY;
use super::call::Call;
use answer::wrong_method;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use listen::SameUser;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub use listen::bind;
pub use sse::encode;

/// How long a client may take to read its last answer when the session has ended.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// What the controller is asked through.
pub(super) type Calls = mpsc::UnboundedSender<Call>;

/// A server at work on one listener. Dropping it takes no more connections and cuts none that is open.
#[derive(Debug)]
pub struct Server {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Takes no more connections, and returns when the open ones have their answers, or soon: a follower that
    /// is suspended never reads its own to the end. Streams of output end when their senders are dropped, so
    /// drop them first.
    pub async fn finish(mut self) {
        drop(self.stop.take());
        let abort = self.task.abort_handle();
        // It can only fail by a panic, which has been told already.
        if tokio::time::timeout(LAST_ANSWERS, self.task).await.is_err() {
            abort.abort();
        }
    }
}

/// Serves the API on `listener`, sending what is asked to `calls`. Several servers may share the same calls:
/// when the socket's file was deleted, the controller binds a new one and serves that too.
pub fn serve(listener: UnixListener, calls: Calls) -> Server {
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let serving = axum::serve(SameUser::new(listener), router(calls)).with_graceful_shutdown(async {
            // Dropped counts as sent.
            let _either_way = stopped.await;
        });
        // Accepting handles its own errors and never ends by itself.
        let _infallible = serving.await;
    });
    Server {
        stop: Some(stop),
        task,
    }
}

pub(super) fn router(calls: Calls) -> Router {
    Router::new()
        .merge(session::routes())
        .merge(services::routes())
        .merge(output::routes())
        .merge(events::routes())
        .merge(window::routes())
        .merge(document::routes())
        .fallback(compose::other_clients)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(calls)
}
