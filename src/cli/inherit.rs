//! What a start keeps of the options that the session was started with which it takes over: the flags that its own
//! command line says nothing about, and the variables that neither that nor its environment does. Where they are written down is `session.json`'s business, what
//! they mean `settings`'s.

use super::plan::{Here, Plan, own_environment};
use super::settings::{self, ENVIRONMENT, Origin, SETTINGS, Setting, UNSPECIFIC};
use super::start::StartArgs;
use crate::diag::Diagnostic;
use crate::nats::redacted;
use crate::workspace::session::{Life, SessionEntry};
use crate::workspace::{Located, SessionInfo, locate};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

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
    let flags = settings::typed(&args);
    let variables: Vec<_> = SETTINGS.iter().filter_map(variable).collect();
    let mut all = flags.iter().chain(&variables);
    // Of the two, the flag counts, which stands first.
    let fresh = all.find(|(id, _)| *id == "fresh");
    if fresh.is_some_and(|(_, fresh)| fresh == "true") && !args.take_over {
        return Ok(args);
    }
    let Some(left) = left(here, &args, socket, &flags, &variables)? else {
        return Ok(args);
    };
    // As if the session's own command line were typed again: its flags go before a variable.
    args.inherited = (left.settings.into_iter())
        .filter(|(id, _)| !is_given(id, &flags))
        .filter(|(id, _)| left.flags.contains(id) || !is_given(id, &variables))
        .collect();
    args.inherited_flags = left.flags;
    args.adopts = true;
    Ok(args)
}

/// A setting's id, and what is said of it.
type Given = (&'static str, String);

fn names_project((id, _): &Given) -> bool {
    OF_THE_PROJECT.contains(id)
}

fn is_given(id: &str, by: &[Given]) -> bool {
    let is_named = by.iter().any(names_project);
    by.iter().any(|(other, _)| *other == id) || (is_named && OF_THE_PROJECT.contains(&id))
}

/// The session that is taken over, if there is one. Here is a session of another project than the variables name if it
/// was started by a flag that says so.
fn left(
    here: &Here,
    args: &StartArgs,
    socket: Option<&Path>,
    flags: &[Given],
    variables: &[Given],
) -> Result<Option<SessionInfo>, Diagnostic> {
    let is_taken = |entry: &SessionEntry| entry.life == Life::Unattended || args.take_over;
    let info = |entry: Option<SessionEntry>| {
        let info = entry.filter(is_taken).and_then(|entry| entry.info);
        info.filter(|info| !info.ending)
    };
    let is_named = variables.iter().any(names_project);
    if !flags.iter().any(names_project) {
        let here = match locate::locate(&here.places, &here.cwd, socket) {
            Ok(Located::Session(entry)) => info(Some(entry)),
            // What is wrong with the project is told by whoever reads it.
            Ok(Located::Idle { .. }) | Err(_) => None,
        };
        let counts =
            |info: &SessionInfo| !is_named || OF_THE_PROJECT.iter().any(|id| info.flags.contains(*id));
        let here = here.filter(counts);
        if here.is_some() || !is_named {
            return Ok(here);
        }
    }
    let project = super::plan::find(here, args)?;
    let dir = locate::session_for_start(&here.places, &project, &here.cwd, socket)?;
    Ok(info(SessionEntry::look(&dir)?))
}

/// What this environment says of a setting.
fn variable(setting: &'static Setting) -> Option<Given> {
    let mut names = setting.variables.iter().filter(|name| **name != UNSPECIFIC);
    names.find_map(|name| {
        let (value, _) = own_environment(name)?;
        (!value.trim().is_empty()).then_some((setting.id, value))
    })
}

/// What the next start is to find of this one: the settings that its flags and its environment have decided on, and
/// what it has kept itself; and which of these flags have. What a file says is read again.
pub(super) fn to_keep(
    here: &Here,
    plan: &Plan,
    args: &StartArgs,
) -> (BTreeMap<String, String>, BTreeSet<String>) {
    let (mut kept, mut flags) = (BTreeMap::new(), BTreeSet::new());
    for (setting, text, origin) in plan.decided(args) {
        let id = setting.id;
        // An address with a password is written down nowhere.
        if OF_ONE_START.contains(&id) || redacted(&text) != text {
            continue;
        }
        let (text, is_flag) = match origin {
            Origin::Flag(_) => (anywhere(id, &text, |path| here.cwd.join(path)), true),
            Origin::Session(_) => (text, args.inherited_flags.contains(id)),
            Origin::Variable { place, .. } if place == ENVIRONMENT => (
                anywhere(id, &text, |path| of_variable(here, plan, id, path)),
                false,
            ),
            Origin::Variable { .. } | Origin::Default => continue,
        };
        kept.insert(id.to_owned(), text);
        if is_flag {
            flags.insert(id.to_owned());
        }
    }
    (kept, flags)
}

/// The value as it has to be written elsewhere to mean the same.
fn anywhere(id: &str, value: &str, place: impl Fn(&str) -> PathBuf) -> String {
    if !PATHS.contains(&id) {
        return value.to_owned();
    }
    let paths = value.split(',').map(|path| place(path.trim()));
    let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
    paths.join(",")
}

/// A path of a variable. `OVR_ENV` alone has the root for its place.
fn of_variable(here: &Here, plan: &Plan, id: &str, path: &str) -> PathBuf {
    match (id, path.strip_prefix("~/"), here.places.home()) {
        ("env", Some(rest), Some(home)) => home.join(rest),
        ("env", ..) => plan.project.root.join(path),
        _ => here.cwd.join(path),
    }
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
