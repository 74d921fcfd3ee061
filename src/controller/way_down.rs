//! The bounds of a session's end: everything that it still waits for once nothing runs any more, and for how long. What
//! is stopped or stuck (tmux, a shim) must not keep a session from its end. The steps themselves are in `ending.rs`.

use super::core::Controller;
use super::windows::Connection;
use crate::logs::Tone;
use crate::model::{InstanceId, Moment};
use rustix::process::Signal;
use std::time::Duration;

/// Output that is on its way comes within this, as long as tmux says anything at all.
const NEXT_WORDS: Duration = Duration::from_secs(2);
/// And all of it within this.
const ALL_WORDS: Duration = Duration::from_secs(60);
/// A shim that runs nothing ends within milliseconds; one that has something left kills it first.
const SHIMS_END: Duration = Duration::from_secs(3);
/// tmux ends within this when it is told to.
const TMUX_ENDS: Duration = Duration::from_secs(1);

/// How far the end has come.
#[derive(Debug, Default)]
pub(super) struct WayDown {
    /// When output that is owed counts as lost, unless tmux says something before.
    words: Option<Moment>,
    /// The same, whatever tmux says.
    all_words: Option<Moment>,
    /// It counts as lost.
    pub(super) is_speechless: bool,
    shims: Option<Moment>,
    tmux: Option<Moment>,
}

impl WayDown {
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        [self.words, self.all_words, self.shims, self.tmux]
            .into_iter()
            .flatten()
            .min()
    }
}

impl Controller {
    /// Nothing runs any more.
    pub(super) fn begin_way_down(&mut self) {
        let now = self.clock.now();
        self.way_down.words = Some(now + NEXT_WORDS);
        self.way_down.all_words = Some(now + ALL_WORDS);
    }

    /// tmux has said something: more may come.
    pub(super) fn note_words(&mut self) {
        if let Some(words) = &mut self.way_down.words {
            *words = self.clock.now() + NEXT_WORDS;
        }
    }

    /// Every shim has been told to end: no output is waited for any more.
    pub(super) fn await_shims(&mut self) {
        if self.way_down.shims.is_none() {
            let now = self.clock.now();
            self.way_down = WayDown {
                shims: Some(now + SHIMS_END),
                is_speechless: self.way_down.is_speechless,
                ..WayDown::default()
            };
        }
    }

    /// tmux has been told to end.
    pub(super) fn await_tmux(&mut self) {
        self.way_down = WayDown {
            tmux: Some(self.clock.now() + TMUX_ENDS),
            is_speechless: self.way_down.is_speechless,
            ..WayDown::default()
        };
    }

    pub(super) fn look_at_way_down(&mut self) {
        let now = self.clock.now();
        let is_due = |deadline: Option<Moment>| deadline.is_some_and(|deadline| deadline <= now);
        if is_due(self.way_down.words) || is_due(self.way_down.all_words) {
            self.give_up_words();
        }
        if is_due(self.way_down.shims) {
            self.way_down.shims = None;
            self.end_shims();
        }
        if is_due(self.way_down.tmux) {
            self.way_down.tmux = None;
            // What is left of it is ended by its process.
            self.windows.connection = Connection::Down;
        }
    }

    fn give_up_words(&mut self) {
        self.way_down.words = None;
        self.way_down.all_words = None;
        let owing: Vec<InstanceId> = self.ids().filter(|id| self.owes_output(*id)).collect();
        if owing.is_empty() {
            return;
        }
        self.way_down.is_speechless = true;
        let names: Vec<String> = owing.iter().map(|id| self.host(*id).name()).collect();
        let names = names.join(", ");
        let text = format!("tmux does not answer: the last lines of {names} may be missing");
        self.say_session(Tone::Alarm, &text);
    }

    /// Shims that did not end: what they left is ended as that of any shim that was killed.
    fn end_shims(&mut self) {
        let pids = self
            .hosts
            .iter()
            .filter_map(|host| host.shim.as_ref())
            .map(|shim| shim.pid);
        for pid in pids.chain(self.strangers.values().copied()) {
            if let Some(pid) = super::adopt::pid_of(pid) {
                // One that has just gone needs none.
                rustix::process::kill_process(pid, Signal::KILL).ok();
            }
        }
    }
}
