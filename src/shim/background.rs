//! Whom of a run the terminal has stopped, and when that goes on: there is no shell in the window that could bring it
//! back. Who is stopped is noticed in `live.rs`.

use super::groups::{number, signal_group};
use super::tree;
use crate::model::Signal;
use crate::platform::processes;
use rustix::io::Errno;
use rustix::process::{Pid, WaitStatus, getpgid, getpgrp};
use rustix::stdio;
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use std::collections::BTreeSet;

/// Groups that wanted to use the terminal while another one had it.
#[derive(Default)]
pub(super) struct Background {
    waiting: BTreeSet<u32>,
}

impl Background {
    /// A child was stopped. A SIGSTOP that somebody sent is left alone.
    pub(super) fn note(&mut self, stopped: Pid, status: WaitStatus) {
        let Ok(group) = getpgid(Some(stopped)).map(number) else {
            return;
        };
        match status.stopping_signal() {
            // Ctrl-Z in the window: it goes on at once.
            Some(libc::SIGTSTP) => drop(signal_group(group, Signal::CONT)),
            // Going on at once it would be stopped at once, and so for ever.
            Some(libc::SIGTTIN | libc::SIGTTOU) => drop(self.waiting.insert(group)),
            Some(_) | None => {}
        }
    }

    /// Gives the terminal to the next one that wants it, if nobody alive has it.
    pub(super) fn hand_over(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let has = tcgetpgrp(stdio::stdin());
        if has == Err(Errno::NOTTY) {
            // They wait for a terminal that is not ours to give.
            return;
        }
        let has = has.ok().filter(|group| *group != getpgrp());
        if let Some(has) = has.map(number).filter(|group| is_alive(*group)) {
            // It may have been given the terminal since it was stopped.
            if self.waiting.remove(&has) {
                signal_group(has, Signal::CONT);
            }
            return;
        }
        while let Some(next) = self.waiting.pop_first() {
            if let Some(group) = tree::pid(next).filter(|_| is_alive(next)) {
                // Without a terminal there is nothing to wait for either.
                let _gone = tcsetpgrp(stdio::stdin(), group);
                signal_group(next, Signal::CONT);
                return;
            }
        }
    }
}

fn is_alive(group: u32) -> bool {
    processes::all().any(|found| found.group == group)
}
