//! Finding the project: from a directory upwards to the nearest configuration. Reads names and owners of
//! files, never what is in them, and writes nothing.

use super::advice;
use super::identity::ProjectId;
use crate::diag::{Diagnostic, Kind};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The dialects that a configuration can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Procfile,
    Ovr,
    ProcessCompose,
    Mprocs,
    ProjectServices,
}

/// The names that configurations have, best first in one directory, and whether this build can run them.
/// Another dialect becomes runnable by its entry here.
pub(super) const CONFIG_FILES: &[(&str, Dialect, bool)] = &[
    ("Procfile", Dialect::Procfile, true),
    ("ovr.yaml", Dialect::Ovr, false),
    ("ovr.yml", Dialect::Ovr, false),
    ("process-compose.yaml", Dialect::ProcessCompose, false),
    ("process-compose.yml", Dialect::ProcessCompose, false),
    ("mprocs.yaml", Dialect::Mprocs, false),
    (".project-services.json", Dialect::ProjectServices, false),
];

/// A configuration file that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// Absolute.
    pub path: PathBuf,
    pub dialect: Dialect,
}

/// A project: the directory that its services run in, and its configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Canonical, valid UTF-8.
    pub root: PathBuf,
    /// The directory's own name.
    pub name: String,
    pub id: ProjectId,
    pub config: ConfigFile,
}

/// Where to look for the project.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// Absolute; other paths are relative to it.
    pub cwd: &'a Path,
    /// `-d/--root`: the directory that the services run in.
    pub root: Option<&'a Path>,
    /// `-f/--procfile`: the configuration.
    pub procfile: Option<&'a Path>,
    /// The search upwards does not leave the user's home.
    pub home: Option<&'a Path>,
}

impl Search<'_> {
    /// Finds the project; the error for none says where it was looked for and how to begin.
    pub fn find(self) -> Result<Project, Diagnostic> {
        let root = self.root.map(|root| directory(self.cwd, root)).transpose()?;
        if let Some(procfile) = self.procfile {
            let config = named_config(self.cwd, procfile)?;
            // Relative names in it mean the directory it stands in.
            let root = root.or_else(|| config.path.parent().map(Path::to_owned));
            return project(root.unwrap_or_else(|| PathBuf::from("/")), config);
        }
        let start = canonical(self.cwd, "the current directory")?;
        if let Some(root) = root {
            if let Some(config) = config_in(&root) {
                return project(root, config);
            }
            // As in Overmind, -d names where to run, and the Procfile may stand where you are.
            return match nearest(&start, self.home)? {
                Some((_, config)) => project(root, config),
                None => Err(advice::no_config(&[root], &[])),
            };
        }
        if let Some((root, config)) = nearest(&start, self.home)? {
            return project(root, config);
        }
        let searched: Vec<PathBuf> = upwards(&start, self.home).map(Path::to_owned).collect();
        let refused = refused_configs(&start, &searched);
        Err(advice::no_config(&searched, &refused))
    }
}

/// `dir` and the directories above it that belong to the search, nearest first: up to the user's home if
/// `dir` is in it, else up to the root of the file system.
pub(super) fn upwards<'a>(dir: &'a Path, home: Option<&Path>) -> impl Iterator<Item = &'a Path> {
    let last = home
        .and_then(|home| fs::canonicalize(home).ok())
        .filter(|home| dir.starts_with(home) && home.parent().is_some());
    let mut beyond = false;
    dir.ancestors().take_while(move |ancestor| {
        let inside = !beyond;
        beyond = last.as_deref() == Some(*ancestor);
        inside
    })
}

/// The configuration in `dir` itself that this build can run.
pub(super) fn config_in(dir: &Path) -> Option<ConfigFile> {
    CONFIG_FILES
        .iter()
        .filter(|(_, _, runnable)| *runnable)
        .map(|(name, dialect, _)| ConfigFile {
            path: dir.join(name),
            dialect: *dialect,
        })
        .find(|config| config.path.is_file())
}

/// Whether a configuration found in a directory *above* the one the search began in may be run. In a place
/// that all users write to (`/tmp/Procfile`), it could be anybody's; our own, root's, and the one of whoever
/// owns the directory we stand in are fine.
pub(super) fn may_take(config: &ConfigFile, start: &Path) -> bool {
    let owner = |path: &Path| fs::metadata(path).ok().map(|found| found.uid());
    let Some(uid) = owner(&config.path) else {
        return false;
    };
    let same_directory = config.path.parent() == Some(start);
    same_directory || uid == 0 || uid == rustix::process::geteuid().as_raw() || owner(start) == Some(uid)
}

/// The nearest directory with a configuration, and the configuration.
fn nearest(start: &Path, home: Option<&Path>) -> Result<Option<(PathBuf, ConfigFile)>, Diagnostic> {
    for dir in upwards(start, home) {
        if let Some(config) = config_in(dir)
            && may_take(&config, start)
        {
            return Ok(Some((dir.to_owned(), config)));
        }
    }
    // A start in a directory that cannot be read would otherwise look like one without configuration.
    match fs::metadata(start) {
        Ok(_) => Ok(None),
        Err(error) => Err(unreadable(start, &error)),
    }
}

fn refused_configs(start: &Path, searched: &[PathBuf]) -> Vec<PathBuf> {
    searched
        .iter()
        .filter_map(|dir| config_in(dir))
        .filter(|config| !may_take(config, start))
        .map(|config| config.path)
        .collect()
}

/// The configuration that the user named.
fn named_config(cwd: &Path, named: &Path) -> Result<ConfigFile, Diagnostic> {
    let path = cwd.join(named);
    let found = fs::metadata(&path).map_err(|error| {
        Diagnostic::error(Kind::NoConfig, format!("cannot read {}", path.display())).cause(error.to_string())
    })?;
    if found.is_dir() {
        return Err(
            Diagnostic::error(Kind::NoConfig, format!("{} is a directory", path.display())).hint(format!(
                "to run the project in it: ovr start -d {}",
                named.display()
            )),
        );
    }
    // Not the file itself: a link to a Procfile elsewhere means the directory it is found in.
    let parent = path.parent().unwrap_or(Path::new("/"));
    let name = path.file_name().unwrap_or_default();
    let known = CONFIG_FILES.iter().find(|(known, _, _)| *known == name);
    if let Some((known, _, false)) = known {
        return Err(
            Diagnostic::error(Kind::Config, format!("this ovr cannot run {known} yet"))
                .hint("name a Procfile"),
        );
    }
    Ok(ConfigFile {
        path: canonical(parent, "the directory of the Procfile")?.join(name),
        dialect: known.map_or(Dialect::Procfile, |(_, dialect, _)| *dialect),
    })
}

/// The directory that the user named, canonical.
fn directory(cwd: &Path, named: &Path) -> Result<PathBuf, Diagnostic> {
    let path = canonical(&cwd.join(named), "the project's directory")?;
    if path.is_dir() {
        Ok(path)
    } else {
        Err(Diagnostic::error(
            Kind::NoConfig,
            format!("{} is not a directory", path.display()),
        ))
    }
}

fn canonical(path: &Path, what: &str) -> Result<PathBuf, Diagnostic> {
    fs::canonicalize(path).map_err(|error| {
        Diagnostic::error(Kind::NoConfig, format!("cannot enter {what}: {}", path.display()))
            .cause(error.to_string())
    })
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::error(Kind::System, format!("cannot read {}", path.display())).cause(error.to_string())
}

/// The project with this canonical root. Its path goes through JSON and through tmux, so it has to be text.
fn project(root: PathBuf, config: ConfigFile) -> Result<Project, Diagnostic> {
    for path in [&root, &config.path] {
        if path.to_str().is_none() {
            return Err(Diagnostic::error(
                Kind::Config,
                format!("this path is not valid UTF-8: {}", path.display()),
            )
            .hint("rename the directory or file whose name shows a `\u{fffd}` above"));
        }
    }
    Ok(Project {
        name: project_name(&root),
        id: ProjectId::of(&root),
        root,
        config,
    })
}

/// What a project in this directory is called.
pub fn project_name(root: &Path) -> String {
    match root.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => "root".to_owned(),
    }
}

#[cfg(test)]
mod tests;
