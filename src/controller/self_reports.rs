//! What a service says of itself: by lines of its output, by its `NOTIFY_SOCKET`, by the silence of its watchdog.
//! What others find out about it is in `probing.rs`.

use super::core::Controller;
use super::probing::is_up;
use super::{clock, health};
use crate::logs::Tone;
use crate::model::{InstanceId, RunId};
use crate::shim::protocol::{extension_in, said_ready, status_in};
use crate::supervisor::{Event, ProbeKind};

impl Controller {
    /// Has the output of those searched that tell their state in it.
    pub(super) fn watch_lines(&mut self) {
        for instance in self.ids() {
            self.watch_lines_of(instance);
        }
    }

    pub(super) fn watch_lines_of(&mut self, instance: InstanceId) {
        let checks = &self.hosts[instance.0 as usize].spec.checks;
        let (ready, failure) = (checks.ready_line.as_deref(), checks.failure_line.as_deref());
        self.hub.watch(instance, ready, failure);
    }

    /// A datagram of its `NOTIFY_SOCKET`: lines of `NAME=value`.
    pub(super) fn on_notify(&mut self, instance: InstanceId, run: RunId, text: &str) {
        self.know_run(instance, run);
        let health = &mut self.host_mut(instance).health;
        if health.run == Some(run)
            && let Some(said) = status_in(text)
        {
            health.said = Some(said).filter(|said| !said.is_empty());
            self.note_change_of(instance);
        }
        if let Some(by) = extension_in(text) {
            self.feed(Event::Extended { instance, run, by });
        }
        if let Some(ready) = said_ready(text) {
            self.on_told_ready(instance, run, ready, "it reloads or stops, as it says");
        }
    }

    /// Its watchdog has waited in vain, or it says itself that it is in trouble: the run is to end.
    pub(super) fn on_silent(&mut self, instance: InstanceId, run: RunId, text: String) {
        self.know_run(instance, run);
        let probe = ProbeKind::Watchdog;
        let health = &mut self.host_mut(instance).health;
        if health.run != Some(run) || !is_up(self.machine.state(instance)) {
            return;
        }
        let failures = self.note_silence(instance, text.clone());
        self.tell_probe(instance, run, health::word(probe), Some((text, failures)));
        let ok = false;
        self.feed(Event::ProbeDone {
            instance,
            run,
            probe,
            ok,
        });
        self.tell_failures(instance, probe, failures, true);
        self.note_change_of(instance);
    }

    /// How often that was in a row.
    pub(super) fn note_silence(&mut self, instance: InstanceId, text: String) -> u32 {
        let health = &mut self.host_mut(instance).health;
        health.failed(ProbeKind::Watchdog, text, clock::wall())
    }

    /// A line of the run, or a message, says that the service is ready, or that it is not.
    pub(super) fn on_told_ready(&mut self, instance: InstanceId, run: RunId, ready: bool, complaint: &str) {
        self.know_run(instance, run);
        let health = &mut self.host_mut(instance).health;
        if health.run != Some(run) {
            return;
        }
        health.complaint = (!ready).then(|| complaint.to_owned());
        let was_up = is_up(self.machine.state(instance));
        self.feed(Event::ToldReady { instance, run, ready });
        if !ready && was_up {
            self.say_at(instance, None, Tone::Alarm, &format!("not ready: {complaint}"));
        }
        self.note_change_of(instance);
    }

    /// Begins to keep what is said of this run, if it is a later one than that which is known of.
    pub(super) fn know_run(&mut self, instance: InstanceId, run: RunId) {
        let health = &mut self.host_mut(instance).health;
        if health.run.is_none_or(|known| known < run) {
            *health = health.followed_by(run);
        }
    }
}
