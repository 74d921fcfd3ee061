//! A pseudoterminal of ours: the side that is not the terminal, read and written as it is ready. What runs at the
//! other side is the caller's business.

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use tokio::io::unix::AsyncFd;

/// Our side. When it is dropped, who runs at the other one is hung up on.
#[derive(Debug)]
pub struct Pseudoterminal {
    master: AsyncFd<OwnedFd>,
}

impl Pseudoterminal {
    /// A new one, and its other side: the terminal. Within a tokio runtime.
    pub fn open(columns: u16, rows: u16) -> io::Result<(Self, OwnedFd)> {
        let (master, terminal) = pair()?;
        set_size(&master, columns, rows)?;
        let flags = fcntl_getfl(&master)?;
        fcntl_setfl(&master, flags | OFlags::NONBLOCK)?;
        // SAFETY: the descriptor is owned by what is registered, which gives it to nobody else and is not taken apart.
        let master = unsafe { AsyncFd::register(master)? };
        Ok((Self { master }, terminal))
    }

    /// The next bytes for the screen; 0 when nobody is at the other side any more. May be cancelled and asked again.
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

    pub fn resize(&self, columns: u16, rows: u16) -> io::Result<()> {
        set_size(self.master.get_ref(), columns, rows)
    }
}

fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    // Not by a flag of `openpt`, which macOS does not take.
    fcntl_setfd(&master, FdFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let path = OsString::from_vec(ptsname(&master, Vec::new())?.into_bytes());
    let not_ours = i32::try_from(OFlags::NOCTTY.bits()).expect("O_NOCTTY is a small flag");
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(not_ours)
        .open(path)?;
    Ok((master, terminal.into()))
}

fn set_size(master: &OwnedFd, columns: u16, rows: u16) -> io::Result<()> {
    tcsetwinsize(
        master,
        Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        },
    )?;
    Ok(())
}
