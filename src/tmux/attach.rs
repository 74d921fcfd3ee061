//! A view on a pseudoterminal of ours: a tmux client of its own, for somebody who is not in a terminal here. The
//! bytes are passed on as they are. A reader that is slow delays nobody: the server leaves out what it cannot
//! draw, and draws the whole screen later.

use super::setup::Size;
use super::view::View;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::process::{ioctl_tiocsctty, setsid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use tokio::io::unix::AsyncFd;
use tokio::process::{Child, Command};

/// What the other end understands.
const TERM: &str = "xterm-256color";

/// A running view.
#[derive(Debug)]
pub struct Attached {
    master: AsyncFd<OwnedFd>,
    child: Child,
}

impl Attached {
    /// Starts a view under a name that no other view of the server has. Within a tokio runtime.
    ///
    /// # Errors
    /// No pseudoterminal, or tmux cannot be run.
    pub fn open(view: &View<'_>, unique: &str, size: Size) -> io::Result<Self> {
        let (master, slave) = pseudoterminal()?;
        resize(&master, size)?;
        let mut command = Command::from(view.command_elsewhere(unique));
        command
            .env("TERM", TERM)
            .current_dir("/")
            .stdin(slave.try_clone()?)
            .stdout(slave.try_clone()?)
            .stderr(slave)
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
        let flags = fcntl_getfl(&master)?;
        fcntl_setfl(&master, flags | OFlags::NONBLOCK)?;
        // SAFETY: the descriptor is owned by what is registered, which gives it to nobody else and is not taken apart.
        let master = unsafe { AsyncFd::register(master)? };
        Ok(Self { master, child })
    }

    /// The next bytes for the screen; 0 when the view is over. May be cancelled and asked again.
    pub async fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.master.readable().await?;
            let read = ready.try_io(|master| Ok(rustix::io::read(master, &mut *into)?));
            match read {
                // The other end is closed.
                Ok(Err(error)) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => return Ok(0),
                Ok(read) => return read,
                Err(_would_block) => {}
            }
        }
    }

    /// Types these bytes.
    pub async fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let mut ready = self.master.writable().await?;
            if let Ok(written) = ready.try_io(|master| Ok(rustix::io::write(master, bytes)?)) {
                bytes = &bytes[written?..];
            }
        }
        Ok(())
    }

    pub fn resize(&self, size: Size) -> io::Result<()> {
        resize(self.master.get_ref(), size)
    }

    /// Ends the view, as closing a terminal does, and waits until its process is gone.
    pub async fn end(self) {
        let Self { master, mut child } = self;
        drop(master);
        // Whatever its exit code says, it is over.
        let _over = child.wait().await;
    }
}

fn pseudoterminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    // Not by a flag of `openpt`, which macOS does not take.
    fcntl_setfd(&master, FdFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let path = OsString::from_vec(ptsname(&master, Vec::new())?.into_bytes());
    let not_ours = i32::try_from(OFlags::NOCTTY.bits()).expect("O_NOCTTY is a small flag");
    let slave = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(not_ours)
        .open(path)?;
    Ok((master, slave.into()))
}

fn resize(master: &OwnedFd, size: Size) -> io::Result<()> {
    tcsetwinsize(
        master,
        Winsize {
            ws_row: size.rows,
            ws_col: size.columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        },
    )?;
    Ok(())
}
