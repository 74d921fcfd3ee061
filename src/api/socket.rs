//! The client's side of a terminal's WebSocket, for a session on TCP; and the opening of any WebSocket there.

use super::http1::encode;
use super::messages::{ErrorBody, route};
use super::peer::{Peer, Remote};
use crate::diag::{Diagnostic, Kind};
use std::io;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::{self, Bytes, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// An open terminal of a session elsewhere.
#[derive(Debug)]
pub struct TerminalSocket {
    stream: WebSocketStream<TcpStream>,
}

/// What comes from it.
#[derive(Debug)]
pub enum FromTerminal {
    /// For the screen.
    Bytes(Bytes),
    /// It is over; the session's reason, if it gave one.
    End(Option<String>),
}

impl TerminalSocket {
    /// Opens the terminal of `name` (`None`: of the first service). Within a tokio runtime.
    ///
    /// # Errors
    /// What [`super::Client`]'s calls have.
    pub async fn open(
        remote: &Remote,
        name: Option<&str>,
        write: bool,
        (cols, rows): (u16, u16),
    ) -> Result<Self, Diagnostic> {
        let mut target = format!("{}?write={write}&cols={cols}&rows={rows}", route::TERMINAL);
        if let Some(name) = name {
            target.push_str("&name=");
            target.push_str(&encode(name));
        }
        let stream = open(remote, &target, "a terminal").await?;
        Ok(Self { stream })
    }

    /// What comes next. May be cancelled and asked again.
    pub async fn next(&mut self) -> FromTerminal {
        use futures_util::StreamExt;
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Binary(bytes))) => return FromTerminal::Bytes(bytes),
                Some(Ok(Message::Close(frame))) => {
                    return FromTerminal::End(frame.map(|frame| frame.reason.to_string()));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return FromTerminal::End(Some(error.to_string())),
                None => return FromTerminal::End(None),
            }
        }
    }

    /// Types these bytes. Whether they arrive is told by what comes.
    pub async fn type_bytes(&mut self, bytes: Vec<u8>) {
        self.send(Message::Binary(bytes.into())).await;
    }

    /// The screen has another size now.
    pub async fn resize(&mut self, (cols, rows): (u16, u16)) {
        let order = super::messages::TerminalOrder::Resize { cols, rows };
        let text = serde_json::to_string(&order).expect("plain fields always serialize");
        self.send(Message::Text(text.into())).await;
    }

    async fn send(&mut self, message: Message) {
        use futures_util::SinkExt;
        // What comes next says that it is over.
        let _over = self.stream.send(message).await;
    }
}

/// Opens the WebSocket `target` for `what`. Within a tokio runtime.
pub(super) async fn open(
    remote: &Remote,
    target: &str,
    what: &str,
) -> Result<WebSocketStream<TcpStream>, Diagnostic> {
    let failed = |cause: String| {
        Diagnostic::error(Kind::System, format!("cannot open {what} at {}", remote.address)).cause(cause)
    };
    let mut request = format!("ws://{}{target}", remote.address)
        .into_client_request()
        .map_err(|error| failed(error.to_string()))?;
    if let Some(token) = &remote.token {
        let value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| failed("the token is no text for a header".to_owned()))?;
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    let stream = remote.connect().map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => Peer::Tcp(remote.clone()).nobody(),
        _ => failed(error.to_string()),
    })?;
    stream
        .set_nonblocking(true)
        .map_err(|error| failed(error.to_string()))?;
    let stream = TcpStream::from_std(stream).map_err(|error| failed(error.to_string()))?;
    match client_async(request, stream).await {
        Ok((stream, _)) => Ok(stream),
        Err(Error::Http(answer)) => Err(refusal(&answer, what)),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// The error that an answer in place of a WebSocket carries.
fn refusal(answer: &tungstenite::http::Response<Option<Vec<u8>>>, what: &str) -> Diagnostic {
    let body = answer.body().as_deref().unwrap_or_default();
    match serde_json::from_slice::<ErrorBody>(body) {
        Ok(body) => body.into(),
        Err(_) => Diagnostic::error(
            Kind::System,
            format!(
                "the session did not open {what} (HTTP {})",
                answer.status().as_u16()
            ),
        ),
    }
}
