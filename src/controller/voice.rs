//! How the controller speaks in the session's output, and how that output leaves it. The sentences stand with those
//! who say them.

use super::clock;
use super::core::Controller;
use crate::logs::{Place, Tone};
use crate::model::InstanceId;

impl Controller {
    /// Gives what the services printed to the console and to whoever follows.
    pub(super) fn flush_output(&mut self) {
        let console = self.console.as_ref();
        self.hub.flush(|rendered| {
            if let Some(console) = console {
                console.push(rendered);
            }
        });
    }

    /// Says something about an instance: now, or when its output has come to `place`.
    pub(super) fn say_at(&mut self, instance: InstanceId, place: Option<Place>, tone: Tone, text: &str) {
        let at_ms = clock::epoch_ms();
        match place {
            Some(place) => self.hub.say_in_place(at_ms, instance, place, tone, text),
            None => self.hub.say(at_ms, instance, tone, text),
        }
    }

    pub(super) fn say_quietly(&mut self, instance: InstanceId, text: &str) {
        self.say_at(instance, None, Tone::Quiet, text);
    }

    pub(super) fn say_alarm(&mut self, text: &str) {
        self.say_session(Tone::Alarm, text);
    }

    pub(super) fn say_session(&mut self, tone: Tone, text: &str) {
        self.hub.say_system(clock::epoch_ms(), tone, text);
    }
}
