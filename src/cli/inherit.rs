//! What a start keeps of the options that the session was started with which it takes over: all that its own
//! command line and environment say nothing about. Where they are written down is `session.json`'s business, what
//! they mean `settings`'s.

use super::plan::{Here, Plan, own_environment};
use super::settings::{self, SETTINGS};
use super::start::StartArgs;
use crate::diag::Diagnostic;
use crate::nats::redacted;
use crate::workspace::session::{Life, SessionEntry};
use crate::workspace::{Located, SessionInfo, locate};
use std::collections::BTreeMap;
use std::path::Path;

/// Settings that are about one start and not about the session.
const OF_ONE_START: [&str; 3] = ["daemonize", "fresh", "no_wait"];

/// Settings that name the project: one of them given anew, the others mean nothing beside it.
const OF_THE_PROJECT: [&str; 2] = ["procfile", "root"];

/// Settings whose values are paths, which have to mean the same from another directory.
const PATHS: [&str; 4] = ["procfile", "root", "env", "tmux_config"];

/// The start with what it keeps of the session's options, and its plan.
pub(super) fn plan(
    here: &Here,
    args: &StartArgs,
    socket: Option<&Path>,
) -> Result<Result<(StartArgs, Plan), Vec<Diagnostic>>, Diagnostic> {
    let keeping = with_the_sessions(here, args, socket)?;
    let plan = Plan::make(here, &keeping);
    // A file of variables may want a fresh session, too.
    let is_fresh = plan.as_ref().is_ok_and(|plan| plan.options.fresh.value);
    if is_fresh && !args.take_over && !keeping.inherited.is_empty() {
        return Ok(Plan::make(here, args).map(|plan| (args.clone(), plan)));
    }
    Ok(plan.map(|plan| (keeping, plan)))
}

/// The same start, with what it keeps of the session's options.
fn with_the_sessions(here: &Here, args: &StartArgs, socket: Option<&Path>) -> Result<StartArgs, Diagnostic> {
    let mut args = args.clone();
    let typed: BTreeMap<&str, String> = given(&args).collect();
    if typed.get("fresh").is_some_and(|fresh| fresh == "true") && !args.take_over {
        return Ok(args);
    }
    let names_project = |id: &&str| OF_THE_PROJECT.contains(id);
    let is_named = typed.keys().any(names_project);
    let Some(left) = left(here, &args, socket, is_named)? else {
        return Ok(args);
    };
    let is_taken = |id: &str| typed.contains_key(id) || (is_named && names_project(&id));
    args.inherited = (left.settings.into_iter())
        .filter(|(id, _)| !is_taken(id))
        .collect();
    Ok(args)
}

/// The session that is taken over, if there is one.
fn left(
    here: &Here,
    args: &StartArgs,
    socket: Option<&Path>,
    is_named: bool,
) -> Result<Option<SessionInfo>, Diagnostic> {
    let entry = if is_named {
        let project = super::plan::find(here, args)?;
        let dir = locate::session_for_start(&here.places, &project, &here.cwd, socket)?;
        SessionEntry::look(&dir)?
    } else {
        match locate::locate(&here.places, &here.cwd, socket) {
            Ok(Located::Session(entry)) => Some(entry),
            // What is wrong with the project is told by whoever reads it.
            Ok(Located::Idle { .. }) | Err(_) => None,
        }
    };
    let is_taken = |entry: &SessionEntry| entry.life == Life::Unattended || args.take_over;
    let info = entry.filter(is_taken).and_then(|entry| entry.info);
    Ok(info.filter(|info| !info.ending))
}

/// What this command line and this environment say, by the setting's id.
fn given(args: &StartArgs) -> impl Iterator<Item = (&'static str, String)> {
    let typed = settings::typed(args);
    SETTINGS.iter().filter_map(move |setting| {
        let typed = typed.iter().find(|(id, _)| *id == setting.id);
        let value = typed.map(|(_, value)| value.clone());
        Some((setting.id, value.or_else(|| variable(setting))?))
    })
}

/// `PORT` is in many environments for other reasons.
fn variable(setting: &settings::Setting) -> Option<String> {
    let mut names = setting.variables.iter().filter(|name| **name != "PORT");
    names.find_map(|name| {
        let (value, _) = own_environment(name)?;
        (!value.trim().is_empty()).then_some(value)
    })
}

/// What the next start is to find: what was given to this one, and what it has kept itself.
pub(super) fn to_keep(here: &Here, args: &StartArgs) -> BTreeMap<String, String> {
    let mut kept = args.inherited.clone();
    for (id, value) in given(args) {
        // An address with a password is written down nowhere.
        if !OF_ONE_START.contains(&id) && redacted(&value) == value {
            kept.insert(id.to_owned(), from_anywhere(here, id, value));
        }
    }
    kept
}

fn from_anywhere(here: &Here, id: &str, value: String) -> String {
    if !PATHS.contains(&id) {
        return value;
    }
    let paths = value.split(',').map(|path| here.cwd.join(path.trim()));
    let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
    paths.join(",")
}

/// One line about what was kept; nothing where nothing was.
pub(super) fn told(plan: &Plan, args: &StartArgs) -> Option<String> {
    let root = format!("{}/", plan.project.root.display());
    let told: Vec<String> = SETTINGS
        .iter()
        .filter_map(|setting| {
            let value = args.inherited.get(setting.id)?.replace(&root, "");
            Some(match (setting.switch, value.as_str()) {
                (true, "true") => setting.flag.to_owned(),
                (true, other) => format!("{}={other}", setting.flag),
                (false, other) => format!("{} {other}", setting.flag),
            })
        })
        .collect();
    (!told.is_empty()).then(|| format!("keeps the options that it was started with: {}", told.join(" ")))
}
