//! The simulator: a seeded world of scripted processes drives the machine under a fake clock through random
//! requests, deaths, probe results, lost windows and lost controllers. Every session ends quiet and breaks no
//! rule of the oracle. A failure prints its seed and the whole story; `OVR_SIM_SEEDS` sets how many seeds are
//! played, `OVR_SIM_SEED` plays one with its story.

mod answers;
mod calls;
mod conditions;
mod dice;
mod endings;
mod evidence;
mod excuses;
mod happenings;
mod oracle;
mod orders;
mod pace;
mod reloads;
mod scenario;
mod world;

use super::{Action, Answer, EndCause, Event, Machine, Triggered};
use crate::model::{AskId, InstanceId, Moment, State, StateWord};
use dice::Dice;
use evidence::Evidence;
use oracle::{Broken, Oracle};
use pace::Pace;
use scenario::{Command, Scenario};
use std::collections::{BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use world::{World, WorldWindow};

/// More steps than any session of this size can need.
const MOST_STEPS: u32 = 50_000;

/// What becomes of the story of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Telling {
    Silent,
    /// It goes into a digest.
    Digest,
    Aloud,
}

/// One played session.
struct Sim {
    scenario: Scenario,
    commands: VecDeque<(Moment, Command)>,
    machine: Machine,
    world: World,
    oracle: Oracle,
    dice: Dice,
    now: Moment,
    next_ask: u64,
    pace: Pace,
    evidence: Evidence,
    telling: Telling,
    /// Of everything that happened, to compare two plays.
    story: DefaultHasher,
    starts: u32,
    /// Which states, answers and causes of an end have been seen.
    seen: BTreeSet<&'static str>,
}

impl Sim {
    fn new(seed: u64, telling: Telling) -> Self {
        let mut dice = Dice::new(seed);
        let scenario = Scenario::roll(&mut dice);
        let machine = scenario.machine(Moment::START);
        let world = World::new(dice.clone(), scenario.instances.len());
        let mut oracle = Oracle::new(&scenario);
        oracle.meet(&machine, &world);
        Self {
            commands: scenario.commands.iter().cloned().collect(),
            pace: Pace::new(&scenario.instances),
            evidence: Evidence::new(&scenario.instances),
            scenario,
            machine,
            world,
            oracle,
            dice,
            now: Moment::START,
            next_ask: 0,
            telling,
            story: DefaultHasher::new(),
            starts: 0,
            seen: BTreeSet::new(),
        }
    }

    /// Plays until nothing is left to happen.
    fn play(&mut self) -> Result<(), Broken> {
        self.tell_machine(Event::Begin)?;
        for _ in 0..MOST_STEPS {
            if !self.step()? {
                return self.oracle.judge_rest();
            }
            self.pace.judge(self.now)?;
        }
        Err("it goes on for ever".to_owned())
    }

    /// Lets the next thing happen, wherever it comes from; false when there is none.
    fn step(&mut self) -> Result<bool, Broken> {
        let sources = [
            self.world.next_at(),
            self.machine.next_deadline(),
            self.commands.front().map(|(at, _)| *at),
        ];
        let Some(at) = sources.iter().flatten().min().copied() else {
            return Ok(false);
        };
        self.now = self.now.max(at);
        self.world.set_now(self.now);
        // What is due at the same time comes in any order.
        let due: Vec<usize> = (0..sources.len()).filter(|i| sources[*i] == Some(at)).collect();
        match *self.dice.pick(&due) {
            0 => {
                if let Some(event) = self.world.step() {
                    self.tell_machine(event)?;
                }
            }
            1 => self.tell_machine(Event::Tick)?,
            _ => {
                let (_, command) = self.commands.pop_front().expect("it is due");
                self.command(command)?;
            }
        }
        Ok(true)
    }

    fn command(&mut self, command: Command) -> Result<(), Broken> {
        self.note(format_args!("command {command:?}"));
        match command {
            Command::Ask {
                verb,
                targets,
                no_deps,
            } => {
                let ask = self.new_ask();
                self.tell_machine(Event::Ask {
                    ask,
                    verb,
                    targets,
                    no_deps,
                })
            }
            Command::Enter(instance) => self.tell_machine(Event::Enter { instance }),
            Command::Due(instance, by) => self.tell_machine(Event::Due { instance, by }),
            Command::Attach(instance, clients) => self.tell_machine(Event::Attached { instance, clients }),
            Command::Quit(why) => {
                let ask = Some(self.new_ask());
                self.tell_machine(Event::Quit { why, ask })
            }
            Command::KillWindow(instance) => {
                self.world.lose_window(instance, Duration::ZERO);
                Ok(())
            }
            Command::KillTmux { recover } => {
                self.world.kill_tmux(recover);
                Ok(())
            }
            Command::KillController => self.change_controller(),
            Command::Reload => self.reload(),
        }
    }

    /// The controller dies and another one comes; a session that had finished stays so.
    fn change_controller(&mut self) -> Result<(), Broken> {
        if self.oracle.finished {
            return Ok(());
        }
        let (paused, restarting, declined) = (self.paused(), self.restarting(), self.declined());
        self.machine = self.scenario.machine(self.now);
        self.pace.meet();
        self.evidence.meet();
        let hellos = self.world.change_controller();
        self.oracle.meet(&self.machine, &self.world);
        self.oracle.hear_declined(&declined);
        let early = self.dice.percent(50);
        if early {
            self.remove_again()?;
        }
        for hello in hellos {
            self.tell_machine(hello)?;
        }
        if !early {
            self.remove_again()?;
        }
        for id in paused {
            self.note(format_args!("paused {id:?}"));
            self.machine.pause(id);
            self.oracle.hear_paused(id, &self.world);
        }
        let spawns = self.starts;
        self.tell_machine(Event::Begin)?;
        let started = self.starts - spawns;
        self.note(format_args!("adopted, and started {started}"));
        let given_up = |id: &&InstanceId| matches!(self.machine.state(**id), State::Stopped { .. });
        match restarting.iter().find(given_up) {
            Some(id) => Err(format!("{id:?}: was being restarted, and is given up")),
            None => Ok(()),
        }
    }

    /// What is being restarted, of what the world still has when the controller has gone.
    fn restarting(&self) -> Vec<InstanceId> {
        let is_there = |id: &InstanceId| self.world.shims[id.0 as usize].window == WorldWindow::Open;
        let is_restarting = |id: &InstanceId| self.machine.word(*id) == StateWord::Restarting;
        self.oracle.ids().filter(is_there).filter(is_restarting).collect()
    }

    /// What a person has stopped, or is stopping, of what its shim knows a run of.
    fn declined(&self) -> Vec<InstanceId> {
        if self.machine.is_ending() {
            return Vec::new();
        }
        let is_known = |id: &InstanceId| {
            let shim = &self.world.shims[id.0 as usize];
            shim.window == WorldWindow::Open && (shim.proc.is_some() || shim.last.is_some())
        };
        let is_declined = |id: &InstanceId| {
            let word = self.machine.word(*id);
            let is_down = matches!(word, StateWord::Stopping | StateWord::Stopped);
            self.oracle.down[id.0 as usize] && is_down
        };
        self.oracle.ids().filter(is_known).filter(is_declined).collect()
    }

    /// The schedules that a person has paused, as a controller writes them down for the next one.
    fn paused(&self) -> Vec<InstanceId> {
        if self.machine.is_ending() {
            return Vec::new();
        }
        let known = self.oracle.ids().filter(|id| !self.machine.is_gone(*id));
        known
            .filter(|id| {
                let policy = &self.oracle.policies[id.0 as usize];
                policy.scheduled && policy.autostart && !self.machine.is_on_schedule(*id)
            })
            .collect()
    }

    fn new_ask(&mut self) -> AskId {
        self.next_ask += 1;
        AskId(self.next_ask)
    }

    fn tell_machine(&mut self, event: Event) -> Result<(), Broken> {
        self.note(format_args!("← {event:?}"));
        if let Event::WindowLost { instance } = &event {
            self.world.shims[instance.0 as usize].loss_untold = false;
        }
        self.oracle.hear(&event);
        self.pace.hear(self.now, &event, &self.machine);
        self.evidence.hear(&event);
        self.machine.handle(self.now, event);
        while let Some(action) = self.machine.poll_action() {
            self.note(format_args!("  → {action:?}"));
            self.oracle.judge(&action, &self.world)?;
            self.pace.note(self.now, &action);
            self.evidence.judge(self.now, &action)?;
            self.remember(&action);
            self.carry_out(action);
        }
        self.oracle.judge_done_with()?;
        self.evidence.judge_rest(self.now, &self.machine)?;
        self.pace.judge_starts(&self.machine)
    }

    fn remember(&mut self, action: &Action) {
        let kind = match action {
            Action::Changed { to, .. } => to.word().as_str(),
            Action::Answer { answer, .. } => match answer {
                Answer::Started { .. } => "Started",
                Answer::AlreadyRunning { .. } => "AlreadyRunning",
                Answer::Restarted { .. } => "Restarted",
                Answer::Stopped { .. } => "Stopped",
                Answer::AlreadyStopped => "AlreadyStopped",
                Answer::Signalled { .. } => "Signalled",
                Answer::NotRunning => "NotRunning",
                Answer::Failed { .. } => "Failed",
                Answer::Overruled { .. } => "Overruled",
                Answer::SessionEnds => "SessionEnds",
            },
            Action::Triggered { outcome, .. } => match outcome {
                Triggered::Starts => "Starts",
                Triggered::Restarts => "Restarts",
                Triggered::Busy => "Busy",
                Triggered::Suspended => "Suspended",
            },
            Action::Ending { cause } => match cause {
                EndCause::Service { .. } => "Service",
                EndCause::CouldNotStart { .. } => "CouldNotStart",
                EndCause::Skipped { .. } => "Skipped",
                EndCause::Completed => "Completed",
                EndCause::Quit(_) => "Quit",
            },
            Action::CloseWindow { .. } => "CloseWindow",
            Action::OpenWindow { .. }
            | Action::Spawn { .. }
            | Action::Stop { .. }
            | Action::Intend { .. }
            | Action::Signal { .. }
            | Action::Probe { .. }
            | Action::Done { .. }
            | Action::Finish { .. } => return,
        };
        self.seen.insert(kind);
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::OpenWindow { instance } => self.world.open_window(instance),
            Action::CloseWindow { instance } => self.world.lose_window(instance, Duration::ZERO),
            Action::Spawn { instance, run } => {
                self.starts += 1;
                // The window may have gone while the order was on its way.
                if !self.world.shims[instance.0 as usize].loss_untold {
                    self.world.spawn(instance, run);
                }
            }
            Action::Stop {
                instance,
                run,
                plan,
                kill,
                intent,
            } => self.world.stop(instance, run, &plan, kill, intent),
            Action::Intend {
                instance,
                run,
                intent,
            } => self.world.intend(instance, run, intent),
            Action::Signal {
                instance,
                run,
                signal,
            } => self.world.signal(instance, run, signal),
            Action::Probe { instance, run, probe } => self.world.probe(instance, run, probe),
            Action::Changed { .. }
            | Action::Answer { .. }
            | Action::Done { .. }
            | Action::Triggered { .. }
            | Action::Ending { .. }
            | Action::Finish { .. } => {}
        }
    }

    fn note(&mut self, text: std::fmt::Arguments<'_>) {
        match self.telling {
            Telling::Silent => {}
            Telling::Digest => text.to_string().hash(&mut self.story),
            Telling::Aloud => println!("{} {text}", self.now),
        }
    }

    fn tell_cast(&self) {
        for (id, (name, policy)) in (0..).map(InstanceId).zip(&self.scenario.instances) {
            println!("{id:?} {name}: {policy:?}");
        }
    }
}

/// What came of one seed.
#[derive(Debug, PartialEq)]
struct Played {
    /// A digest of everything that happened.
    story: u64,
    starts: u32,
    seen: BTreeSet<&'static str>,
}

/// Plays one seed; panics of the machine's own checks count as broken rules.
fn play(seed: u64, telling: Telling) -> Result<Played, Broken> {
    catch_unwind(AssertUnwindSafe(|| {
        let mut sim = Sim::new(seed, telling);
        if telling == Telling::Aloud {
            sim.tell_cast();
        }
        sim.play().map(|()| Played {
            story: sim.story.finish(),
            starts: sim.starts,
            seen: sim.seen,
        })
    }))
    .unwrap_or_else(|_| Err("a check of the machine failed".to_owned()))
}

#[cfg(test)]
mod plays;
