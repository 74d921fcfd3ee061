//! The session's end: what causes it, how it goes, when it is over.

use super::event::{Action, Answer, EndCause, QuitWhy};
use super::instance::{Cause, Instance, Wanted};
use super::machine::Machine;
use crate::model::{AskId, EndPolicy, Exit, InstanceId, RunId, Signal};
use std::mem;

/// Where the session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// What runs already is being found; no order goes out that starts anything.
    Adopting,
    Open,
    /// Everything is on its way down. The first cause is the cause.
    Ending(EndCause),
    /// Everything was down.
    Finished(EndCause),
}

impl Machine {
    pub(super) fn cmd_quit(&mut self, why: QuitWhy, ask: Option<AskId>) {
        match self.phase {
            Phase::Adopting | Phase::Open => {
                self.quit_asks.extend(ask);
                self.begin_ending(EndCause::Quit(why));
            }
            Phase::Ending(_) => {
                self.quit_asks.extend(ask);
                if is_impatient(why) {
                    self.kill_all();
                }
                for id in self.ids() {
                    self.try_to_end_again(id);
                }
            }
            Phase::Finished(_) => self.actions.extend(ask.map(|ask| Action::Done { ask })),
        }
    }

    /// An instance ended by itself and stays so. Nobody's service ends a session while he looks at it.
    pub(super) fn on_final_end(&mut self, instance: InstanceId, run: RunId, exit: Exit, success: bool) {
        if self.stops_session(instance, success) {
            self.begin_ending(EndCause::Service { instance, run, exit });
        }
    }

    /// An instance could not be started. Who asked for it is told, and his session goes on.
    pub(super) fn on_no_start(&mut self, instance: InstanceId, cause: Cause) {
        let asked = match cause {
            Cause::Person => true,
            Cause::Session | Cause::Policy | Cause::Trigger => false,
        };
        if !asked && self.stops_session(instance, false) {
            self.begin_ending(EndCause::CouldNotStart { instance });
        }
    }

    /// An instance is skipped for `on`. Nobody's request, neither for it nor about what it needs, ends a session
    /// by that.
    pub(super) fn on_skipped(&mut self, id: InstanceId, on: InstanceId) {
        let root = self.skip_root(on);
        let instance = self.at(id);
        let asked = instance.cause == Cause::Person || self.at(root).is_down_on_request();
        let spared = asked || instance.attached > 0 || instance.calls.spared;
        if instance.policy.exit_on_skipped && !spared && !self.is_ending() {
            self.begin_ending(EndCause::Skipped { instance: id, root });
        }
    }

    /// Ends a session that ends with the last of its work, when nothing is left that runs, waits or will run.
    /// What a person has stopped, looks at or asks for keeps it: somebody is at work here. So does it where nothing
    /// starts by itself: all that is to come is a person's to ask for.
    pub(super) fn end_if_done(&mut self) {
        let open = match self.phase {
            Phase::Open => self.ends_when_done && self.live == 0 && self.asks.is_empty(),
            Phase::Adopting | Phase::Ending(_) | Phase::Finished(_) => false,
        };
        let mut known = self.instances.iter().filter(|instance| !instance.gone);
        if open && known.clone().any(|instance| instance.policy.autostart) && known.all(Instance::is_done) {
            self.begin_ending(EndCause::Completed);
            self.reconcile();
        }
    }

    fn stops_session(&self, id: InstanceId, success: bool) -> bool {
        let instance = self.at(id);
        let by_policy = match instance.policy.end {
            EndPolicy::StopsSession => true,
            EndPolicy::FailureStopsSession => !success,
            EndPolicy::MayEnd => false,
        };
        by_policy && instance.attached == 0 && !instance.calls.spared && !self.is_ending()
    }

    fn begin_ending(&mut self, cause: EndCause) {
        self.phase = Phase::Ending(cause);
        self.actions.push_back(Action::Ending { cause });
        for id in self.ids() {
            self.settle(id, |waiter| {
                (waiter.wants_up() || waiter.wants_to_signal()).then_some(Answer::SessionEnds)
            });
            let instance = self.at_mut(id);
            if instance.is_wanted_up() {
                instance.wanted = Wanted::Down { kill: false };
            }
            self.try_to_end_again(id);
            self.mark(id);
        }
    }

    fn kill_all(&mut self) {
        for id in self.ids() {
            if self.at(id).is_live() {
                self.at_mut(id).wanted = Wanted::Down { kill: true };
                self.mark(id);
            }
        }
    }

    pub(super) fn finish_if_quiet(&mut self) {
        match self.phase {
            Phase::Ending(cause) if self.live == 0 => {
                self.phase = Phase::Finished(cause);
                for ask in mem::take(&mut self.quit_asks) {
                    self.actions.push_back(Action::Done { ask });
                }
                self.actions.push_back(Action::Finish { cause });
            }
            Phase::Adopting | Phase::Open | Phase::Ending(_) | Phase::Finished(_) => {}
        }
    }
}

/// Whether asking again means "now". Two clients that say `quit` mean the same thing, a terminal that closes
/// sends SIGHUP more than once, and that tmux is gone is nobody's wish.
fn is_impatient(why: QuitWhy) -> bool {
    match why {
        QuitWhy::Signal(signal) => signal != Signal::HUP,
        QuitWhy::Asked | QuitWhy::TmuxLost => false,
    }
}
