//! What the controller does because a time has come: when that is next, and who is looked at then. What each does
//! with it stands in the files of those.

use super::clock;
use super::core::Controller;
use crate::model::Moment;
use crate::supervisor::Event;
use std::time::Duration;

/// A deadline that is seen so late was due while this process was stopped (Ctrl-Z, SIGSTOP).
const FAR_BEHIND: Duration = Duration::from_millis(500);

/// So many turns of the runtime are more than an answer needs that is there already.
const TURNS: usize = 16;

impl Controller {
    /// Whether to look once more before heeding a deadline that is far behind: what came in time, while this process
    /// was stopped, is heard first. Else a probe that was answered would count as one that never was.
    pub(super) async fn hears_out(&mut self, due: Option<Moment>) -> bool {
        let is_far_behind = due.is_some_and(|due| self.clock.now().since(due) >= FAR_BEHIND);
        self.has_heard = is_far_behind && !self.has_heard;
        if self.has_heard {
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
        }
        self.has_heard
    }

    /// When something is due next, if nothing happens before.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        [
            self.machine.next_deadline(),
            self.hub.next_deadline(),
            self.adoption_deadline,
            self.losses.next_deadline(),
            self.views_deadline,
            self.way_down.next_deadline(),
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
            self.adoption_deadline = None;
            self.begin_when_adopted();
        }
        self.look_at_losses();
        self.look_at_way_down();
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
