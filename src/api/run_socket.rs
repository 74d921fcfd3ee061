//! The client's side of a command that is run on the machine of a session on TCP. Two halves, so that neither what is
//! sent nor what comes ever waits for the other.

use super::messages::route;
use super::messages::run::{MAX_ORDER, RunNews, RunOrder, RunRequest, STDERR, STDOUT};
use super::peer::Remote;
use super::socket::open;
use crate::diag::{Diagnostic, Kind};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

type Socket = WebSocketStream<TcpStream>;

/// What goes to the command.
#[derive(Debug)]
pub struct ToCommand {
    sink: SplitSink<Socket, Message>,
}

/// What comes from it.
#[derive(Debug)]
pub struct FromCommand {
    stream: SplitStream<Socket>,
}

/// One message from the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Out(Bytes),
    Err(Bytes),
    News(RunNews),
    /// The connection is over; the session's reason, if it gave one.
    Closed(Option<String>),
}

/// Asks for the command to be run. Within a tokio runtime.
///
/// # Errors
/// What [`super::Client`]'s calls have.
pub async fn run(remote: &Remote, request: RunRequest) -> Result<(ToCommand, FromCommand), Diagnostic> {
    let order = text_of(&RunOrder::Run(request));
    if order.len() > MAX_ORDER {
        return Err(Diagnostic::error(Kind::Usage, "the command line is too long"));
    }
    let (mut sink, stream) = open(remote, route::RUN, "a command").await?.split();
    // Whether it arrives is told by what comes.
    drop(sink.send(Message::Text(order.into())).await);
    let to = ToCommand { sink };
    Ok((to, FromCommand { stream }))
}

// Whether anything arrives is told by what comes.
impl ToCommand {
    /// Input. Who sends it keeps within the window.
    pub async fn input(&mut self, bytes: Vec<u8>) {
        drop(self.sink.send(Message::Binary(bytes.into())).await);
    }

    pub async fn order(&mut self, order: &RunOrder) {
        drop(self.sink.send(Message::Text(text_of(order).into())).await);
    }
}

fn text_of(order: &RunOrder) -> String {
    serde_json::to_string(order).expect("plain fields always serialize")
}

impl FromCommand {
    /// What comes next. May be cancelled and asked again.
    pub async fn next(&mut self) -> Said {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Binary(mut bytes))) => match bytes.first().copied() {
                    Some(STDOUT) => return Said::Out(bytes.split_off(1)),
                    Some(STDERR) => return Said::Err(bytes.split_off(1)),
                    // From a later build.
                    Some(_) | None => {}
                },
                Some(Ok(Message::Text(text))) => {
                    // The same.
                    if let Ok(news) = serde_json::from_str(&text) {
                        return Said::News(news);
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    return Said::Closed(frame.map(|frame| frame.reason.to_string()));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Said::Closed(Some(error.to_string())),
                None => return Said::Closed(None),
            }
        }
    }
}
