//! What happened in the session, as events with numbers (`docs/events.md`): recorded where it happens, given to
//! whoever reads. Nobody who reads can hold anybody up.

mod journal;
mod log;
mod ring;
mod session;
mod states;
#[cfg(test)]
mod tests;

pub(super) use log::EventLog;

pub(super) use ring::{EventItem, Reader};

use self::ring::Wanted;

use self::states::{Step, is_old_news, steps};
use super::core::Controller;
use super::words;
use crate::api::call::{EventsRequest, Framing};
use crate::api::messages::events::{Event, EventKind};
use crate::api::server::encode;
use crate::diag::Diagnostic;
use crate::model::{Exit, InstanceId, RunId, State, StateWord, time_text};
use crate::shim::protocol::Ended;
use crate::supervisor::{Cause, Trigger, Triggered};
use bytes::{Bytes, BytesMut};
use std::time::Duration;
use tokio::sync::mpsc;

impl Controller {
    /// Tells a change of state.
    pub(super) fn tell_change(&mut self, instance: InstanceId, from: &State, to: &State) {
        // Its end was told when it was found, or by an earlier controller.
        if !self.adopted.begun && is_old_news(from, to) && !self.adopted.news.contains(&instance) {
            return;
        }
        for step in steps(from, to) {
            match step {
                Step::Exited(run) => self.tell_end(instance, run, Some(self.word_of(instance, to))),
                Step::Ready(run) if self.events.ready(instance, run) == Some(true) => {}
                Step::Pending
                | Step::Starting(_)
                | Step::Running(_)
                | Step::Adopted(_)
                | Step::Ready(_)
                | Step::Unready(_)
                | Step::Daemonized(_)
                | Step::Stopping(_)
                | Step::Backoff
                | Step::Stopped
                | Step::Failed
                | Step::Skipped => {
                    let event = Event {
                        state: Some(self.word_of(instance, to)),
                        ..self.event_of(instance, &step, to)
                    };
                    self.tell(instance, event);
                }
            }
        }
    }

    /// Tells something about an instance.
    fn tell(&mut self, instance: InstanceId, mut event: Event) {
        let host = self.host(instance);
        event.service = Some(host.spec.service.to_string());
        event.instance = Some(host.name());
        event.state = event.state.or(Some(self.machine.word(instance)));
        self.events.record(Some(instance), event);
    }

    /// Where a change has led. The machine may be further by the time that it is told.
    fn word_of(&self, instance: InstanceId, to: &State) -> StateWord {
        if self.machine.state(instance) == to {
            self.machine.word(instance)
        } else {
            to.word()
        }
    }

    fn event_of(&self, instance: InstanceId, step: &Step, to: &State) -> Event {
        let of = |event, run: RunId| Event {
            event,
            run: Some(run.0),
            ..Event::default()
        };
        let bare = |event| Event {
            event,
            ..Event::default()
        };
        match step {
            Step::Starting(run) => {
                let cause = self.machine.cause(instance);
                Event {
                    why: Some(cause_word(cause).to_owned()),
                    attempt: (cause == Cause::Policy).then(|| self.machine.restarts(instance)),
                    ..of(EventKind::Starting, *run)
                }
            }
            Step::Running(run) | Step::Adopted(run) => {
                let is_running = matches!(step, Step::Running(_));
                let kind = if is_running {
                    EventKind::Running
                } else {
                    EventKind::Adopted
                };
                Event {
                    pid: self.host(instance).run.as_ref().map(|run| run.pid),
                    pids: daemons(to),
                    ..of(kind, *run)
                }
            }
            Step::Daemonized(run) => Event {
                pids: daemons(to),
                ..of(EventKind::Daemonized, *run)
            },
            Step::Ready(run) => {
                let is_assumed = self.host(instance).spec.policy.assumes_readiness();
                Event {
                    why: is_assumed.then(|| "assumed".to_owned()),
                    ..of(EventKind::Ready, *run)
                }
            }
            Step::Unready(run) => Event {
                reason: self.host(instance).health.trouble(),
                ..of(EventKind::Unready, *run)
            },
            Step::Stopping(run) | Step::Exited(run) => of(EventKind::Stopping, *run),
            Step::Backoff => self.backoff(instance, to),
            Step::Pending => Event {
                reason: self.blocker(instance),
                ..bare(EventKind::Pending)
            },
            Step::Skipped => Event {
                reason: self.blocker(instance),
                ..bare(EventKind::Skipped)
            },
            Step::Stopped => bare(EventKind::Stopped),
            Step::Failed => Event {
                reason: match to {
                    State::Failed { reason, .. } => Some(words::failure(self.host(instance), reason)),
                    _ => None,
                },
                run: self.host(instance).run.as_ref().map(|run| run.id.0),
                ..bare(EventKind::Failed)
            },
        }
    }

    fn backoff(&self, instance: InstanceId, to: &State) -> Event {
        let wait = match to {
            State::Backoff { until, .. } => words::planned(until.since(self.clock.now())),
            _ => Duration::ZERO,
        };
        // Without a wait the next run has begun already, and counts.
        let to_come = u32::from(matches!(self.machine.state(instance), State::Backoff { .. }));
        Event {
            event: EventKind::Backoff,
            run: self.host(instance).run.as_ref().map(|run| run.id.0),
            attempt: Some(self.machine.restarts(instance) + to_come),
            delay_ms: Some(millis(wait)),
            until: Some(time_text::rfc3339(super::clock::wall() + wait)),
            ..Event::default()
        }
    }

    /// Tells the end of a run, once. One that never came to run has not ended either.
    fn tell_end(&mut self, instance: InstanceId, run: RunId, state: Option<StateWord>) {
        let Some(exit) = self.exit_of(instance, Some(run)) else {
            return;
        };
        if !self.events.owes_end(instance, run) {
            return;
        }
        let (exit_code, exit_signal) = match exit {
            Exit::Code(code) => (Some(code), None),
            Exit::Signal(signal) => (None, Some(signal.to_string())),
        };
        let host = self.host(instance);
        // The process of a run that this controller has not seen is not known.
        let pid = host.run.as_ref().map(|run| run.pid).filter(|pid| *pid != 0);
        let event = Event {
            event: EventKind::Exited,
            state,
            run: Some(run.0),
            pid,
            exit_code,
            exit_signal,
            duration_ms: host.lived().map(millis),
            killed: host.last_exit().map(|end| end.killed.clone()).unwrap_or_default(),
            ..Event::default()
        };
        self.tell(instance, event);
    }

    /// A run has ended while no controller looked, or an earlier one has seen it.
    pub(super) fn tell_found_end(&mut self, instance: InstanceId, ended: &Ended) {
        if self.events.owes_end(instance, ended.run) {
            self.adopted.news.insert(instance);
            self.tell_end(instance, ended.run, None);
        }
    }

    /// Tells what a probe found, where that is another thing than before.
    pub(super) fn tell_probe(
        &mut self,
        instance: InstanceId,
        run: RunId,
        probe: &str,
        failure: Option<(String, u32)>,
    ) {
        let (reason, failures) = failure.unzip();
        let event = Event {
            event: EventKind::Probe,
            run: Some(run.0),
            probe: Some(probe.to_owned()),
            ok: Some(reason.is_none()),
            reason,
            attempt: failures,
            ..Event::default()
        };
        self.tell(instance, event);
    }

    pub(super) fn tell_taken_port(&mut self, instance: InstanceId, port: u16, pid: Option<u32>, text: &str) {
        let event = Event {
            event: EventKind::PortTaken,
            port: Some(port),
            pid,
            reason: Some(text.to_owned()),
            ..Event::default()
        };
        self.tell(instance, event);
    }

    /// That it waits for somebody to type, with the line; or that it does not any more.
    pub(super) fn tell_waiting(&mut self, instance: InstanceId, line: Option<String>) {
        let run = self.host(instance).run.as_ref().map(|run| run.id);
        let waits = self.events.waits(instance);
        let is_waiting = line.is_some();
        // An earlier controller may have told it of the same run.
        if (is_waiting && waits == run) || (!is_waiting && waits.is_none()) {
            return;
        }
        let event = Event {
            event: if is_waiting {
                EventKind::WaitsForInput
            } else {
                EventKind::WaitsNoLonger
            },
            run: run.map(|run| run.0),
            line,
            ..Event::default()
        };
        self.tell(instance, event);
    }

    pub(super) fn tell_triggered(&mut self, instance: InstanceId, by: Trigger, outcome: Triggered) {
        let why = match by {
            Trigger::Schedule => "schedule",
            Trigger::Change { .. } => "change",
        };
        let outcome = match outcome {
            Triggered::Starts => "starts",
            Triggered::Restarts => "restarts",
            Triggered::Busy => "busy",
            Triggered::Suspended => "suspended",
        };
        let event = Event {
            event: EventKind::Triggered,
            why: Some(why.to_owned()),
            outcome: Some(outcome.to_owned()),
            ..Event::default()
        };
        self.tell(instance, event);
    }

    /// The events that `request` wants, as a stream.
    pub(super) fn read_events(
        &mut self,
        request: &EventsRequest,
    ) -> Result<mpsc::Receiver<Bytes>, Diagnostic> {
        let instances = if request.names.is_empty() {
            None
        } else {
            Some(self.targets(&request.names)?)
        };
        let wanted = Wanted {
            instances,
            kinds: request.kinds.clone(),
        };
        let mut reader = self.events.reader(wanted, &request.since);
        let (follow, framing) = (request.follow, request.framing);
        if !follow {
            reader.end_here();
        }
        // What a client does not take waits in the ring, which counts what it loses.
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            loop {
                let items = if follow {
                    tokio::select! {
                        items = reader.next() => items,
                        () = sender.closed() => return,
                    }
                } else {
                    Some(reader.take()).filter(|items| !items.is_empty())
                };
                let Some(items) = items else { return };
                if sender.send(framed(framing, &items)).await.is_err() {
                    return;
                }
            }
        });
        Ok(receiver)
    }
}

fn framed(framing: Framing, items: &[EventItem]) -> Bytes {
    let mut chunk = BytesMut::new();
    for item in items {
        encode(framing, Some(&item.cursor.to_string()), item.json(), &mut chunk);
    }
    chunk.freeze()
}

fn daemons(state: &State) -> Vec<u32> {
    match state {
        State::Daemonized { pids, .. } => pids.clone(),
        _ => Vec::new(),
    }
}

fn cause_word(cause: Cause) -> &'static str {
    match cause {
        Cause::Session => "session",
        Cause::Person => "request",
        Cause::Policy => "policy",
        Cause::Trigger => "trigger",
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
