//! HTTP/JSON on the session's socket: reads requests, passes them to the controller, writes answers. Decides
//! nothing and holds no state of the session.

mod events;

use super::call::{Call, OutputRequest, Reply, Verb};
use super::error::http_status;
use super::messages::{ErrorBody, OutputLine, Request, Results, Scale, route};
use super::{MAX_BODY, VERSION, VERSION_HEADER};
use crate::diag::{Diagnostic, Kind};
use axum::Router;
use axum::body::Body;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path as RoutePath, Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// How long a client may take to read its last answer when the session has ended.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// So many lines of the past are sent to a client that does not say how many.
const DEFAULT_LINES: usize = 100;
/// What the controller is asked through.
type Calls = mpsc::UnboundedSender<Call>;

/// Binds a socket (mode 0600) at `path`, in place of one that is there. It appears under its name only when it
/// takes connections, so a client that waits for the name need not try again. Called by the holder of the
/// session's lock alone, within a tokio runtime.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&fresh)?;
    fs::set_permissions(&fresh, Permissions::from_mode(0o600))?;
    fs::rename(&fresh, path)?;
    Ok(listener)
}

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
        let serving = axum::serve(SameUser { listener }, router(calls)).with_graceful_shutdown(async {
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

/// One line of an output stream as it goes over the wire.
pub fn encode_line(line: &OutputLine) -> Bytes {
    let mut text = serde_json::to_vec(line).expect("plain fields always serialize");
    text.push(b'\n');
    text.into()
}

/// A listener that takes connections of this user and of root, and drops others. The socket's mode keeps them
/// out already; this holds where somebody changed it.
struct SameUser {
    listener: UnixListener,
}

impl axum::serve::Listener for SameUser {
    type Io = UnixStream;
    type Addr = ();

    async fn accept(&mut self) -> (UnixStream, ()) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let own = rustix::process::geteuid().as_raw();
                    if stream.peer_cred().is_ok_and(|peer| may_enter(peer.uid(), own)) {
                        return (stream, ());
                    }
                }
                // Out of descriptors: there is no event for "there are some again".
                Err(error) if !is_of_connection(&error) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(_) => {}
            }
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

fn may_enter(peer: u32, own: u32) -> bool {
    peer == own || peer == 0
}

fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

fn router(calls: Calls) -> Router {
    Router::new()
        .route(route::STATUS, get(status))
        .route(route::GRAPH, get(graph))
        .route(route::ACTION, post(action))
        .route(route::QUIT, post(quit))
        .route(route::RELOAD, post(reload))
        .route(route::SCALE, post(scale))
        .route(route::WAIT, post(wait))
        .route(route::DETACH, post(detach))
        .route(route::OUTPUT, get(output))
        .route(route::SYNC_LOGS, post(sync_logs))
        .route(route::WINDOW, get(window))
        .merge(events::routes())
        .fallback(no_such_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(calls)
}

/// An answer that is no success.
struct Failure {
    status: StatusCode,
    diagnostic: Diagnostic,
}

impl Failure {
    fn usage(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            diagnostic: Diagnostic::error(Kind::Usage, message),
        }
    }

    fn session_ended() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            diagnostic: Diagnostic::error(Kind::NotRunning, "the session has ended"),
        }
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self {
            status: StatusCode::from_u16(http_status(diagnostic.kind)).expect("the table has valid codes"),
            diagnostic,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        json(self.status, &ErrorBody::from(&self.diagnostic))
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_vec(body).expect("messages always serialize");
    respond(status, "application/json", Body::from(text))
}

fn respond(status: StatusCode, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
    response
}

/// Asks the controller and waits for its answer. A client that hangs up ends this future, and with it the
/// receiving half of the reply.
async fn ask<T>(calls: &Calls, call: impl FnOnce(Reply<T>) -> Call) -> Result<T, Failure> {
    let (reply, answer) = oneshot::channel();
    calls.send(call(reply)).map_err(|_| Failure::session_ended())?;
    let answer = answer.await.map_err(|_| Failure::session_ended())?;
    Ok(answer?)
}

async fn status(State(calls): State<Calls>) -> Result<Response, Failure> {
    let status = ask(&calls, |reply| Call::Status { reply }).await?;
    Ok(json(StatusCode::OK, &status))
}

async fn graph(State(calls): State<Calls>) -> Result<Response, Failure> {
    let graph = ask(&calls, |reply| Call::Graph { reply }).await?;
    Ok(json(StatusCode::OK, &graph))
}

async fn action(
    State(calls): State<Calls>,
    RoutePath(word): RoutePath<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let request: Request = request(&headers, body)?;
    let verb = verb(&word, &request)?;
    if request.no_deps && !matches!(verb, Verb::Start | Verb::Restart) {
        let message = format!("`no_deps` means nothing to {word}");
        return Err(Failure::usage(StatusCode::BAD_REQUEST, message));
    }
    let results: Results = ask(&calls, |reply| Call::Action { verb, request, reply }).await?;
    Ok(json(StatusCode::OK, &results))
}

async fn quit(State(calls): State<Calls>) -> Result<Response, Failure> {
    let results = ask(&calls, |reply| Call::Quit { reply }).await?;
    Ok(json(StatusCode::OK, &results))
}

async fn reload(State(calls): State<Calls>) -> Result<Response, Failure> {
    let reloaded = ask(&calls, |reply| Call::Reload { reply }).await?;
    Ok(json(StatusCode::OK, &reloaded))
}

async fn scale(
    State(calls): State<Calls>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let Scale { counts } = request(&headers, body)?;
    let reloaded = ask(&calls, |reply| Call::Scale { counts, reply }).await?;
    Ok(json(StatusCode::OK, &reloaded))
}

async fn wait(
    State(calls): State<Calls>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    let request = request(&headers, body)?;
    let results = ask(&calls, |reply| Call::Wait { request, reply }).await?;
    Ok(json(StatusCode::OK, &results))
}

async fn detach(State(calls): State<Calls>) -> Result<Response, Failure> {
    let detached = ask(&calls, |reply| Call::Detach { reply }).await?;
    Ok(json(StatusCode::OK, &detached))
}

async fn sync_logs(State(calls): State<Calls>) -> Result<Response, Failure> {
    let synced = ask(&calls, |reply| Call::SyncLogs { reply }).await?;
    Ok(json(StatusCode::OK, &synced))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputQuery {
    names: Option<String>,
    lines: Option<usize>,
    #[serde(default)]
    follow: bool,
    #[serde(default)]
    color: bool,
}

async fn output(
    State(calls): State<Calls>,
    query: Result<Query<OutputQuery>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(query) = query.map_err(|error| bad_query(&error))?;
    let names = query.names.unwrap_or_default();
    let request = OutputRequest {
        names: names
            .split(',')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        lines: query.lines.unwrap_or(DEFAULT_LINES),
        follow: query.follow,
        color: query.color,
    };
    let mut lines = ask(&calls, |reply| Call::Output { request, reply }).await?;
    let lines = futures_util::stream::poll_fn(move |context| {
        lines
            .poll_recv(context)
            .map(|line| line.map(Ok::<Bytes, Infallible>))
    });
    Ok(respond(
        StatusCode::OK,
        "application/x-ndjson",
        Body::from_stream(lines),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowQuery {
    name: Option<String>,
}

async fn window(
    State(calls): State<Calls>,
    query: Result<Query<WindowQuery>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(WindowQuery { name }) = query.map_err(|error| bad_query(&error))?;
    let window = ask(&calls, |reply| Call::Window { name, reply }).await?;
    Ok(json(StatusCode::OK, &window))
}

async fn no_such_route(uri: Uri) -> Failure {
    let message = format!("no route {}", uri.path());
    let mut failure = Failure::usage(StatusCode::NOT_FOUND, message);
    failure.diagnostic.hints = vec![format!("a session of ovr {VERSION} has the routes of API v1")];
    failure
}

async fn wrong_method(method: Method, uri: Uri) -> Failure {
    let message = format!("{method} is not a method of {}", uri.path());
    Failure::usage(StatusCode::METHOD_NOT_ALLOWED, message)
}

fn bad_query(error: &QueryRejection) -> Failure {
    Failure::usage(StatusCode::BAD_REQUEST, error.body_text())
}

/// Reads an action's body. None at all means all services; one that is not declared as JSON is refused, so
/// that no form of a web page can send one.
fn request<T: Default + DeserializeOwned>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<T, Failure> {
    let body = body.map_err(|error| Failure::usage(error.status(), error.body_text()))?;
    if body.is_empty() {
        return Ok(T::default());
    }
    let declared = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    if !declared.trim().eq_ignore_ascii_case("application/json") {
        let message = format!("the body has to be application/json, not {declared:?}");
        return Err(Failure::usage(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let bad =
        |why: String| Failure::usage(StatusCode::BAD_REQUEST, format!("the body makes no sense: {why}"));
    // serde would read a list as the fields in order, and an empty one as a request for all services.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(bad("it is no object".to_owned()));
    }
    serde_json::from_slice(&body).map_err(|error| bad(error.to_string()))
}

fn verb(word: &str, request: &Request) -> Result<Verb, Failure> {
    let bad = |message: String| Failure::usage(StatusCode::BAD_REQUEST, message);
    let verb = match (word, &request.signal) {
        ("start", None) => Verb::Start,
        ("stop", None) => Verb::Stop,
        ("restart", None) => Verb::Restart,
        ("kill", None) => Verb::Kill,
        ("signal", Some(name)) => Verb::Signal(name.parse().map_err(|error| bad(format!("{error}")))?),
        ("signal", None) => return Err(bad("which signal? The body has no `signal`".to_owned())),
        ("start" | "stop" | "restart" | "kill", Some(_)) => {
            return Err(bad(format!("`signal` means nothing to {word}")));
        }
        _ => {
            let message = format!("no action {word:?}; there are start, stop, restart, kill and signal");
            return Err(Failure::usage(StatusCode::NOT_FOUND, message));
        }
    };
    Ok(verb)
}

#[cfg(test)]
mod tests {
    use super::may_enter;

    #[test]
    fn only_this_user_and_root_may_enter() {
        assert!(may_enter(1000, 1000));
        assert!(may_enter(0, 1000));
        assert!(!may_enter(1001, 1000));
        assert!(!may_enter(1000, 0));
    }
}
