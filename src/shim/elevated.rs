//! Processes that the system does not let the shim signal, since they are another user's: a service that runs
//! through `sudo`. They are signalled through `sudo` as well, in the terminal in which it was given its password;
//! it is never made to ask for one. When which signal is due is told in `stopping.rs`.

use super::live::Live;
use super::spawn::{Role, spawn};
use crate::model::{Exit, Signal};
use crate::platform::processes;
use rustix::process::Pid;

/// Where the shim stands with processes that are not its own.
#[derive(Default)]
pub(super) struct Elevated {
    /// The `sudo` that signals them at the moment.
    helper: Option<Pid>,
    /// Which processes it was to kill; none where it brings another signal.
    targets: Vec<u32>,
    /// SIGKILL did not reach them; not tried again before somebody asks.
    gave_up: bool,
}

impl Live {
    /// The system has refused to kill some of the tree.
    pub(super) fn kill_elevated(&mut self) {
        let own = self.elevated.helper.map(super::groups::number);
        let pids = self.killed.refused_pids().filter(|pid| Some(*pid) != own);
        let targets: Vec<u32> = pids.collect();
        if !targets.is_empty() && !self.elevated.gave_up && self.elevated.helper.is_none() {
            self.run_sudo(Signal::KILL, targets.iter().map(u32::to_string).collect());
            self.elevated.targets = targets;
        }
    }

    /// Sends what the system has refused to send; `targets` are as `kill` takes them.
    pub(super) fn run_sudo(&mut self, signal: Signal, targets: Vec<String>) {
        if self.elevated.helper.is_some() {
            return;
        }
        let number = format!("-{}", signal.number());
        let mut argv: Vec<String> = ["sudo", "-n", "kill", &number, "--"].map(Into::into).into();
        argv.extend(targets);
        self.elevated.targets.clear();
        match spawn(&self.launch, &argv, &self.token, Role::Helper) {
            Ok(pid) => self.elevated.helper = Some(pid),
            Err(_) => self.give_up(),
        }
    }

    /// Whether this was the `sudo` that signals; its end is taken note of.
    pub(super) fn is_sudo_ended(&mut self, pid: Pid, exit: Option<Exit>) -> bool {
        let was = self.elevated.helper.take_if(|helper| *helper == pid).is_some();
        // `kill` fails as well where one of several had ended meanwhile; the others have had the signal. And our own
        // SIGKILL to the tree may meet the helper before it is anybody else's. Both are tried again.
        let targets = &self.elevated.targets;
        let has_failed = !exit.is_some_and(Exit::is_success)
            && !targets.is_empty()
            && targets.iter().all(|pid| processes::one(*pid).is_some())
            && !matches!(exit, Some(Exit::Signal(_)));
        if was && has_failed {
            self.give_up();
        }
        was
    }

    /// What is left can be ended only by a person. Said when it is SIGKILL's turn: before, the grace has to pass.
    fn give_up(&mut self) {
        if !self.is_killing() || self.elevated.gave_up {
            return;
        }
        self.elevated.gave_up = true;
        let pids: Vec<String> = self.killed.refused_pids().map(|pid| pid.to_string()).collect();
        let text = format!(
            "another user's processes are left, which cannot be ended from here: {} · sudo kill -9 {}",
            self.killed.refused.join(", "),
            pids.join(" ")
        );
        self.words = Some(text.clone());
        self.stuck = Some(text);
    }

    /// Somebody asks again: by now `sudo` may know the password.
    pub(super) fn try_elevated_again(&mut self) {
        self.elevated.gave_up = false;
    }

    /// Whether nothing is left but what cannot be ended from here.
    pub(super) fn is_out_of_reach(&self) -> bool {
        self.elevated.gave_up && self.elevated.helper.is_none()
    }
}
