//! One run, from its process's start to the last end in its tree, and the stop plan at work on it. Signals
//! processes and reaps them; knows nothing of terminal and controller.

use super::protocol::{Ended, LiveRun, Report};
use super::spawn::{Role, spawn};
use super::tree::{self, Killed, descendants, kill_descendants};
use super::wire;
use crate::model::{Exit, Launch, RunId, Signal, StopPlan};
use rustix::process::{
    Pid, WaitOptions, WaitStatus, getpgid, getpgrp, kill_process, kill_process_group, wait,
};
use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What a look at the children has brought.
#[derive(Debug)]
pub(super) enum Turn {
    Nothing,
    Tell(Report),
    /// The tree is empty.
    Over,
}

pub(super) struct Live {
    pub(super) run: RunId,
    main: Pid,
    at_ms: u64,
    since: Instant,
    launch: Packed,
    /// What applies where nobody sends another plan.
    plan: StopPlan,
    token: String,
    /// The main process's, once it has been reaped.
    exit: Option<Exit>,
    /// That the main process has left others behind has been told.
    left_told: bool,
    stop: Option<Stop>,
    /// A stop order came while the service was up.
    asked: bool,
    killed: Killed,
}

/// A stop plan at work.
struct Stop {
    plan: StopPlan,
    phase: StopPhase,
    /// When the phase ends at the latest. SIGKILL has none: it is waited for.
    deadline: Option<Instant>,
    /// The groups that have had the signal; none gets it twice.
    signalled: BTreeSet<u32>,
    /// By an order; a second one cuts the grace short.
    ordered: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum StopPhase {
    /// The stop command runs; then the signal.
    Command(Pid),
    /// The signal is out; then SIGKILL.
    Grace,
    Killing,
}

/// A launch in one piece of memory: as many small ones it would be scattered among what reading the order has
/// needed for a moment, and keep all those pages in use for as long as the service runs.
struct Packed(Box<[u8]>);

impl Packed {
    fn from(launch: &Launch) -> Self {
        Self(wire::encode(&launch).into_boxed_slice())
    }

    fn unpack(&self) -> Launch {
        serde_json::from_slice(&self.0).expect("written by `Packed::from`")
    }
}

impl Live {
    /// Starts the process. The error is for the user.
    pub(super) fn start(run: RunId, launch: &Launch, plan: StopPlan, token: &str) -> Result<Self, String> {
        let main = spawn(launch, &launch.argv, token, Role::Service)?;
        Ok(Self {
            run,
            main,
            at_ms: now_ms(),
            since: Instant::now(),
            launch: Packed::from(launch),
            plan,
            token: token.to_owned(),
            exit: None,
            left_told: false,
            stop: None,
            asked: false,
            killed: Killed::default(),
        })
    }

    pub(super) fn spawned(&self) -> Report {
        Report::Spawned {
            run: self.run,
            pid: number(self.main),
            at_ms: self.at_ms,
        }
    }

    /// How it stands, for a new controller.
    pub(super) fn describe(&self) -> LiveRun {
        LiveRun {
            run: self.run,
            pid: number(self.main),
            at_ms: self.at_ms,
            daemons: if self.exit.is_some() {
                tree_pids()
            } else {
                Vec::new()
            },
            stopping: self.is_stopping(),
            launch: self.launch.unpack(),
        }
    }

    /// The final report, for a run whose tree is empty.
    pub(super) fn conclude(self) -> (Ended, Duration) {
        let ended = Ended {
            run: self.run,
            // Every end of a child is seen by this process alone, so it is known by now.
            exit: self.exit.unwrap_or(Exit::Signal(Signal::KILL)),
            at_ms: now_ms(),
            asked: self.asked,
            killed: self.killed.named,
        };
        (ended, self.since.elapsed())
    }

    /// When [`Self::on_deadline`] is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.stop.as_ref().and_then(|stop| stop.deadline)
    }

    /// Reaps what has ended and takes the steps that follow from it.
    pub(super) fn on_children(&mut self) -> Turn {
        let mut helper_ended = false;
        loop {
            match wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
                Ok(Some((pid, status))) if status.stopped() => go_on(pid, status),
                Ok(Some((pid, status))) if pid == self.main => self.exit = exit_of(status),
                Ok(Some((pid, _))) => helper_ended |= self.is_stop_command(pid),
                Ok(None) => break,
                Err(rustix::io::Errno::INTR) => {}
                // No child any more: the tree is empty.
                Err(_) => {
                    self.sweep_group();
                    return Turn::Over;
                }
            }
        }
        if helper_ended {
            self.send_signal();
        }
        match (self.exit, &self.stop) {
            (None, Some(stop)) if stop.phase == StopPhase::Killing => self.kill_tree(),
            (None, _) => {}
            (Some(exit), None) => return self.on_left_behind(exit),
            (Some(_), Some(stop)) => match stop.phase {
                StopPhase::Command(_) => {}
                StopPhase::Grace => self.signal_other_groups(),
                StopPhase::Killing => self.kill_tree(),
            },
        }
        Turn::Nothing
    }

    /// The main process is gone and others are left.
    fn on_left_behind(&mut self, exit: Exit) -> Turn {
        let pids = tree_pids();
        // None: they are ending at this moment, and each end wakes the loop again.
        if self.left_told || pids.is_empty() {
            return Turn::Nothing;
        }
        self.left_told = true;
        let run = self.run;
        if exit.is_success() {
            return Turn::Tell(Report::Daemonized { run, pids });
        }
        let left = u32::try_from(pids.len()).unwrap_or(u32::MAX);
        self.begin_stop(self.plan.clone(), false);
        Turn::Tell(Report::Cleaning { run, exit, left })
    }

    fn is_stop_command(&self, pid: Pid) -> bool {
        let command = self.stop.as_ref().map(|stop| stop.phase);
        command == Some(StopPhase::Command(pid))
    }

    /// An order to stop, or what counts as one. The first begins the plan, a second one and `kill` end it.
    /// Returns what is to be said in the window, if anything.
    pub(super) fn cmd_stop(&mut self, plan: StopPlan, kill: bool) -> Option<String> {
        self.asked |= self.exit.is_none_or(Exit::is_success);
        let again = self.stop.as_ref().is_some_and(|stop| stop.ordered);
        let mut problem = None;
        match &mut self.stop {
            None => problem = self.begin_stop(plan, kill),
            Some(stop) => {
                let end = Instant::now().checked_add(plan.grace);
                stop.deadline = stop.deadline.map(|due| end.map_or(due, |end| due.min(end)));
            }
        }
        if let Some(stop) = &mut self.stop {
            stop.ordered = true;
        }
        if kill || again {
            self.kill_tree();
        }
        problem
    }

    /// The terminal is gone: at most `grace` is left to it.
    pub(super) fn hurry(&mut self, grace: Duration) {
        if self.stop.is_none() {
            let mut plan = self.plan.clone();
            plan.grace = plan.grace.min(grace);
            self.begin_stop(plan, false);
        } else if let Some(stop) = &mut self.stop {
            let end = Instant::now() + grace;
            stop.plan.grace = stop.plan.grace.min(grace);
            stop.deadline = stop.deadline.map(|due| due.min(end));
        }
    }

    /// Whether a stop plan is at work.
    pub(super) fn is_stopping(&self) -> bool {
        self.stop.is_some()
    }

    /// The plan that came with the run.
    pub(super) fn own_plan(&self) -> StopPlan {
        self.plan.clone()
    }

    /// Delivers a signal to the service's group; of a daemonized one, to each of its groups.
    pub(super) fn cmd_signal(&self, signal: Signal) {
        if self.exit.is_none() {
            signal_group(number(self.main), signal);
            return;
        }
        for group in tree_groups() {
            signal_group(group, signal);
        }
    }

    /// The deadline has passed: the next phase begins.
    pub(super) fn on_deadline(&mut self) {
        match self.stop.as_ref().map(|stop| stop.phase) {
            Some(StopPhase::Command(_)) => self.send_signal(),
            Some(StopPhase::Grace) => self.kill_tree(),
            Some(StopPhase::Killing) | None => {}
        }
    }

    fn begin_stop(&mut self, plan: StopPlan, kill: bool) -> Option<String> {
        let mut problem = None;
        let mut phase = StopPhase::Grace;
        if let Some(argv) = plan.command.as_ref().filter(|_| !kill) {
            match spawn(&self.launch.unpack(), argv, &self.token, Role::Helper) {
                Ok(pid) => phase = StopPhase::Command(pid),
                Err(message) => problem = Some(format!("stop command could not start: {message}")),
            }
        }
        let deadline = Instant::now().checked_add(plan.grace);
        self.stop = Some(Stop {
            plan,
            phase,
            deadline,
            signalled: BTreeSet::new(),
            ordered: false,
        });
        if phase == StopPhase::Grace && !kill {
            self.send_signal();
        }
        problem
    }

    /// The phase of the signal begins.
    fn send_signal(&mut self) {
        let Some(stop) = &mut self.stop else { return };
        stop.phase = StopPhase::Grace;
        stop.deadline = Instant::now().checked_add(stop.plan.grace);
        if stop.plan.signal == Signal::KILL {
            self.kill_tree();
        } else if self.exit.is_none() {
            stop.signalled.insert(number(self.main));
            signal_and_wake(number(self.main), stop.plan.signal);
        } else {
            self.signal_other_groups();
        }
    }

    /// Once the main process is gone, what is left gets the signal too, in its own groups.
    fn signal_other_groups(&mut self) {
        let Some(stop) = &mut self.stop else { return };
        for group in tree_groups() {
            if stop.signalled.insert(group) {
                signal_and_wake(group, stop.plan.signal);
            }
        }
    }

    /// SIGKILL to all that is alive; called again at each end until nothing is left.
    fn kill_tree(&mut self) {
        if let Some(stop) = &mut self.stop {
            stop.phase = StopPhase::Killing;
            stop.deadline = None;
        }
        if cfg!(not(target_os = "linux")) && self.exit.is_none() {
            signal_group(number(self.main), Signal::KILL);
        }
        kill_descendants(std::process::id(), &mut self.killed);
    }

    /// Where a process cannot adopt what its children leave behind, the rest of the group is all that can be
    /// found, and its end cannot be waited for: it goes with the main process.
    fn sweep_group(&self) {
        if cfg!(not(target_os = "linux")) {
            signal_group(number(self.main), Signal::KILL);
        }
    }
}

fn number(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

/// Milliseconds since the Unix epoch.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn exit_of(status: WaitStatus) -> Option<Exit> {
    let by_signal = || Signal::from_number(status.terminating_signal()?).map(Exit::Signal);
    status.exit_status().map(Exit::Code).or_else(by_signal)
}

/// Ctrl-Z in the window: there is no shell that could bring the service back, so it goes on at once. A SIGSTOP
/// that somebody sent is left alone.
fn go_on(pid: Pid, status: WaitStatus) {
    let by_terminal = [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];
    if status
        .stopping_signal()
        .is_some_and(|signal| by_terminal.contains(&signal))
        && let Ok(group) = getpgid(Some(pid))
    {
        signal_group(number(group), Signal::CONT);
    }
}

/// The processes below this one.
fn tree_pids() -> Vec<u32> {
    descendants(std::process::id()).iter().map(|p| p.pid).collect()
}

/// The groups of the processes below this one.
fn tree_groups() -> BTreeSet<u32> {
    descendants(std::process::id()).iter().map(|p| p.group).collect()
}

/// The signal, and SIGCONT so that a stopped process gets to see it.
fn signal_and_wake(group: u32, signal: Signal) {
    signal_group(group, signal);
    signal_group(group, Signal::CONT);
}

/// A group that is gone, or another user's, is passed over.
fn signal_group(group: u32, signal: Signal) {
    let Some(group) = tree::pid(group) else { return };
    // SAFETY: the number is between 1 and 64; the C library's own signals (32, 33) are only sent, which has
    // the effect that the user asked for.
    let signal = unsafe { rustix::process::Signal::from_raw_unchecked(signal.number()) };
    if group != getpgrp() {
        let _gone = kill_process_group(group, signal);
        return;
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
}
