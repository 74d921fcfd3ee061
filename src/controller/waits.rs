//! Clients that wait until services are ready: whom for, until when, and what they are told.

use super::actions::LAST_WORDS;
use super::asks::describe;
use super::core::{Controller, ReplyTo};
use crate::api::messages::{ActionResult, Results, SCHEMA, Wait};
use crate::model::{InstanceId, Moment, State};
use crate::supervisor::Answer;
use std::time::Duration;

/// One client that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    targets: Vec<InstanceId>,
    since: Moment,
    pub(super) until: Option<Moment>,
    reply: ReplyTo,
}

/// How far an instance is on its way to being ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Ready,
    OnItsWay,
    /// Not without somebody's help.
    Never,
}

impl Controller {
    pub(super) fn wait_for(&mut self, request: &Wait, reply: ReplyTo) {
        let targets = if request.names.is_empty() {
            let starts = |id: &InstanceId| self.host(*id).spec.policy.autostart;
            Ok(self.order.iter().copied().filter(starts).collect())
        } else {
            self.targets(&request.names)
        };
        let now = self.clock.now();
        match targets {
            Ok(targets) => self.waits.push(Waiting {
                targets,
                since: now,
                until: request
                    .timeout_ms
                    .map(|timeout| now + Duration::from_millis(timeout)),
                reply,
            }),
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    /// Answers those whose waiting is over. Once a turn; costs nothing where nobody waits.
    pub(super) fn answer_waits(&mut self) {
        if self.waits.is_empty() {
            return;
        }
        let now = self.clock.now();
        for waiting in std::mem::take(&mut self.waits) {
            let standings: Vec<Standing> = waiting.targets.iter().map(|id| self.standing(*id)).collect();
            let over = waiting.until.is_some_and(|until| until <= now)
                || standings.contains(&Standing::Never)
                || standings.iter().all(|standing| *standing == Standing::Ready);
            if !over && !waiting.reply.is_closed() {
                self.waits.push(waiting);
                continue;
            }
            let elapsed = now.since(waiting.since);
            let results = waiting
                .targets
                .iter()
                .map(|id| self.waited(*id, elapsed))
                .collect();
            drop(waiting.reply.send(Ok(Results {
                schema: SCHEMA,
                results,
            })));
        }
    }

    fn standing(&self, id: InstanceId) -> Standing {
        match self.machine.state(id) {
            State::Running { ready: Some(true), .. }
            | State::Daemonized { .. }
            // A task that is done.
            | State::Exited { .. } => Standing::Ready,
            State::Running { .. }
            | State::Pending(_)
            | State::Starting { .. }
            | State::Backoff { .. } => Standing::OnItsWay,
            State::Stopping { .. } if !self.machine.is_gone(id) => Standing::OnItsWay,
            State::Stopping { .. }
            | State::Disabled
            | State::Stopped { .. }
            | State::Failed { .. }
            | State::Skipped { .. } => Standing::Never,
        }
    }

    fn waited(&self, id: InstanceId, elapsed: Duration) -> ActionResult {
        let pid = self.host(id).run.as_ref().map_or(0, |run| run.pid);
        let answer = match (self.standing(id), self.machine.state(id)) {
            (Standing::Ready, State::Exited { .. }) => Answer::AlreadyStopped,
            (Standing::Ready, _) => Answer::AlreadyRunning { pid },
            (Standing::OnItsWay | Standing::Never, state) => {
                let why = self.why_in_words(id);
                let word = self.machine.word(id);
                let fallback = match state {
                    State::Failed { reason, .. } => super::words::failure(self.host(id), reason),
                    _ => word.to_string(),
                };
                Answer::Failed {
                    message: why.unwrap_or(fallback),
                }
            }
        };
        let failed = matches!(answer, Answer::Failed { .. });
        let mut result = describe(self.host(id).name(), &answer);
        result.elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        if failed {
            result.last_lines = self.last_lines(id, LAST_WORDS);
        }
        result
    }
}
