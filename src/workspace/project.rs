//! Finding the project: from a directory upwards to the nearest configuration. Reads names and owners of
//! files, and what is in them only where a name could be another tool's; writes nothing.

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
    ("ovr.yaml", Dialect::Ovr, true),
    ("ovr.yml", Dialect::Ovr, true),
    ("compose.yml", Dialect::ProcessCompose, true),
    ("compose.yaml", Dialect::ProcessCompose, true),
    ("process-compose.yml", Dialect::ProcessCompose, true),
    ("process-compose.yaml", Dialect::ProcessCompose, true),
    ("Procfile", Dialect::Procfile, true),
    ("mprocs.yaml", Dialect::Mprocs, false),
    (".project-services.json", Dialect::ProjectServices, false),
];

/// Files that are laid over a configuration of the dialect beside them. The first that is there counts.
const OVERRIDES: &[(&str, Dialect)] = &[
    ("ovr.override.yaml", Dialect::Ovr),
    ("ovr.override.yml", Dialect::Ovr),
    ("compose.override.yml", Dialect::ProcessCompose),
    ("compose.override.yaml", Dialect::ProcessCompose),
    ("process-compose.override.yml", Dialect::ProcessCompose),
    ("process-compose.override.yaml", Dialect::ProcessCompose),
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
    /// The file that the project goes by.
    pub config: ConfigFile,
    /// All files of its configuration, lowest first; `config` is among them.
    pub files: Vec<ConfigFile>,
    /// Configurations beside it that are not used.
    pub unused: Vec<ConfigFile>,
}

/// Where to look for the project.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// Absolute; other paths are relative to it.
    pub cwd: &'a Path,
    /// `-d/--root`: the directory that the services run in.
    pub root: Option<&'a Path>,
    /// `-f/--procfile`: the files of the configuration, lowest first. Empty looks for them.
    pub procfiles: &'a [PathBuf],
    /// The search upwards does not leave the user's home.
    pub home: Option<&'a Path>,
}

impl Search<'_> {
    /// Finds the project; the error for none says where it was looked for and how to begin.
    pub fn find(self) -> Result<Project, Diagnostic> {
        let root = self.root.map(|root| directory(self.cwd, root)).transpose()?;
        if !self.procfiles.is_empty() {
            return named_project(self.cwd, root, self.procfiles);
        }
        let start = canonical(self.cwd, "the current directory")?;
        if let Some(root) = root {
            if let Some(config) = config_in(&root) {
                return found_project(root, config);
            }
            // As in Overmind, -d names where to run, and the Procfile may stand where you are.
            return match nearest(&start, self.home)? {
                Some((_, config)) => found_project(root, config),
                None => Err(advice::no_config(&[root], &[])),
            };
        }
        if let Some((root, config)) = nearest(&start, self.home)? {
            return found_project(root, config);
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
    configs_in(dir).next()
}

/// All configurations in `dir` that this build can run, best first.
fn configs_in(dir: &Path) -> impl Iterator<Item = ConfigFile> {
    CONFIG_FILES
        .iter()
        .filter(|(_, _, runnable)| *runnable)
        .map(|(name, dialect, _)| ConfigFile {
            path: dir.join(name),
            dialect: *dialect,
        })
        .filter(|config| config.path.is_file() && !is_another_tools(config))
}

/// `compose.yaml` is Docker's name, too. Process Compose's has `processes`.
fn is_another_tools(config: &ConfigFile) -> bool {
    let shared = config
        .path
        .file_name()
        .is_some_and(|name| name == "compose.yml" || name == "compose.yaml");
    shared && !is_of_process_compose(&config.path)
}

fn is_of_process_compose(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.lines().any(|line| line.starts_with("processes:")))
}

/// The project whose configuration was found: with the Procfile that an `ovr.yaml` lies over, and the file that
/// is laid over it.
fn found_project(root: PathBuf, config: ConfigFile) -> Result<Project, Diagnostic> {
    let dir = config.path.parent().unwrap_or(Path::new("/")).to_owned();
    let beside: Vec<ConfigFile> = configs_in(&dir).filter(|other| *other != config).collect();
    let (below, unused): (Vec<_>, Vec<_>) = beside
        .into_iter()
        .partition(|other| config.dialect == Dialect::Ovr && other.dialect == Dialect::Procfile);
    let over = OVERRIDES
        .iter()
        .filter(|(_, dialect)| *dialect == config.dialect)
        .map(|(name, dialect)| ConfigFile {
            path: dir.join(name),
            dialect: *dialect,
        })
        .find(|over| over.path.is_file());
    let files = below.into_iter().chain([config.clone()]).chain(over).collect();
    Ok(Project {
        unused,
        ..project(root, config, files)?
    })
}

/// What would be laid over the project's configuration if it were there, beside it.
pub fn possible_overrides(project: &Project) -> impl Iterator<Item = PathBuf> {
    let dir = project.config.path.parent().unwrap_or(Path::new("/")).to_owned();
    let dialect = project.config.dialect;
    let of_dialect = OVERRIDES.iter().filter(move |(_, other)| *other == dialect);
    of_dialect.map(move |(name, _)| dir.join(name))
}

/// The project whose files the user named.
fn named_project(cwd: &Path, root: Option<PathBuf>, named: &[PathBuf]) -> Result<Project, Diagnostic> {
    let files: Result<Vec<ConfigFile>, Diagnostic> =
        named.iter().map(|file| named_config(cwd, file)).collect();
    let files = files?;
    if let Some(late) = files
        .iter()
        .skip(1)
        .find(|file| file.dialect == Dialect::Procfile)
    {
        return Err(Diagnostic::error(
            Kind::Usage,
            format!("{} cannot be laid over another file", late.path.display()),
        )
        .hint("a Procfile comes first: ovr start -f Procfile -f ovr.yaml"));
    }
    let first = files.first().expect("no project is named by no file");
    // Relative names in it mean the directory it stands in.
    let root = root.or_else(|| first.path.parent().map(Path::to_owned));
    let yaml = files.iter().find(|file| file.dialect != Dialect::Procfile);
    let config = yaml.unwrap_or(first).clone();
    project(root.unwrap_or_else(|| PathBuf::from("/")), config, files)
}

/// Whether a configuration that was found and not named may be run. In a place
/// that all users write to (`/tmp/Procfile`), it could be anybody's; our own, root's, and the one of whoever
/// owns the directory we stand in are fine, and so is the one right here, unless anybody can put a file here.
pub(super) fn may_take(config: &ConfigFile, start: &Path) -> bool {
    let owner = |path: &Path| fs::metadata(path).ok().map(|found| found.uid());
    let Some(uid) = owner(&config.path) else {
        return false;
    };
    let open_to_all = fs::metadata(start).is_ok_and(|found| found.mode() & 0o002 != 0);
    let same_directory = config.path.parent() == Some(start) && !open_to_all;
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
                .hint("name a Procfile, an ovr.yaml or a process-compose.yaml"),
        );
    }
    let is_dockers = COMPOSE_FILES.iter().any(|compose| *compose == name);
    if is_dockers && !is_of_process_compose(&path) {
        let message = format!(
            "{} is a file of Docker Compose, which only that can run",
            path.display()
        );
        return Err(Diagnostic::error(Kind::Config, message)
            .hint("as a service: `containers: docker compose up` in a Procfile"));
    }
    Ok(ConfigFile {
        path: canonical(parent, "the directory of the configuration")?.join(name),
        dialect: known.map_or_else(|| dialect_of(&name.to_string_lossy()), |(_, dialect, _)| *dialect),
    })
}

/// What Docker Compose reads.
const COMPOSE_FILES: [&str; 4] = [
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yml",
    "compose.yaml",
];

/// The dialect of a file that has none of the usual names.
fn dialect_of(name: &str) -> Dialect {
    let is_yaml = Path::new(name).extension().is_some_and(|extension| {
        extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml")
    });
    match (is_yaml, name.starts_with("ovr")) {
        (false, _) => Dialect::Procfile,
        (true, true) => Dialect::Ovr,
        (true, false) => Dialect::ProcessCompose,
    }
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
fn project(root: PathBuf, config: ConfigFile, files: Vec<ConfigFile>) -> Result<Project, Diagnostic> {
    for path in std::iter::once(&root).chain(files.iter().map(|file| &file.path)) {
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
        files,
        unused: Vec::new(),
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
