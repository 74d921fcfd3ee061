//! The controller's side of the protocol, as far as the tests need it.

use ovr::shim::protocol::Report;
use ovr::shim::wire::LineSplitter;
use std::collections::VecDeque;
use std::io::Read;
use std::os::unix::net::UnixStream;

/// The controller's end of a connection.
pub(crate) struct Controller {
    pub(crate) socket: UnixStream,
    splitter: LineSplitter,
    pub(crate) reports: VecDeque<Report>,
}

impl Controller {
    pub(crate) fn new(socket: UnixStream) -> Self {
        Self {
            socket,
            splitter: LineSplitter::new(),
            reports: VecDeque::new(),
        }
    }

    /// Takes what has arrived; `false` at the end of the connection.
    pub(crate) fn receive(&mut self) -> bool {
        let mut bytes = vec![0; 65536];
        match self.socket.read(&mut bytes) {
            Ok(0) | Err(_) => return false,
            Ok(count) => self.splitter.push(&bytes[..count]),
        }
        while let Some(line) = self.splitter.next_line().unwrap() {
            self.reports.push_back(serde_json::from_slice(line).unwrap());
        }
        true
    }
}
