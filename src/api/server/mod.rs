//! HTTP/JSON for the session: reads requests, passes them to the controller, writes answers. Decides nothing
//! and holds no state of the session.
//!
//! Here: serving, and the router. Handlers are in files by what they are about, each with its `routes()`; a new
//! one is merged in `router` and described in `openapi.rs`.

pub(super) mod answer;
mod compose;
mod compose_logs;
mod compose_request;
mod compose_states;
pub(super) mod document;
pub(super) mod events;
pub(super) mod files;
mod guard;
pub(super) mod listen;
pub(super) mod machine;
pub(super) mod output;
pub(super) mod request;
pub(super) mod run;
pub(super) mod services;
pub(super) mod session;
mod sse;
pub(super) mod terminal;
mod visitor;
pub(super) mod window;

use super::MAX_BODY;
use super::call::Call;
use super::token::Token;
use answer::wrong_method;
use axum::extract::DefaultBodyLimit;
use axum::serve::Listener;
use axum::{Router, middleware};
use guard::{Access, guard};
use listen::{Everybody, SameUser};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub use listen::bind;
pub use sse::encode;

/// How long a client may take to read its last answer when the session has ended.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// What handlers share.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    /// What the controller is asked through.
    pub(super) controller: mpsc::UnboundedSender<Call>,
    /// Held by what goes on when a connection is no longer HTTP's, so that the server's end can wait for it.
    pub(super) open: mpsc::Sender<Infallible>,
}

/// A place on TCP that the API is to be served at.
#[derive(Debug)]
pub struct TcpDoor {
    pub listener: std::net::TcpListener,
    pub bound: SocketAddr,
    pub token: Token,
}

/// A server at work on one listener. Dropping it takes no more connections and cuts none that is open.
#[derive(Debug)]
pub struct Server {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    open: mpsc::Receiver<Infallible>,
    is_tcp: bool,
}

impl Server {
    /// Takes no more connections, and returns when the open ones have their answers, or soon: a follower that
    /// is suspended never reads its own to the end. Streams of output end when their senders are dropped, so
    /// drop them first.
    pub async fn finish(mut self) {
        drop(self.stop.take());
        let abort = self.task.abort_handle();
        let everything = async {
            // It can only fail by a panic, which has been told already.
            let _ended = self.task.await;
            let _all_closed = self.open.recv().await;
        };
        if tokio::time::timeout(LAST_ANSWERS, everything).await.is_err() {
            abort.abort();
        }
    }

    /// Lets go of a TCP port, for another controller that is to serve there; open connections get their answers.
    /// A unix socket's name is replaced by whoever comes.
    pub fn leave_port(&mut self) {
        if self.is_tcp {
            drop(self.stop.take());
        }
    }
}

/// Serves the API on `listener`, sending what is asked to `calls`. Several servers may share the same calls:
/// when the socket's file was deleted, the controller binds a new one and serves that too.
pub fn serve(listener: UnixListener, calls: mpsc::UnboundedSender<Call>) -> Server {
    start(SameUser::new(listener), calls, |router| router, false)
}

/// Serves the API on TCP, to whoever knows the token. Within a tokio runtime.
pub fn serve_tcp(door: TcpDoor, calls: mpsc::UnboundedSender<Call>) -> io::Result<Server> {
    door.listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(door.listener)?;
    let access = Arc::new(Access {
        token: door.token,
        bound: door.bound,
    });
    let guarded = |router: Router| router.layer(middleware::from_fn_with_state(access, guard));
    Ok(start(Everybody::new(listener), calls, guarded, true))
}

fn start<L: Listener<Addr = ()>>(
    listener: L,
    controller: mpsc::UnboundedSender<Call>,
    dress: impl FnOnce(Router) -> Router + Send + 'static,
    is_tcp: bool,
) -> Server {
    let (stop, stopped) = oneshot::channel::<()>();
    let (open, all_open) = mpsc::channel(1);
    let task = tokio::spawn(async move {
        let router = dress(router(Calls { controller, open }));
        let serving = axum::serve(listener, router).with_graceful_shutdown(async {
            // Dropped counts as sent.
            let _either_way = stopped.await;
        });
        // Accepting handles its own errors and never ends by itself.
        let _infallible = serving.await;
    });
    Server {
        stop: Some(stop),
        task,
        open: all_open,
        is_tcp,
    }
}

pub(super) fn router(calls: Calls) -> Router {
    Router::new()
        .merge(session::routes())
        .merge(services::routes())
        .merge(output::routes())
        .merge(events::routes())
        .merge(window::routes())
        .merge(terminal::routes())
        .merge(run::routes())
        .merge(files::routes())
        .merge(machine::routes())
        .merge(document::routes())
        .fallback(compose::other_clients)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(calls)
}
