//! The events of the session itself: its beginning, who controls it, its changes and its end.

use super::super::core::Controller;
use super::super::host::Host;
use super::super::leaving::Leave;
use super::millis;
use crate::api::messages::events::{Event, EventKind};
use crate::api::messages::{Change, ChangeKind};
use crate::model::InstanceId;
use crate::supervisor::{EndCause, QuitWhy};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a reload changes, and why.
type Changes = BTreeMap<InstanceId, (ChangeKind, Option<String>)>;

impl Controller {
    /// This controller is at work: on a new session, or on one that it has found.
    pub(in crate::controller) fn tell_beginning(&mut self, is_adopted: bool) {
        let event = if is_adopted {
            EventKind::SessionAdopted
        } else {
            // What an earlier session has left to read is not this one's.
            self.events.begin_anew();
            EventKind::SessionStarted
        };
        self.events.record(
            None,
            Event {
                event,
                pid: Some(std::process::id()),
                project: Some(self.facts.project.clone()),
                ..Event::default()
            },
        );
    }

    /// The first start is over.
    pub(in crate::controller) fn tell_up(&mut self, up: usize, of: usize, took: Duration) {
        self.events.record(
            None,
            Event {
                event: EventKind::SessionUp,
                up: Some(up),
                of: Some(of),
                duration_ms: Some(millis(took)),
                ..Event::default()
            },
        );
    }

    /// What a reload changes, or (`scaled`) a wish for other numbers of instances.
    pub(in crate::controller) fn tell_reload(&mut self, changes: &Changes, scaled: bool) {
        let changes = self.announced(changes);
        self.events.record(
            None,
            Event {
                event: if scaled {
                    EventKind::Scaled
                } else {
                    EventKind::Reloaded
                },
                changes,
                ..Event::default()
            },
        );
    }

    /// The changes, before anything of them is done.
    fn announced(&self, changes: &Changes) -> Vec<Change> {
        let announced = changes.iter().map(|(id, (kind, why))| {
            let is_new = id.0 as usize >= self.machine.instance_count();
            Change {
                name: self.host(*id).name(),
                kind: if is_new {
                    *kind
                } else {
                    self.consequence(*id, *kind).0
                },
                why: why.clone(),
                result: None,
            }
        });
        announced.collect()
    }

    pub(in crate::controller) fn tell_ending(&mut self, cause: EndCause) {
        let (why, instance) = match cause {
            EndCause::Service { instance, .. } => ("exited", Some(instance)),
            EndCause::CouldNotStart { instance } => ("failed", Some(instance)),
            EndCause::Skipped { instance, .. } => ("skipped", Some(instance)),
            EndCause::Completed => ("completed", None),
            EndCause::Quit(QuitWhy::Asked) => ("request", None),
            EndCause::Quit(QuitWhy::Signal(_)) => ("signal", None),
            EndCause::Quit(QuitWhy::TmuxLost) => ("tmux_lost", None),
        };
        let of = instance.map(|instance| self.host(instance));
        let event = Event {
            event: EventKind::SessionEnding,
            service: of.map(|host| host.spec.service.to_string()),
            instance: of.map(Host::name),
            why: Some(why.to_owned()),
            ..Event::default()
        };
        self.events.record(None, event);
    }

    /// The loop is over: what is still to be told. Readers get it before their streams end.
    pub(in crate::controller) fn tell_end_of_loop(&mut self, leave: Option<&Leave>) {
        let (event, why) = match leave {
            Some(Leave::Detach(_)) => (EventKind::ControllerLeft, Some("detach")),
            Some(Leave::Deposed) => (EventKind::ControllerLeft, Some("deposed")),
            Some(Leave::AtOnce(_)) => (EventKind::ControllerLeft, Some("signal")),
            Some(Leave::NoTmux(_)) => (EventKind::SessionEnded, Some("no_tmux")),
            Some(Leave::NoAnswer(_)) => (EventKind::ControllerLeft, Some("no_answer")),
            Some(Leave::Suspend) | None => (EventKind::SessionEnded, None),
        };
        if matches!(leave, Some(Leave::Deposed)) {
            // Its file is another session's by now.
            self.events.close_journal();
        }
        self.events.record(
            None,
            Event {
                event,
                pid: Some(std::process::id()),
                why: why.map(str::to_owned),
                ..Event::default()
            },
        );
        self.events.flush();
    }
}
