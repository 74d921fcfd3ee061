//! What the controller knows of one instance beyond the machine's view: its window and shim, the facts of its
//! current and last run, its output. Facts only; what follows from them is the machine's business.

use super::links::LinkId;
use crate::logs::{Ring, StreamDecoder};
use crate::model::{Exit, InstanceSpec, RunId};
use crate::tmux::{PaneId, WindowId};
use std::time::SystemTime;

/// One instance.
pub(super) struct Host {
    pub(super) spec: InstanceSpec,
    pub(super) window: Option<WindowId>,
    pub(super) shim: Option<Shim>,
    /// The current run, or the last one.
    pub(super) run: Option<RunFacts>,
    pub(super) output: Output,
    /// Who holds the assigned port, when the last start found it taken.
    pub(super) port_taken: Option<String>,
    /// How many terminals look at the window.
    pub(super) clients: u32,
    /// What the window's status line was last told.
    pub(super) shown: String,
}

/// The process in the instance's pane.
#[derive(Clone, Debug)]
pub(super) struct Shim {
    pub(super) link: LinkId,
    pub(super) pid: u32,
    pub(super) pane: PaneId,
    pub(super) nonce: String,
}

/// One run, from its start to its end.
#[derive(Clone, Debug)]
pub(super) struct RunFacts {
    pub(super) id: RunId,
    pub(super) pid: u32,
    pub(super) started: SystemTime,
    pub(super) ended: Option<EndFacts>,
}

#[derive(Clone, Debug)]
pub(super) struct EndFacts {
    pub(super) exit: Exit,
    pub(super) at: SystemTime,
    /// The processes that needed SIGKILL.
    pub(super) killed: Vec<String>,
}

/// What the instance prints.
pub(super) struct Output {
    pub(super) decoder: StreamDecoder,
    pub(super) ring: Ring,
    /// The run whose output is passing.
    pub(super) run: RunId,
    /// The last run whose end mark has passed: all of its output has been seen.
    pub(super) complete: Option<RunId>,
    /// What is to be said about a run when its last byte has passed.
    pub(super) after_end: Vec<(RunId, String)>,
}

impl Host {
    pub(super) fn name(&self) -> String {
        self.spec.name.to_string()
    }

    pub(super) fn last_exit(&self) -> Option<&EndFacts> {
        self.run.as_ref()?.ended.as_ref()
    }

    /// Whether output of a run that ended is still on its way through tmux.
    pub(super) fn owes_output(&self) -> bool {
        let Some(run) = &self.run else { return false };
        run.ended.is_some() && self.shim.is_some() && self.output.complete.is_none_or(|seen| seen < run.id)
    }
}
