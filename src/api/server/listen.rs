//! What the API is served on. The unix socket is bound under its name only when it takes connections, and open to
//! its owner alone; TCP takes whoever comes. What is said over a connection is not decided here.

use crate::api::peer::keep_alive;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

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

/// A listener that takes connections of this user and of root, and drops others. The socket's mode keeps them
/// out already; this holds where somebody changed it.
pub(super) struct SameUser {
    listener: UnixListener,
}

impl SameUser {
    pub(super) fn new(listener: UnixListener) -> Self {
        Self { listener }
    }
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
                Err(error) => recover(&error).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A TCP listener whose connections send what they have at once.
pub(super) struct Everybody {
    listener: TcpListener,
}

impl Everybody {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener }
    }
}

impl axum::serve::Listener for Everybody {
    type Io = TcpStream;
    type Addr = ();

    async fn accept(&mut self) -> (TcpStream, ()) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    // Slower without, and nothing else.
                    let _is_slower = stream.set_nodelay(true);
                    keep_alive(&stream);
                    return (stream, ());
                }
                Err(error) => recover(&error).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// What to do between an attempt to accept that failed and the next.
async fn recover(error: &io::Error) {
    let is_of_connection = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    );
    if !is_of_connection {
        // Out of descriptors: there is no event for "there are some again".
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn may_enter(peer: u32, own: u32) -> bool {
    peer == own || peer == 0
}

#[cfg(test)]
mod tests {
    use super::{Everybody, may_enter};
    use axum::serve::Listener;
    use rustix::net::sockopt;

    #[tokio::test]
    async fn a_client_on_tcp_that_vanishes_without_a_word_is_noticed() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = std::net::TcpStream::connect(address).unwrap();
        let (accepted, ()) = Everybody::new(listener).accept().await;
        assert!(sockopt::socket_keepalive(&accepted).unwrap());
        drop(client);
    }

    #[test]
    fn only_this_user_and_root_may_enter() {
        assert!(may_enter(1000, 1000));
        assert!(may_enter(0, 1000));
        assert!(!may_enter(1001, 1000));
        assert!(!may_enter(1000, 0));
    }
}
