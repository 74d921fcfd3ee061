//! What a command has of the options that a session was started with: a start that takes it over, all that its own
//! command line and environment say nothing about; one that only asks (`beside`), all that its command line says
//! nothing about. Where they are written down is `session.json`'s business, what they mean `settings`'s.

use super::plan::{Here, Plan, own_environment};
use super::settings::{self, SETTINGS};
use super::start::StartArgs;
use crate::config::environment::SESSION_VARIABLES;
use crate::diag::Diagnostic;
use crate::nats::redacted;
use crate::workspace::session::{Life, SessionEntry};
use crate::workspace::{Located, SessionInfo, locate};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Settings that are about one start and not about the session.
const OF_ONE_START: [&str; 3] = ["daemonize", "fresh", "no_wait"];

/// Settings that name the project: one of them given anew, the others mean nothing beside it.
const OF_THE_PROJECT: [&str; 2] = ["procfile", "root"];

/// Settings whose values are paths, which have to mean the same from another directory.
const PATHS: [&str; 4] = ["procfile", "root", "env", "tmux_config"];

/// What a start has from a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inherited {
    /// The session's options by the setting's id, and what its first caller has said besides by the variable's name;
    /// only what this start says nothing about itself.
    pub settings: BTreeMap<String, String>,
    /// The directory that the session's configuration was found in: where none is named, it is looked for there.
    pub found_in: Option<PathBuf>,
    /// It only asks what the session has: its own variables have no say.
    pub alone: bool,
}

/// The session's own start, for a command that asks what comes of it now. What is typed goes before.
pub(super) fn beside(info: &SessionInfo, args: &StartArgs) -> StartArgs {
    StartArgs {
        inherited: Inherited {
            settings: info.settings.clone(),
            found_in: found_in(info),
            alone: true,
        },
        ..args.clone()
    }
}

fn found_in(info: &SessionInfo) -> Option<PathBuf> {
    Path::new(&info.config).parent().map(Path::to_owned)
}

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
    if is_fresh && !args.take_over && keeping.inherited != Inherited::default() {
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
    let is_said = |name: &str| typed.contains_key(name) || said(name).is_some();
    let is_taken = |id: &str| is_said(id) || (is_named && names_project(&id));
    args.inherited = Inherited {
        found_in: found_in(&left).filter(|_| !is_named),
        settings: (left.settings.into_iter())
            .filter(|(id, _)| !is_taken(id))
            .collect(),
        alone: false,
    };
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

/// One of the variables that no flag stands for, if this environment has it.
fn said(name: &str) -> Option<String> {
    let name = SESSION_VARIABLES.iter().find(|known| **known == name)?;
    let (value, _) = own_environment(name)?;
    (!value.trim().is_empty()).then_some(value)
}

/// What the next start is to find: what was given to this one, and what it has kept itself.
pub(super) fn to_keep(here: &Here, args: &StartArgs, root: &Path) -> BTreeMap<String, String> {
    let mut kept = args.inherited.settings.clone();
    for (id, value) in given(args) {
        // An address with a password is written down nowhere.
        if !OF_ONE_START.contains(&id) && redacted(&value) == value {
            let value = match id {
                // What the variable names is in the root, not where one stands.
                "env" if args.env.is_empty() => absolute(&value, root, here.places.home()),
                id if PATHS.contains(&id) => absolute(&value, &here.cwd, None),
                _ => value,
            };
            kept.insert(id.to_owned(), value);
        }
    }
    let said = SESSION_VARIABLES
        .iter()
        .filter_map(|name| Some((*name, said(name)?)));
    kept.extend(said.map(|(name, value)| (name.to_owned(), value)));
    kept
}

/// A list of paths that means the same from another directory. `home`: what `~/` stands for.
fn absolute(paths: &str, dir: &Path, home: Option<&Path>) -> String {
    let paths = paths.split(',').map(str::trim).filter(|path| !path.is_empty());
    let absolute = paths.map(|path| match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => dir.join(path),
    });
    let absolute: Vec<String> = absolute.map(|path| path.display().to_string()).collect();
    absolute.join(",")
}

/// One line about what was kept; nothing where nothing was.
pub(super) fn told(plan: &Plan, args: &StartArgs) -> Option<String> {
    let root = format!("{}/", plan.project.root.display());
    let kept = &args.inherited.settings;
    let flags = SETTINGS.iter().filter_map(|setting| {
        let value = kept.get(setting.id)?.replace(&root, "");
        Some(match (setting.switch, value.as_str()) {
            (true, "true") => setting.flag.to_owned(),
            (true, other) => format!("{}={other}", setting.flag),
            (false, other) => format!("{} {other}", setting.flag),
        })
    });
    let variables = SESSION_VARIABLES.iter();
    let variables = variables.filter_map(|name| Some(format!("{name}={}", kept.get(*name)?)));
    let told: Vec<String> = flags.chain(variables).collect();
    (!told.is_empty()).then(|| format!("keeps the options that it was started with: {}", told.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::{Inherited, SessionInfo, StartArgs, absolute, beside};
    use std::collections::BTreeMap;
    use std::path::Path;

    #[test]
    fn paths_that_are_kept_mean_the_same_from_anywhere() {
        let (dir, home) = (Path::new("/a/sub"), Path::new("/home/ada"));
        assert_eq!(
            absolute("x.env, ../y,/z,", dir, None),
            "/a/sub/x.env,/a/sub/../y,/z"
        );
        assert_eq!(absolute("~/x", dir, Some(home)), "/home/ada/x");
        // A shell has had its turn at what was typed.
        assert_eq!(absolute("~/x", dir, None), "/a/sub/~/x");
    }

    #[test]
    fn beside_a_session_its_options_count_and_what_is_typed_goes_before() {
        let text = r#"{"schema":1,"project":"shop","root":"/a","config":"/a/dev/Procfile","pid":1,"started_at":"",
            "version":"","detached":true,"tmux_socket":"","settings":{"port":"7100","PORT":"80"}}"#;
        let info: SessionInfo = serde_json::from_str(text).unwrap();
        let typed = StartArgs {
            env: vec!["x.env".to_owned()],
            ..StartArgs::default()
        };
        let start = beside(&info, &typed);
        assert_eq!(start.env, ["x.env"]);
        let settings =
            [("PORT", "80"), ("port", "7100")].map(|(id, value)| (id.to_owned(), value.to_owned()));
        let expected = Inherited {
            settings: BTreeMap::from(settings),
            found_in: Some("/a/dev".into()),
            alone: true,
        };
        assert_eq!(start.inherited, expected);
        let options = crate::cli::settings::resolve(&start, &|_| None).unwrap();
        assert_eq!(options.port.value, 7100);
        assert_eq!(options.port.origin.to_string(), "-p of the session");
    }
}
