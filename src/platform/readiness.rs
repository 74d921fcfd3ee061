//! Waits for several files at once, terminals among them: by `poll` on Linux, by `select` on macOS, whose `poll`
//! "does not support devices" (its manual). A wait that concerns no terminal needs none of this.

use rustix::event::{PollFlags, Timespec};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;

/// Sleeps until one of the files is as wanted, or the time is over. Says of each, in their order, what it is.
///
/// # Errors
/// `INTR`: a signal came.
#[cfg(target_os = "linux")]
pub fn wait(
    files: &[(BorrowedFd<'_>, PollFlags)],
    timeout: Option<&Timespec>,
) -> Result<impl Iterator<Item = PollFlags> + use<>, Errno> {
    use rustix::event::{PollFd, poll};
    let mut fds: Vec<PollFd<'_>> = files
        .iter()
        .map(|(fd, wanted)| PollFd::from_borrowed_fd(*fd, *wanted))
        .collect();
    poll(&mut fds, timeout)?;
    let found: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
    Ok(found.into_iter())
}

/// Sleeps until one of the files is as wanted, or the time is over. Says of each, in their order, what it is; one
/// that has ended or failed is ready for what was wanted.
///
/// # Errors
/// `INTR`: a signal came.
#[cfg(not(target_os = "linux"))]
pub fn wait(
    files: &[(BorrowedFd<'_>, PollFlags)],
    timeout: Option<&Timespec>,
) -> Result<impl Iterator<Item = PollFlags> + use<>, Errno> {
    use rustix::event::{FdSetElement, fd_set_insert, fd_set_num_elements, select};
    use std::os::fd::AsRawFd;
    let end = files.iter().map(|(fd, _)| fd.as_raw_fd() + 1).max().unwrap_or(0);
    let mut readable = vec![FdSetElement::default(); fd_set_num_elements(files.len(), end)];
    let mut writable = readable.clone();
    for (fd, wanted) in files {
        if wanted.contains(PollFlags::IN) {
            fd_set_insert(&mut readable, fd.as_raw_fd());
        }
        if wanted.contains(PollFlags::OUT) {
            fd_set_insert(&mut writable, fd.as_raw_fd());
        }
    }
    // SAFETY: the files are borrowed, so they are open; the sets have room for the highest of their numbers.
    unsafe { select(end, Some(&mut readable), Some(&mut writable), None, timeout) }?;
    let found: Vec<PollFlags> = files
        .iter()
        .map(|(fd, _)| {
            let mut found = PollFlags::empty();
            found.set(PollFlags::IN, contains(&readable, fd.as_raw_fd()));
            found.set(PollFlags::OUT, contains(&writable, fd.as_raw_fd()));
            found
        })
        .collect();
    Ok(found.into_iter())
}

#[cfg(not(target_os = "linux"))]
fn contains(set: &[rustix::event::FdSetElement], fd: std::os::fd::RawFd) -> bool {
    rustix::event::FdSetIter::new(set).any(|found| found == fd)
}

#[cfg(test)]
mod tests {
    use super::wait;
    use rustix::event::{PollFlags, Timespec};
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn each_file_is_told_as_it_is_and_an_ended_one_is_readable() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let (quiet, _other_end) = UnixStream::pair().unwrap();
        let found = |timeout: Option<&Timespec>| {
            let both = PollFlags::IN | PollFlags::OUT;
            let files = [(quiet.as_fd(), PollFlags::IN), (theirs.as_fd(), both)];
            let found: Vec<PollFlags> = wait(&files, timeout).unwrap().collect();
            [found[0], found[1] & both]
        };
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        assert_eq!(found(Some(&at_once)), [PollFlags::empty(), PollFlags::OUT]);
        ours.write_all(b"x").unwrap();
        assert_eq!(found(None), [PollFlags::empty(), PollFlags::IN | PollFlags::OUT]);
        drop(ours);
        assert!(found(None)[1].contains(PollFlags::IN));
        let nothing = wait(&[(quiet.as_fd(), PollFlags::IN)], Some(&at_once)).unwrap();
        assert!(nothing.into_iter().all(|found| found.is_empty()));
    }
}
