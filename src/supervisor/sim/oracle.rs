//! What must be true of everything the machine orders and says, judged from the outside: by the events it was
//! given, the actions it gave and the world as it is, never by the machine's own fields.

use super::conditions::holds;
use super::world::{World, WorldWindow};
use crate::model::{
    AskId, Condition, EndPolicy, Exit, InstanceId, InstanceName, PendingWhy, Policy, RunId, State,
};
use crate::supervisor::{Action, Answer, Declared, EndCause, Event, Machine, Verb};
use std::collections::BTreeMap;

/// A broken rule, in words.
pub(super) type Broken = String;

/// A request that is not done, and its targets that are not answered, each with its last run at that time.
#[derive(Debug)]
struct Open {
    verb: Verb,
    targets: Vec<(InstanceId, RunId)>,
}

#[derive(Debug)]
pub(super) struct Oracle {
    policies: Vec<Policy>,
    /// For each instance, what it needs directly.
    needs: Vec<Vec<(InstanceId, Condition)>>,
    /// Where each instance stands, by the changes that were told.
    shown: Vec<State>,
    /// Stopped by a person, and not asked for since: nothing may start it.
    down: Vec<bool>,
    attached: Vec<u32>,
    /// tmux is known to have died under its window, whose loss has not been told.
    gone: Vec<bool>,
    /// No longer configured.
    pub(super) removed: Vec<bool>,
    open: BTreeMap<AskId, Open>,
    /// The last run ordered or adopted, by instance.
    last_run: Vec<RunId>,
    /// Runs ordered since a person last asked for the instance, or a new machine did.
    runs: Vec<u32>,
    quit_asks: Vec<AskId>,
    pub(super) ending: Option<EndCause>,
    pub(super) finished: bool,
}

impl Oracle {
    pub(super) fn new(instances: &[(InstanceName, Policy)]) -> Self {
        let ids = || (0..).map(InstanceId).zip(instances);
        let needs = instances
            .iter()
            .map(|(_, policy)| {
                policy
                    .depends_on
                    .iter()
                    .flat_map(|need| {
                        ids()
                            .filter(|(_, (name, _))| name.service == need.on)
                            .map(|(id, _)| (id, need.condition))
                    })
                    .collect()
            })
            .collect();
        Self {
            policies: instances.iter().map(|(_, policy)| policy.clone()).collect(),
            needs,
            shown: Vec::new(),
            down: vec![false; instances.len()],
            attached: vec![0; instances.len()],
            gone: vec![false; instances.len()],
            removed: vec![false; instances.len()],
            open: BTreeMap::new(),
            last_run: vec![RunId(0); instances.len()],
            runs: vec![0; instances.len()],
            quit_asks: Vec::new(),
            ending: None,
            finished: false,
        }
    }

    /// A new machine: what it says begins anew, and nobody waits for the old one's answers.
    pub(super) fn meet(&mut self, machine: &Machine, world: &World) {
        self.shown = self.ids().map(|id| machine.state(id).clone()).collect();
        self.open.clear();
        self.quit_asks.clear();
        self.ending = None;
        self.finished = false;
        for (index, shim) in world.shims.iter().enumerate() {
            self.attached[index] = 0;
            self.gone[index] = false;
            self.last_run[index] = RunId(0);
            self.runs[index] = 0;
            self.down[index] = self.removed[index]
                || match (&shim.proc, &shim.last) {
                    (Some(proc), _) => proc.asked,
                    (None, Some(last)) => last.asked,
                    (None, None) => false,
                };
        }
    }

    /// Takes in what the machine is about to be told.
    pub(super) fn hear(&mut self, event: &Event) {
        match event {
            Event::Ask { ask, verb, targets } => {
                let targets_now = targets.iter().map(|id| (*id, self.last_run[id.0 as usize]));
                let open = Open {
                    verb: *verb,
                    targets: targets_now.collect(),
                };
                self.open.insert(*ask, open);
                match verb {
                    Verb::Stop | Verb::Kill => {
                        for id in targets {
                            self.down[id.0 as usize] = true;
                        }
                    }
                    Verb::Start | Verb::Restart if self.ending.is_none() => {
                        for id in targets {
                            if !self.removed[id.0 as usize] {
                                self.allow(*id);
                            }
                        }
                    }
                    Verb::Start | Verb::Restart | Verb::Signal(_) => {}
                }
            }
            Event::Quit { ask: Some(ask), .. } => self.quit_asks.push(*ask),
            Event::Enter { instance } if self.ending.is_none() && !self.removed[instance.0 as usize] => {
                self.allow(*instance);
            }
            Event::Attached { instance, clients } => self.attached[instance.0 as usize] = *clients,
            Event::Adopted { instance, run, .. } | Event::AdoptedEnded { instance, run, .. } => {
                self.last_run[instance.0 as usize] = *run;
            }
            // What comes up again then is no restart.
            Event::TmuxLost { .. } => {
                self.runs.fill(0);
                self.gone.fill(true);
            }
            Event::Reconfigure { instances } if self.ending.is_none() => self.hear_reload(instances),
            // Whoever looked at the window looks no more.
            Event::WindowLost { instance } => {
                self.attached[instance.0 as usize] = 0;
                self.gone[instance.0 as usize] = false;
            }
            Event::Begin
            | Event::Tick
            | Event::Quit { ask: None, .. }
            | Event::WindowReady { .. }
            | Event::WindowFailed { .. }
            | Event::Spawned { .. }
            | Event::SpawnFailed { .. }
            | Event::Daemonized { .. }
            | Event::Ended { .. }
            | Event::ProbeDone { .. }
            | Event::ToldReady { .. }
            | Event::Reconfigure { .. }
            | Event::Enter { .. } => {}
        }
    }

    /// Another configuration: what goes is down for good, what comes back may start.
    fn hear_reload(&mut self, instances: &[Declared]) {
        let known = self.policies.len();
        for declared in instances {
            let index = declared.instance.0 as usize;
            if index >= self.policies.len() {
                self.grow(index + 1);
            }
            if index >= known && !declared.policy.autostart {
                self.shown[index] = State::Disabled;
            }
            let was_removed = std::mem::replace(&mut self.removed[index], false);
            if was_removed {
                self.down[index] = false;
            }
            let old = std::mem::replace(&mut self.policies[index], declared.policy.clone());
            if was_removed || declared.replace || old.restart != declared.policy.restart {
                self.runs[index] = 0;
            }
            let needs = declared.policy.depends_on.iter().flat_map(|need| {
                instances
                    .iter()
                    .filter(|other| other.name.service == need.on)
                    .map(|other| (other.instance, need.condition))
            });
            self.needs[index] = needs.collect();
        }
        for id in self.ids() {
            if instances.iter().all(|declared| declared.instance != id) {
                self.removed[id.0 as usize] = true;
                self.down[id.0 as usize] = true;
            }
        }
    }

    fn grow(&mut self, count: usize) {
        self.policies.resize(count, Policy::default());
        self.needs.resize(count, Vec::new());
        self.shown.resize(count, State::Pending(PendingWhy::Window));
        self.down.resize(count, false);
        self.attached.resize(count, 0);
        self.gone.resize(count, false);
        self.removed.resize(count, false);
        self.last_run.resize(count, RunId(0));
        self.runs.resize(count, 0);
    }

    /// A start brings up the instance and what it needs.
    fn allow(&mut self, id: InstanceId) {
        self.down[id.0 as usize] = false;
        self.runs[id.0 as usize] = 0;
        for (need, _) in self.needs[id.0 as usize].clone() {
            self.allow(need);
        }
    }

    /// Judges one action, before the world carries it out.
    pub(super) fn judge(&mut self, action: &Action, world: &World) -> Result<(), Broken> {
        let only_words = matches!(action, Action::Answer { .. } | Action::Done { .. });
        if self.finished && !only_words {
            return Err(format!("after the end: {action:?}"));
        }
        match action {
            Action::OpenWindow { instance } => {
                self.judge_open(*instance, world)?;
                self.gone[instance.0 as usize] = false;
                Ok(())
            }
            Action::CloseWindow { instance } => {
                let wanted = !self.removed[instance.0 as usize];
                if wanted || self.shown_at(*instance).is_live() {
                    return Err(format!("{instance:?}: its window closed, and it is in use"));
                }
                self.gone[instance.0 as usize] = true;
                Ok(())
            }
            Action::Spawn { instance, run } => {
                self.judge_spawn(*instance, *run, world)?;
                self.last_run[instance.0 as usize] = *run;
                self.runs[instance.0 as usize] += 1;
                Ok(())
            }
            Action::Stop { instance, kill, .. } => self.judge_stop(*instance, *kill),
            Action::Signal { instance, run, .. } | Action::Probe { instance, run, .. } => {
                if self.shown_at(*instance).live_run() == Some(*run) {
                    Ok(())
                } else {
                    Err(format!("for a run that is over: {action:?}"))
                }
            }
            Action::Changed { instance, from, to } => self.judge_change(*instance, from, to),
            Action::Answer {
                ask,
                instance,
                answer,
            } => self.judge_answer(*ask, *instance, answer),
            Action::Done { ask } => self.judge_done(*ask),
            Action::Ending { cause } => self.judge_ending(*cause),
            Action::Finish { cause } => {
                self.finished = true;
                let alive = self.ids().find(|id| world.shims[id.0 as usize].proc.is_some());
                match alive {
                    Some(id) => Err(format!("finished, and {id:?} has a process")),
                    None if self.ending != Some(*cause) => Err("finished for another cause".to_owned()),
                    None => Ok(()),
                }
            }
        }
    }

    /// What must be true when nothing is left to happen.
    pub(super) fn judge_rest(&self) -> Result<(), Broken> {
        if !self.finished {
            return Err("the session never finished".to_owned());
        }
        if let Some(ask) = self.open.keys().next() {
            return Err(format!("{ask:?} was never done"));
        }
        match self.quit_asks.first() {
            Some(ask) => Err(format!("the quit {ask:?} was never done")),
            None => Ok(()),
        }
    }

    fn judge_open(&self, id: InstanceId, world: &World) -> Result<(), Broken> {
        if self.ending.is_some() {
            return Err(format!("{id:?}: a window opened in a session that ends"));
        }
        let shim = &world.shims[id.0 as usize];
        if shim.window == WorldWindow::Absent && !shim.loss_untold {
            Ok(())
        } else {
            Err(format!("{id:?}: a second window"))
        }
    }

    fn judge_spawn(&self, id: InstanceId, run: RunId, world: &World) -> Result<(), Broken> {
        if run <= self.last_run[id.0 as usize] {
            return Err(format!("{id:?}: a used run {run}"));
        }
        let max = self.policies[id.0 as usize].restart.max;
        if max.is_some_and(|max| self.runs[id.0 as usize] > max) {
            return Err(format!("{id:?}: more restarts than {max:?}"));
        }
        let shim = &world.shims[id.0 as usize];
        if shim.proc.is_some() {
            return Err(format!("{id:?}: a second tree"));
        }
        if shim.window != WorldWindow::Open && !shim.loss_untold {
            return Err(format!("{id:?}: started without a window"));
        }
        if self.gone[id.0 as usize] {
            return Err(format!("{id:?}: started in a window that is known to be dead"));
        }
        if self.ending.is_some() {
            return Err(format!("{id:?}: started in a session that ends"));
        }
        if self.down[id.0 as usize] {
            return Err(format!("{id:?}: started after a stop"));
        }
        for (on, condition) in &self.needs[id.0 as usize] {
            let leaving = self.shown_at(*on).is_live() && self.down[on.0 as usize];
            if leaving || !holds(self.shown_at(*on), *condition) {
                return Err(format!("{id:?}: started before {on:?} was {condition:?}"));
            }
        }
        Ok(())
    }

    /// In a session that ends, nobody gets a graceful signal before all who need it are gone, unless a person
    /// named it. (A stop of a whole set keeps the same order, but there single requests overlap.)
    fn judge_stop(&self, id: InstanceId, kill: bool) -> Result<(), Broken> {
        if self.ending.is_none() || kill {
            return Ok(());
        }
        let dependent = self
            .ids()
            .find(|other| *other != id && self.needs_far(*other, id) && self.shown_at(*other).is_live());
        match dependent {
            Some(dependent) => Err(format!(
                "{id:?}: stopped before its dependent {dependent:?} was gone"
            )),
            None => Ok(()),
        }
    }

    fn judge_change(&mut self, id: InstanceId, from: &State, to: &State) -> Result<(), Broken> {
        if from == to {
            return Err(format!("{id:?}: a change that is none: {to:?}"));
        }
        if self.shown_at(id) != from {
            return Err(format!(
                "{id:?}: said to come from {from:?}, was {:?}",
                self.shown_at(id)
            ));
        }
        self.shown[id.0 as usize] = to.clone();
        Ok(())
    }

    fn judge_answer(&mut self, ask: AskId, id: InstanceId, answer: &Answer) -> Result<(), Broken> {
        let Some(open) = self.open.get_mut(&ask) else {
            return Err(format!("an answer to {ask:?}, which is not open"));
        };
        let Some(index) = open.targets.iter().position(|(target, _)| *target == id) else {
            return Err(format!("{ask:?} answered twice for {id:?}"));
        };
        let (_, run_then) = open.targets.remove(index);
        let verb = open.verb;
        let live_run = self.shown[id.0 as usize].live_run();
        let fits = match (verb, answer) {
            (_, Answer::SessionEnds) => self.ending.is_some(),
            (_, Answer::Overruled { by }) => *by != verb,
            (Verb::Start, Answer::Started { .. } | Answer::AlreadyRunning { .. }) => live_run.is_some(),
            // It was ordered after the request.
            (Verb::Restart, Answer::Restarted { .. }) => live_run.is_some_and(|run| run > run_then),
            (Verb::Start | Verb::Restart, Answer::Failed { message }) => !message.is_empty(),
            // What ran at the request does not any more.
            (Verb::Stop | Verb::Kill, Answer::Stopped { .. } | Answer::AlreadyStopped) => {
                live_run.is_none_or(|run| run > run_then)
            }
            (Verb::Signal(_), Answer::Signalled { .. } | Answer::NotRunning) => true,
            _ => false,
        };
        if fits {
            Ok(())
        } else {
            Err(format!("{verb:?} of {id:?} answered with {answer:?}"))
        }
    }

    fn judge_done(&mut self, ask: AskId) -> Result<(), Broken> {
        if let Some(index) = self.quit_asks.iter().position(|quit| *quit == ask) {
            self.quit_asks.remove(index);
            let live = self.ids().find(|id| self.shown_at(*id).is_live());
            return match live {
                Some(id) => Err(format!("a quit done, and {id:?} is live")),
                None => Ok(()),
            };
        }
        match self.open.remove(&ask) {
            Some(open) if open.targets.is_empty() => Ok(()),
            Some(open) => Err(format!("{ask:?} done without an answer for {:?}", open.targets)),
            None => Err(format!("{ask:?} done twice")),
        }
    }

    fn judge_ending(&mut self, cause: EndCause) -> Result<(), Broken> {
        if self.ending.is_some() {
            return Err("a second end".to_owned());
        }
        self.ending = Some(cause);
        let (id, exit) = match cause {
            EndCause::Service { instance, exit, .. } => (instance, Some(exit)),
            EndCause::CouldNotStart { instance } => (instance, None),
            EndCause::Quit(_) => return Ok(()),
        };
        if self.attached[id.0 as usize] > 0 {
            return Err(format!("{id:?} ended the session while somebody looked at it"));
        }
        if self.down[id.0 as usize] {
            return Err(format!("{id:?} ended the session after a person stopped it"));
        }
        let policy = &self.policies[id.0 as usize];
        let well = exit.is_some_and(|exit| match exit {
            Exit::Code(code) => code == 0 || policy.success_codes.contains(&code),
            Exit::Signal(_) => false,
        });
        match policy.end {
            EndPolicy::StopsSession => Ok(()),
            EndPolicy::FailureStopsSession if !well || self.is_failed(id) => Ok(()),
            EndPolicy::FailureStopsSession | EndPolicy::MayEnd => {
                Err(format!("{id:?} ended the session against its policy"))
            }
        }
    }

    fn is_failed(&self, id: InstanceId) -> bool {
        matches!(self.shown_at(id), State::Failed { .. })
    }

    fn shown_at(&self, id: InstanceId) -> &State {
        &self.shown[id.0 as usize]
    }

    fn needs_far(&self, id: InstanceId, on: InstanceId) -> bool {
        self.needs[id.0 as usize]
            .iter()
            .any(|(need, _)| *need == on || self.needs_far(*need, on))
    }

    fn ids(&self) -> impl Iterator<Item = InstanceId> + use<> {
        (0..).map(InstanceId).take(self.policies.len())
    }
}
