//! Which files and options a command means that reads a project's files here (`run`, `env`, `check`, `config`,
//! `graph`): those of the session that runs here, read anew, unless its command line names a project. The session's
//! controller is not asked: what it was started with stands in `session.json`, and counts as well while nobody
//! answers. Sessions on TCP are `elsewhere`'s.

use super::args::{GlobalArgs, ProjectArgs};
use super::inherit;
use super::place::Place;
use super::plan::{Here, Plan, own_environment};
use super::settings;
use super::start::StartArgs;
use crate::controller::Overrides;
use crate::diag::{Diagnostic, Kind};
use crate::model::ServiceName;
use crate::workspace::session::{Life, Scaled, SessionEntry};
use crate::workspace::{Located, SessionInfo, errors, locate, revive};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// What is meant.
#[derive(Debug)]
pub(super) struct Meant {
    /// The start whose files and options they are: the session's, or one that would be typed here.
    pub(super) start: StartArgs,
    /// The numbers of instances that were asked of the running session.
    scaled: BTreeMap<String, Scaled>,
}

impl Meant {
    /// # Errors
    /// There is neither session nor project; a session is named that does not run; or it cannot be told which one is
    /// meant, or what it was started with.
    pub(super) fn find(global: &GlobalArgs, here: &Here, project: &ProjectArgs) -> Result<Self, Diagnostic> {
        let start = project.as_start();
        let info = if names_project(project) {
            None
        } else {
            session(global, here, &start)?
        };
        Ok(match info {
            Some(info) => Self {
                start: inherit::beside(&info, &start),
                scaled: info.scaled,
            },
            None => Self {
                start,
                scaled: BTreeMap::new(),
            },
        })
    }

    /// Its plan, with as many instances as the session has.
    ///
    /// # Errors
    /// All that is wrong with the files.
    pub(super) fn plan(&self, here: &Here) -> Result<Plan, Vec<Diagnostic>> {
        let plan = Plan::make(here, &self.start)?;
        let counts = still_asked(&self.scaled, |service| configured(&plan, service));
        if counts.is_empty() {
            return Ok(plan);
        }
        Plan::make_with(here, &self.start, &Overrides { counts })
    }
}

/// Whether the command line says itself which project is meant.
pub(super) fn names_project(project: &ProjectArgs) -> bool {
    !project.procfile.is_empty() || project.root.is_some()
}

/// What the session was started with that a command without files of its own means; `None`: there is none.
fn session(global: &GlobalArgs, here: &Here, start: &StartArgs) -> Result<Option<SessionInfo>, Diagnostic> {
    let place = Place::of(global, &own_environment)?;
    let socket = match &place {
        Place::Unix(path) => Some(path.as_path()),
        // Nobody listens at the address that a variable names; that may be where a session is to be started.
        Place::Here | Place::Tcp(_) => None,
    };
    let is_typed = global.socket.is_some();
    match locate::locate(&here.places, &here.cwd, socket) {
        Ok(Located::Session(entry)) => started_with(entry),
        Ok(Located::Idle { project, above }) if is_typed => Err(errors::not_running(
            &here.places,
            &project,
            above.as_ref(),
            SystemTime::now(),
        )),
        Ok(Located::Idle { .. }) => Ok(None),
        // So it may be with a socket that a variable names.
        Err(error) if error.kind == Kind::NotRunning && !is_typed => Ok(None),
        Err(error) if error.kind == Kind::NoConfig && !is_typed && variable_names_project(start)? => Ok(None),
        Err(error) => Err(error),
    }
}

fn variable_names_project(start: &StartArgs) -> Result<bool, Diagnostic> {
    let options = settings::resolve(start, &own_environment)?;
    Ok(!options.procfile.value.is_empty() || options.root.value.is_some())
}

/// What stands in the session's file; that of one that is just starting is waited for.
fn started_with(entry: SessionEntry) -> Result<Option<SessionInfo>, Diagnostic> {
    match entry.life {
        Life::Alive => revive::info(&entry.dir, revive::PATIENCE),
        Life::Unattended | Life::Stale => Ok(entry.info),
    }
}

/// The numbers that were asked for, where the files still say about the service what they said then.
fn still_asked(
    scaled: &BTreeMap<String, Scaled>,
    configured: impl Fn(&ServiceName) -> u32,
) -> BTreeMap<ServiceName, u32> {
    let named = scaled
        .iter()
        .filter_map(|(name, scaled)| Some((name.parse::<ServiceName>().ok()?, scaled)));
    let asked = named.filter(|(service, scaled)| configured(service) == scaled.configured);
    asked.map(|(service, scaled)| (service, scaled.count)).collect()
}

fn configured(plan: &Plan, service: &ServiceName) -> u32 {
    let instances = plan.instances.iter().filter(|spec| spec.service == *service);
    u32::try_from(instances.count()).unwrap_or(u32::MAX)
}

/// The session's own start, for a start that names no project and asks what its files say.
pub(super) fn of_session(info: Option<&SessionInfo>, args: &StartArgs) -> StartArgs {
    match info {
        Some(info) if args.procfile.is_empty() && args.root.is_none() => inherit::beside(info, args),
        Some(_) | None => args.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::still_asked;
    use crate::workspace::session::Scaled;
    use std::collections::BTreeMap;

    #[test]
    fn a_number_that_was_asked_for_counts_while_the_files_say_what_they_said_then() {
        let scaled = |count, configured| Scaled { count, configured };
        let asked = BTreeMap::from([
            ("web".to_owned(), scaled(3, 1)),
            ("worker".to_owned(), scaled(3, 2)),
            ("no name".to_owned(), scaled(3, 1)),
        ]);
        let counts = still_asked(&asked, |_| 1);
        assert_eq!(counts, BTreeMap::from([("web".parse().unwrap(), 3)]));
    }
}
