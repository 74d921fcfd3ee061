//! The socket that a service can say things on (`NOTIFY_SOCKET`, the protocol of systemd's `sd_notify`): who may
//! speak there, and the last word on readiness. What is said is passed on as it is.

use super::plain;
use super::protocol::{said_ready, status_in};
#[cfg(target_os = "linux")]
use super::tree;
use rustix::io::{Errno, IoSliceMut};
use rustix::net::{RecvAncillaryBuffer, RecvFlags, ReturnFlags, recvmsg};
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// A longer message is dropped, as by systemd.
const LONGEST: usize = 4096;

/// How files that are passed along arrive. Where they cannot arrive closed to programs started later, they are gone
/// before the only thread starts one.
#[cfg(target_os = "linux")]
const PASSED_ALONG: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const PASSED_ALONG: RecvFlags = RecvFlags::empty();

pub(super) struct Notify {
    socket: UnixDatagram,
    path: PathBuf,
    /// What the run has said about its readiness.
    ready: Option<bool>,
    /// Where it stands, in its own words.
    status: Option<String>,
}

/// What has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) text: String,
    /// It says something about readiness that was not known.
    pub(super) is_news: bool,
}

impl Notify {
    /// Makes the socket in the session's directory, where nobody else can reach it. By path and not by an
    /// abstract name: programs that speak the protocol themselves often know no other.
    pub(super) fn open(dir: &Path, nonce: &str) -> Result<Self, String> {
        let path = dir.join(format!("n-{}", &nonce[..8]));
        let opened = Self::bind(path);
        opened.map_err(|error| format!("cannot make the socket for notifications: {}", plain(&error)))
    }

    fn bind(path: PathBuf) -> io::Result<Self> {
        let socket = UnixDatagram::bind(&path)?;
        socket.set_nonblocking(true)?;
        #[cfg(target_os = "linux")]
        rustix::net::sockopt::set_socket_passcred(&socket, true)?;
        Ok(Self {
            socket,
            path,
            ready: None,
            status: None,
        })
    }

    /// A run begins: what was said before it is nothing of its own.
    pub(super) fn forget(&mut self) {
        while self.read().is_ok() {}
        self.ready = None;
        self.status = None;
    }

    /// For the service's environment.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// What the run has said last about its readiness.
    pub(super) fn ready(&self) -> Option<bool> {
        self.ready
    }

    /// Where the run stands, as it has said last.
    pub(super) fn status(&self) -> Option<&str> {
        self.status.as_deref()
    }

    /// The next message, or `None` if none waits. Those that nobody may send are passed over.
    pub(super) fn next_message(&mut self) -> Option<Message> {
        loop {
            if let Some(text) = self.read().ok()? {
                let said = said_ready(&text);
                let is_news = said.is_some() && said != self.ready;
                self.ready = said.or(self.ready);
                if let Some(status) = status_in(&text) {
                    self.status = Some(status).filter(|status| !status.is_empty());
                }
                return Some(Message { text, is_news });
            }
        }
    }

    /// Takes one message off the socket, or nothing if it does not count. The error is that none waits.
    fn read(&self) -> rustix::io::Result<Option<String>> {
        let mut bytes = [0; LONGEST];
        #[cfg(target_os = "linux")]
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
        #[cfg(not(target_os = "linux"))]
        let mut space = [std::mem::MaybeUninit::uninit(); 64];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = loop {
            // Files that are passed along are closed with the buffer.
            let flags = PASSED_ALONG;
            match recvmsg(
                &self.socket,
                &mut [IoSliceMut::new(&mut bytes)],
                &mut control,
                flags,
            ) {
                Err(Errno::INTR) => {}
                done => break done?,
            }
        };
        let counts = !received.flags.contains(ReturnFlags::TRUNC) && may_speak(&mut control);
        Ok(counts.then(|| String::from_utf8_lossy(&bytes[..received.bytes]).into_owned()))
    }
}

impl Drop for Notify {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.path);
    }
}

/// Whether the sender belongs to the run. One that is gone already (`systemd-notify` says its word and ends) is
/// believed: only this user could reach the socket.
#[cfg(target_os = "linux")]
fn may_speak(control: &mut RecvAncillaryBuffer<'_>) -> bool {
    let sender = control.drain().find_map(|message| match message {
        rustix::net::RecvAncillaryMessage::ScmCredentials(sender) => Some(sender),
        _ => None,
    });
    let Some(sender) = sender else { return false };
    let pid = sender.pid.as_raw_nonzero().get().unsigned_abs();
    crate::platform::processes::one(pid).is_none_or(|process| tree::is_below(std::process::id(), process))
}

/// Nothing tells who has sent it; the directory's permissions have to do.
#[cfg(not(target_os = "linux"))]
fn may_speak(_control: &mut RecvAncillaryBuffer<'_>) -> bool {
    true
}
