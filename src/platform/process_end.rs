//! Hold of a process that need not be a child: to wait for its end, and to signal it and no later one with its
//! number. On Linux by a pidfd, on macOS by a kqueue. Whose process it is is the caller's business.

use rustix::io::Errno;
use rustix::process::{Pid, Signal};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// The end of a process, to be waited for. As a file it is readable from the end on.
#[derive(Debug)]
pub struct ProcessEnd {
    handle: OwnedFd,
    #[cfg(not(target_os = "linux"))]
    pid: Pid,
}

impl ProcessEnd {
    /// Takes hold of the process that has this number now.
    ///
    /// # Errors
    /// `SRCH`: there is none. Others: the system has no handle to give.
    pub fn watch(pid: u32) -> Result<Self, Errno> {
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
        Self::open(number.ok_or(Errno::SRCH)?)
    }

    /// Waits until it has ended.
    pub fn wait(&self) {
        use rustix::event::{PollFd, PollFlags, poll};
        let mut handles = [PollFd::new(&self.handle, PollFlags::IN)];
        while let Err(Errno::INTR) = poll(&mut handles, None) {}
    }
}

impl AsFd for ProcessEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

impl AsRawFd for ProcessEnd {
    fn as_raw_fd(&self) -> RawFd {
        self.handle.as_raw_fd()
    }
}

#[cfg(target_os = "linux")]
impl ProcessEnd {
    fn open(pid: Pid) -> Result<Self, Errno> {
        use rustix::process::{PidfdFlags, pidfd_open};
        let handle = pidfd_open(pid, PidfdFlags::empty())?;
        Ok(Self { handle })
    }

    /// Signals exactly this process.
    ///
    /// # Errors
    /// `SRCH`: it has ended. `PERM`: it is another user's.
    pub fn signal(&self, signal: Signal) -> Result<(), Errno> {
        rustix::process::pidfd_send_signal(&self.handle, signal)
    }
}

#[cfg(not(target_os = "linux"))]
impl ProcessEnd {
    fn open(pid: Pid) -> Result<Self, Errno> {
        use rustix::event::kqueue::{Event, EventFilter, EventFlags, ProcessEvents, kevent, kqueue};
        let handle = kqueue()?;
        let flags = ProcessEvents::EXIT;
        let end = Event::new(
            EventFilter::Proc { pid, flags },
            EventFlags::ADD,
            std::ptr::null_mut(),
        );
        // What is never taken out of the queue keeps it readable. With no room for an answer, a process that is not
        // there is the call's error.
        let mut none: [Event; 0] = [];
        // SAFETY: the event refers to no file.
        unsafe { kevent(&handle, &[end], &mut none, None) }?;
        Ok(Self { handle, pid })
    }

    /// Signals this process: by its number, which is another's only if it ends between the look and the signal.
    ///
    /// # Errors
    /// `SRCH`: it has ended. `PERM`: it is another user's.
    pub fn signal(&self, signal: Signal) -> Result<(), Errno> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        if poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], Some(&at_once))? > 0 {
            return Err(Errno::SRCH);
        }
        rustix::process::kill_process(self.pid, signal)
    }
}

#[cfg(test)]
mod tests {
    use super::ProcessEnd;
    use rustix::io::Errno;
    use rustix::process::Signal;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    #[test]
    fn the_end_of_a_process_is_waited_for_and_later_it_cannot_be_signalled() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let end = ProcessEnd::watch(child.id()).unwrap();
        end.signal(Signal::TERM).unwrap();
        end.wait();
        assert_eq!(child.wait().unwrap().signal(), Some(15));
        assert_eq!(end.signal(Signal::TERM), Err(Errno::SRCH));
        assert_eq!(ProcessEnd::watch(0).err(), Some(Errno::SRCH));
    }
}
