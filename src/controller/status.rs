//! The session as the API shows it: the machine's view and the hosts' facts, put together when asked.

use super::clock;
use super::core::Controller;
use super::host::Host;
use super::schedule;
use super::words;
use crate::api::messages::{SCHEMA, Service, Session, Status};
use crate::model::{Exit, FailureReason, InstanceId, PortSource, State, StateWord, time_text};
use std::time::{Duration, SystemTime};

impl Controller {
    pub(super) fn status(&self) -> Status {
        Status {
            schema: SCHEMA,
            session: self.session(),
            revision: self.lookers.revision(),
            services: self.shown().map(|id| self.service(id)).collect(),
        }
    }

    pub(super) fn session(&self) -> Session {
        Session {
            project: self.facts.project.clone(),
            root: self.facts.root.display().to_string(),
            config: self.facts.config.clone(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: time_text::rfc3339(self.facts.started),
            detached: self.facts.detached,
            ending: self.machine.is_ending(),
            tmux_socket: self.windows.site.server.socket.display().to_string(),
            runtime_dir: self.lock.dir().path().display().to_string(),
        }
    }

    pub(super) fn service(&self, id: InstanceId) -> Service {
        let host = self.host(id);
        let state = self.machine.state(id);
        let now = clock::wall();
        let waits = self.hub.waits_for_input(id);
        let reason = self.reason(id, host, state);
        let live = state.is_live();
        let run = host.run.as_ref();
        let end = host.last_exit();
        let (exit_code, exit_signal) = match end.map(|end| end.exit) {
            Some(Exit::Code(code)) => (Some(code), None),
            Some(Exit::Signal(signal)) => (None, Some(signal.to_string())),
            None => (None, None),
        };
        let pids = match state {
            State::Daemonized { pids, .. } => pids.clone(),
            _ if live => run.map(|run| vec![run.pid]).unwrap_or_default(),
            _ => Vec::new(),
        };
        let port = host.spec.port.as_ref().map(|(port, _)| *port);
        Service {
            name: host.name(),
            service: host.spec.service.to_string(),
            state: self.machine.word(id),
            ready: match state {
                State::Running { ready, .. } => *ready,
                State::Daemonized { .. } => self.machine.ready(id),
                _ => None,
            },
            pid: pids.first().copied(),
            pids,
            port,
            port_source: host.spec.port.as_ref().map(|(_, source)| port_words(source)),
            url: self.url_of(id).filter(|_| live),
            started_at: run.and_then(|run| run.started).map(time_text::rfc3339),
            ended_at: end.map(|end| time_text::rfc3339(end.at)),
            for_ms: millis(self.since(host, live, now)),
            restarts: self.machine.restarts(id),
            exit_code,
            exit_signal,
            reason,
            last_line: self.hub.last_line(id),
            waits_for_input: waits.is_some(),
            needs_attention: waits.is_some() || needs_attention(state),
            attached: host.clients,
            command: host.spec.command.clone(),
            origin: host.spec.origin.clone(),
            assumed: live && host.spec.policy.assumes_readiness() && self.is_shown_ready(id),
            probe_failure: host.health.last_failure(),
            says: host.health.said.clone().filter(|_| live),
            next_run: self.next_run(id).map(time_text::rfc3339),
            namespaces: host.spec.namespaces.clone(),
            description: host.spec.description.clone(),
            listens: self.ports_of(id),
            resources: None,
            timing: host.start.as_ref().map(|start| self.timing(start)),
        }
    }

    fn is_shown_ready(&self, id: InstanceId) -> bool {
        matches!(
            self.machine.state(id),
            State::Running {
                ready: Some(true),
                ..
            }
        )
    }

    /// For how long it has been as it is.
    fn since(&self, host: &Host, live: bool, now: SystemTime) -> Duration {
        let started = host.run.as_ref().and_then(|run| run.started);
        let since = match host.last_exit() {
            Some(end) if !live => end.at,
            Some(_) | None => started.unwrap_or(self.facts.started),
        };
        now.duration_since(since).unwrap_or_default()
    }

    pub(super) fn reason(&self, id: InstanceId, host: &Host, state: &State) -> Option<String> {
        if let Some(line) = self.hub.waits_for_input(id) {
            return Some(format!("waits for input: {line:?}"));
        }
        let word = self.machine.word(id);
        let reason = match state {
            State::Failed { reason, .. } => match reason {
                FailureReason::Exit(_) if host.last_exit().is_some_and(|end| end.window_closed) => {
                    Some(words::failure(host, reason))
                }
                // Code and signal have fields of their own.
                FailureReason::Exit(_) => None,
                FailureReason::Unhealthy { .. }
                | FailureReason::Spawn(_)
                | FailureReason::GaveUp { .. }
                | FailureReason::NoDaemon { .. }
                | FailureReason::Lost => Some(words::failure(host, reason)),
            },
            State::Pending(_) | State::Skipped { .. } => self.blocker(id),
            State::Running { .. } | State::Daemonized { .. } | State::Backoff { .. } => self.why_in_words(id),
            State::Disabled | State::Exited { .. } if word == StateWord::Scheduled => self
                .next_run(id)
                .map(|next| schedule::next_run_words(next, clock::wall())),
            State::Disabled => Some("left out at the start".to_owned()),
            State::Starting { .. }
            | State::Stopping { .. }
            | State::Stopped { .. }
            | State::Exited { .. } => None,
        };
        let suspended = "changed files are not heeded any more: too many restarts".to_owned();
        let reason = reason.or(self.machine.is_watch_suspended(id).then_some(suspended));
        let reason = match (reason, self.stray_in_words(id)) {
            (Some(reason), Some(stray)) => Some(format!("{stray} · {reason}")),
            (reason, stray) => reason.or(stray),
        };
        match (blamed_port(host, state), reason) {
            (Some(taken), Some(reason)) => Some(format!("{taken} · {reason}")),
            (Some(taken), None) => Some(taken.to_owned()),
            (None, reason) => reason,
        }
    }
}

/// The taken port that is in the way of a service, or has been: neither of one that was stopped, or has done its
/// work, nor of one that was killed.
fn blamed_port<'a>(host: &'a Host, state: &State) -> Option<&'a str> {
    let blamed = match state {
        State::Failed { reason, .. } => !matches!(reason, FailureReason::Exit(Exit::Signal(_))),
        State::Stopped { .. } | State::Exited { .. } | State::Disabled => false,
        State::Pending(_)
        | State::Starting { .. }
        | State::Running { .. }
        | State::Daemonized { .. }
        | State::Stopping { .. }
        | State::Backoff { .. }
        | State::Skipped { .. } => true,
    };
    host.port_taken
        .as_ref()
        .filter(|_| blamed)
        .map(|taken| taken.text.as_str())
}

/// Whether a person has to do something.
fn needs_attention(state: &State) -> bool {
    match state {
        State::Failed { .. } | State::Skipped { .. } => true,
        State::Disabled
        | State::Pending(_)
        | State::Starting { .. }
        | State::Running { .. }
        | State::Daemonized { .. }
        | State::Stopping { .. }
        | State::Backoff { .. }
        | State::Stopped { .. }
        | State::Exited { .. } => false,
    }
}

fn port_words(source: &PortSource) -> String {
    match source {
        PortSource::Rule { base } => format!("base ({base}) + step × position"),
        PortSource::Fixed { origin } => format!("fixed in {origin}"),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
