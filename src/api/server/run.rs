//! A command of a client's, run on the session's machine, as a WebSocket: its output goes out, its input comes in.
//! What is said besides is a [`RunOrder`] or [`RunNews`].

use super::Calls;
use super::answer::Failure;
use super::terminal::{is_size, must_be_a_socket};
use crate::api::call::{Call, NotRun, RunInput, RunOutput, Running};
use crate::api::messages::run::{
    INPUT_WINDOW, MAX_ORDER, RunNews, RunOrder, RunRequest, STDERR, STDOUT, is_terminal_type,
};
use crate::api::messages::{ErrorBody, route};
use crate::diag::{Diagnostic, Kind};
use crate::model::{Exit, Signal};
use axum::Router;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// A client that was told of the end closes at once; nobody waits longer for it.
const LAST_WORDS: Duration = Duration::from_secs(5);

type Sink = SplitSink<WebSocket, Message>;
type Stream = SplitStream<WebSocket>;
/// How a connection is closed.
type Closing = (u16, &'static str);

pub(super) fn routes() -> Router<Calls> {
    Router::new().route(route::RUN, get(run))
}

/// Run a command in the services' environment, as a WebSocket
///
/// In the project's root. The client's first message is a text, `{"run": {"command": ["bin/migrate"]}}`, with
/// `"service": "web"` for the environment of one service and `"terminal": {"cols": 80, "rows": 24}` for a terminal of
/// its own. Then `{"started": {"pid": 123}}` comes, or `{"refused": …}`. Binary messages from the client are its input,
/// no more than 64 KiB beyond what `{"took": {"bytes": …}}` has told of; binary messages from the session are its
/// output: the first byte is 1 for standard output and the terminal, 2 for standard error. At the end comes `{"ended":
/// {"exit_code": 0, "exit_signal": null}}`. When the connection ends, the command ends, with all that it has started.
/// A request that has an `Origin`, as that of every web page has, is refused.
#[utoipa::path(get, path = route::RUN, tag = "terminal",
    responses((status = 101, description = "A WebSocket from here on.")))]
pub(in crate::api) async fn run(
    State(calls): State<Calls>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    if headers.contains_key(header::ORIGIN) {
        let error = Diagnostic::error(Kind::NotAllowed, "no web page may run a command here")
            .hint("programs leave the header Origin out");
        return Err(Failure::new(StatusCode::FORBIDDEN, error));
    }
    let upgrade = upgrade.map_err(|error| must_be_a_socket(&error, "ovr run"))?;
    Ok(upgrade
        .max_message_size(MAX_ORDER)
        .on_upgrade(move |socket| serve(socket, calls)))
}

/// From the order to the end. The server waits for `calls.open`.
async fn serve(socket: WebSocket, calls: Calls) {
    let (mut sink, mut stream) = socket.split();
    let (code, reason) = match begin(&mut stream, &calls).await {
        Begun::Gone => return,
        Begun::Nonsense => NONSENSE,
        Begun::Not(not_run) => {
            let refused = RunNews::Refused {
                error: ErrorBody::from(&not_run.error).error,
                exit_code: not_run.exit_code,
            };
            tell(&mut sink, &refused).await;
            (close_code::NORMAL, "it was not run")
        }
        Begun::Running(running) => match relay(&mut sink, &mut stream, running).await {
            Some(closing) => closing,
            None => return,
        },
    };
    let reason = reason.into();
    let frame = Message::Close(Some(CloseFrame { code, reason }));
    // Nobody is left to tell if it fails. What comes is read to its end: a connection that is closed over unread input
    // takes with it what the client has not read yet.
    let last = async {
        let _gone = sink.send(frame).await;
        while let Some(Ok(_)) = stream.next().await {}
    };
    let _stuck = tokio::time::timeout(LAST_WORDS, last).await;
}

const NONSENSE: Closing = (close_code::POLICY, "an order that makes no sense");

/// What became of the client's first message.
enum Begun {
    Running(Running),
    Not(NotRun),
    Nonsense,
    Gone,
}

async fn begin(stream: &mut Stream, calls: &Calls) -> Begun {
    let request = loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                Ok(RunOrder::Run(request)) if is_sound(&request) => break request,
                Ok(_) | Err(_) => return Begun::Nonsense,
            },
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Binary(_))) => return Begun::Nonsense,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Begun::Gone,
        }
    };
    let ended = || NotRun::from(Diagnostic::error(Kind::NotRunning, "the session has ended"));
    let (reply, answer) = oneshot::channel();
    if calls.controller.send(Call::Run { request, reply }).is_err() {
        return Begun::Not(ended());
    }
    // A client that hangs up meanwhile is noticed when it is told.
    match answer.await {
        Ok(Ok(running)) => Begun::Running(running),
        Ok(Err(not_run)) => Begun::Not(not_run),
        Err(_) => Begun::Not(ended()),
    }
}

/// Whether it can be meant: no terminal without a column, and none whose name would be something else.
fn is_sound(request: &RunRequest) -> bool {
    request.terminal.as_ref().is_none_or(|terminal| {
        is_size((terminal.cols, terminal.rows)) && terminal.term.iter().all(|term| is_terminal_type(term))
    })
}

/// Passes on what either side says, both ways at once, until the command is over or the client has gone (`None`).
async fn relay(sink: &mut Sink, stream: &mut Stream, running: Running) -> Option<Closing> {
    let Running { pid, output, input } = running;
    // What was sent to the command and not taken yet.
    let owed = AtomicUsize::new(0);
    if !tell(sink, &RunNews::Started { pid }).await {
        return None;
    }
    tokio::select! {
        closing = send(sink, output, &owed) => closing,
        closing = receive(stream, &input, &owed) => closing,
    }
}

async fn send(sink: &mut Sink, mut output: mpsc::Receiver<RunOutput>, owed: &AtomicUsize) -> Option<Closing> {
    while let Some(output) = output.recv().await {
        let went = match output {
            RunOutput::Out(bytes) => sink.send(framed(STDOUT, &bytes)).await.is_ok(),
            RunOutput::Err(bytes) => sink.send(framed(STDERR, &bytes)).await.is_ok(),
            RunOutput::Took(bytes) => {
                owed.fetch_sub(bytes, Ordering::Relaxed);
                tell(sink, &RunNews::Took { bytes }).await
            }
            RunOutput::Ended(exit) => {
                let told = tell(sink, &ended(exit)).await;
                return told.then_some((close_code::NORMAL, "the command has ended"));
            }
        };
        if !went {
            return None;
        }
    }
    Some((close_code::AWAY, "the session has ended"))
}

async fn receive(
    stream: &mut Stream,
    input: &mpsc::UnboundedSender<RunInput>,
    owed: &AtomicUsize,
) -> Option<Closing> {
    loop {
        let order = match stream.next().await {
            Some(Ok(Message::Binary(bytes))) => {
                if owed.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len() > INPUT_WINDOW {
                    return Some((close_code::POLICY, "more input than the command has taken"));
                }
                RunInput::Bytes(bytes)
            }
            Some(Ok(Message::Text(text))) => match serde_json::from_str(&text).ok().and_then(input_of) {
                Some(order) => order,
                None => return Some(NONSENSE),
            },
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
        };
        // If it is over, that is told by what it sends.
        drop(input.send(order));
    }
}

fn input_of(order: RunOrder) -> Option<RunInput> {
    match order {
        RunOrder::Resize { cols, rows } if is_size((cols, rows)) => Some(RunInput::Resize { cols, rows }),
        RunOrder::EndOfInput {} => Some(RunInput::End),
        RunOrder::Signal { signal } => signal.parse::<Signal>().ok().map(RunInput::Signal),
        RunOrder::Run(_) | RunOrder::Resize { .. } => None,
    }
}

fn ended(exit: Exit) -> RunNews {
    let (exit_code, exit_signal) = match exit {
        Exit::Code(code) => (Some(code), None),
        Exit::Signal(signal) => (None, Some(signal.to_string())),
    };
    RunNews::Ended {
        exit_code,
        exit_signal,
    }
}

fn framed(kind: u8, bytes: &Bytes) -> Message {
    let mut frame = BytesMut::with_capacity(bytes.len() + 1);
    frame.put_u8(kind);
    frame.put_slice(bytes);
    Message::Binary(frame.freeze())
}

/// Whether somebody is there to hear it.
async fn tell(sink: &mut Sink, news: &RunNews) -> bool {
    let text = serde_json::to_string(news).expect("plain fields always serialize");
    sink.send(Message::Text(text.into())).await.is_ok()
}
