//! Whom a client talks to: a unix socket of this machine, or an address on TCP with a token. Connects; says
//! nothing over the connection.

use crate::diag::{Diagnostic, Kind};
use crate::platform::{peer, processes};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// An address that does not answer at all is given up after this.
const PATIENCE: Duration = Duration::from_secs(10);
/// A session that works and works, and does not answer, is given up after so many times of patience.
const LOOKS: u32 = 12;

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
            Self::Unix(path) => UnixStream::connect(path).map(Stream::from),
            Self::Tcp(remote) => remote.connect().map(Stream::from),
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
pub(super) struct Stream {
    wire: Wire,
    /// Whoever is to answer within some time, as it was looked at last; `None` where it cannot be.
    awaited: Option<Awaited>,
}

#[derive(Debug)]
enum Wire {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// A process of this machine that owes an answer.
#[derive(Debug)]
struct Awaited {
    pid: u32,
    cpu: Duration,
    looks: u32,
}

impl Awaited {
    fn at(stream: &UnixStream) -> Option<Self> {
        let pid = peer::pid(stream)?;
        let cpu = processes::usage(pid)?.cpu;
        Some(Self { pid, cpu, looks: 0 })
    }

    /// Whether it has worked since it was looked at last: then it is not stopped, the machine is busy.
    fn is_at_work(&mut self) -> bool {
        let before = self.cpu;
        let now = processes::usage(self.pid).map(|usage| usage.cpu);
        self.cpu = now.unwrap_or(before);
        self.looks += 1;
        self.cpu > before && self.looks <= LOOKS
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        Wire::Unix(stream).into()
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Wire::Tcp(stream).into()
    }
}

impl From<Wire> for Stream {
    fn from(wire: Wire) -> Self {
        Self { wire, awaited: None }
    }
}

impl Stream {
    /// Ends it, from elsewhere.
    pub(super) fn shutter(&self) -> io::Result<impl FnOnce() -> io::Result<()> + Send + 'static> {
        let twin = match &self.wire {
            Wire::Unix(stream) => Wire::Unix(stream.try_clone()?),
            Wire::Tcp(stream) => Wire::Tcp(stream.try_clone()?),
        };
        Ok(move || match twin {
            Wire::Unix(stream) => stream.shutdown(Shutdown::Both),
            Wire::Tcp(stream) => stream.shutdown(Shutdown::Both),
        })
    }

    /// How long the other side may be silent; as often again, on this machine, as it is seen at work meanwhile.
    pub(super) fn set_patience(&mut self, patience: Option<Duration>) -> io::Result<()> {
        self.awaited = None;
        match &self.wire {
            Wire::Unix(stream) => {
                stream.set_read_timeout(patience)?;
                self.awaited = patience.and_then(|_| Awaited::at(stream));
                Ok(())
            }
            Wire::Tcp(stream) => stream.set_read_timeout(patience),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match &mut self.wire {
                Wire::Unix(stream) => stream.read(into),
                Wire::Tcp(stream) => stream.read(into),
            };
            let is_late = read.as_ref().is_err_and(is_late);
            if !is_late || !self.awaited.as_mut().is_some_and(Awaited::is_at_work) {
                return read;
            }
        }
    }
}

/// Whether nothing came in the time that there was.
pub(super) fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.wire {
            Wire::Unix(stream) => stream.write(bytes),
            Wire::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.wire {
            Wire::Unix(stream) => stream.flush(),
            Wire::Tcp(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Awaited, LOOKS, Remote, Stream, is_late};
    use crate::platform::processes;
    use rustix::net::sockopt;
    use std::io::Read;
    use std::net::TcpListener;
    use std::os::unix::net::UnixStream;
    use std::process::Command;
    use std::time::Duration;

    #[test]
    fn who_works_is_waited_for_again_and_not_for_ever() {
        let own = std::process::id();
        let cpu = || processes::usage(own).unwrap().cpu;
        let mut awaited = Awaited {
            pid: own,
            cpu: cpu(),
            looks: 0,
        };
        for _ in 0..LOOKS {
            while cpu() == awaited.cpu {}
            assert!(awaited.is_at_work());
        }
        while cpu() == awaited.cpu {}
        assert!(!awaited.is_at_work());
    }

    #[test]
    fn who_is_stopped_is_not_waited_for_again() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        while !processes::is_stopped(child.id()) {}
        let cpu = processes::usage(child.id()).unwrap().cpu;
        let mut awaited = Awaited {
            pid: child.id(),
            cpu,
            looks: 0,
        };
        assert!(!awaited.is_at_work());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!awaited.is_at_work());
    }

    #[test]
    fn silence_of_who_cannot_be_looked_at_ends_with_its_time() {
        let (here, _there) = UnixStream::pair().unwrap();
        let mut stream = Stream::from(here);
        stream.set_patience(Some(Duration::from_millis(1))).unwrap();
        stream.awaited = None;
        assert!(is_late(&stream.read(&mut [0]).unwrap_err()));
    }

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
