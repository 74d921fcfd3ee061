//! What must be true when the machine orders something of the world: windows, runs, stops.

use super::conditions::holds;
use super::oracle::{Broken, Oracle};
use super::world::{World, WorldWindow};
use crate::model::{InstanceId, RunId};

impl Oracle {
    pub(super) fn judge_open(&self, id: InstanceId, world: &World) -> Result<(), Broken> {
        if self.ending.is_some() {
            return Err(format!("{id:?}: a window opened in a session that ends"));
        }
        let shim = &world.shims[id.0 as usize];
        if shim.window == WorldWindow::Absent && !shim.loss_untold {
            Ok(())
        } else {
            Err(format!("{id:?}: a second window"))
        }
    }

    pub(super) fn judge_spawn(&self, id: InstanceId, run: RunId, world: &World) -> Result<(), Broken> {
        if run <= self.last_run[id.0 as usize] {
            return Err(format!("{id:?}: a used run {run}"));
        }
        let max = self.policies[id.0 as usize].restart.max;
        if max.is_some_and(|max| self.runs[id.0 as usize] > max) {
            return Err(format!("{id:?}: more restarts than {max:?}"));
        }
        let shim = &world.shims[id.0 as usize];
        if shim.proc.is_some() {
            return Err(format!("{id:?}: a second tree"));
        }
        if shim.window != WorldWindow::Open && !shim.loss_untold {
            return Err(format!("{id:?}: started without a window"));
        }
        if self.gone[id.0 as usize] {
            return Err(format!("{id:?}: started in a window that is known to be dead"));
        }
        if self.ending.is_some() {
            return Err(format!("{id:?}: started in a session that ends"));
        }
        if self.down[id.0 as usize] {
            return Err(format!("{id:?}: started after a stop"));
        }
        if self.policies[id.0 as usize].scheduled && !self.calls.was_called(id) {
            return Err(format!("{id:?}: started before its schedule"));
        }
        if self.alone[id.0 as usize] {
            return Ok(());
        }
        for (on, condition) in &self.needs[id.0 as usize] {
            let leaving = self.shown_at(*on).is_live() && self.down[on.0 as usize];
            let missing = leaving || !holds(self.shown_at(*on), *condition);
            if missing && !self.is_excused(*on, leaving) {
                return Err(format!("{id:?}: started before {on:?} was {condition:?}"));
            }
        }
        Ok(())
    }

    /// In a session that ends, nobody gets a graceful signal before all who need it are gone, unless a person
    /// named it. (A stop of a whole set keeps the same order, but there single requests overlap.)
    pub(super) fn judge_stop(&self, id: InstanceId, kill: bool) -> Result<(), Broken> {
        if self.ending.is_none() || kill || self.ends_at_once {
            return Ok(());
        }
        let dependent = self
            .ids()
            .find(|other| *other != id && self.needs_far(*other, id) && self.shown_at(*other).is_live());
        match dependent {
            Some(dependent) => Err(format!(
                "{id:?}: stopped before its dependent {dependent:?} was gone"
            )),
            None => Ok(()),
        }
    }
}
