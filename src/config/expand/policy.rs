//! The rules that an instance lives by, from what is written about it, what was asked for, and the defaults.

use super::super::project::{AvailabilityDef, ProbeDef, RestartDef, ShutdownDef};
use super::Drafting;
use super::texts::Texts;
use crate::model::{
    EndPolicy, Policy, Probe, ProbeSchedule, Readiness, RestartPolicy, RestartWhen, Signal, StopPlan,
};
use std::time::Duration;

/// Failures in a row after which a service is given up, where no number of restarts is written.
const GIVE_UP_AFTER: u32 = 10;

/// How long a daemon may take to leave, where nothing else is written.
const LAUNCH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a command that stops a service may take, where nothing else is written.
const STOP_COMMAND: Duration = Duration::from_secs(10);

/// The shortest time between two attempts of a probe, and for one: nought would be no probe at all.
const SHORTEST: Duration = Duration::from_millis(10);

impl Drafting<'_> {
    pub(super) fn policy(&self, texts: &mut Texts) -> Policy {
        let service = self.service;
        let probe = |probe: &Option<ProbeDef>| {
            let schedule = schedule(probe.as_ref()?);
            Some(Probe { schedule })
        };
        let told = service.notify || service.ready_log_line.is_some();
        Policy {
            autostart: !service.disabled && !service.is_foreground && !self.is_disabled_by_name(),
            stop: self.stop(&service.shutdown, texts),
            restart: self.restart(&service.availability),
            end: self.end(&service.availability),
            depends_on: self.depends_on(texts),
            startup: probe(&service.startup_probe),
            readiness: match probe(&service.readiness_probe) {
                Some(probe) => Readiness::Probe(probe),
                None if told => Readiness::Told,
                None => Readiness::Unknown,
            },
            liveness: probe(&service.liveness_probe),
            success_codes: service.success_exit_codes.clone(),
            optional: service.optional,
            exit_on_skipped: service.availability.exit_on_skipped,
            launch_timeout: service
                .is_daemon
                .then(|| service.launch_timeout.unwrap_or(LAUNCH_TIMEOUT)),
            scheduled: service.schedule.is_some(),
        }
    }

    /// `PC_DISABLED_PROCESSES` names it, or its service.
    fn is_disabled_by_name(&self) -> bool {
        let (instance, service) = (self.name.to_string(), self.service.name.value.as_str());
        self.options
            .disabled
            .iter()
            .any(|name| *name == instance || name == service)
    }

    fn stop(&self, shutdown: &ShutdownDef, texts: &mut Texts) -> StopPlan {
        let asked = self.options.stop_signals.given(&self.service.name.value);
        let usual = if self.by_procfile {
            Signal::INT
        } else {
            Signal::TERM
        };
        let command = shutdown.command.as_ref().map(|command| {
            let command = texts.command(command);
            self.shell(&command)
        });
        let grace = match (shutdown.timeout, &command) {
            (Some(written), _) => written,
            (None, Some(_)) => self.options.stop_grace.max(STOP_COMMAND),
            (None, None) => self.options.stop_grace,
        };
        StopPlan {
            signal: asked.or(shutdown.signal).unwrap_or(usual),
            grace,
            command,
            keys: shutdown
                .send_keys
                .clone()
                .or_else(|| self.keys_of_the_elevated(shutdown)),
            parent_only: shutdown.parent_only,
        }
    }

    /// Another user's process gets no signal of ours, but Ctrl-C in its terminal always reaches it.
    fn keys_of_the_elevated(&self, shutdown: &ShutdownDef) -> Option<String> {
        let is_free = shutdown.command.is_none() && shutdown.signal.is_none();
        (self.service.is_elevated && is_free).then(|| "\x03".to_owned())
    }

    fn restart(&self, availability: &AvailabilityDef) -> RestartPolicy {
        if self.options.auto_restart.contains(&self.service.name.value) {
            return RestartPolicy::ALWAYS;
        }
        let when = match availability.restart.as_ref().map(|restart| restart.value) {
            Some(RestartDef::When(when)) => when,
            Some(RestartDef::ExitOnFailure) | None => RestartWhen::Never,
        };
        if when == RestartWhen::Never {
            return RestartPolicy::NEVER;
        }
        RestartPolicy {
            when,
            delay: availability.backoff,
            max: availability.max_restarts.filter(|most| *most > 0),
            give_up_after: availability.max_restarts.is_none().then_some(GIVE_UP_AFTER),
        }
    }

    fn end(&self, availability: &AvailabilityDef) -> EndPolicy {
        let options = self.options;
        let written = availability.restart.as_ref().map(|restart| restart.value);
        if options.any_can_die || options.can_die.contains(&self.service.name.value) {
            return EndPolicy::MayEnd;
        }
        match written {
            _ if availability.exit_on_end => EndPolicy::StopsSession,
            Some(RestartDef::ExitOnFailure) => EndPolicy::FailureStopsSession,
            None if self.by_procfile && self.service.schedule.is_none() => EndPolicy::StopsSession,
            Some(RestartDef::When(_)) | None => EndPolicy::MayEnd,
        }
    }
}

/// A probe's schedule, with the defaults that Process Compose documents.
fn schedule(probe: &ProbeDef) -> ProbeSchedule {
    let seconds = Duration::from_secs;
    ProbeSchedule {
        initial_delay: probe.initial_delay.unwrap_or_default(),
        period: probe.period.unwrap_or(seconds(10)).max(SHORTEST),
        timeout: probe.timeout.unwrap_or(seconds(1)).max(SHORTEST),
        success_threshold: probe.success_threshold.unwrap_or(1).max(1),
        failure_threshold: probe.failure_threshold.unwrap_or(3).max(1),
    }
}
