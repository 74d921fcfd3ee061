//! What a command has of the options that a session was started with: a start that takes it over, the flags that its
//! own command line says nothing about, and the variables that neither that nor its environment does; one that only
//! asks (`beside`), all that its command line says nothing about. Where they are written down is `session.json`'s
//! business, what they mean `settings`'s.

use super::plan::{Here, Plan, own_environment};
use super::settings::{self, ENVIRONMENT, Origin, SETTINGS, Setting};
use super::start::StartArgs;
use crate::config::environment::{SESSION_VARIABLES, UNSPECIFIC};
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

/// What a start has from a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inherited {
    /// The session's options by the setting's id, and what its first caller has said besides by the variable's name;
    /// only what this start says nothing about itself.
    pub settings: BTreeMap<String, String>,
    /// Those of them that a flag gave.
    pub flags: BTreeSet<String>,
    /// The directory that the session's configuration was found in: where none is named, it is looked for there.
    pub found_in: Option<PathBuf>,
    /// It only asks what the session has: its own variables have no say.
    pub alone: bool,
    /// It takes over what runs.
    pub adopts: bool,
}

/// The session's own start, for a command that asks what comes of it now. What is typed goes before.
pub(super) fn beside(info: &SessionInfo, args: &StartArgs) -> StartArgs {
    StartArgs {
        inherited: Inherited {
            settings: info.settings.clone(),
            flags: info.flags.clone(),
            found_in: found_in(info),
            alone: true,
            adopts: false,
        },
        ..args.clone()
    }
}

fn found_in(info: &SessionInfo) -> Option<PathBuf> {
    Path::new(&info.config).parent().map(Path::to_owned)
}

/// What a start has found around it, if no flag of it names a project.
pub(super) type Found = Option<Result<Located, Diagnostic>>;

/// The start with what it keeps of the session's options, and its plan.
pub(super) fn plan(
    here: &Here,
    args: &StartArgs,
    socket: Option<&Path>,
    found: Found,
) -> Result<Result<(StartArgs, Plan), Vec<Diagnostic>>, Diagnostic> {
    let keeping = with_the_sessions(here, args, socket, found)?;
    let plan = Plan::make(here, &keeping);
    // A file of variables may want a fresh session, too.
    let is_fresh = plan.as_ref().is_ok_and(|plan| plan.options.fresh.value);
    if is_fresh && !args.take_over && keeping.inherited != Inherited::default() {
        return Ok(Plan::make(here, args).map(|plan| (args.clone(), plan)));
    }
    Ok(plan.map(|plan| (keeping, plan)))
}

/// The same start, with what it keeps of the session's options.
fn with_the_sessions(
    here: &Here,
    args: &StartArgs,
    socket: Option<&Path>,
    found: Found,
) -> Result<StartArgs, Diagnostic> {
    let mut args = args.clone();
    let flags = settings::typed(&args);
    let variables: Vec<_> = SETTINGS.iter().filter_map(variable).collect();
    let mut all = flags.iter().chain(&variables);
    // Of the two, the flag counts, which stands first.
    let fresh = all.find(|(id, _)| *id == "fresh");
    if fresh.is_some_and(|(_, fresh)| fresh == "true") && !args.take_over {
        return Ok(args);
    }
    let Some(left) = left(here, &args, socket, found, &variables)? else {
        return Ok(args);
    };
    let was_named = OF_THE_PROJECT.iter().any(|id| left.flags.contains(*id));
    let is_named_anew =
        flags.iter().any(names_project) || (variables.iter().any(names_project) && !was_named);
    let found_in = found_in(&left).filter(|_| !is_named_anew);
    // Beside a port that is chosen it has nothing to say.
    let is_chosen = is_given("port", &flags) || is_given("port", &variables);
    // As if the session's own command line were typed again: its flags go before a variable.
    let settings = (left.settings.into_iter())
        .filter(|(id, _)| !is_given(id, &flags))
        .filter(|(id, _)| left.flags.contains(id) || !is_given(id, &variables))
        .filter(|(name, _)| said(name).is_none() && !(is_chosen && name == UNSPECIFIC));
    args.inherited = Inherited {
        settings: settings.collect(),
        flags: left.flags,
        found_in,
        alone: false,
        adopts: true,
    };
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
    found: Found,
    variables: &[Given],
) -> Result<Option<SessionInfo>, Diagnostic> {
    let is_taken = |entry: &SessionEntry| entry.life == Life::Unattended || args.take_over;
    let info = |entry: Option<SessionEntry>| {
        let info = entry.filter(is_taken).and_then(|entry| entry.info);
        info.filter(|info| !info.ending)
    };
    let is_named = variables.iter().any(names_project);
    if let Some(found) = found {
        let here = match found {
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

/// One of the variables that no flag stands for, if this environment has it and it says anything to a start that takes
/// over.
fn said(name: &str) -> Option<String> {
    let mut known = SESSION_VARIABLES.iter().filter(|known| **known != UNSPECIFIC);
    let (value, _) = own_environment(known.find(|known| **known == name)?)?;
    (!value.trim().is_empty()).then_some(value)
}

/// What the next start is to find of this one: the settings that its flags and its environment have decided on, what
/// it has kept itself, and the variables that no flag stands for; and which of these flags have given. What a file says
/// is read again.
pub(super) fn to_keep(
    here: &Here,
    plan: &Plan,
    args: &StartArgs,
) -> (BTreeMap<String, String>, BTreeSet<String>) {
    let of_variables = |(name, _): &(&String, &String)| SESSION_VARIABLES.contains(&name.as_str());
    let inherited = args.inherited.settings.iter().filter(of_variables);
    let inherited = inherited.map(|(name, value)| (name.clone(), value.clone()));
    let said = SESSION_VARIABLES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), said(name)?)));
    let mut kept: BTreeMap<String, String> = inherited.chain(said).collect();
    let mut flags = BTreeSet::new();
    // Kept only where it decides.
    kept.remove(UNSPECIFIC);
    for (setting, text, origin) in plan.decided(args) {
        let (id, is_path) = (setting.id, PATHS.contains(&setting.id));
        // An address with a password is written down nowhere.
        if OF_ONE_START.contains(&id) || redacted(&text) != text {
            continue;
        }
        let (id, text, is_flag) = match origin {
            Origin::Flag(_) if is_path => (id, absolute(&text, &here.cwd, None), true),
            Origin::Flag(_) => (id, text, true),
            Origin::Session(_) => (id, text, args.inherited.flags.contains(id)),
            Origin::Variable { ref place, .. } if place != ENVIRONMENT => continue,
            Origin::Variable { name: UNSPECIFIC, .. } => (UNSPECIFIC, text, false),
            // What the variable names is in the root, not where one stands.
            Origin::Variable { .. } if id == "env" => {
                (id, absolute(&text, &plan.project.root, here.places.home()), false)
            }
            Origin::Variable { .. } if is_path => (id, absolute(&text, &here.cwd, None), false),
            Origin::Variable { .. } => (id, text, false),
            Origin::Default => continue,
        };
        kept.insert(id.to_owned(), text);
        if is_flag {
            flags.insert(id.to_owned());
        }
    }
    (kept, flags)
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
    use std::collections::{BTreeMap, BTreeSet};
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
            "version":"","detached":true,"tmux_socket":"","settings":{"port":"7100","PORT":"80"},"flags":["port"]}"#;
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
            flags: BTreeSet::from(["port".to_owned()]),
            found_in: Some("/a/dev".into()),
            alone: true,
            adopts: false,
        };
        assert_eq!(start.inherited, expected);
        let options = crate::cli::settings::resolve(&start, &|_| None).unwrap();
        assert_eq!(options.port.value, 7100);
        assert_eq!(options.port.origin.to_string(), "-p of the session");
    }
}
