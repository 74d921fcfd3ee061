//! Writing to a file until all is written, blocking or not. Used by the console's thread alone.

use crate::platform::readiness;
use rustix::event::PollFlags;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;

/// Writes all of `bytes`, however long it takes.
pub(super) fn write_all(mut out: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(length) => bytes = &bytes[length..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Another process that shares the terminal may have made it non-blocking.
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_until_writable(out)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn wait_until_writable(out: &File) -> io::Result<()> {
    match readiness::wait(&[(out.as_fd(), PollFlags::OUT)], None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
