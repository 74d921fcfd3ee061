//! Carries out what the machine wants done: orders to shims, windows of tmux, words to whoever looks.

use super::asks::describe;
use super::core::Controller;
use super::words;
use crate::api::messages::{ActionResult, Outcome, Results, SCHEMA};
use crate::logs::Place;
use crate::model::{InstanceId, PendingWhy, RunId, State};
use crate::platform::open_files;
use crate::shim::protocol::Order;
use crate::supervisor::{Action, Answer, Event, Intent};

/// How many of its last lines a service's failure is shown with.
pub(super) const LAST_WORDS: usize = 20;

impl Controller {
    /// Tells the machine what happened and carries out all that follows.
    pub(super) fn feed(&mut self, event: Event) {
        self.doing = self.doing_of(&event);
        self.note_asked();
        self.machine.handle(self.clock.now(), event);
        while let Some(action) = self.machine.poll_action() {
            self.carry_out(action);
        }
        self.open_wanted_windows();
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::OpenWindow { instance } => self.windows.want(instance),
            Action::CloseWindow { instance } => drop(self.closing.insert(instance)),
            Action::Spawn { instance, run } => self.spawn(instance, run),
            Action::Stop {
                instance,
                run,
                plan,
                kill,
                intent,
            } => {
                // That somebody asked for it needs no word.
                let why = Some(intent).filter(|intent| *intent != Intent::Down);
                let why = why.map(|intent| intent.word().to_owned());
                self.order_stop(instance, run, plan, kill, why);
            }
            Action::Intend {
                instance,
                run,
                intent,
            } => self.tell_shim(instance, run, intent),
            Action::Signal {
                instance,
                run,
                signal,
            } => self.order(instance, &Order::Signal { run, signal }),
            Action::Probe { instance, run, probe } => self.probe(instance, run, probe),
            Action::Changed { instance, from, to } => self.on_changed(instance, &from, &to),
            Action::Answer {
                ask,
                instance,
                answer,
            } => self.on_answer(ask, instance, &answer),
            Action::Done { ask } => self.on_done(ask),
            Action::Triggered {
                instance,
                by,
                outcome,
            } => {
                self.tell_triggered(instance, by, outcome);
                self.on_triggered(instance, by, outcome);
            }
            Action::Ending { cause } => self.on_ending(cause),
            Action::Finish { cause } => self.on_finish(cause),
        }
    }

    fn spawn(&mut self, instance: InstanceId, run: RunId) {
        self.know_run(instance, run);
        self.check_port(instance);
        self.check_demands(instance);
        self.tell_what_it_runs_without(instance);
        let host = self.host_mut(instance);
        host.unended.insert(run);
        host.is_outdated = false;
        let spec = &self.host(instance).spec;
        let order = Order::Run {
            run,
            launch: spec.launch.clone(),
            stop: spec.policy.stop.clone(),
            files: open_files::given(),
        };
        self.order(instance, &order);
    }

    /// Sends an order to the instance's shim. Without one, its loss is already on its way to the machine.
    pub(super) fn order(&self, instance: InstanceId, order: &Order) {
        if let Some(shim) = &self.host(instance).shim {
            self.links.send(shim.link, order);
            // One that somebody has stopped would keep whoever waits for what it is to do waiting for ever. To one that is
            // not it says nothing, and costs less than to ask.
            if let Some(pid) = super::adopt::pid_of(shim.pid) {
                rustix::process::kill_process(pid, rustix::process::Signal::CONT).ok();
            }
        }
    }

    fn on_changed(&mut self, instance: InstanceId, from: &State, to: &State) {
        if let Some((due, tone, text)) = words::change(self.host(instance), from, to, self.clock.now()) {
            let run = self.host(instance).run.as_ref().map_or(RunId(0), |run| run.id);
            let place = match due {
                words::Due::Now => None,
                words::Due::Beginning => Some(Place::Before(run)),
                words::Due::End => Some(Place::Behind(run)),
            };
            // Without a window no mark can come any more; a client that attaches brings what the window has.
            let place = place.filter(|_| self.host(instance).shim.is_some() && self.windows.is_connected());
            self.say_at(instance, place, tone, &text);
        }
        self.note_deed(instance, from, to);
        self.note_step(instance, from, to);
        self.tell_change(instance, from, to);
        self.tell_blocker(instance, to);
        match to {
            State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Pending(PendingWhy::Dependency { .. }) => {}
            State::Disabled
            | State::Pending(PendingWhy::Window)
            | State::Stopping { .. }
            | State::Backoff { .. }
            | State::Stopped { .. }
            | State::Exited { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => self.host_mut(instance).health.cancel_attempts(),
        }
        self.run_hooks(instance, from, to);
        self.note_change_of(instance);
        self.note_progress();
    }

    /// What an action that nobody waits for is answered with.
    pub(super) fn accepted(&self, targets: &[InstanceId]) -> Vec<ActionResult> {
        targets
            .iter()
            .map(|instance| {
                let mut result = describe(self.host(*instance).name(), &Answer::AlreadyStopped);
                result.outcome = Outcome::Accepted;
                result
            })
            .collect()
    }

    /// What a quit has stopped, for who asked for it.
    pub(super) fn quit_results(&self) -> Results {
        let results = self.stopped_by_quit.iter().map(|instance| {
            let host = self.host(*instance);
            let end = host.last_exit();
            let answer = Answer::Stopped {
                old_pid: host.run.as_ref().map(|run| run.pid),
                exit: end.map(|end| end.exit),
                killed: end.is_some_and(|end| !end.killed.is_empty()),
            };
            let mut result = describe(host.name(), &answer);
            let elapsed = self
                .quit_asked
                .map(|asked| self.clock.now().since(asked))
                .unwrap_or_default();
            result.elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
            result
        });
        Results {
            schema: SCHEMA,
            results: results.collect(),
        }
    }

    /// The last lines of the instance's last run, without colours.
    pub(super) fn last_lines(&self, instance: InstanceId, count: usize) -> Vec<String> {
        match &self.host(instance).run {
            Some(run) => self.hub.last_lines_of_run(instance, run.id, count),
            None => Vec::new(),
        }
    }
}
