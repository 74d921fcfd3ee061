//! The stream of a pane as a test reads it: a thread that drains the terminal, and what to find in the bytes.

use rustix::event::{PollFd, PollFlags, poll};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;

/// Drains the master in a thread until its handle is dropped.
pub(crate) fn read_along(master: Arc<OwnedFd>) -> ((UnixStream, JoinHandle<()>), Receiver<Vec<u8>>) {
    let (stop, stopped) = UnixStream::pair().unwrap();
    let (sender, chunks) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        loop {
            let mut fds = [
                PollFd::new(&master, PollFlags::IN),
                PollFd::new(&stopped, PollFlags::IN),
            ];
            let polled = poll(&mut fds, None);
            if polled.is_err() || !fds[1].revents().is_empty() {
                return;
            }
            let mut bytes = vec![0; 65536];
            match rustix::io::read(&master, &mut bytes[..]) {
                Ok(count) if count > 0 => bytes.truncate(count),
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
                _ => return,
            }
            if sender.send(bytes).is_err() {
                return;
            }
        }
    });
    ((stop, thread), chunks)
}

pub(crate) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    find(bytes, part).is_some()
}

pub(crate) fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
