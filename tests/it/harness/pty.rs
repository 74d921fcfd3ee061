//! Pseudoterminals: open one, start a program as the leader of a session on it. No reading, no screens here.

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{ioctl_tiocsctty, setsid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

/// Both ends of a pseudoterminal.
pub(crate) struct Pty {
    pub(crate) master: OwnedFd,
    pub(crate) slave: OwnedFd,
}

impl Pty {
    /// Opens a pseudoterminal of this size. 0×0 is what a container without a size gives its programs.
    pub(crate) fn open(rows: u16, cols: u16) -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        // Not by a flag of `openpt`, which macOS does not take.
        fcntl_setfd(&master, FdFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let path = std::ffi::OsString::from_vec(ptsname(&master, Vec::new())?.into_bytes());
        let no_controlling_terminal =
            i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).expect("O_NOCTTY is a small bit of an int");
        let slave = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(no_controlling_terminal)
            .open(path)?;
        resize(&master, rows, cols)?;
        Ok(Self {
            master,
            slave: slave.into(),
        })
    }

    /// Starts `command` with this terminal as its own: standard streams, controlling terminal, new session.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        command
            .stdin(self.slave.try_clone()?)
            .stdout(self.slave.try_clone()?)
            .stderr(self.slave.try_clone()?);
        // SAFETY: the closure makes two system calls and allocates nothing, which is sound between fork and exec.
        unsafe {
            command.pre_exec(|| {
                setsid()?;
                ioctl_tiocsctty(rustix::stdio::stdin())?;
                Ok(())
            });
        }
        command.spawn()
    }
}

/// Changes the size; the kernel tells the foreground process group (SIGWINCH).
pub(crate) fn resize(master: &OwnedFd, rows: u16, cols: u16) -> io::Result<()> {
    tcsetwinsize(
        master,
        Winsize {
            ws_row: rows,
            ws_col: cols,
            ws_xpixel: 0,
            ws_ypixel: 0,
        },
    )?;
    Ok(())
}
