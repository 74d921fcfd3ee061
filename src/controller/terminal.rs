//! Terminals for API clients: a task for each runs a tmux client on a pseudoterminal and passes its bytes on. The
//! loop only says which window it is.

use super::core::Controller;
use crate::api::call::{Reply, Terminal, TerminalInput, TerminalRequest};
use crate::api::messages::Window;
use crate::diag::{Diagnostic, Kind};
use crate::tmux::attach::Attached;
use crate::tmux::server::Server;
use crate::tmux::setup::Size;
use crate::tmux::view::{LeaveKeys, View, ViewMode};
use bytes::Bytes;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// A tmux server that answers at all answers within this.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many chunks wait for a client; then its terminal is not read until it has taken one.
const CHUNKS: usize = 4;
const CHUNK: usize = 16 * 1024;

/// Tells the views of this controller apart.
static VIEWS: AtomicU64 = AtomicU64::new(1);

impl Controller {
    /// Opens a view of the window that is meant, and answers when it is open.
    pub(super) fn open_terminal(&mut self, request: TerminalRequest, reply: Reply<Terminal>) {
        let (found, window) = oneshot::channel();
        self.answer_window(request.name.clone(), found);
        let server = self.windows.site.server.clone();
        tokio::spawn(async move {
            // Unanswered: the session has ended, and dropping our reply says so.
            let Ok(window) = window.await else { return };
            let attached = match window {
                Ok(window) => attach(&server, &window, &request).await,
                Err(error) => Err(error),
            };
            match attached {
                Ok(attached) => {
                    let (send, output) = mpsc::channel(CHUNKS);
                    let (input, typed) = mpsc::channel(CHUNKS);
                    if reply.send(Ok(Terminal { output, input })).is_ok() {
                        relay(&attached, send, typed).await;
                    }
                    attached.end().await;
                }
                Err(error) => drop(reply.send(Err(error))),
            }
        });
    }
}

async fn attach(server: &Server, window: &Window, request: &TerminalRequest) -> Result<Attached, Diagnostic> {
    let failed = |error: std::io::Error| {
        Diagnostic::error(Kind::Tmux, format!("cannot open a view of {}", window.name))
            .cause(error.to_string())
    };
    let id = window.window.parse().expect("it was printed by us");
    // What the client's own surroundings are is not known here.
    let keys = LeaveKeys::ask(server, PATIENCE, &[]).await.map_err(failed)?;
    let view = View {
        server,
        window: id,
        mode: if request.write {
            ViewMode::Terminal
        } else {
            ViewMode::ReadOnly
        },
        leave: &keys,
    };
    let unique = format!("{}-{}", std::process::id(), VIEWS.fetch_add(1, Ordering::Relaxed));
    let size = Size {
        columns: request.cols,
        rows: request.rows,
    };
    Attached::open(&view, &unique, size).map_err(failed)
}

/// Until the view is over or the client is gone.
async fn relay(view: &Attached, output: mpsc::Sender<Bytes>, mut typed: mpsc::Receiver<TerminalInput>) {
    let mut buffer = vec![0; CHUNK];
    loop {
        let chunk = async {
            let room = output.reserve().await.ok()?;
            let length = view.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
            room.send(Bytes::copy_from_slice(&buffer[..length]));
            Some(())
        };
        let went_on = tokio::select! {
            chunk = chunk => chunk.is_some(),
            input = typed.recv() => match input {
                Some(TerminalInput::Keys(keys)) => tokio::select! {
                    written = view.write(&keys) => written.is_ok(),
                    () = output.closed() => false,
                },
                Some(TerminalInput::Resize { cols, rows }) => {
                    view.resize(Size { columns: cols, rows }).is_ok()
                }
                None => false,
            },
        };
        if !went_on {
            return;
        }
    }
}
