//! A view on a pseudoterminal of ours: a tmux client of its own, for somebody who is not in a terminal here. The
//! bytes are passed on as they are. A reader that is slow delays nobody: the server leaves out what it cannot
//! draw, and draws the whole screen later.

use super::setup::Size;
use super::view::View;
use crate::platform::pseudoterminal::Pseudoterminal;
use rustix::process::{ioctl_tiocsctty, setsid};
use std::io;
use tokio::process::{Child, Command};

/// What the other end understands.
const TERM: &str = "xterm-256color";

/// A running view.
#[derive(Debug)]
pub struct Attached {
    terminal: Pseudoterminal,
    child: Child,
}

impl Attached {
    /// Starts a view under a name that no other view of the server has. Within a tokio runtime.
    ///
    /// # Errors
    /// No pseudoterminal, or tmux cannot be run.
    pub fn open(view: &View<'_>, unique: &str, size: Size) -> io::Result<Self> {
        let (terminal, inside) = Pseudoterminal::open(size.columns, size.rows)?;
        let mut command = Command::from(view.command_elsewhere(unique));
        command
            .env("TERM", TERM)
            .current_dir("/")
            .stdin(inside.try_clone()?)
            .stdout(inside.try_clone()?)
            .stderr(inside)
            .kill_on_drop(true);
        // SAFETY: the closure makes two system calls and allocates nothing, which is sound between fork and exec.
        unsafe {
            command.pre_exec(|| {
                setsid()?;
                ioctl_tiocsctty(rustix::stdio::stdin())?;
                Ok(())
            });
        }
        let child = command.spawn()?;
        Ok(Self { terminal, child })
    }

    /// The next bytes for the screen; 0 when the view is over. May be cancelled and asked again.
    pub async fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.terminal.read(into).await
    }

    /// Types these bytes.
    pub async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.terminal.write(bytes).await
    }

    pub fn resize(&self, size: Size) -> io::Result<()> {
        self.terminal.resize(size.columns, size.rows)
    }

    /// Ends the view, as closing a terminal does, and waits until its process is gone.
    pub async fn end(self) {
        let Self { terminal, mut child } = self;
        drop(terminal);
        // Whatever its exit code says, it is over.
        let _over = child.wait().await;
    }
}
