//! The simulated world: windows, shims and scripted processes with latencies. It carries out actions, and
//! what becomes of them is reported later; it outlives any controller.

use super::dice::Dice;
use crate::model::{Exit, InstanceId, Moment, RunId, Signal, StopPlan};
use crate::supervisor::{Event, Intent, ProbeKind};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long SIGKILL takes to empty a tree.
pub(super) const KILL_TIME: Duration = Duration::from_millis(40);

/// A run in the world, from the order that reached the shim until its tree is empty.
#[derive(Clone, Debug)]
pub(super) struct Proc {
    pub(super) run: RunId,
    pub(super) pid: u32,
    /// The process exists, and has been reported.
    pub(super) spawned: bool,
    /// Its stop plan is at work.
    pub(super) asked: bool,
    pub(super) intent: Option<Intent>,
    pub(super) killed: bool,
    /// Its command has ended well, and left these.
    pub(super) daemons: Option<Vec<u32>>,
    /// Ignores every signal that can be ignored.
    stubborn: bool,
    pub(super) ready_at: Moment,
    /// From when its startup probe is good.
    boots_at: Moment,
    /// In a hundred liveness attempts, how many fail.
    sickly: u64,
}

/// How a run ended, as the shim remembers it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Last {
    pub(super) run: RunId,
    pub(super) exit: Exit,
    pub(super) intent: Option<Intent>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorldWindow {
    Absent,
    Opening,
    Open,
}

/// One window with its shim, or its absence.
#[derive(Clone, Debug)]
pub(super) struct Shim {
    pub(super) window: WorldWindow,
    pub(super) proc: Option<Proc>,
    pub(super) last: Option<Last>,
    /// The window is gone, and the controller does not know yet.
    pub(super) loss_untold: bool,
    /// Counts windows, so that what was planned for an old one does not happen to a new one.
    pub(super) generation: u64,
    last_report: Moment,
}

/// Something that is going to happen.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    /// Reaches the controller, if it is still the one that was there when it was sent.
    Report {
        controller: u64,
        event: Event,
    },
    WindowOpens {
        id: InstanceId,
        generation: u64,
    },
    Spawns {
        id: InstanceId,
        run: RunId,
    },
    /// The main process ends with 0 and leaves others behind.
    Forks {
        id: InstanceId,
        run: RunId,
    },
    Ends {
        id: InstanceId,
        run: RunId,
        exit: Exit,
    },
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) now: Moment,
    pub(super) shims: Vec<Shim>,
    queue: BTreeMap<(Moment, u64), Happening>,
    sequence: u64,
    pub(super) next_pid: u32,
    controller: u64,
}

impl World {
    pub(super) fn new(dice: Dice, instances: usize) -> Self {
        let mut world = Self {
            dice,
            now: Moment::START,
            shims: Vec::new(),
            queue: BTreeMap::new(),
            sequence: 0,
            next_pid: 100,
            controller: 0,
        };
        world.grow(instances);
        world
    }

    /// Makes room for so many instances.
    pub(super) fn grow(&mut self, instances: usize) {
        let shim = Shim {
            window: WorldWindow::Absent,
            proc: None,
            last: None,
            loss_untold: false,
            generation: 0,
            last_report: Moment::START,
        };
        self.shims.resize(instances.max(self.shims.len()), shim);
    }

    pub(super) fn next_at(&self) -> Option<Moment> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn set_now(&mut self, now: Moment) {
        self.now = now;
    }

    /// Lets the next thing happen; what reaches the controller by it is given back.
    pub(super) fn step(&mut self) -> Option<Event> {
        let ((at, _), happening) = self.queue.pop_first()?;
        self.now = self.now.max(at);
        match happening {
            Happening::Report { controller, event } => {
                return (controller == self.controller).then_some(event);
            }
            Happening::WindowOpens { id, generation } => self.window_opens(id, generation),
            Happening::Spawns { id, run } => self.spawns(id, run),
            Happening::Forks { id, run } => self.forks(id, run),
            Happening::Ends { id, run, exit } => self.ends(id, run, exit),
        }
        None
    }

    pub(super) fn open_window(&mut self, id: InstanceId) {
        let latency = self.latency();
        let shim = self.shim(id);
        shim.window = WorldWindow::Opening;
        shim.generation += 1;
        let generation = shim.generation;
        self.after(latency, Happening::WindowOpens { id, generation });
    }

    pub(super) fn spawn(&mut self, id: InstanceId, run: RunId) {
        let pid = self.next_pid;
        self.next_pid += 1;
        let latency = self.latency();
        let ready_at = self.now + Duration::from_millis(self.dice.within(0..4000));
        let boots_at = self.now + Duration::from_millis(self.dice.within(0..1500));
        let proc = Proc {
            run,
            pid,
            spawned: false,
            asked: false,
            intent: None,
            killed: false,
            daemons: None,
            stubborn: self.dice.percent(15),
            ready_at,
            boots_at,
            sickly: *self.dice.pick(&[0, 5, 60]),
        };
        self.shim(id).proc = Some(proc);
        self.after(latency, Happening::Spawns { id, run });
    }

    pub(super) fn stop(&mut self, id: InstanceId, run: RunId, plan: &StopPlan, kill: bool, intent: Intent) {
        let obeys_in = Duration::from_millis(self.dice.within(0..200));
        let Shim { proc, last, .. } = self.shim(id);
        let Some(proc) = proc else {
            // It has just ended.
            if let Some(last) = last.as_mut().filter(|last| last.run == run)
                && matches!(intent, Intent::Down | Intent::Again)
            {
                last.intent = Some(intent);
            }
            return;
        };
        if proc.run != run {
            return;
        }
        proc.asked = true;
        proc.intent = Some(intent);
        let graceful = obeys_in.min(plan.grace);
        let (wait, exit) = if kill || proc.stubborn {
            let wait = if kill { KILL_TIME } else { plan.grace + KILL_TIME };
            (wait, Exit::Signal(Signal::KILL))
        } else {
            (graceful, Exit::Signal(plan.signal))
        };
        proc.killed = exit == Exit::Signal(Signal::KILL);
        self.after(wait, Happening::Ends { id, run, exit });
    }

    /// Kept for the next controller.
    pub(super) fn intend(&mut self, id: InstanceId, run: RunId, intent: Option<Intent>) {
        let shim = self.shim(id);
        if let Some(proc) = shim.proc.as_mut().filter(|proc| proc.run == run) {
            proc.intent = intent;
        } else if let Some(last) = shim.last.as_mut().filter(|last| last.run <= run) {
            last.intent = intent;
        }
    }

    pub(super) fn signal(&mut self, id: InstanceId, run: RunId, signal: Signal) {
        if self.dice.percent(30) {
            let exit = Exit::Signal(signal);
            self.after(Duration::from_millis(5), Happening::Ends { id, run, exit });
        }
    }

    pub(super) fn probe(&mut self, id: InstanceId, run: RunId, probe: ProbeKind) {
        if self.dice.percent(5) {
            return;
        }
        let latency = self.latency() * 3;
        let Some(proc) = self.shims[id.0 as usize].proc.as_ref() else {
            return;
        };
        let (ready, sickly) = (proc.ready_at <= self.now, proc.sickly);
        let booted = proc.boots_at <= self.now;
        let ok = match probe {
            ProbeKind::Readiness => ready && !self.dice.percent(10),
            ProbeKind::Liveness => !self.dice.percent(sickly),
            ProbeKind::Startup => booted && !self.dice.percent(20),
            ProbeKind::Listening => ready,
            ProbeKind::Watchdog => return,
        };
        self.report_after(
            latency,
            id,
            Event::ProbeDone {
                instance: id,
                run,
                probe,
                ok,
            },
        );
    }

    /// The window goes, and everything in it.
    pub(super) fn lose_window(&mut self, id: InstanceId, delay: Duration) {
        let shim = self.shim(id);
        if shim.window == WorldWindow::Absent {
            return;
        }
        shim.window = WorldWindow::Absent;
        shim.generation += 1;
        shim.last = None;
        shim.loss_untold = true;
        let proc = shim.proc.take();
        let latency = delay + self.latency();
        let is_noticed = self.dice.percent(50);
        if is_noticed {
            self.report_after(latency, id, Event::WindowClosing { instance: id });
        }
        if let Some(proc) = proc.filter(|proc| proc.spawned)
            && self.dice.percent(30)
        {
            // The shim had just time enough to say so.
            let event = Event::Ended {
                instance: id,
                run: proc.run,
                exit: Exit::Signal(Signal::HUP),
                killed: false,
            };
            self.report_after(latency, id, event);
        }
        self.report_after(latency, id, Event::WindowLost { instance: id });
    }

    pub(super) fn kill_tmux(&mut self, recover: bool) {
        let told = self.latency();
        let event = Event::TmuxLost { recover };
        let controller = self.controller;
        self.after(told, Happening::Report { controller, event });
        for id in (0..).map(InstanceId).take(self.shims.len()) {
            self.lose_window(id, told);
        }
    }

    /// A new controller has come: reports on their way to the old one are lost, and so are windows that were
    /// just being opened. Gives back what the shims tell it.
    pub(super) fn change_controller(&mut self) -> Vec<Event> {
        self.controller += 1;
        let mut hellos = Vec::new();
        for (instance, shim) in (0..).map(InstanceId).zip(&mut self.shims) {
            shim.loss_untold = false;
            match shim.window {
                WorldWindow::Absent => continue,
                WorldWindow::Opening => {
                    shim.window = WorldWindow::Absent;
                    shim.generation += 1;
                    continue;
                }
                WorldWindow::Open => {}
            }
            hellos.push(match (&mut shim.proc, shim.last) {
                (Some(proc), _) => {
                    // A shim answers its hello when the spawn is through.
                    proc.spawned = true;
                    Event::Adopted {
                        instance,
                        run: proc.run,
                        pid: proc.pid,
                        daemons: proc.daemons.clone(),
                        told_ready: None,
                        stopping: proc.asked,
                        intent: proc.intent,
                    }
                }
                (None, Some(last)) => Event::AdoptedEnded {
                    instance,
                    run: last.run,
                    exit: last.exit,
                    intent: last.intent,
                },
                (None, None) => Event::WindowReady { instance },
            });
        }
        hellos
    }

    pub(super) fn shim(&mut self, id: InstanceId) -> &mut Shim {
        &mut self.shims[id.0 as usize]
    }

    pub(super) fn latency(&mut self) -> Duration {
        Duration::from_micros(self.dice.within(50..20_000))
    }

    pub(super) fn after(&mut self, wait: Duration, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((self.now + wait, self.sequence), happening);
    }

    /// Reports about one instance arrive in the order in which they were sent, but for those that come by
    /// another way: probes, and what the service says in its output.
    pub(super) fn report_after(&mut self, wait: Duration, id: InstanceId, event: Event) {
        let about_a_run = matches!(
            event,
            Event::Spawned { .. }
                | Event::SpawnFailed { .. }
                | Event::Daemonized { .. }
                | Event::Ended { .. }
        );
        if about_a_run && self.dice.percent(10) {
            self.repeat_late(event.clone());
        }
        let mut at = self.now + wait;
        let by_shim = !matches!(
            event,
            Event::ProbeDone { .. } | Event::ToldReady { .. } | Event::Extended { .. }
        );
        if by_shim {
            let shim = self.shim(id);
            at = at.max(shim.last_report);
            shim.last_report = at;
        }
        let controller = self.controller;
        self.sequence += 1;
        self.queue
            .insert((at, self.sequence), Happening::Report { controller, event });
    }

    /// A report comes a second time, perhaps long after the first.
    fn repeat_late(&mut self, event: Event) {
        let controller = self.controller;
        let wait = Duration::from_millis(self.dice.within(50..3000));
        self.after(wait, Happening::Report { controller, event });
    }
}
