//! Keeps files that this process inherited from being passed on to the tmux server, which outlives it: a lock
//! or pipe that a shell or `make` had left open would be held for as long as the services run.

use std::fs;
use std::os::fd::{BorrowedFd, RawFd};

/// Marks every open file but the standard three as not to be inherited. Our own are so already.
pub(super) fn keep_to_ourselves() {
    if !mark_all() {
        mark_each();
    }
}

/// In one call, where the system has it.
#[cfg(target_os = "linux")]
fn mark_all() -> bool {
    // SAFETY: it sets a flag that only counts at the next exec, and closes nothing.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn mark_all() -> bool {
    false
}

fn mark_each() {
    let listing = if cfg!(target_os = "linux") {
        "/proc/self/fd"
    } else {
        "/dev/fd"
    };
    let Ok(entries) = fs::read_dir(listing) else {
        return;
    };
    let open: Vec<RawFd> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd > 2)
        .collect();
    for fd in open {
        // SAFETY: the number was open a moment ago. It is borrowed for two `fcntl` calls on its own flags,
        // which read and write no data; if it has been closed or reused since, the first one fails or finds a
        // file of this process, for which the flag is right as well.
        let file = unsafe { BorrowedFd::borrow_raw(fd) };
        if let Ok(flags) = rustix::io::fcntl_getfd(file) {
            let wanted = flags | rustix::io::FdFlags::CLOEXEC;
            if wanted != flags && rustix::io::fcntl_setfd(file, wanted).is_err() {
                // Closed in between: nothing to pass on.
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{keep_to_ourselves, mark_each};
    use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
    use std::fs::File;

    #[test]
    fn an_inherited_file_is_not_passed_on() {
        for mark in [keep_to_ourselves, mark_each] {
            let file = File::open("/dev/null").unwrap();
            fcntl_setfd(&file, FdFlags::empty()).unwrap();
            mark();
            assert!(fcntl_getfd(&file).unwrap().contains(FdFlags::CLOEXEC));
        }
    }
}
