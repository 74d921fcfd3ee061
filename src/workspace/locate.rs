//! Which session a command means: the one of the project around the current directory, or the one that was
//! named. The nearest wins, so that no command given in one project reaches another.

use super::dirs::Places;
use super::identity::ProjectId;
use super::project::{Project, Search, config_in, may_take, upwards};
use super::session::{Life, SessionEntry, SessionInfo, sessions};
use super::session_dir::{SessionDir, system};
use crate::diag::{Diagnostic, Kind};
use std::fs;
use std::path::{Path, PathBuf};

/// What is found around a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// A session, alive or unattended.
    Session(SessionEntry),
    /// A project without a session.
    Idle {
        project: Project,
        /// A session of a project further up, which the command does not mean.
        above: Option<SessionEntry>,
    },
}

/// Finds what a command means that was given in `cwd`, with `-s/--socket` as `socket`: the path of an
/// `api.sock`, a session's runtime directory, a project's directory, or the name that `start -s` was given.
///
/// # Errors
/// `NoConfig` where there is neither project nor session; `NotRunning` for a named session that is not there.
pub fn locate(places: &Places, cwd: &Path, socket: Option<&Path>) -> Result<Located, Diagnostic> {
    let Some(socket) = socket else {
        return around(places, cwd);
    };
    let named = cwd.join(socket);
    if named.is_dir() && session_dir_at(&named).is_none() {
        return around(places, &named);
    }
    let dir = named_session(places, &named)?;
    match SessionEntry::look(&dir)? {
        Some(entry) if entry.life != Life::Stale => Ok(Located::Session(entry)),
        Some(_) | None => {
            let diagnostic =
                Diagnostic::error(Kind::NotRunning, format!("no session at {}", socket.display()));
            Err(with_running(places, &named, diagnostic).hint("ovr ls lists all sessions"))
        }
    }
}

/// The runtime directory in which `start` is to open its session.
pub fn session_for_start(
    places: &Places,
    project: &Project,
    cwd: &Path,
    socket: Option<&Path>,
) -> Result<SessionDir, Diagnostic> {
    match socket {
        None => Ok(places.session(&project.id)),
        Some(socket) => {
            let named = cwd.join(socket);
            if named.is_dir() && session_dir_at(&named).is_none() {
                return Err(Diagnostic::error(
                    Kind::Usage,
                    format!("{} is a directory, not the name of a socket", named.display()),
                )
                .hint(format!(
                    "to run the project in it: ovr start -d {}",
                    socket.display()
                )));
            }
            named_session(places, &named)
        }
    }
}

fn around(places: &Places, cwd: &Path) -> Result<Located, Diagnostic> {
    let start =
        fs::canonicalize(cwd).map_err(|error| system(format!("cannot enter {}", cwd.display()), &error))?;
    let searched = upwards(&start, places.home()).count();
    for (distance, dir) in start.ancestors().enumerate() {
        if let Some(entry) = live_session(places, dir)? {
            return Ok(Located::Session(entry));
        }
        let config = (distance < searched).then(|| config_in(dir)).flatten();
        if let Some(config) = config
            && may_take(&config, &start)
        {
            // Through the search once more: the rules for a project are in one place.
            let project = search(places, &start).find()?;
            return match running_from(places, &project)? {
                Some(entry) => Ok(Located::Session(entry)),
                None => Ok(Located::Idle {
                    above: live_above(places, dir)?,
                    project,
                }),
            };
        }
    }
    match search(places, &start).find() {
        Ok(project) => Ok(Located::Idle { project, above: None }),
        Err(diagnostic) => Err(with_running(places, &start, diagnostic)),
    }
}

fn search<'a>(places: &'a Places, start: &'a Path) -> Search<'a> {
    Search {
        cwd: start,
        root: None,
        procfiles: &[],
        home: places.home(),
    }
}

/// The session whose root is this canonical directory, if it has processes.
fn live_session(places: &Places, dir: &Path) -> Result<Option<SessionEntry>, Diagnostic> {
    let entry = SessionEntry::look(&places.session(&ProjectId::of(dir)))?;
    Ok(entry.filter(|entry| entry.life != Life::Stale))
}

fn live_above(places: &Places, dir: &Path) -> Result<Option<SessionEntry>, Diagnostic> {
    for above in dir.ancestors().skip(1) {
        if let Some(entry) = live_session(places, above)? {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

/// The session that runs this project's configuration under another root (`start -d`) or name (`start -s`).
fn running_from(places: &Places, project: &Project) -> Result<Option<SessionEntry>, Diagnostic> {
    let same_config = |entry: &SessionEntry| {
        let config = entry.info.as_ref().map(|info| Path::new(&info.config));
        entry.life != Life::Stale && config == Some(&project.config.path)
    };
    let mut found: Vec<SessionEntry> = sessions(places)?.into_iter().filter(same_config).collect();
    if found.len() < 2 {
        return Ok(found.pop());
    }
    let mut diagnostic = Diagnostic::error(
        Kind::Usage,
        format!("{} sessions run {}", found.len(), project.config.path.display()),
    );
    for entry in &found {
        let (root, dir) = (entry.root().unwrap_or("?"), entry.dir.path().display());
        diagnostic = diagnostic.hint(format!("the one of {root}: -s {dir}"));
    }
    Err(diagnostic)
}

/// Adds the sessions that do run to an error that none was meant: those that are of `start` or a directory above it,
/// under another root or name, with their file and how to mean them.
fn with_running(places: &Places, start: &Path, mut diagnostic: Diagnostic) -> Diagnostic {
    let mut elsewhere = Vec::new();
    for entry in sessions(places).unwrap_or_default() {
        let Some(root) = entry.root().filter(|_| entry.life != Life::Stale) else {
            continue;
        };
        if let Some(info) = entry.info.as_ref().filter(|info| is_of(info, start)) {
            let is_roots = places.session(&ProjectId::of(Path::new(root))) == entry.dir;
            let name = if is_roots {
                Path::new(root)
            } else {
                entry.dir.path()
            };
            let (config, name) = (&info.config, name.display());
            // Before the advice on how to begin.
            let hint = format!("a session of {root} runs {config}; to mean it: -s {name}");
            diagnostic.hints.insert(0, hint);
        } else if entry.life == Life::Alive {
            elsewhere.push(root.to_owned());
        }
    }
    if elsewhere.is_empty() {
        diagnostic
    } else {
        diagnostic.hint(format!("running (ovr ls): {}", elsewhere.join(", ")))
    }
}

/// Whether the session's root, or its configuration's directory, is `start` or above it.
fn is_of(info: &SessionInfo, start: &Path) -> bool {
    let config_dir = Path::new(&info.config).parent();
    let dirs = [Some(Path::new(&info.root)), config_dir];
    dirs.into_iter().flatten().any(|dir| start.starts_with(dir))
}

/// The session directory that `path` means as a path: itself, or the one that this `api.sock` stands in.
fn session_dir_at(path: &Path) -> Option<SessionDir> {
    let dir = match path.file_name()?.to_str()? {
        "api.sock" => path.parent()?,
        _ => path,
    };
    ProjectId::parse(dir.file_name()?.to_str()?)?;
    fs::canonicalize(dir).ok().map(SessionDir::named)
}

/// The session that `path` names. A path that is no session's is a name like any other: both sides hash it
/// to the same runtime directory, and nothing is written at the path itself (`-s ./.overmind.sock` works).
fn named_session(places: &Places, path: &Path) -> Result<SessionDir, Diagnostic> {
    if let Some(dir) = session_dir_at(path) {
        return Ok(dir.noted_in(places.state_root()));
    }
    let usage = |why: &str| Diagnostic::error(Kind::Usage, format!("{}: {why}", path.display()));
    let name = path
        .file_name()
        .ok_or_else(|| usage("not the name of a socket"))?;
    let parent = path.parent().unwrap_or(Path::new("/"));
    let parent: PathBuf = fs::canonicalize(parent).map_err(|error| usage(&error.to_string()))?;
    Ok(places.session(&ProjectId::of(&parent.join(name))))
}

#[cfg(test)]
mod tests;
