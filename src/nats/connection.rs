//! One connection to a NATS server, from the first byte to the last. It is over when anything goes wrong; making
//! another one is its owner's business. No call waits for ever.

use super::address::Address;
use super::wire::{self, Info, Received};
use crate::model::io_words;
use crate::tls;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A server that takes longer than this to take or confirm something counts as gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// The one subscription that there is.
const SUBSCRIPTION: u8 = 1;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What the server takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The largest message.
    pub(crate) payload: usize,
    headers: bool,
}

/// A connection that is greeted and subscribed.
pub(crate) struct Connection {
    read: ReadHalf<Box<dyn Stream>>,
    write: WriteHalf<Box<dyn Stream>>,
    /// What has come and is not taken yet.
    bytes: Vec<u8>,
    /// What is to be sent with the next [`Self::send`].
    out: Vec<u8>,
    limits: Limits,
}

impl Connection {
    /// Connects, logs in, and subscribes to `subject`. Errors are phrases.
    pub(crate) async fn open(address: &Address, name: &str, subject: &str) -> Result<Self, String> {
        match timeout(PATIENCE, Self::greet(address, name, subject)).await {
            Ok(opened) => opened,
            Err(_) => Err(late()),
        }
    }

    async fn greet(address: &Address, name: &str, subject: &str) -> Result<Self, String> {
        let mut stream = TcpStream::connect((address.host.as_str(), address.port))
            .await
            .map_err(|error| io_words(&error))?;
        // Without either it works as well, only slower to send and to notice a cable that is pulled.
        stream.set_nodelay(true).ok();
        rustix::net::sockopt::set_socket_keepalive(&stream, true).ok();
        let mut bytes = Vec::new();
        let Received::Info(info) = receive(&mut stream, &mut bytes).await? else {
            return Err("what answers does not speak NATS".to_owned());
        };
        let over_tls = address.tls || info.tls_required;
        // What came in the clear may be anybody's, and must not pass for what comes encrypted.
        if over_tls && !bytes.is_empty() {
            return Err("it goes on in the clear where TLS is to begin".to_owned());
        }
        let stream: Box<dyn Stream> = if over_tls {
            Box::new(tls::connect(stream, &address.host, "TLS").await?)
        } else {
            Box::new(stream)
        };
        let (read, write) = tokio::io::split(stream);
        let mut connection = Self {
            read,
            write,
            bytes,
            out: wire::connect(&address.login, name, over_tls),
            limits: limits(&info),
        };
        connection
            .out
            .extend_from_slice(format!("SUB {subject} {SUBSCRIPTION}\r\n").as_bytes());
        connection.ping();
        connection.send().await?;
        loop {
            match connection.receive().await? {
                Received::Pong => return Ok(connection),
                Received::Ping => {
                    connection.pong();
                    connection.send().await?;
                }
                Received::Refused(why) => return Err(format!("it refuses: {why}")),
                Received::Info(info) => connection.limits = limits(&info),
                // Nobody waits for an answer that long.
                Received::Message(_) => {}
            }
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Queues a message. `id`: a number of ours that tells it from all others.
    pub(crate) fn publish(&mut self, subject: &str, id: Option<&str>, payload: &[u8]) {
        let id = id.filter(|_| self.limits.headers);
        wire::publish(&mut self.out, subject, id, payload);
    }

    /// Asks for a PONG, which says that all before it has arrived.
    pub(crate) fn ping(&mut self) {
        self.out.extend_from_slice(b"PING\r\n");
    }

    /// Sends what is queued.
    pub(crate) async fn send(&mut self) -> Result<(), String> {
        let sending = async {
            self.write.write_all(&self.out).await?;
            self.write.flush().await
        };
        let sent: Result<io::Result<()>, _> = timeout(PATIENCE, sending).await;
        self.out.clear();
        sent.map_err(|_| late())?.map_err(|error| io_words(&error))
    }

    /// Queues the answer to a PING of the server.
    pub(crate) fn pong(&mut self) {
        self.out.extend_from_slice(b"PONG\r\n");
    }

    /// The next thing that the server says. May be dropped while it waits: nothing that has come is lost.
    pub(crate) async fn next(&mut self) -> Result<Received, String> {
        loop {
            match self.receive().await? {
                Received::Info(info) => self.limits = limits(&info),
                Received::Refused(why) if is_harmless(&why) => return Ok(Received::Refused(why)),
                Received::Refused(why) => return Err(format!("it refuses: {why}")),
                received => return Ok(received),
            }
        }
    }

    /// The same, for a PONG that has been asked for: it has to come in time.
    pub(crate) async fn next_in_time(&mut self) -> Result<Received, String> {
        timeout(PATIENCE, self.next()).await.map_err(|_| late())?
    }

    async fn receive(&mut self) -> Result<Received, String> {
        receive(&mut self.read, &mut self.bytes).await
    }
}

/// A server goes on with the connection after these.
fn is_harmless(why: &str) -> bool {
    why.starts_with("Permissions Violation") || why.starts_with("Invalid Subject")
}

fn limits(info: &Info) -> Limits {
    Limits {
        // One that does not say takes a megabyte, as it comes.
        payload: if info.max_payload == 0 {
            1 << 20
        } else {
            info.max_payload
        },
        headers: info.headers,
    }
}

fn late() -> String {
    format!("it does not answer (waited {} s)", PATIENCE.as_secs())
}

async fn receive(from: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> Result<Received, String> {
    loop {
        if let Some(received) = wire::take(bytes)? {
            return Ok(received);
        }
        // A read that is given up has taken nothing.
        match from.read_buf(bytes).await {
            Ok(0) => return Err("it has closed the connection".to_owned()),
            Ok(_) => {}
            Err(error) => return Err(io_words(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Connection;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn what_is_said_in_the_clear_before_tls_is_not_taken_for_the_servers_word() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let said = b"INFO {\"tls_required\":true}\r\nPONG\r\nMSG ovr.do.quit 1 2\r\n{}\r\n";
            stream.write_all(said).await.unwrap();
            stream
        });
        let address = format!("nats://127.0.0.1:{port}").parse().unwrap();
        let opened = Connection::open(&address, "test", "ovr.>").await;
        let error = opened.err().unwrap();
        assert!(error.contains("in the clear"), "{error}");
        drop(server);
    }
}
