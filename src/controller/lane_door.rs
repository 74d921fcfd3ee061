//! Where helpers bring the pipes of panes: a socket that is bound when the first pane is busy, so that a quiet
//! session never has one; and what the loop does for the lanes. Decides nothing about them.

use super::clock;
use super::core::Controller;
use super::links::WITHOUT_DESCRIPTORS;
use crate::tmux::command::Command;
use crate::tmux::lane;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use tokio::io::Interest;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A pipe and the token that it was asked for with.
pub(super) type Piped = (u64, OwnedFd);

/// The socket.
#[derive(Debug)]
pub(super) struct LaneDoor {
    pub(super) path: PathBuf,
    task: Option<JoinHandle<()>>,
}

impl LaneDoor {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, task: None }
    }

    /// Binds the socket, unless it is there.
    pub(super) fn open(&mut self, pipes: &mpsc::UnboundedSender<Piped>) -> io::Result<()> {
        if self.task.is_some() && self.path.exists() {
            return Ok(());
        }
        self.close();
        // An old socket of this name is nobody's: the session is ours.
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&self.path)?;
        self.task = Some(tokio::spawn(accept(listener, pipes.clone())));
        Ok(())
    }

    pub(super) fn close(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

async fn accept(listener: UnixListener, pipes: mpsc::UnboundedSender<Piped>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(take_pipe(stream, pipes.clone()));
            }
            Err(_) => tokio::time::sleep(WITHOUT_DESCRIPTORS).await,
        }
    }
}

async fn take_pipe(stream: UnixStream, pipes: mpsc::UnboundedSender<Piped>) {
    let received = stream
        .async_io(Interest::READABLE, || lane::receive(&stream))
        .await;
    // Without a pipe the pane stays in control mode; and nobody listens any more when the session is over.
    if let Ok(piped) = received {
        drop(pipes.send(piped));
    }
}

impl Controller {
    /// Reads what the lanes have, a bounded amount.
    pub(super) fn read_lanes(&mut self) {
        if self.lanes.is_empty() {
            return;
        }
        let (now, at_ms) = (self.clock.now(), clock::epoch_ms());
        let gone = self.lanes.read(now, at_ms, &mut self.hub, &mut self.windows);
        self.on_stream_events();
        for (pane, instance) in gone {
            // A pane that is still there goes on in control mode; what was lost on the way is in its scrollback.
            let shim = self.host(instance).shim.as_ref();
            if shim.is_some_and(|shim| shim.pane == Some(pane)) {
                self.windows.tell(&Command::continue_output(pane));
                self.refill(instance);
            }
        }
        self.windows.flush();
    }

    /// A helper has brought a pipe.
    pub(super) fn on_piped(&mut self, (token, pipe): Piped) {
        self.lanes.on_pipe(token, pipe);
        self.advance_lanes();
    }

    /// Opens the next lane, where one is wanted.
    pub(super) fn advance_lanes(&mut self) {
        if !self.lanes.has_work() {
            return;
        }
        // Without the socket no helper comes, and the pane stays in control mode.
        drop(self.lane_door.open(&self.inlets.pipes));
        let socket = self.lane_door.path.to_string_lossy().into_owned();
        self.lanes.advance(self.clock.now(), &mut self.windows, &socket);
    }
}
