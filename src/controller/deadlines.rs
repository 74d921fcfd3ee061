//! What the controller does because a time has come: when that is next, and who is looked at then. What each does
//! with it stands in the files of those.

use super::clock;
use super::core::Controller;
use crate::model::Moment;
use crate::supervisor::Event;

impl Controller {
    /// When something is due next, if nothing happens before.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        [
            self.machine.next_deadline(),
            self.hub.next_deadline(),
            self.adoption_deadline,
            self.losses.next_deadline(),
            self.views_deadline,
            self.waits.iter().filter_map(|waiting| waiting.until).min(),
            self.schedules.next_deadline(),
            self.deadline_for_alarm(),
            self.watches.next_deadline(),
            self.hooks.next_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(super) fn on_deadline(&mut self) {
        let now = self.clock.now();
        self.hub.on_deadline(now, clock::epoch_ms());
        self.on_stream_events();
        if self.adoption_deadline.is_some_and(|deadline| deadline <= now) {
            self.expected_shims.clear();
            self.begin_when_adopted();
        }
        self.look_at_losses();
        self.look_at_schedules();
        self.look_at_watches();
        self.look_at_hooks();
        if self.views_deadline.is_some_and(|deadline| deadline <= now) {
            self.views_deadline = None;
        }
        if self
            .machine
            .next_deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            self.feed(Event::Tick);
        }
    }
}
