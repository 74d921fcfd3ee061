//! The process table and waiting on it, apart from the code under test.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, WaitOptions, waitpid};
use std::fs;
use std::os::fd::AsFd;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// Far beyond what anything here takes; reached only by a failure.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn wait_readable(fd: &impl AsFd, timeout: Duration) -> Option<()> {
    let timeout = timeout.try_into().unwrap();
    let ready = poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&timeout));
    matches!(ready, Ok(count) if count > 0).then_some(())
}

/// Waits for a child's end through a pidfd, under the deadline.
pub(crate) fn wait_for_exit(child: &mut Child) -> ExitStatus {
    wait_gone(child.id());
    child.wait().unwrap()
}

/// Waits until a process is gone (a zombie is).
pub(crate) fn wait_gone(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    match rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
        Ok(handle) => wait_readable(&handle, DEADLINE).expect("the process ends in time"),
        Err(rustix::io::Errno::SRCH) => {}
        Err(error) => panic!("{error}"),
    }
}

/// Waits for a condition of the process table that nothing announces.
pub(crate) fn wait_until(condition: impl Fn() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < until, "not in time");
        std::thread::yield_now();
    }
}

/// Stops a child of this process, and waits until it stands still.
pub(crate) fn suspend(pid: u32) {
    send(pid, libc::SIGSTOP);
    let child = Pid::from_raw(i32::try_from(pid).unwrap());
    let stopped = waitpid(child, WaitOptions::UNTRACED).unwrap();
    assert!(stopped.is_some_and(|(_, status)| status.stopped()), "{stopped:?}");
}

pub(crate) fn send(pid: u32, signal: i32) {
    // SAFETY: sends a signal; no memory is involved.
    assert_eq!(unsafe { libc::kill(i32::try_from(pid).unwrap(), signal) }, 0);
}

/// The state letter of a process, if it exists.
pub(crate) fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Whether a process is there and no zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    state(pid).is_some_and(|state| state != 'Z' && state != 'X')
}

/// The processes alive that were started with this token.
pub(crate) fn with_token(token: &str) -> Vec<u32> {
    let wanted = format!("OVR_RUN_TOKEN={token}");
    let pids = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|e| e.unwrap().file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        is_alive(*pid)
            && environment
                .split(|b| *b == 0)
                .any(|entry| entry == wanted.as_bytes())
    })
    .collect()
}
