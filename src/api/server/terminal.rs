//! A service's terminal as a WebSocket: what the pane shows goes out, what is typed comes in. Binary messages are
//! the terminal's bytes, both ways; a text message from the client is a [`TerminalOrder`].

use super::Calls;
use super::answer::{Failure, ask};
use super::request::{RawQuery, query};
use crate::api::call::{Call, Terminal, TerminalInput, TerminalRequest};
use crate::api::messages::{TerminalOrder, route};
use axum::Router;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::mpsc;

/// A terminal of this size, where the client does not say.
const SIZE: (u16, u16) = (80, 24);
/// No terminal is larger, and none without a column.
const SIZES: std::ops::RangeInclusive<u16> = 1..=2000;
/// A client that takes nothing for so long is cut off. Nobody waits for it meanwhile: tmux leaves out what it
/// cannot show.
const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 100 } else { 10_000 });
/// No message from a client is larger.
const MAX_MESSAGE: usize = 64 * 1024;

pub(super) fn routes() -> Router<Calls> {
    Router::new().route(route::TERMINAL, get(terminal))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct TerminalQuery {
    /// A service or an instance; none means the first.
    name: Option<String>,
    /// What is typed reaches the service. Without it, only the keys that leave the view mean anything.
    #[serde(default)]
    #[param(required = false)]
    write: bool,
    /// The width of the client's screen; 80 if it is left out.
    #[param(minimum = 1, maximum = 2000)]
    cols: Option<u16>,
    /// Its height; 24 if it is left out.
    #[param(minimum = 1, maximum = 2000)]
    rows: Option<u16>,
}

/// A service's live terminal, as a WebSocket
///
/// The screen comes first, then what changes, in binary messages for a terminal of the type `xterm-256color`.
/// Binary messages from the client are what is typed; a text message is an order, such as
/// `{"resize": {"cols": 100, "rows": 30}}`. It ends with close code 1000 when the view is left or the session ends,
/// 1008 after an order that makes no sense, 1013 for a client that takes nothing for 10 seconds.
#[utoipa::path(get, path = route::TERMINAL, tag = "terminal", params(TerminalQuery),
    responses((status = 101, description = "A WebSocket from here on.")))]
pub(in crate::api) async fn terminal(
    State(calls): State<Calls>,
    raw: RawQuery<TerminalQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let wanted = query(raw)?;
    let size = (wanted.cols.unwrap_or(SIZE.0), wanted.rows.unwrap_or(SIZE.1));
    if !is_size(size) {
        let message = "a terminal has between 1 and 2000 columns and rows";
        return Err(Failure::usage(StatusCode::BAD_REQUEST, message));
    }
    let upgrade = upgrade.map_err(|error| must_be_a_socket(&error, "ovr connect"))?;
    let request = TerminalRequest {
        name: wanted.name,
        write: wanted.write,
        cols: size.0,
        rows: size.1,
    };
    let terminal = ask(&calls, |reply| Call::Terminal { request, reply }).await?;
    let open = calls.open.clone();
    Ok(upgrade
        .max_message_size(MAX_MESSAGE)
        .on_upgrade(move |socket| relay(socket, terminal, open)))
}

pub(super) fn is_size((cols, rows): (u16, u16)) -> bool {
    SIZES.contains(&cols) && SIZES.contains(&rows)
}

/// That a request was no opening of a WebSocket; `command` makes one.
pub(super) fn must_be_a_socket(error: &WebSocketUpgradeRejection, command: &str) -> Failure {
    Failure::usage(
        StatusCode::UPGRADE_REQUIRED,
        format!("this route is a WebSocket: {}", error.body_text()),
    )
    .hint(format!("{command} opens it in a terminal"))
}

/// Passes on what either side says, until one of them has no more to say. The server waits for `_open`.
async fn relay(mut socket: WebSocket, mut terminal: Terminal, _open: mpsc::Sender<Infallible>) {
    let (code, reason) = loop {
        let message = tokio::select! {
            chunk = terminal.output.recv() => {
                let Some(chunk) = chunk else {
                    break (close_code::NORMAL, "the view has ended");
                };
                match tokio::time::timeout(PATIENCE, socket.send(Message::Binary(chunk))).await {
                    Ok(Ok(())) => continue,
                    Ok(Err(_)) => return,
                    Err(_) => break (close_code::AGAIN, "too slow: nothing was taken for 10 s"),
                }
            }
            message = socket.recv() => message,
        };
        let input = match message {
            Some(Ok(Message::Binary(keys))) => TerminalInput::Keys(keys),
            Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                Ok(TerminalOrder::Resize { cols, rows }) if is_size((cols, rows)) => {
                    TerminalInput::Resize { cols, rows }
                }
                Ok(_) | Err(_) => break (close_code::POLICY, "an order that makes no sense"),
            },
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return,
        };
        if terminal.input.send(input).await.is_err() {
            break (close_code::NORMAL, "the view has ended");
        }
    };
    // The view ends now, however long the client takes to hear of it.
    drop(terminal);
    let reason = reason.into();
    // Nobody is left to tell if it fails.
    let _gone = socket
        .send(Message::Close(Some(CloseFrame { code, reason })))
        .await;
}
