//! What the controller knows of one instance beyond the machine's view: its window and shim, and the facts of
//! its current or last run. Facts only; what follows from them is the machine's business.

use super::causes::Deeds;
use super::health::Health;
use super::links::LinkId;
use super::listening::Listens;
use super::ports::Taken;
use super::timing::Start;
use crate::model::{Exit, InstanceSpec, RunId};
use crate::tmux::{PaneId, WindowId};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

/// One instance.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) spec: InstanceSpec,
    /// What runs was started by a configuration that is not ours.
    pub(super) is_outdated: bool,
    pub(super) window: Option<WindowId>,
    /// The window alone was closed, and its shim has not gone yet.
    pub(super) window_closed: bool,
    pub(super) shim: Option<Shim>,
    /// The current run, or the last one.
    pub(super) run: Option<RunFacts>,
    /// The runs that were ordered, or found alive, and whose end the shim has not reported: what it would leave
    /// behind if it died now.
    pub(super) unended: BTreeSet<RunId>,
    /// An earlier controller had it.
    pub(super) found: bool,
    pub(super) health: Health,
    /// Who holds the assigned port, where the last start found it taken.
    pub(super) port_taken: Option<Taken>,
    /// What its last run that was looked at listens on.
    pub(super) listens: Option<Listens>,
    /// What was said that need not be said again.
    pub(super) warned: BTreeSet<String>,
    pub(super) deeds: Deeds,
    /// How its last start went; `None` if an earlier controller made it.
    pub(super) start: Option<Start>,
    /// What it was last said to wait for, since its last start.
    pub(super) awaited: Option<String>,
    /// Why it was last skipped.
    pub(super) skipped: Option<String>,
    /// How many terminals look at the window.
    pub(super) clients: u32,
    /// In which column the window's cursor was when that was last asked.
    pub(super) column: u16,
    /// What the window's status line was last told.
    pub(super) shown: Vec<u8>,
}

/// The process in the instance's pane.
#[derive(Clone, Debug)]
pub(super) struct Shim {
    pub(super) link: LinkId,
    pub(super) pid: u32,
    /// `None`: its terminal went with its tmux server, and the next one gives the number to another.
    pub(super) pane: Option<PaneId>,
    pub(super) nonce: String,
    /// Of the protocol that it speaks.
    pub(super) version: u32,
}

/// One run, from its start to its end.
#[derive(Clone, Debug)]
pub(super) struct RunFacts {
    pub(super) id: RunId,
    pub(super) pid: u32,
    /// `None` where nobody knows any more: an earlier controller had it, and its shim is of an earlier build.
    pub(super) started: Option<SystemTime>,
    pub(super) ended: Option<EndFacts>,
}

#[derive(Clone, Debug)]
pub(super) struct EndFacts {
    pub(super) exit: Exit,
    pub(super) at: SystemTime,
    /// The processes that needed SIGKILL.
    pub(super) killed: Vec<String>,
    /// It ended because somebody closed its window.
    pub(super) window_closed: bool,
}

impl Host {
    pub(super) fn new(spec: InstanceSpec) -> Self {
        Self {
            spec,
            is_outdated: false,
            window: None,
            window_closed: false,
            shim: None,
            run: None,
            unended: BTreeSet::new(),
            found: false,
            health: Health::default(),
            port_taken: None,
            listens: None,
            warned: BTreeSet::new(),
            deeds: Deeds::default(),
            start: Some(Start::default()),
            awaited: None,
            skipped: None,
            clients: 0,
            column: 0,
            shown: Vec::new(),
        }
    }

    pub(super) fn name(&self) -> String {
        self.spec.name.to_string()
    }

    pub(super) fn last_exit(&self) -> Option<&EndFacts> {
        self.run.as_ref()?.ended.as_ref()
    }

    /// How long the last run lived, once it has ended and as far as that is known.
    pub(super) fn lived(&self) -> Option<Duration> {
        let run = self.run.as_ref()?;
        run.ended.as_ref()?.at.duration_since(run.started?).ok()
    }
}
