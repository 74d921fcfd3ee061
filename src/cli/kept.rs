//! Where the kept output of this project is, whose it is, and the session that goes with it if one runs. Reads no
//! line of it: that is `logs::store`'s.

use super::place::Place;
use super::plan::{Here, Plan, own_environment};
use super::{args::GlobalArgs, session};
use crate::api::client::Client;
use crate::api::messages::{Service, Status};
use crate::controller::LogsSetup;
use crate::diag::{Diagnostic, Kind};
use crate::logs::Label;
use crate::logs::store::{self, Found, Query, RunChoice};
use crate::model::{InstanceName, StateWord, select};
use crate::workspace::project::project_name;
use crate::workspace::session::{Life, SessionEntry};
use crate::workspace::{Located, ProjectId, errors, locate};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A session has so many of each service's last lines in memory.
pub(super) const IN_MEMORY: usize = 1000;

/// The kept output of a project.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) dir: PathBuf,
    pub(super) client: Option<Client>,
    status: Option<Status>,
    entry: Option<SessionEntry>,
    /// Every instance that has lines or runs, those of the session first, in its order.
    names: Vec<InstanceName>,
    idle: Option<Diagnostic>,
}

/// Where a session of this plan keeps its output, and how much of it. `None`: there is no place.
pub(super) fn room(here: &Here, plan: &Plan) -> Option<LogsSetup> {
    Some(LogsSetup {
        dir: here.places.logs_of(&plan.project.id, &plan.project.name)?,
        bytes: plan.options.logs.value,
    })
}

/// The output of the project that a command means, whether it runs or not.
pub(super) fn find(global: &GlobalArgs) -> Result<Kept, Diagnostic> {
    let here = Here::look()?;
    let place = Place::of(global, &own_environment)?;
    let located = locate::locate(&here.places, &here.cwd, place.local("logs")?)?;
    let (root, entry, idle) = match located {
        Located::Session(entry) => {
            let root = entry.root().map(PathBuf::from).unwrap_or_default();
            (root, Some(entry), None)
        }
        Located::Idle { project, above } => {
            let now = SystemTime::now();
            let idle = errors::not_running(&here.places, &project, above.as_ref(), now);
            (project.root, None, Some(idle))
        }
    };
    let dir = here.places.logs_of(&ProjectId::of(&root), &project_name(&root));
    let dir = dir.ok_or_else(|| {
        Diagnostic::error(
            Kind::System,
            "nothing is kept for a user without a home directory",
        )
        .hint("set HOME or XDG_STATE_HOME before ovr start")
    })?;
    let alive = entry
        .as_ref()
        .filter(|entry| entry.life == Life::Alive && !entry.is_suspended());
    let client = alive.map(session::client);
    let status = client.as_ref().map(Client::status).transpose()?;
    let mut kept = Kept {
        names: Vec::new(),
        dir,
        client,
        status,
        entry,
        idle,
    };
    kept.names = kept.all_names()?;
    Ok(kept)
}

impl Kept {
    /// The instances that `names` mean; all of them if there are none. One that is known and has printed nothing
    /// is no mistake.
    pub(super) fn choose(&self, names: &[String]) -> Result<Vec<String>, Diagnostic> {
        let chosen = select(names, &self.names).map_err(|unmatched| {
            let first = unmatched.diagnostics().into_iter().next();
            first.expect("what matches nothing has an error")
        })?;
        Ok(chosen
            .into_iter()
            .map(|index| self.names[index].to_string())
            .collect())
    }

    /// Names and colours, as the console has them.
    pub(super) fn labels(&self) -> Vec<Label> {
        let label = |(index, name): (usize, &InstanceName)| Label {
            name: name.to_string(),
            position: u32::try_from(index).unwrap_or(u32::MAX),
        };
        self.names.iter().enumerate().map(label).collect()
    }

    /// What the session says of itself, if it runs.
    pub(super) fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    /// Has what was printed so far written to the files, if a session runs.
    pub(super) fn sync(&self) -> Result<(), Diagnostic> {
        match &self.client {
            Some(client) if client.sync_logs()?.dir.is_none() => {
                Err(
                    Diagnostic::error(Kind::Usage, "this session keeps no log files (--logs=off)").hint(
                        format!("ovr logs -n {IN_MEMORY} shows the last lines, which it has in memory"),
                    ),
                )
            }
            Some(_) | None => Ok(()),
        }
    }

    /// What the files say, up to now.
    pub(super) fn read(&self, query: &Query) -> Result<Found, Diagnostic> {
        self.sync()?;
        query.run().map_err(|error| unreadable(&query.dir, &error))
    }

    /// The session on this machine that they are of, if there is one.
    pub(super) fn entry(&self) -> Option<&SessionEntry> {
        self.entry.as_ref()
    }

    /// Why nothing can be followed.
    pub(super) fn not_running(&self) -> Diagnostic {
        match (&self.idle, &self.entry) {
            (Some(idle), _) => idle.clone(),
            (None, Some(entry)) if entry.is_suspended() => errors::suspended(entry),
            (None, Some(entry)) => errors::unattended(entry),
            (None, None) => Diagnostic::error(Kind::NotRunning, "no session runs here"),
        }
    }

    fn all_names(&self) -> Result<Vec<InstanceName>, Diagnostic> {
        let services = self.status.iter().flat_map(|status| &status.services);
        let mut names: Vec<InstanceName> = services.filter_map(|service| service.name.parse().ok()).collect();
        let written = store::instances(&self.dir).map_err(|error| unreadable(&self.dir, &error))?;
        for name in written.iter().filter_map(|name| name.parse().ok()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            names = super::here::services()
                .iter()
                .filter_map(|known| known.name.parse().ok())
                .collect();
        }
        Ok(names)
    }
}

/// Of services that have all crashed, the run that did: what to show where nothing else is asked for.
pub(super) fn crashed_run(status: &Status, chosen: &[String]) -> Option<RunChoice> {
    let crashed = |name: &String| {
        let state = service(status, name).map(|service| service.state);
        matches!(state, Some(StateWord::Failed | StateWord::Backoff))
    };
    chosen.iter().all(crashed).then_some(RunChoice::Back(0))
}

/// The open line of a service that waits for input.
pub(super) fn question(status: &Status, name: &str) -> Option<String> {
    let service = service(status, name).filter(|service| service.waits_for_input)?;
    service.last_line.clone()
}

fn service<'a>(status: &'a Status, name: &str) -> Option<&'a Service> {
    status.services.iter().find(|service| service.name == name)
}

pub(super) fn unreadable(dir: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(Kind::System, format!("cannot read {}", dir.display())).cause(error.to_string())
}
