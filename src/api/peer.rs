//! Whom a client talks to: a unix socket of this machine, or an address on TCP with a token. Connects; says
//! nothing over the connection.

use crate::diag::{Diagnostic, Kind};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// An address that does not answer at all is given up after this.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a session listens.
#[derive(Clone, Debug)]
pub enum Peer {
    Unix(PathBuf),
    Tcp(Remote),
}

/// A session on TCP.
#[derive(Clone)]
pub struct Remote {
    /// `127.0.0.1:4321`.
    pub address: String,
    /// As somebody gave it.
    pub token: Option<String>,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Tcp(remote) => f.write_str(&remote.address),
        }
    }
}

impl Peer {
    pub(super) fn connect(&self) -> io::Result<Stream> {
        match self {
            Self::Unix(path) => UnixStream::connect(path).map(Stream::Unix),
            Self::Tcp(remote) => remote.connect().map(Stream::Tcp),
        }
    }

    /// What stands in a request's head: the name of the other side, and the token.
    pub(super) fn credentials(&self) -> (&str, Option<&str>) {
        match self {
            Self::Unix(_) => ("ovr", None),
            Self::Tcp(remote) => (&remote.address, remote.token.as_deref()),
        }
    }

    /// That nobody is there.
    pub(super) fn nobody(&self) -> Diagnostic {
        let nobody = Diagnostic::error(Kind::NotRunning, "the session is not running")
            .cause(format!("nobody listens at {self}"));
        match self {
            Self::Unix(_) => nobody,
            Self::Tcp(remote) => {
                nobody.hint(format!("serve one there: ovr start -S tcp -s {}", remote.address))
            }
        }
    }
}

impl Remote {
    /// # Errors
    /// Nobody listens there, or the host is not known or not reached.
    pub fn connect(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in self.address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => {
                    // Slower without, and nothing else.
                    let _is_slower = stream.set_nodelay(true);
                    keep_alive(&stream);
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// Has the system look whether the other side is still there when nothing is said: a machine that has gone without a
/// word is noticed within a minute.
pub(super) fn keep_alive(stream: impl AsFd) {
    use rustix::net::sockopt;
    // Without it, it is noticed when something is to be said.
    let _is_set = sockopt::set_socket_keepalive(&stream, true)
        .and_then(|()| sockopt::set_tcp_keepidle(&stream, Duration::from_secs(30)))
        .and_then(|()| sockopt::set_tcp_keepintvl(&stream, Duration::from_secs(10)))
        .and_then(|()| sockopt::set_tcp_keepcnt(&stream, 3));
}

/// A connection to a session.
#[derive(Debug)]
pub(super) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    pub(super) fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Unix(stream) => stream.try_clone().map(Self::Unix),
            Self::Tcp(stream) => stream.try_clone().map(Self::Tcp),
        }
    }

    /// Ends it, for every twin of it.
    pub(super) fn shutdown(&self) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
        }
    }

    pub(super) fn set_read_timeout(&self, patience: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.set_read_timeout(patience),
            Self::Tcp(stream) => stream.set_read_timeout(patience),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(into),
            Self::Tcp(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Unix(stream) => stream.flush(),
            Self::Tcp(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Remote;
    use rustix::net::sockopt;
    use std::net::TcpListener;

    #[test]
    fn a_session_that_vanishes_without_a_word_is_noticed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let remote = Remote {
            address: listener.local_addr().unwrap().to_string(),
            token: None,
        };
        let stream = remote.connect().unwrap();
        assert!(sockopt::socket_keepalive(&stream).unwrap());
        let times = [
            sockopt::tcp_keepidle(&stream).unwrap().as_secs(),
            sockopt::tcp_keepintvl(&stream).unwrap().as_secs(),
            u64::from(sockopt::tcp_keepcnt(&stream).unwrap()),
        ];
        assert_eq!(times, [30, 10, 3]);
    }
}
