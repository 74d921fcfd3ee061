//! Carries out the machine's probes: one task for each attempt under way, whose outcome comes back as an event.
//! What is known of them is `health.rs`, whose listener answers `vouching.rs`.

use super::clock;
use super::core::Controller;
use super::health;
use super::vouching::{self, Rightful};
use crate::logs::Tone;
use crate::model::{Check, FailureReason, InstanceId, Moment, RunId, State, time_text};
use crate::platform::open_files;
use crate::probes::{self, Surroundings};
use crate::shim::tree;
use crate::supervisor::{Event, ProbeKind, Why};
use std::time::Duration;

/// What came of one attempt.
#[derive(Debug)]
pub(super) struct Probed {
    instance: InstanceId,
    run: RunId,
    probe: ProbeKind,
    number: u64,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Good,
    Bad(String),
    /// Somebody else's server answers.
    Taken(String),
}

/// One attempt, as its task makes it.
struct Attempt {
    check: Check,
    surroundings: Surroundings,
    limit: Duration,
    /// Whose listener it has to be, where that is to be looked at.
    rightful: Option<Rightful>,
}

impl Controller {
    pub(super) fn probe(&mut self, instance: InstanceId, run: RunId, probe: ProbeKind) {
        self.know_run(instance, run);
        let number = self.host_mut(instance).health.next_attempt();
        let probed = self.inlets.probed.clone();
        let tell = move |outcome| {
            let found = Probed {
                instance,
                run,
                probe,
                number,
                outcome,
            };
            // Nobody listens any more when the session is over.
            drop(probed.send(found));
        };
        let task = match probe {
            // It looks by itself.
            ProbeKind::Watchdog => return,
            ProbeKind::Listening => {
                let Some((port, _)) = self.host(instance).spec.port else {
                    return;
                };
                let rightful = self.rightful(instance, Some(port));
                tokio::spawn(async move {
                    let looked = tokio::task::spawn_blocking(move || vouching::listens(port, &rightful));
                    if looked.await.unwrap_or(false) {
                        tell(Outcome::Good);
                    }
                })
            }
            ProbeKind::Readiness | ProbeKind::Liveness | ProbeKind::Startup => {
                let attempt = self.attempt(instance, probe, number);
                tokio::spawn(async move {
                    tell(match attempt {
                        Some(attempt) => attempt.make().await,
                        None => Outcome::Bad("nothing says what to check".to_owned()),
                    });
                })
            }
        };
        let health = &mut self.host_mut(instance).health;
        health.begun(probe, number, task.abort_handle());
    }

    fn attempt(&self, instance: InstanceId, probe: ProbeKind, number: u64) -> Option<Attempt> {
        let host = self.host(instance);
        let (spec, policy) = (&host.spec, &host.spec.policy);
        let (check, schedule) = match probe {
            ProbeKind::Startup => (&spec.checks.startup, policy.startup.as_ref()),
            ProbeKind::Readiness => (&spec.checks.readiness, policy.readiness.probe()),
            ProbeKind::Liveness => (&spec.checks.liveness, policy.liveness.as_ref()),
            ProbeKind::Listening | ProbeKind::Watchdog => return None,
        };
        let check = check.as_ref()?;
        let port = match check {
            Check::Exec { .. } => None,
            Check::Http(check) => Some(check.port),
            Check::Tcp { port, .. } => Some(*port),
        };
        let is_elsewhere =
            matches!(self.machine.state(instance), State::Daemonized { pids, .. } if pids.is_empty());
        let to_vouch = !host.health.vouched && !is_elsewhere && !vouching::may_run_elsewhere(&spec.command);
        let nonce = host.shim.as_ref().map_or("", |shim| shim.nonce.as_str());
        let ours = tree::probe_token(nonce, Some(std::process::id()));
        Some(Attempt {
            check: check.clone(),
            surroundings: Surroundings {
                env: spec.launch.env.clone(),
                token: (
                    tree::TOKEN_VARIABLE,
                    format!("{ours}{}-{number}", health::word(probe)),
                ),
                prepare: open_files::restore,
                end_marked: |token| drop(tree::end_all(token, 0)),
            },
            limit: schedule?.schedule.timeout,
            rightful: to_vouch.then(|| self.rightful(instance, port)),
        })
    }

    /// The service itself, and who of the session is to have that port: some look at a service through another.
    fn rightful(&self, instance: InstanceId, port: Option<u16>) -> Rightful {
        let is_rightful = |id: &InstanceId| {
            let assigned = self.host(*id).spec.port.as_ref().map(|(port, _)| *port);
            *id == instance || (port.is_some() && assigned == port)
        };
        let shims = self.ids().filter(is_rightful).filter_map(|id| {
            let shim = self.host(id).shim.as_ref()?;
            Some((shim.pid, shim.nonce.clone()))
        });
        Rightful {
            shims: shims.collect(),
        }
    }

    pub(super) fn on_probed(&mut self, probed: Probed) {
        let Probed {
            instance,
            run,
            probe,
            number,
            outcome,
        } = probed;
        let counts = self.machine.failure_counts(instance, probe, self.clock.now());
        let health = &mut self.host_mut(instance).health;
        if health.run != Some(run) || !health.is_done(probe, number) {
            return;
        }
        let ok = matches!(outcome, Outcome::Good);
        let found = match &outcome {
            Outcome::Good => None,
            Outcome::Bad(reason) | Outcome::Taken(reason) => Some(reason.clone()),
        };
        let is_other = health.is_other(probe, found.as_deref());
        let failures = match outcome {
            Outcome::Good => {
                health.vouched = true;
                health.succeeded(probe);
                0
            }
            Outcome::Bad(reason) if !counts => health.failed_between(probe, reason, clock::wall()),
            Outcome::Bad(reason) => health.failed(probe, reason, clock::wall()),
            Outcome::Taken(reason) => {
                let is_news = health.is_news(probe, &reason);
                let failures = health.failed(probe, reason.clone(), clock::wall());
                // Told at once, and once: it will not go away by itself.
                if is_news {
                    self.say_at(instance, None, Tone::Alarm, &format!("not ready: {reason}"));
                }
                failures
            }
        };
        let was_up = is_up(self.machine.state(instance));
        if is_other {
            let failure = found.map(|reason| (reason, failures));
            self.tell_probe(instance, run, health::word(probe), failure);
        }
        self.feed(Event::ProbeDone {
            instance,
            run,
            probe,
            ok,
        });
        if failures > 0 && counts {
            self.tell_failures(instance, probe, failures, was_up);
        }
        self.note_change_of(instance);
    }

    /// Says what became of a run by its failures, and that it is not ready for longer than was thought.
    pub(super) fn tell_failures(
        &mut self,
        instance: InstanceId,
        probe: ProbeKind,
        failures: u32,
        was_up: bool,
    ) {
        let Some(trouble) = self.host(instance).health.trouble_of(probe) else {
            return;
        };
        let state = self.machine.state(instance);
        if was_up && matches!(state, State::Stopping { .. }) {
            self.say_at(instance, None, Tone::Alarm, &format!("{trouble} · ending it"));
            return;
        }
        let readiness = self.host(instance).spec.policy.readiness.probe();
        let limit = readiness.map_or(0, |probe| probe.schedule.failure_threshold.max(1));
        let waits = matches!(
            state,
            State::Running {
                ready: Some(false),
                ..
            }
        );
        // That is told already.
        let taken = trouble.starts_with(vouching::TAKEN);
        if probe == ProbeKind::Readiness && waits && failures == limit && !taken {
            self.say_quietly(instance, &format!("not ready: {trouble}"));
        }
    }

    /// An earlier controller's commands died with it; what they had started did not.
    pub(super) fn end_left_probes(&self, instance: InstanceId) {
        let host = self.host(instance);
        let checks = &host.spec.checks;
        let mut checks = [&checks.startup, &checks.readiness, &checks.liveness]
            .into_iter()
            .flatten();
        let runs_commands = checks.any(|check| matches!(check, Check::Exec { .. }));
        let Some(shim) = host.shim.as_ref().filter(|_| runs_commands) else {
            return;
        };
        let nonce = shim.nonce.clone();
        // Looking through all processes blocks. Without a thread they are left to end by themselves.
        let _ended = tokio::task::spawn_blocking(move || tree::end_probes(&nonce, std::process::id()));
    }

    /// What is wrong with the current run, or with what the instance waits for.
    pub(super) fn current_trouble(&self, instance: InstanceId) -> Option<String> {
        match self.machine.why(instance) {
            Some(why) => self.trouble(instance, &why),
            // It may complain before the report of its start has come.
            None => self.host(instance).health.complaint.clone(),
        }
    }

    /// What keeps an instance from running or being ready, with what its probes, or those of what it waits for,
    /// have found.
    pub(super) fn why_in_words(&self, instance: InstanceId) -> Option<String> {
        let why = self.machine.why(instance)?;
        let trouble = self.trouble(instance, &why);
        let in_so_long = |until: Moment| time_text::duration(until.since(self.clock.now()));
        let words = match &why {
            // The machine's moments mean nothing to people.
            Why::Backoff { last, until } => {
                format!("ended with {last}, starts again in {}", in_so_long(*until))
            }
            Why::Grace { signal, until } => format!("got {signal}, SIGKILL in {}", in_so_long(*until)),
            why => why.to_string(),
        };
        Some(match (&why, trouble) {
            (Why::NotReady | Why::Retracted, Some(trouble)) => format!("not ready: {trouble}"),
            (Why::Startup, Some(trouble)) => format!("{why}: {trouble}"),
            (_, Some(trouble)) => format!("{words} · {trouble}"),
            (_, None) => words,
        })
    }

    /// What is wrong with the instance, or with what it waits for.
    fn trouble(&self, instance: InstanceId, why: &Why) -> Option<String> {
        match why {
            Why::NotReady | Why::Startup | Why::Retracted => self.host(instance).health.trouble(),
            Why::Failed(FailureReason::Unhealthy { .. }) => self.host(instance).health.verdict(),
            Why::Backoff { .. } => {
                let health = &self.host(instance).health;
                let fatal = [ProbeKind::Startup, ProbeKind::Watchdog];
                fatal.into_iter().find_map(|probe| health.trouble_of(probe))
            }
            Why::Dependency { on, .. } => {
                let on = *self.by_name.get(on)?;
                let trouble = self.host(on).health.trouble()?;
                is_up(self.machine.state(on)).then(|| format!("{}: {trouble}", self.host(on).name()))
            }
            Why::LeftOut
            | Why::Scheduled
            | Why::Window
            | Why::Skipped { .. }
            | Why::Held { .. }
            | Why::Grace { .. }
            | Why::Killing
            | Why::Stopped
            | Why::Failed(
                FailureReason::Exit(_)
                | FailureReason::Spawn(_)
                | FailureReason::GaveUp { .. }
                | FailureReason::NoDaemon { .. }
                | FailureReason::Lost,
            ) => None,
        }
    }
}

pub(super) fn is_up(state: &State) -> bool {
    matches!(state, State::Running { .. } | State::Daemonized { .. })
}

impl Attempt {
    async fn make(self) -> Outcome {
        let Self {
            check,
            surroundings,
            limit,
            rightful,
        } = self;
        let good = match probes::attempt(&check, surroundings, limit).await {
            Ok(good) => good,
            Err(reason) => return Outcome::Bad(reason),
        };
        // Another machine's listeners are its own business.
        let peer = good.peer.filter(|peer| peer.ip().to_canonical().is_loopback());
        let (Some(peer), Some(rightful)) = (peer, rightful) else {
            return Outcome::Good;
        };
        let looked = tokio::task::spawn_blocking(move || vouching::foreign(peer, &rightful));
        match looked.await {
            Ok(Some(taken)) => Outcome::Taken(taken),
            Ok(None) | Err(_) => Outcome::Good,
        }
    }
}
