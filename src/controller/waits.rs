//! Clients that wait until services have come somewhere: whom for, what for, until when, and what they are told.

use super::actions::LAST_WORDS;
use super::asks::describe;
use super::core::{Controller, ReplyTo};
use super::host::Host;
use super::words;
use crate::api::messages::{ActionResult, Goal, Results, SCHEMA, Wait};
use crate::diag::{Diagnostic, Kind};
use crate::model::{Exit, InstanceId, Moment, Policy, RestartWhen, State, StateWord};
use crate::supervisor::{Answer, ProbeKind};
use std::time::Duration;

/// One client that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    targets: Vec<InstanceId>,
    goal: Goal,
    /// These were asked for by name; otherwise it is whoever the goal means something to.
    named: bool,
    since: Moment,
    pub(super) until: Option<Moment>,
    reply: ReplyTo,
}

/// How far an instance is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    There,
    OnItsWay,
    /// Not without somebody's help; why, where that is not what is said of it anyway.
    Never(Option<String>),
}

impl Standing {
    fn never(why: &str) -> Self {
        Self::Never(Some(why.to_owned()))
    }
}

impl Controller {
    pub(super) fn wait_for(&mut self, request: &Wait, reply: ReplyTo) {
        let now = self.clock.now();
        match self.awaited_by(request) {
            Ok(targets) => self.waits.push(Waiting {
                targets,
                goal: request.goal,
                named: !request.names.is_empty(),
                since: now,
                until: request
                    .timeout_ms
                    .map(|timeout| now + Duration::from_millis(timeout)),
                reply,
            }),
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    /// Whom it is waited for: without names, all that start with the session and can get there at all.
    fn awaited_by(&self, request: &Wait) -> Result<Vec<InstanceId>, Diagnostic> {
        if !request.names.is_empty() {
            return self.targets(&request.names);
        }
        let starts = |id: &InstanceId| self.starts_with_session(*id);
        let mut targets: Vec<_> = self.order.iter().copied().filter(starts).collect();
        if request.goal == Goal::Healthy {
            targets.retain(|id| says_how_it_is(&self.host(*id).spec.policy));
            if targets.is_empty() {
                let message = "no service says whether it is healthy";
                return Err(Diagnostic::error(Kind::Usage, message)
                    .cause("none has a probe, a ready line or a notification")
                    .hint("`ovr wait --for ready` goes by what can be seen from outside"));
            }
        }
        Ok(targets)
    }

    /// Answers those whose waiting is over. Once a turn; costs nothing where nobody waits.
    pub(super) fn answer_waits(&mut self) {
        if self.waits.is_empty() {
            return;
        }
        let now = self.clock.now();
        for waiting in std::mem::take(&mut self.waits) {
            let in_time = waiting.until.is_none_or(|until| now < until);
            if in_time && !self.is_settled(&waiting) && !waiting.reply.is_closed() {
                self.waits.push(waiting);
                continue;
            }
            let elapsed = now.since(waiting.since);
            let results = waiting.targets.iter();
            let results = results.map(|id| self.waited(*id, &waiting, elapsed)).collect();
            drop(waiting.reply.send(Ok(Results {
                schema: SCHEMA,
                results,
            })));
        }
    }

    /// Whether all are there, or one never will be, and its last words have come.
    fn is_settled(&self, waiting: &Waiting) -> bool {
        let mut all_there = true;
        let mut one_lost = false;
        for id in &waiting.targets {
            match self.standing(*id, waiting) {
                Standing::There => {}
                Standing::OnItsWay => all_there = false,
                Standing::Never(_) if self.owes_last_words(*id) => return false,
                Standing::Never(_) => one_lost = true,
            }
        }
        all_there || one_lost
    }

    fn owes_last_words(&self, id: InstanceId) -> bool {
        let run = self.host(id).run.as_ref().filter(|run| run.ended.is_some());
        run.is_some_and(|run| self.owes_output_of(id, run.id))
    }

    fn standing(&self, id: InstanceId, waiting: &Waiting) -> Standing {
        let state = self.machine.state(id);
        match waiting.goal {
            Goal::Exited => self.standing_to_end(id, state),
            Goal::Ready | Goal::Running | Goal::Healthy => self.standing_to_run(id, state, waiting),
        }
    }

    fn standing_to_run(&self, id: InstanceId, state: &State, waiting: &Waiting) -> Standing {
        let host = self.host(id);
        if waiting.goal == Goal::Healthy && !says_how_it_is(&host.spec.policy) {
            return Standing::never(
                "nothing says whether it is healthy: it has no probe, ready line or notification",
            );
        }
        let is_scheduled = self.machine.word(id) == StateWord::Scheduled;
        match state {
            State::Running { ready, .. } => self.standing_of_running(id, waiting.goal, *ready == Some(true)),
            State::Daemonized { .. } => {
                self.standing_of_running(id, waiting.goal, self.machine.ready(id) != Some(false))
            }
            // A task that is done is no reason to wait, or to fail for, unless it was meant itself.
            State::Exited { .. } if waiting.goal == Goal::Ready || !waiting.named => Standing::There,
            State::Exited { .. } | State::Disabled if is_scheduled => Standing::OnItsWay,
            State::Exited { exit, .. } => Standing::Never(Some(words::ended(host, *exit))),
            State::Pending(_) | State::Starting { .. } | State::Backoff { .. } => Standing::OnItsWay,
            State::Stopping { .. } if !self.machine.is_gone(id) => Standing::OnItsWay,
            State::Stopping { .. }
            | State::Disabled
            | State::Stopped { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => Standing::Never(None),
        }
    }

    fn standing_of_running(&self, id: InstanceId, goal: Goal, is_ready: bool) -> Standing {
        let host = self.host(id);
        let liveness = host.spec.policy.liveness.is_some();
        let is_there = match goal {
            // One that is on its way down is told of when it has got there.
            Goal::Running => matches!(self.machine.word(id), StateWord::Running | StateWord::Daemonized),
            Goal::Healthy => is_ready && (!liveness || host.health.passes(ProbeKind::Liveness)),
            Goal::Ready | Goal::Exited => is_ready,
        };
        if is_there {
            Standing::There
        } else {
            Standing::OnItsWay
        }
    }

    fn standing_to_end(&self, id: InstanceId, state: &State) -> Standing {
        let is_scheduled = self.machine.word(id) == StateWord::Scheduled;
        match state {
            State::Exited { .. } => Standing::There,
            State::Disabled if is_scheduled => Standing::OnItsWay,
            State::Pending(_)
            | State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Backoff { .. }
                if restarts_for_ever(&self.host(id).spec.policy) =>
            {
                Standing::never("it is started again whenever it ends (its restart policy)")
            }
            State::Pending(_)
            | State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. }
            | State::Backoff { .. } => Standing::OnItsWay,
            State::Disabled | State::Stopped { .. } | State::Failed { .. } | State::Skipped { .. } => {
                Standing::Never(None)
            }
        }
    }

    fn waited(&self, id: InstanceId, waiting: &Waiting, elapsed: Duration) -> ActionResult {
        let host = self.host(id);
        let pid = host.run.as_ref().map_or(0, |run| run.pid);
        let standing = self.standing(id, waiting);
        let answer = match (&standing, self.machine.state(id)) {
            (Standing::There, State::Exited { .. }) => Answer::AlreadyStopped,
            (Standing::There, _) => Answer::AlreadyRunning { pid },
            (Standing::Never(Some(why)), _) => Answer::Failed { message: why.clone() },
            (Standing::OnItsWay | Standing::Never(None), state) => Answer::Failed {
                message: self.unfulfilled(id, host, state),
            },
        };
        let mut result = describe(host.name(), &answer);
        result.elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        result.not_yet = standing == Standing::OnItsWay;
        if waiting.goal == Goal::Exited && !result.not_yet {
            match host.last_exit().map(|end| end.exit) {
                Some(Exit::Code(code)) => result.exit_code = Some(code),
                Some(Exit::Signal(signal)) => result.exit_signal = Some(signal.to_string()),
                None => {}
            }
        }
        if standing != Standing::There {
            result.last_lines = self.last_lines(id, LAST_WORDS);
        }
        result
    }

    /// Why it is not where it was to be.
    fn unfulfilled(&self, id: InstanceId, host: &Host, state: &State) -> String {
        match state {
            State::Failed { reason, .. } => Some(words::failure(host, reason)),
            State::Pending(_) | State::Skipped { .. } => self.blocker(id),
            State::Disabled
            | State::Starting { .. }
            | State::Running { .. }
            | State::Daemonized { .. }
            | State::Stopping { .. }
            | State::Backoff { .. }
            | State::Stopped { .. }
            | State::Exited { .. } => self.why_in_words(id),
        }
        .unwrap_or_else(|| self.machine.word(id).to_string())
    }
}

/// Whether anything but its being there says how it is.
fn says_how_it_is(policy: &Policy) -> bool {
    !policy.assumes_readiness() || policy.liveness.is_some()
}

/// Whether nothing but a person or the session's end can end it for good.
fn restarts_for_ever(policy: &Policy) -> bool {
    let restart = &policy.restart;
    restart.when == RestartWhen::Always && restart.max.is_none() && restart.give_up_after.is_none()
}
