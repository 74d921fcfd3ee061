//! Signals to the groups and processes of a run, and who of it is alive. When which signal is due is `live.rs`'s
//! business.

use super::tree::{self, descendants, of_run};
use crate::model::Signal;
use crate::platform::processes;
use rustix::io::Errno;
use rustix::process::{Pid, getpgrp, kill_process, kill_process_group};
use std::collections::BTreeSet;

/// A process's number, as reports and the process table have it.
pub(super) fn number(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

/// The processes of the run with this token.
pub(super) fn tree_pids(token: &str) -> Vec<u32> {
    of_run(token).iter().map(|p| p.pid).collect()
}

/// The groups of the processes of the run with this token.
pub(super) fn tree_groups(token: &str) -> BTreeSet<u32> {
    of_run(token).iter().map(|p| p.group).collect()
}

/// Whether a signal found nobody of its group whom the system lets the shim signal, though somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) bool);

/// The signal, and SIGCONT so that a stopped process gets to see it.
pub(super) fn signal_and_wake(group: u32, signal: Signal) -> Refused {
    let refused = signal_group(group, signal);
    signal_group(group, Signal::CONT);
    refused
}

/// The same to one process alone, whose end has not been taken note of: its number is its own.
pub(super) fn signal_alone(process: Pid, signal: Signal) -> Refused {
    let refused = kill_process(process, raw(signal)) == Err(Errno::PERM);
    let _gone = kill_process(process, raw(Signal::CONT));
    Refused(refused)
}

/// A group that is gone is passed over.
pub(super) fn signal_group(group: u32, signal: Signal) -> Refused {
    let Some(group) = tree::pid(group) else {
        return Refused(false);
    };
    let signal = raw(signal);
    if group != getpgrp() {
        let refused = kill_process_group(group, signal) == Err(Errno::PERM);
        return Refused(refused && may_be_alive(number(group)));
    }
    // A process that has moved into the shim's own group: the shim must not signal itself.
    let below = descendants(std::process::id());
    for pid in below
        .iter()
        .filter(|p| p.group == number(group))
        .filter_map(|p| tree::pid(p.pid))
    {
        let _gone = kill_process(pid, signal);
    }
    Refused(false)
}

/// Whether anybody of the group may be alive. macOS refuses to signal a group of zombies in the same words as one of
/// another user's.
fn may_be_alive(group: u32) -> bool {
    cfg!(target_os = "linux") || processes::all().any(|found| found.group == group)
}

fn raw(signal: Signal) -> rustix::process::Signal {
    // SAFETY: the number is between 1 and 64; the C library's own signals (32, 33) are only sent, which has
    // the effect that the user asked for.
    unsafe { rustix::process::Signal::from_raw_unchecked(signal.number()) }
}
