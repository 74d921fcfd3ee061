//! A connection from TCP, where nobody is known yet: how many there may be, and how long one may take to say what it
//! wants. Passes bytes on; what they say is not looked at but for the end of a request's head.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep};

/// So many connections at most. Each takes a descriptor of the controller's, which has other uses for them; whoever
/// comes then waits until another one has gone.
pub(super) const MOST: usize = if cfg!(test) { 4 } else { 128 };

/// Whoever has not asked anything after this is cut off.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });

/// One of them.
#[derive(Debug)]
pub(super) struct Visitor {
    stream: TcpStream,
    /// Until the first request's head has come.
    waiting: Option<Waiting>,
    _place: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct Waiting {
    deadline: Pin<Box<Sleep>>,
    /// Line ends that stand at the end of what has come: two end a head.
    line_ends: u8,
}

impl Visitor {
    /// Within a tokio runtime.
    pub(super) fn new(stream: TcpStream, place: OwnedSemaphorePermit) -> Self {
        Self {
            stream,
            waiting: Some(Waiting {
                deadline: Box::pin(sleep(PATIENCE)),
                line_ends: 0,
            }),
            _place: place,
        }
    }
}

impl AsFd for Visitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl Waiting {
    /// Whether the head has ended with these bytes.
    fn is_over(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            self.line_ends = match byte {
                b'\n' => self.line_ends + 1,
                b'\r' => self.line_ends,
                _ => 0,
            };
            if self.line_ends == 2 {
                return true;
            }
        }
        false
    }
}

impl AsyncRead for Visitor {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        let Some(waiting) = &mut self.waiting else {
            return read;
        };
        if read.is_pending() {
            ready!(waiting.deadline.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if waiting.is_over(&into.filled()[before..]) {
            self.waiting = None;
        }
        read
    }
}

impl AsyncWrite for Visitor {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::MOST;
    use crate::api::server::listen::Everybody;
    use axum::Router;
    use axum::routing::get;
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Notify;
    use tokio::time::timeout;

    const DEADLINE: Duration = Duration::from_secs(20);

    /// A server whose answer to `/wait` comes when it is told to.
    async fn server() -> (SocketAddr, Arc<Notify>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let told = Arc::new(Notify::new());
        let waits = Arc::clone(&told);
        let wait = move || {
            let waits = Arc::clone(&waits);
            async move {
                waits.notified().await;
                "waited"
            }
        };
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/wait", get(wait));
        tokio::spawn(async move { axum::serve(Everybody::new(listener), router).await });
        (address, told)
    }

    async fn asking(address: SocketAddr, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn to_its_end(mut stream: TcpStream) -> String {
        let mut text = Vec::new();
        let read = timeout(DEADLINE, stream.read_to_end(&mut text)).await.unwrap();
        // One that is cut off may be told so by a reset.
        read.unwrap_or_default();
        String::from_utf8(text).unwrap()
    }

    #[tokio::test]
    async fn who_says_nothing_is_cut_off_and_who_waits_for_an_answer_is_not() {
        let (address, told) = server().await;
        let waiting = asking(address, "/wait").await;
        let silent = TcpStream::connect(address).await.unwrap();
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
        assert_eq!(to_its_end(silent).await, "");
        assert!(!to_its_end(slow).await.contains("here"));
        told.notify_one();
        assert!(to_its_end(waiting).await.ends_with("waited"));
    }

    #[tokio::test]
    async fn who_comes_when_all_places_are_taken_is_let_in_when_one_is_free() {
        let (address, _told) = server().await;
        let mut silent = Vec::new();
        for _ in 0..MOST {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let late = asking(address, "/").await;
        assert!(to_its_end(late).await.ends_with("here"));
    }
}
