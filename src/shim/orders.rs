//! What a controller orders, carried out: starting a run, stopping it, leaving. When an order is taken is the
//! loop's business (`engine.rs`).

use super::engine::{Engine, Opening, Phase};
use super::live::Live;
use super::note;
use super::protocol::{Order, Report};
use crate::model::mark::Mark;
use crate::model::{Launch, RunId, StopPlan};
use crate::platform::open_files;
use std::path::Path;
use std::time::Instant;

/// Another run is to follow: the one reason of a stop order that somebody has asked for.
const AGAIN: &str = "again";

impl Engine {
    pub(super) fn carry_out(&mut self, order: Order) {
        match order {
            Order::Hello { .. } => {}
            Order::Run {
                run,
                launch,
                stop,
                files,
            } => {
                if let Some(files) = files {
                    // Where it cannot be set, the service has what the window has.
                    open_files::allow(Some(files)).ok();
                }
                self.cmd_run(run, launch, stop);
            }
            Order::Stop { run, plan, kill, why } => self.cmd_stop(run, plan, kill, why),
            Order::Intend { run, intent } => self.cmd_intend(run, intent),
            Order::Signal { run, signal } => match &self.phase {
                Phase::Live(live) if live.run == run => live.cmd_signal(signal),
                Phase::Live(_) | Phase::Opening(_) | Phase::Idle => {}
            },
            Order::Note { text } => {
                if matches!(self.phase, Phase::Idle) {
                    self.terminal.write_note(&note::plain(&text, &self.nonce));
                }
            }
            Order::Close => self.cmd_close(),
        }
    }

    fn cmd_run(&mut self, run: RunId, launch: Launch, stop: StopPlan) {
        let refused = match &mut self.phase {
            _ if self.terminal.is_gone() || self.leaving => Some("the window is being closed".to_owned()),
            Phase::Live(live) => Some(format!("run {} is still alive", live.run)),
            // A controller has died over it, of which the next one could not hear: it is that one's now.
            Phase::Opening(opening) if opening.run == run => {
                **opening = Opening { run, launch, stop };
                return;
            }
            Phase::Opening(opening) => Some(format!("run {} is being started", opening.run)),
            Phase::Idle => None,
        };
        if let Some(message) = refused {
            return self.report(&Report::SpawnFailed { run, message });
        }
        self.terminal.hand_over();
        self.terminal.write(&Mark::RunBegins(run).encode(&self.nonce));
        self.phase = Phase::Opening(Box::new(Opening { run, launch, stop }));
        self.open_run();
    }

    /// Starts the run that waits, once its first mark is in the stream: no output comes before it.
    pub(super) fn open_run(&mut self) {
        if !self.terminal.is_flushed() || !matches!(self.phase, Phase::Opening(_)) {
            return;
        }
        let Phase::Opening(opening) = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return;
        };
        let Opening { run, launch, stop } = *opening;
        let dir = self.socket.parent().unwrap_or(Path::new("/"));
        let supplied = self.supplies.adjust(&launch, dir, &self.nonce);
        match supplied.and_then(|()| Live::start(run, launch, stop, &self.nonce, &self.supplies)) {
            Ok(live) => {
                let report = live.spawned();
                self.phase = Phase::Live(Box::new(live));
                self.report(&report);
                self.settle();
                self.acted = Some(Instant::now());
            }
            Err(message) => {
                self.close_run(run, &note::could_not_start(&self.instance, &message));
                self.report(&Report::SpawnFailed { run, message });
            }
        }
    }

    /// A run whose mark is still waiting never begins.
    pub(super) fn cancel_opening(&mut self, why: &str) {
        let Phase::Opening(opening) = &self.phase else {
            return;
        };
        let (run, message) = (opening.run, why.to_owned());
        self.phase = Phase::Idle;
        self.close_run(run, &note::could_not_start(&self.instance, why));
        self.report(&Report::SpawnFailed { run, message });
    }

    fn cmd_stop(&mut self, run: RunId, plan: StopPlan, kill: bool, why: Option<String>) {
        match &mut self.phase {
            Phase::Opening(opening) if opening.run == run => self.cancel_opening("it was stopped first"),
            Phase::Live(live) if live.run == run => {
                live.cmd_stop(plan, kill, why);
                self.settle();
            }
            // Ended already, and the report is on its way: what somebody wants behind it holds all the same. That it
            // had failed does not.
            Phase::Opening(_) | Phase::Live(_) | Phase::Idle => match self.last.as_mut() {
                Some(last) if last.run == run && matches!(why.as_deref(), None | Some(AGAIN)) => {
                    last.asked = true;
                    last.why = why;
                }
                Some(_) | None => {}
            },
        }
    }

    /// Kept for the next controller.
    fn cmd_intend(&mut self, run: RunId, intent: Option<String>) {
        if let Phase::Live(live) = &mut self.phase
            && live.run == run
        {
            live.asked = intent.is_some();
            live.why = intent;
        } else if let Some(last) = self.last.as_mut().filter(|last| last.run <= run) {
            // Of one that could not be started nothing else is kept.
            last.asked = intent.is_some();
            last.why = intent;
        }
    }

    /// Ends the shim, after what runs has been stopped; a stop that is at work is let finish. A second time
    /// cuts the grace short.
    pub(super) fn cmd_close(&mut self) {
        let again = std::mem::replace(&mut self.leaving, true);
        self.cancel_opening("the window is being closed");
        if let Phase::Live(live) = &mut self.phase
            && (again || !live.is_stopping())
        {
            let plan = live.own_plan();
            live.cmd_stop(plan, again, None);
            self.settle();
        }
    }
}
