//! Why an instance is as it is, put together when asked: what is in its way down to the root, who started or
//! stopped it, how its last run ended, and what to type next.

use super::actions::LAST_WORDS;
use super::core::Controller;
use super::words;
use crate::api::messages::{Blocker, LastExit, Next, SCHEMA, Service, Why};
use crate::diag::{Diagnostic, Kind};
use crate::model::{Exit, InstanceId, State, StateWord, time_text};
use std::collections::BTreeSet;
use std::time::Duration;

impl Controller {
    pub(super) fn why(&self, name: &str) -> Result<Why, Diagnostic> {
        let id = match self.targets(&[name.to_owned()])?.as_slice() {
            [one] => *one,
            several => {
                let names: Vec<String> = several.iter().map(|id| self.host(*id).name()).collect();
                let message = format!("{name:?} means {} services", names.len());
                return Err(Diagnostic::error(Kind::Usage, message)
                    .hint(format!("ask for one of: {}", names.join(", "))));
            }
        };
        let (host, state) = (self.host(id), self.machine.state(id));
        let service = self.service(id);
        let mut blockers = Vec::new();
        if !state.is_live() {
            self.add_blockers(id, &mut BTreeSet::from([id]), &mut blockers);
        }
        let stops = matches!(state, State::Stopping { .. } | State::Stopped { .. });
        Ok(Why {
            schema: SCHEMA,
            summary: self.summary(id, &service),
            blockers,
            started_by: host.deeds.started(),
            stopped_by: host.deeds.stopped().filter(|_| stops),
            last_exit: self.last_exit(id),
            last_lines: self.last_lines(id, LAST_WORDS),
            next: self.next_steps(id, &service),
            service,
        })
    }

    /// What an instance that does not run waits for, each followed by what that waits for.
    fn add_blockers(&self, id: InstanceId, seen: &mut BTreeSet<InstanceId>, into: &mut Vec<Blocker>) {
        if !matches!(self.machine.state(id), State::Pending(_) | State::Skipped { .. }) {
            return;
        }
        for (on, condition, holds) in self.machine.dependencies(id) {
            if holds || !seen.insert(on) {
                continue;
            }
            into.push(Blocker {
                of: self.host(id).name(),
                name: self.host(on).name(),
                condition,
                state: self.machine.word(on),
                reason: self.standing_in_words(on),
            });
            self.add_blockers(on, seen, into);
        }
    }

    /// Where it stands and why, without its name.
    fn standing_in_words(&self, id: InstanceId) -> String {
        let (host, state) = (self.host(id), self.machine.state(id));
        let word = self.machine.word(id);
        let reason = match state {
            State::Failed { reason, .. } => Some(words::failure(host, reason)),
            State::Exited { exit, .. } => Some(words::ended(host, *exit)),
            _ => self.reason(id, host, state).or_else(|| self.why_in_words(id)),
        };
        match reason {
            Some(reason) => format!("{word}: {reason}"),
            None => word.to_string(),
        }
    }

    /// `api is pending for 12 s: waits for db: ready (db is running)`.
    fn summary(&self, id: InstanceId, service: &Service) -> String {
        let age = time_text::age(Duration::from_millis(service.for_ms));
        let standing = self.standing_in_words(id);
        let word = service.state.as_str();
        let rest = standing.strip_prefix(word).unwrap_or_default();
        let ready = match (service.ready, service.assumed) {
            (Some(true), true) => ", ready (assumed)",
            (Some(true), false) => ", ready",
            (Some(false), _) => ", not ready",
            (None, _) => "",
        };
        let since = match service.state {
            StateWord::Disabled | StateWord::Scheduled | StateWord::Pending | StateWord::Skipped => {
                String::new()
            }
            StateWord::Running
            | StateWord::Daemonized
            | StateWord::Starting
            | StateWord::Stopping
            | StateWord::Restarting => format!(" since {age}"),
            StateWord::Backoff | StateWord::Stopped | StateWord::Exited | StateWord::Failed => {
                format!(" since {age}")
            }
        };
        format!("{} is {word}{ready}{since}{rest}", service.name)
    }

    fn last_exit(&self, id: InstanceId) -> Option<LastExit> {
        let host = self.host(id);
        let end = host.last_exit()?;
        let (exit_code, exit_signal) = match end.exit {
            Exit::Code(code) => (Some(code), None),
            Exit::Signal(signal) => (None, Some(signal.to_string())),
        };
        let lived = host.lived();
        Some(LastExit {
            exit_code,
            exit_signal,
            at: time_text::rfc3339(end.at),
            lived_ms: lived.map(|lived| u64::try_from(lived.as_millis()).unwrap_or(u64::MAX)),
            killed: end.killed.clone(),
        })
    }

    /// What to type about it, or about what is at the root of its trouble.
    fn next_steps(&self, id: InstanceId, service: &Service) -> Vec<Next> {
        let name = &service.name;
        let step = |command: String, what: &str| Next {
            command,
            what: what.to_owned(),
        };
        let logs = || step(format!("ovr logs {name} -n 50"), "what it printed");
        if service.waits_for_input {
            return vec![step(format!("ovr connect {name}"), "answer its question")];
        }
        match service.state {
            StateWord::Failed | StateWord::Backoff => vec![
                step(format!("ovr logs {name} --run last"), "all of its last run"),
                step(format!("ovr restart {name}"), "try again now"),
            ],
            StateWord::Pending | StateWord::Skipped => match self.root_of(id) {
                Some(root) => {
                    let root = self.host(root).name();
                    let start = format!("ovr start {name}");
                    vec![
                        step(format!("ovr why {root}"), "what is at the root of it"),
                        step(start, "start it and what it needs"),
                    ]
                }
                None => Vec::new(),
            },
            StateWord::Disabled | StateWord::Stopped => {
                vec![step(format!("ovr start {name}"), "start it")]
            }
            StateWord::Running | StateWord::Daemonized if service.ready == Some(false) => {
                vec![
                    logs(),
                    step(format!("ovr wait {name} --timeout 30s"), "until it is ready"),
                ]
            }
            StateWord::Running | StateWord::Daemonized if service.needs_attention => vec![logs()],
            StateWord::Exited => vec![logs(), step(format!("ovr start {name}"), "run it again")],
            StateWord::Running
            | StateWord::Daemonized
            | StateWord::Starting
            | StateWord::Stopping
            | StateWord::Restarting
            | StateWord::Scheduled => Vec::new(),
        }
    }

    /// The end of the chain of what it waits for.
    fn root_of(&self, id: InstanceId) -> Option<InstanceId> {
        let mut chain = Vec::new();
        self.add_blockers(id, &mut BTreeSet::from([id]), &mut chain);
        let last = chain.last()?;
        self.by_name
            .iter()
            .find(|(name, _)| name.to_string() == last.name)
            .map(|(_, id)| *id)
    }
}
