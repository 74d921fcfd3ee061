//! One run, from its process's start to the last end in its tree. Reaps processes; knows nothing of terminal and
//! controller. The stop plan at work on it is in `stopping.rs`.

use super::background::Background;
use super::cgroup;
use super::elevated::Elevated;
use super::groups::{number, signal_group, tree_groups, tree_pids};
use super::limits::Bounds;
use super::notify::Notify;
use super::protocol::{Ended, LiveRun, Report, extension_in};
use super::spawn::{Role, spawn};
use super::stopping::{Stop, StopPhase};
use super::strays::Strays;
use super::supplies::Supplies;
use super::tree::Killed;
use super::watchdog::Watchdog;
use crate::model::{Exit, Launch, RunId, Signal, StopPlan};
use rustix::process::{Pid, WaitOptions, WaitStatus, wait};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What ends well so soon after the main process was still busy with the same.
const A_MOMENT: Duration = Duration::from_secs(1);

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
    pub(super) main: Pid,
    at_ms: u64,
    since: Instant,
    pub(super) launch: Launch,
    /// What applies where nobody sends another plan.
    pub(super) plan: StopPlan,
    pub(super) token: String,
    /// The main process's, once it has been reaped.
    pub(super) exit: Option<Exit>,
    /// When the main process was first seen to have left others behind, which has been told.
    left: Option<Instant>,
    /// The end last seen of a process that is not the main one.
    last_end: Option<Exit>,
    /// Its command may launch something that runs elsewhere.
    may_be_held: bool,
    /// It has, and the run goes on without a process.
    pub(super) held: bool,
    pub(super) stop: Option<Stop>,
    /// A stop order came while the service was up.
    pub(super) asked: bool,
    /// What the last stop order gave as its reason.
    pub(super) why: Option<String>,
    pub(super) killed: Killed,
    pub(super) watchdog: Watchdog,
    strays: Strays,
    background: Background,
    /// Kept while its processes are held to it.
    _bounds: Bounds,
    pub(super) elevated: Elevated,
    /// What does not hold as it was asked for, to be told.
    pub(super) cautions: Vec<String>,
    /// What only a person can end, to be told.
    pub(super) stuck: Option<String>,
    /// What is to be said in the window.
    pub(super) words: Option<String>,
}

impl Live {
    /// Starts the process. The error is for the user.
    pub(super) fn start(
        run: RunId,
        launch: Launch,
        plan: StopPlan,
        token: &str,
        supplies: &Supplies,
    ) -> Result<Self, String> {
        let (main, mut bounds) = start_within(run, &launch, token, supplies)?;
        let cautions = std::mem::take(&mut bounds.cautions);
        Ok(Self {
            run,
            main,
            at_ms: now_ms(),
            since: Instant::now(),
            // Whoever types the keys says so by an order of his own.
            plan: StopPlan { keys: None, ..plan },
            token: token.to_owned(),
            exit: None,
            left: None,
            last_end: None,
            may_be_held: launch.daemon,
            held: false,
            stop: None,
            asked: false,
            why: None,
            killed: Killed::default(),
            watchdog: Watchdog::new(launch.watchdog, launch.notify, Instant::now()),
            strays: Strays::default(),
            background: Background::default(),
            _bounds: bounds,
            elevated: Elevated::default(),
            cautions,
            stuck: None,
            words: None,
            launch,
        })
    }

    /// What does not hold as it was asked for; each is told once.
    pub(super) fn take_cautions(&mut self) -> Vec<String> {
        std::mem::take(&mut self.cautions)
    }

    /// What only a person can end, if that has turned out since the last call.
    pub(super) fn take_stuck(&mut self) -> Option<String> {
        self.stuck.take()
    }

    /// What is to be said in the window since the last call.
    pub(super) fn take_words(&mut self) -> Option<String> {
        self.words.take()
    }

    /// The main process's number.
    pub(super) fn pid(&self) -> u32 {
        number(self.main)
    }

    pub(super) fn spawned(&self) -> Report {
        Report::Spawned {
            run: self.run,
            pid: self.pid(),
            at_ms: self.at_ms,
        }
    }

    /// How it stands, for a new controller.
    pub(super) fn describe(&self, notify: Option<&Notify>) -> LiveRun {
        LiveRun {
            run: self.run,
            pid: number(self.main),
            at_ms: self.at_ms,
            daemons: if self.exit.is_some() {
                tree_pids(&self.token)
            } else {
                Vec::new()
            },
            held: self.held,
            told_ready: notify.and_then(Notify::ready),
            told_status: notify.and_then(Notify::status).map(str::to_owned),
            silent: self.watchdog.silent().map(str::to_owned),
            stopping: self.is_stopping(),
            unasked: self.is_stopping() && !self.asked,
            why: self.why.clone(),
            launch: self.launch.clone(),
        }
    }

    /// The final report, for a run whose tree is empty.
    pub(super) fn conclude(self) -> (Ended, Duration) {
        let ended = Ended {
            run: self.run,
            // Every end of a child is seen by this process alone, so it is known by now.
            exit: self.exit.unwrap_or(Exit::Signal(Signal::KILL)),
            at_ms: now_ms(),
            began_ms: Some(self.at_ms),
            asked: self.asked,
            killed: self.killed.named,
            why: self.why.filter(|_| self.asked),
            silent: self.watchdog.silent().map(str::to_owned),
        };
        (ended, self.since.elapsed())
    }

    /// When the stop plan at work goes on to its next phase.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.stop.as_ref().and_then(|stop| stop.deadline)
    }

    /// When it has to be looked at again, whatever happens until then.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.deadline().or(self.watchdog.due())
    }

    /// Takes in a message of the service; its end may be put off by it if `may_extend`. Whether it says that it is
    /// in trouble.
    pub(super) fn hear(&mut self, text: &str, may_extend: bool) -> bool {
        if let Some(by) = extension_in(text).filter(|_| may_extend) {
            self.extend(by);
        }
        !self.is_stopping() && self.watchdog.hear(text, Instant::now())
    }

    /// The report of a silence.
    pub(super) fn silence(&self) -> Option<Report> {
        let text = self.watchdog.silent()?.to_owned();
        Some(Report::Silent { run: self.run, text })
    }

    /// Reaps what has ended and takes the steps that follow from it.
    pub(super) fn on_children(&mut self) -> Turn {
        let was_up = self.exit.is_none();
        let mut helper = None;
        loop {
            match wait(WaitOptions::NOHANG | WaitOptions::UNTRACED) {
                Ok(Some((pid, status))) if status.stopped() => self.background.note(pid, status),
                Ok(Some((pid, status))) if pid == self.main => self.exit = exit_of(status),
                Ok(Some((pid, status))) if self.is_stop_command(pid) => helper = exit_of(status),
                Ok(Some((pid, status))) if self.is_sudo_ended(pid, exit_of(status)) => {}
                Ok(Some((_, status))) => self.last_end = exit_of(status),
                Ok(None) => break,
                Err(rustix::io::Errno::INTR) => {}
                // No child any more.
                Err(_) if self.strays.are_left(&self.token) => break,
                // The tree is empty.
                Err(_) => {
                    self.note_helper(helper);
                    return self.on_empty();
                }
            }
        }
        self.background.hand_over();
        self.note_helper(helper);
        match helper {
            Some(exit) if exit.is_success() => self.await_end(StopPhase::Awaited),
            Some(_) => self.send_signal(),
            None => {}
        }
        match (self.exit, &self.stop) {
            (None, Some(stop)) if stop.phase == StopPhase::Killing => self.kill_tree(),
            (None, _) => {}
            (Some(exit), None) => return self.on_left_behind(exit),
            (Some(_), Some(stop)) => match stop.phase {
                // It has done as it was asked: the rest is cleaned up.
                StopPhase::Awaited | StopPhase::Typed if was_up => self.send_signal(),
                StopPhase::Command(_) | StopPhase::Awaited | StopPhase::Typed => {}
                StopPhase::Grace => self.signal_other_groups(),
                StopPhase::Killing => self.kill_tree(),
            },
        }
        Turn::Nothing
    }

    /// Readable when a process of the run has ended that is no child; then [`Self::on_stray`].
    pub(super) fn strays_fd(&self) -> Option<BorrowedFd<'_>> {
        self.strays.fd()
    }

    /// Such a process has ended.
    pub(super) fn on_stray(&mut self) -> Turn {
        self.strays.forget();
        self.on_children()
    }

    /// Nothing of it is left here.
    fn on_empty(&mut self) -> Turn {
        let launched = self.may_be_held && self.exit.is_some_and(Exit::is_success);
        // A process that ended well within a moment was none that the command was to launch, but had only not
        // finished with it.
        let was_helper = self
            .left
            .is_none_or(|since| since.elapsed() < A_MOMENT && self.last_end.is_none_or(Exit::is_success));
        if !launched || !was_helper || self.stop.is_some() {
            return Turn::Over;
        }
        self.held = true;
        Turn::Tell(Report::Daemonized {
            run: self.run,
            pids: Vec::new(),
        })
    }

    /// Whether the run was held open without a process and is now to end. With a stop command there is one again,
    /// whose end is waited for.
    pub(super) fn is_released(&self) -> bool {
        self.held && self.stop.as_ref().is_some_and(|stop| !stop.by_command)
    }

    /// The main process is gone and others are left.
    fn on_left_behind(&mut self, exit: Exit) -> Turn {
        let pids = tree_pids(&self.token);
        // None: they are ending at this moment, and each end wakes the loop again.
        if self.left.is_some() || pids.is_empty() {
            return Turn::Nothing;
        }
        self.left = Some(Instant::now());
        let run = self.run;
        if exit.is_success() {
            return Turn::Tell(Report::Daemonized { run, pids });
        }
        let left = u32::try_from(pids.len()).unwrap_or(u32::MAX);
        self.begin_stop(self.plan.clone(), false);
        Turn::Tell(Report::Cleaning { run, exit, left })
    }

    /// Delivers a signal to the service's group; of a daemonized one, to each of its groups.
    pub(super) fn cmd_signal(&self, signal: Signal) {
        if self.exit.is_none() {
            signal_group(number(self.main), signal);
            return;
        }
        for group in tree_groups(&self.token) {
            signal_group(group, signal);
        }
    }
}

/// Starts the process within its limits. A control group that can be made may still be closed to what is started
/// here (on its way from one part of the tree into another): then it is done without.
fn start_within(
    run: RunId,
    launch: &Launch,
    token: &str,
    supplies: &Supplies,
) -> Result<(Pid, Bounds), String> {
    let mut bounds = Bounds::of(
        &launch.limits,
        &cgroup::name(std::process::id(), token, run),
        true,
    );
    let start = |bounds: &Bounds| spawn(launch, &launch.argv, token, Role::Service(supplies, bounds));
    let mut started = start(&bounds);
    if started.is_err() && bounds.all.is_some() {
        bounds = Bounds::of(&launch.limits, "", false);
        started = start(&bounds);
    }
    Ok((started?, bounds))
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
