//! What a run asks of its shim beyond a process in a terminal: whether the shim can do it, keys that stop a
//! service, and words about what does not hold.

use super::core::Controller;
use crate::logs::Tone;
use crate::model::{InstanceId, RunId, StopPlan};
use crate::shim::protocol::Order;
use crate::supervisor::Intent;
use crate::tmux::command::Command;

/// The first version of the protocol that knows of limits, sockets, notifications, launched daemons, and of stop
/// plans with keys or for the parent only.
const SUPPLIES: u32 = 2;

/// The first that knows of the watchdog, and of what a run is to end for beside the order for it.
const WATCHES: u32 = 3;

impl Controller {
    /// Says what an older shim will pass over, before it does.
    pub(super) fn check_demands(&mut self, instance: InstanceId) {
        let host = self.host(instance);
        let stop = &host.spec.policy.stop;
        let is_plain = host.spec.launch.is_plain() && stop.keys.is_none() && !stop.parent_only;
        let is_old = host.shim.as_ref().is_some_and(|shim| shim.version < SUPPLIES);
        if is_old && !is_plain {
            let text = "its window was opened by an older ovr, which knows nothing of `limits`, `listen`, \
                        notifications, daemons that run elsewhere, and stopping by keys or of the parent only · \
                        `ovr quit` and `ovr start` open a new one";
            return self.warn_once(instance, text);
        }
        let host = self.host(instance);
        let is_old = host.shim.as_ref().is_some_and(|shim| shim.version < WATCHES);
        if is_old && host.spec.launch.watchdog.is_some() {
            let text = "its window was opened by an older ovr, which knows nothing of `watchdog` · `ovr quit` and \
                        `ovr start` open a new one";
            self.warn_once(instance, text);
        }
    }

    /// Says it once in this session: a restart does not make it news.
    pub(super) fn warn_once(&mut self, instance: InstanceId, text: &str) {
        if self.host_mut(instance).warned.insert(text.to_owned()) {
            self.say_at(instance, None, Tone::Alarm, text);
        }
    }

    /// Has the run stopped. Keys can be typed only by tmux; the rest of the plan is the shim's.
    pub(super) fn order_stop(
        &mut self,
        instance: InstanceId,
        run: RunId,
        plan: StopPlan,
        kill: bool,
        why: Option<String>,
    ) {
        let typed = match &plan.keys {
            Some(keys) if !kill && plan.command.is_none() => self.type_keys(instance, keys),
            Some(_) | None => false,
        };
        let keys = plan.keys.filter(|_| typed);
        let plan = StopPlan { keys, ..plan };
        self.order(instance, &Order::Stop { run, plan, kill, why });
    }

    /// Has its shim keep what the run is to end for, or has ended for.
    pub(super) fn tell_shim(&self, instance: InstanceId, run: RunId, intent: Option<Intent>) {
        let intent = intent.map(|intent| intent.word().to_owned());
        let knows = self.host(instance).shim.as_ref();
        if knows.is_some_and(|shim| shim.version >= WATCHES) {
            self.order(instance, &Order::Intend { run, intent });
        }
    }

    /// Types into the instance's terminal. `false` if nobody can, or if its shim would send the signal as well.
    fn type_keys(&mut self, instance: InstanceId, keys: &str) -> bool {
        let Some(shim) = &self.host(instance).shim else {
            return false;
        };
        let version = shim.version;
        let Some(pane) = shim.pane else { return false };
        if version < SUPPLIES || !self.windows.is_up() {
            return false;
        }
        // Somebody who reads the scrollback has the keys go there.
        self.windows.tell(&Command::leave_modes(pane));
        self.windows.tell(&Command::type_bytes(pane, keys.as_bytes()));
        self.windows.flush();
        true
    }
}
