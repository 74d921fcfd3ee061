//! What came of the triggers that the machine was told of, for people to read.

use super::core::Controller;
use crate::model::InstanceId;
use crate::supervisor::{Trigger, Triggered};

impl Controller {
    pub(super) fn on_triggered(&mut self, instance: InstanceId, by: Trigger, outcome: Triggered) {
        match by {
            Trigger::Schedule => self.say_scheduled(instance, outcome),
            Trigger::Change { .. } => self.say_changed(instance, outcome),
        }
    }
}
