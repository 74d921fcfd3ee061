//! What happens in the world by itself, and what the shims report of it.

use super::world::{Happening, Last, World, WorldWindow};
use crate::model::{Exit, InstanceId, RunId, Signal};
use crate::supervisor::{Event, ProbeKind};
use std::time::Duration;

impl World {
    pub(super) fn window_opens(&mut self, id: InstanceId, generation: u64) {
        let outcome = self.dice.within(0..100);
        let shim = self.shim(id);
        if shim.generation != generation {
            return;
        }
        let event = match outcome {
            0 | 1 => {
                shim.window = WorldWindow::Absent;
                let message = "no space left".to_owned();
                Event::WindowFailed {
                    instance: id,
                    message,
                }
            }
            2 => {
                shim.window = WorldWindow::Absent;
                Event::WindowLost { instance: id }
            }
            _ => {
                shim.window = WorldWindow::Open;
                Event::WindowReady { instance: id }
            }
        };
        let latency = self.latency();
        self.report_after(latency, id, event);
    }

    pub(super) fn spawns(&mut self, id: InstanceId, run: RunId) {
        let fails = self.dice.percent(4);
        let shim = self.shim(id);
        let Some(proc) = shim.proc.as_mut().filter(|proc| proc.run == run && !proc.spawned) else {
            return;
        };
        let latency = Duration::from_millis(1);
        if fails {
            shim.proc = None;
            let message = "no such program".to_owned();
            let event = Event::SpawnFailed {
                instance: id,
                run,
                message,
            };
            self.report_after(latency, id, event);
            return;
        }
        proc.spawned = true;
        let (pid, ready_at) = (proc.pid, proc.ready_at);
        let event = Event::Spawned {
            instance: id,
            run,
            pid,
        };
        self.report_after(latency, id, event);
        self.report_after(
            ready_at.since(self.now) + latency,
            id,
            Event::ToldReady {
                instance: id,
                run,
                ready: true,
            },
        );
        self.script_complaints(id, run);
        self.script_words(id, run);
        self.script_end(id, run);
    }

    /// Some say at some time that something is wrong with them, and some of these that it is no longer.
    fn script_complaints(&mut self, id: InstanceId, run: RunId) {
        if !self.dice.percent(15) {
            return;
        }
        let mut wait = Duration::ZERO;
        let mended = self.dice.percent(60);
        for ready in [false, true].into_iter().take(if mended { 2 } else { 1 }) {
            wait += Duration::from_millis(self.dice.within(0..4000));
            let event = Event::ToldReady {
                instance: id,
                run,
                ready,
            };
            self.report_after(wait, id, event);
        }
    }

    /// Some ask for more time, and some fall silent.
    fn script_words(&mut self, id: InstanceId, run: RunId) {
        if self.dice.percent(10) {
            let wait = Duration::from_millis(self.dice.within(0..4000));
            let by = Duration::from_millis(self.dice.within(0..3000));
            let event = Event::Extended {
                instance: id,
                run,
                by,
            };
            self.report_after(wait, id, event);
        }
        if self.dice.percent(5) {
            let wait = Duration::from_millis(self.dice.within(0..8000));
            let (instance, probe, ok) = (id, ProbeKind::Watchdog, false);
            let event = Event::ProbeDone {
                instance,
                run,
                probe,
                ok,
            };
            self.report_after(wait, id, event);
        }
    }

    /// Decides how the process that has just begun will end, if it does so by itself.
    fn script_end(&mut self, id: InstanceId, run: RunId) {
        let wait = Duration::from_millis(match self.dice.within(0..10) {
            0..=4 => return,
            5..=6 => self.dice.within(0..50),
            _ => self.dice.within(0..15_000),
        });
        let exit = *self.dice.pick(&[
            Exit::Code(0),
            Exit::Code(0),
            Exit::Code(1),
            Exit::Code(3),
            Exit::Signal(Signal::KILL),
        ]);
        let forks = exit == Exit::Code(0) && self.dice.percent(30);
        self.after(
            wait,
            if forks {
                Happening::Forks { id, run }
            } else {
                Happening::Ends { id, run, exit }
            },
        );
    }

    pub(super) fn forks(&mut self, id: InstanceId, run: RunId) {
        let pid = self.next_pid;
        // Or what it has launched runs elsewhere, and is there until it is stopped.
        let is_here = self.dice.percent(60);
        let ends = is_here && self.dice.percent(80);
        let wait = Duration::from_millis(self.dice.within(0..5000));
        let Some(proc) = self.shim(id).proc.as_mut().filter(|proc| proc.run == run) else {
            return;
        };
        let pids = if is_here { vec![pid] } else { Vec::new() };
        proc.daemons = Some(pids.clone());
        let event = Event::Daemonized {
            instance: id,
            run,
            pids,
        };
        self.next_pid += 1;
        let latency = self.latency();
        self.report_after(latency, id, event);
        if ends {
            let exit = Exit::Code(0);
            self.after(wait, Happening::Ends { id, run, exit });
        }
    }

    pub(super) fn ends(&mut self, id: InstanceId, run: RunId, exit: Exit) {
        let latency = self.latency();
        let shim = self.shim(id);
        let Some(proc) = shim.proc.take_if(|proc| proc.run == run) else {
            return;
        };
        let event = if proc.spawned {
            shim.last = Some(Last {
                run,
                exit,
                intent: proc.intent,
            });
            Event::Ended {
                instance: id,
                run,
                exit,
                killed: proc.killed,
            }
        } else {
            let message = "stopped before it was started".to_owned();
            Event::SpawnFailed {
                instance: id,
                run,
                message,
            }
        };
        self.report_after(latency, id, event);
    }
}
