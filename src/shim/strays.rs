//! What has lost its parent and is still of the run. On Linux the system makes the shim the parent of such a process
//! (`PR_SET_CHILD_SUBREAPER`), and there is nothing to do here; macOS gives it to `launchd`, so there it is looked
//! for by what it carries, and its end is waited for apart. When to look is `live.rs`'s business.

use crate::platform::process_end::ProcessEnd;
use crate::platform::processes::Process;
use std::os::fd::{AsFd, BorrowedFd};

/// The wait for the end of one of them; when it has ended, it is looked for the next.
#[derive(Default)]
pub(super) struct Strays {
    next: Option<ProcessEnd>,
}

impl Strays {
    /// Whether any is left. Then the end of one of them is waited for.
    pub(super) fn are_left(&mut self, token: &str) -> bool {
        let mut found = find(token).into_iter();
        // One that cannot be watched has ended since.
        self.next = found.find_map(|stray| ProcessEnd::watch(stray.pid).ok());
        self.next.is_some()
    }

    /// Readable when the one that is waited for has ended.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.next.as_ref().map(AsFd::as_fd)
    }

    /// None is waited for until the next look.
    pub(super) fn forget(&mut self) {
        self.next = None;
    }
}

/// None: each has the shim for its parent.
#[cfg(target_os = "linux")]
pub(super) fn find(_token: &str) -> Vec<Process> {
    Vec::new()
}

/// Every process that lives in the shim's session or carries the run's token, but the shim.
///
/// Not found is one that has left the session and whose environment cannot be read: it was started with another
/// one, or is one of the system's own programs.
#[cfg(not(target_os = "linux"))]
pub(super) fn find(token: &str) -> Vec<Process> {
    let own = std::process::id();
    let session = crate::platform::processes::one(own).map_or(0, |shim| shim.session);
    let is_of_the_run = |found: &Process| {
        let lives_here = session != 0 && found.session == session;
        found.pid != own && (lives_here || super::tree::is_marked(found.pid, token))
    };
    crate::platform::processes::all().filter(is_of_the_run).collect()
}
