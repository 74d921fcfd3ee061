//! The shim's only wait: for what can happen to it, all at once. What is done about it is `engine.rs`'s business.

use crate::platform::readiness;
use rustix::event::{PollFlags, Timespec};
use std::os::fd::BorrowedFd;

/// What is waited for.
pub(super) struct Sources<'a> {
    pub(super) signals: BorrowedFd<'a>,
    pub(super) link: Option<(BorrowedFd<'a>, PollFlags)>,
    pub(super) terminal: Option<(BorrowedFd<'a>, PollFlags)>,
    pub(super) notify: Option<BorrowedFd<'a>>,
    /// Of a process that is no child.
    pub(super) stray: Option<BorrowedFd<'a>>,
}

/// What a wait has brought.
#[derive(Default)]
pub(super) struct Ready {
    pub(super) signal: bool,
    pub(super) link_in: bool,
    pub(super) link_out: bool,
    pub(super) terminal_in: bool,
    pub(super) terminal_out: bool,
    pub(super) notify: bool,
    pub(super) stray: bool,
}

/// Sleeps until something happens, or the time is over.
pub(super) fn wait(sources: &Sources<'_>, timeout: Option<&Timespec>) -> Ready {
    let all = [
        Some((sources.signals, PollFlags::IN)),
        sources.link,
        sources.terminal.filter(|(_, wanted)| !wanted.is_empty()),
        sources.notify.map(|fd| (fd, PollFlags::IN)),
        sources.stray.map(|fd| (fd, PollFlags::IN)),
    ];
    let files: Vec<(BorrowedFd<'_>, PollFlags)> = all.iter().flatten().copied().collect();
    let Ok(mut results) = readiness::wait(&files, timeout) else {
        // Interrupted: what interrupted it is readable at the next wait.
        return Ready::default();
    };
    let [signals, link, terminal, notify, stray] = all.map(|source| {
        let result = source.and_then(|_| results.next());
        result.unwrap_or(PollFlags::empty())
    });
    let failed = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    Ready {
        signal: !signals.is_empty(),
        link_in: link.intersects(PollFlags::IN | failed),
        link_out: link.contains(PollFlags::OUT),
        terminal_in: terminal.intersects(PollFlags::IN | failed),
        terminal_out: terminal.contains(PollFlags::OUT),
        notify: !notify.is_empty(),
        stray: !stray.is_empty(),
    }
}
