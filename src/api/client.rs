//! The client that every command speaks through: one function a route, one connection a call, errors as
//! [`Diagnostic`]s. Blocking, since a command has nothing else to do (`docs/design/api-client.md`).

use super::call::{EventsRequest, EventsSince, OutputRequest, StatusRequest, Verb};
use super::http1::{self, Body, Head, encode};
use super::messages::events::{Event, EventKind};
use super::messages::{
    Detached, ErrorBody, Graph, OutputLine, Reloaded, Request, Results, Scale, Status, Synced, Wait, Why,
    Window, route,
};
use super::peer::{Peer, Stream, is_late};
use super::{HangUp, MAX_BODY, VERSION};
use crate::diag::{Diagnostic, Kind};
use serde::de::DeserializeOwned;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// How long a question that the controller answers at once may take: one that is stopped (SIGSTOP) never does.
const PATIENCE: Duration = Duration::from_secs(5);
/// No answer is larger, and no line of output either.
const MAX_ANSWER: u64 = 64 << 20;
/// The status of 50 services arrives in one read.
const READ_AT_ONCE: usize = 32 * 1024;

type Fallback = dyn Fn() -> Result<UnixStream, Diagnostic>;

/// The API of one session.
pub struct Client {
    peer: Peer,
    fallback: Option<Box<Fallback>>,
    hang_up: Option<HangUp>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// The session that listens at `socket`. Connects to nothing yet.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self::of(Peer::Unix(socket.into()))
    }

    /// The session that listens there. Connects to nothing yet.
    pub fn of(peer: Peer) -> Self {
        Self {
            peer,
            fallback: None,
            hang_up: None,
        }
    }

    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Lets this handle end the waiting for an answer.
    pub fn ended_by(mut self, hang_up: HangUp) -> Self {
        self.hang_up = Some(hang_up);
        self
    }

    /// What to do where nobody listens at the socket: it returns a connection, or says why there is none
    /// (`workspace::revive::connect` does). Without it, that is [`Kind::NotRunning`].
    pub fn or_else(mut self, fallback: impl Fn() -> Result<UnixStream, Diagnostic> + 'static) -> Self {
        self.fallback = Some(Box::new(fallback));
        self
    }

    pub fn status(&self) -> Result<Status, Diagnostic> {
        self.call("GET", route::STATUS, None, Some(PATIENCE))
    }

    /// The status with all that can be asked for. With `after`, waits for a change for as long as it takes.
    pub fn status_as(&self, request: &StatusRequest) -> Result<Status, Diagnostic> {
        let after = request.after.map(|after| format!("&after={after}"));
        let resources = request.resources;
        let target = format!(
            "{}?resources={resources}{}",
            route::STATUS,
            after.unwrap_or_default()
        );
        let patience = request.after.is_none().then_some(PATIENCE);
        self.call("GET", &target, None, patience)
    }

    /// Why the service is as it is.
    pub fn why(&self, name: &str) -> Result<Why, Diagnostic> {
        let target = format!("{}?name={}", route::WHY, encode(name));
        self.call("GET", &target, None, Some(PATIENCE))
    }

    /// Who depends on whom, with where each stands.
    pub fn graph(&self) -> Result<Graph, Diagnostic> {
        self.call("GET", route::GRAPH, None, Some(PATIENCE))
    }

    /// Asks `verb` of the services in `request` and waits until it is done (unless `no_wait`).
    pub fn action(&self, verb: Verb, request: &Request) -> Result<Results, Diagnostic> {
        let target = route::ACTION.replace("{verb}", verb.as_str());
        let mut request = request.clone();
        if let Verb::Signal(signal) = verb {
            request.signal = Some(signal.number().to_string());
        }
        let body = serde_json::to_vec(&request).expect("plain fields always serialize");
        if body.len() > MAX_BODY {
            return Err(Diagnostic::error(Kind::Usage, "too many names for one request"));
        }
        self.call("POST", &target, Some(&body), None)
    }

    /// Ends the session and waits until everything is gone.
    pub fn quit(&self) -> Result<Results, Diagnostic> {
        self.call("POST", route::QUIT, None, None)
    }

    /// Has the session take over what its files say now.
    pub fn reload(&self) -> Result<Reloaded, Diagnostic> {
        self.call("POST", route::RELOAD, None, None)
    }

    /// Changes how many instances services have.
    pub fn scale(&self, scale: &Scale) -> Result<Reloaded, Diagnostic> {
        let body = serde_json::to_vec(scale).expect("plain fields always serialize");
        self.call("POST", route::SCALE, Some(&body), None)
    }

    /// Waits until services are ready, one of them no longer can be, or the time is up.
    pub fn wait(&self, wait: &Wait) -> Result<Results, Diagnostic> {
        let body = serde_json::to_vec(wait).expect("plain fields always serialize");
        self.call("POST", route::WAIT, Some(&body), None)
    }

    /// Sends a foreground session to the background.
    pub fn detach(&self) -> Result<Detached, Diagnostic> {
        self.call("POST", route::DETACH, None, None)
    }

    /// Has every line that was printed so far written to its file.
    pub fn sync_logs(&self) -> Result<Synced, Diagnostic> {
        self.call("POST", route::SYNC_LOGS, None, Some(PATIENCE))
    }

    /// How to attach to the window of `name` (`None`: of the first service).
    pub fn window(&self, name: Option<&str>) -> Result<Window, Diagnostic> {
        let target = match name {
            Some(name) => format!("{}?name={}", route::WINDOW, encode(name)),
            None => route::WINDOW.to_owned(),
        };
        self.call("GET", &target, None, Some(PATIENCE))
    }

    /// Output as it comes. Dropping the stream ends it on both sides.
    pub fn output(&self, request: &OutputRequest) -> Result<OutputLines, Diagnostic> {
        let target = format!(
            "{}?names={}&lines={}&follow={}&color={}",
            route::OUTPUT,
            encode(&request.names.join(",")),
            request.lines,
            request.follow,
            request.color
        );
        self.lines(&target, |text| serde_json::from_slice(text))
    }

    /// Events as they come, each with its text. Dropping the stream ends it on both sides.
    pub fn events(&self, request: &EventsRequest) -> Result<EventLines, Diagnostic> {
        let kinds: Vec<&str> = request
            .kinds
            .iter()
            .map(|kind| EventKind::as_str(*kind))
            .collect();
        let since = match &request.since {
            EventsSince::Start => String::new(),
            EventsSince::Now => "&since=now".to_owned(),
            EventsSince::Last(count) => format!("&last={count}"),
            EventsSince::Cursor(cursor) => format!("&since={cursor}"),
        };
        let target = format!(
            "{}?names={}&kinds={}&follow={}{since}",
            route::EVENTS,
            encode(&request.names.join(",")),
            kinds.join(","),
            request.follow
        );
        self.lines(&target, |text| {
            let event: Event = serde_json::from_slice(text)?;
            Ok((event, String::from_utf8_lossy(text).trim_end().to_owned()))
        })
    }

    pub(super) fn lines<T>(
        &self,
        target: &str,
        parse: fn(&[u8]) -> Result<T, serde_json::Error>,
    ) -> Result<Lines<T>, Diagnostic> {
        let (head, body) = self.send("GET", target, None, None)?;
        if head.status != 200 {
            return Err(self.refusal(&head, body));
        }
        Ok(Lines {
            body: BufReader::new(body),
            parse,
            peer: self.peer.clone(),
            ended: false,
        })
    }

    pub(super) fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        target: &str,
        body: Option<&[u8]>,
        patience: Option<Duration>,
    ) -> Result<T, Diagnostic> {
        let (head, body) = self.send(method, target, body, patience)?;
        if head.status != 200 {
            return Err(self.refusal(&head, body));
        }
        let answer = read_all(body).map_err(|error| broken(&self.peer, &error))?;
        serde_json::from_slice(&answer).map_err(|error| {
            let diagnostic = Diagnostic::error(Kind::System, "the session's answer makes no sense")
                .cause(error.to_string());
            with_versions(diagnostic, &head)
        })
    }

    fn send(
        &self,
        method: &str,
        target: &str,
        body: Option<&[u8]>,
        patience: Option<Duration>,
    ) -> Result<(Head, Body<BufReader<Stream>>), Diagnostic> {
        self.send_with(method, target, &[], body, patience)
    }

    pub(super) fn send_with(
        &self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: Option<&[u8]>,
        patience: Option<Duration>,
    ) -> Result<(Head, Body<BufReader<Stream>>), Diagnostic> {
        let mut stream = self.connect()?;
        let failed = |error: io::Error| broken(&self.peer, &error);
        if let Some(hang_up) = &self.hang_up {
            let shut = stream.shutter().map_err(failed)?;
            // One that is closed already has nothing to be ended.
            hang_up.hold(move || shut().unwrap_or_default());
        }
        let (host, token) = self.peer.credentials();
        let request = http1::Request {
            method,
            target,
            host,
            token,
            headers,
            body,
        };
        request.send(&mut stream).map_err(failed)?;
        // While the other side is at it already: whom we wait for is looked up.
        stream.set_patience(patience).map_err(failed)?;
        http1::receive(BufReader::with_capacity(READ_AT_ONCE, stream))
            .and_then(|answer| answer.ok_or(io::ErrorKind::UnexpectedEof.into()))
            .map_err(failed)
    }

    fn connect(&self) -> Result<Stream, Diagnostic> {
        let error = match self.peer.connect() {
            Ok(stream) => return Ok(stream),
            Err(error) => error,
        };
        let nobody = matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory
        );
        match &self.fallback {
            Some(fallback) if nobody => fallback().map(Stream::from),
            None if nobody => Err(self.peer.nobody()),
            Some(_) | None => Err(broken(&self.peer, &error)),
        }
    }

    /// The error that an answer without success carries.
    fn refusal(&self, head: &Head, body: Body<BufReader<Stream>>) -> Diagnostic {
        let text = match read_all(body) {
            Ok(text) => text,
            Err(error) => return broken(&self.peer, &error),
        };
        let diagnostic = match serde_json::from_slice::<ErrorBody>(&text) {
            Ok(body) => Diagnostic::from(body),
            Err(_) => Diagnostic::error(
                Kind::System,
                format!("the session refused the request (HTTP {})", head.status),
            ),
        };
        with_versions(diagnostic, head)
    }
}

/// What services print.
pub type OutputLines = Lines<OutputLine>;

/// What happens, each event with the text that it came in.
pub type EventLines = Lines<(Event, String)>;

/// A stream of JSON lines, until the session ends or the request is fulfilled. An error is the last item.
#[derive(Debug)]
pub struct Lines<T> {
    body: BufReader<Body<BufReader<Stream>>>,
    parse: fn(&[u8]) -> Result<T, serde_json::Error>,
    peer: Peer,
    ended: bool,
}

impl<T> Iterator for Lines<T> {
    type Item = Result<T, Diagnostic>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let mut text = Vec::new();
        let read = Read::by_ref(&mut self.body)
            .take(MAX_ANSWER)
            .read_until(b'\n', &mut text);
        let item = match read {
            Ok(0) => None,
            Ok(_) => Some((self.parse)(&text).map_err(|error| {
                Diagnostic::error(Kind::System, "a line of the session's answer makes no sense")
                    .cause(error.to_string())
            })),
            Err(error) => Some(Err(broken(&self.peer, &error))),
        };
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

fn read_all(body: Body<BufReader<Stream>>) -> io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(16 * 1024);
    body.take(MAX_ANSWER).read_to_end(&mut text)?;
    Ok(text)
}

/// What is said where a connection broke off.
const CUT: &str = "the session ended before it answered";

/// Whether the connection broke off: the controller was killed, or is out of reach. It did not say that it is over.
pub fn is_cut(error: &Diagnostic) -> bool {
    error.kind == Kind::System || (error.kind == Kind::NotRunning && error.message == CUT)
}

/// What a connection's failure means.
fn broken(peer: &Peer, error: &io::Error) -> Diagnostic {
    if is_late(error) {
        return Diagnostic::error(Kind::System, "the session does not answer")
            .cause(format!("it listens at {peer} and is stopped or stuck"));
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            Diagnostic::error(Kind::NotRunning, CUT).hint("its services may still run; ovr start adopts them")
        }
        _ => Diagnostic::error(Kind::System, format!("cannot talk to {peer}")).cause(error.to_string()),
    }
}

/// Adds to an error that the two sides are of different versions, which may be why.
fn with_versions(diagnostic: Diagnostic, head: &Head) -> Diagnostic {
    match &head.version {
        Some(version) if version != VERSION => diagnostic.cause(format!(
            "the session runs ovr {version}, and this is ovr {VERSION}"
        )),
        Some(_) | None => diagnostic,
    }
}
