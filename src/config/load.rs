//! The only place of this room that touches the disk: reads Procfile and env files, and looks for programs.
//! The process's own environment is a parameter; deciding what a text means is the parsers' work.

use super::draft::{Draft, Service};
use super::envfile;
use super::environment::{Assignment, Environment, Layer, Origin, Spoken};
use super::procfile::{self, Entry};
use super::project::ProjectDef;
use super::source::{self, decode};
use super::{Checked, command, yaml};
use crate::diag::{Diagnostic, Kind, Span};
use crate::model::ServiceName;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What the environment is loaded from.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The environment of this process; see [`caller_environment`].
    pub caller: &'a [(String, String)],
    pub home: Option<&'a Path>,
    /// The project's root.
    pub root: &'a Path,
    /// Files that a flag names, in place of those that `OVR_ENV` does.
    pub named: &'a [PathBuf],
    /// Where a session is meant: what its first caller has said about `ovr` itself.
    pub spoken: Option<Spoken<'a>>,
}

impl Surroundings<'_> {
    /// A path as `OVR_ENV` has it: relative to the root; `~/` is the home directory.
    fn path_of(&self, shown: &str) -> PathBuf {
        match (shown.strip_prefix("~/"), self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.root.join(shown),
        }
    }
}

/// Turns what `std::env::vars_os` gives into text. A variable that is not UTF-8 cannot be handed on, which
/// is a warning.
pub fn caller_environment(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Checked<Vec<(String, String)>> {
    let mut diagnostics = Vec::new();
    let mut pairs = Vec::new();
    for (name, value) in variables {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => pairs.push((name, value)),
            (name, _) => {
                let name = name.unwrap_or_else(|name| name.to_string_lossy().into_owned());
                diagnostics.push(Diagnostic::warning(
                    Kind::Config,
                    format!("the environment variable {name:?} is not UTF-8; services do not get it"),
                ));
            }
        }
    }
    Checked::new(pairs, diagnostics)
}

/// Reads the Procfile at `path`; messages call it `shown`.
pub fn load_procfile(path: &Path, shown: &str) -> Checked<Vec<Entry>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return Checked::new(Vec::new(), vec![unreadable(shown, &error)]),
    };
    match decode(shown, &bytes) {
        Ok(source) => procfile::parse(&source),
        Err(diagnostics) => Checked::new(Vec::new(), diagnostics),
    }
}

/// Reads a YAML from its files, lowest first. `procfile`: the services of the Procfile that it lies over.
pub fn load_yaml(
    files: &[yaml::File],
    procfile: Option<&[ServiceName]>,
    environment: &Environment,
) -> Checked<ProjectDef> {
    with_surroundings(procfile, environment, |surroundings| {
        yaml::read(files, surroundings)
    })
}

/// The same files as they are shown: merged, and not yet understood.
pub fn show_yaml(files: &[yaml::File], environment: &Environment) -> Checked<Option<yaml::Shown>> {
    with_surroundings(None, environment, |surroundings| yaml::show(files, surroundings))
}

fn with_surroundings<T>(
    procfile: Option<&[ServiceName]>,
    environment: &Environment,
    read: impl FnOnce(&yaml::Surroundings<'_>) -> T,
) -> T {
    read(&yaml::Surroundings {
        read: &|path| fs::read(path),
        lookup: &|name| environment.value(name).map(str::to_owned),
        procfile,
    })
}

fn unreadable(shown: &str, error: &io::Error) -> Diagnostic {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => Kind::NoConfig,
        _ => Kind::Config,
    };
    Diagnostic::error(kind, format!("cannot read {shown}")).cause(error.to_string())
}

/// The environment of the project: the caller's and the env files', in the order of `docs/environment.md`.
/// The layers above them are added by `resolve`.
pub fn load_environment(surroundings: &Surroundings<'_>) -> Checked<Environment> {
    let caller = surroundings.caller.iter();
    let mut loader = Loader {
        surroundings,
        environment: Environment::from_caller(caller.map(|(name, value)| (name.as_str(), value.as_str()))),
        diagnostics: Vec::new(),
    };
    if let Some(spoken) = &surroundings.spoken {
        loader.environment.heed(spoken);
    }
    loader.settings_files();
    let skips = loader.environment.setting("SKIP_ENV").is_some();
    if !skips && loader.environment.non_empty("PC_DISABLE_DOTENV").is_none() {
        let path = surroundings.root.join(".env");
        loader.optional(Layer::DotEnv, &path, ".env");
    }
    loader.named_files();
    Checked::new(loader.environment, loader.diagnostics)
}

/// The files that the environment was loaded from, and those that it would have been if they were there.
pub fn environment_files(surroundings: &Surroundings<'_>, environment: &Environment) -> Vec<PathBuf> {
    let mut files = vec![surroundings.root.join(".env")];
    for dir in [Some(surroundings.root), surroundings.home].into_iter().flatten() {
        files.extend([".ovr.env", ".overmind.env"].map(|name| dir.join(name)));
    }
    if !surroundings.named.is_empty() {
        files.extend(surroundings.named.iter().cloned());
    } else if let Some(setting) = environment.setting("ENV") {
        let listed = setting.value.split(',').map(str::trim);
        let listed = listed.filter(|name| !name.is_empty());
        files.extend(listed.map(|name| surroundings.path_of(name)));
    }
    files
}

/// Reads one env file for a layer that the caller adds itself (a service's `env_file`). It must exist.
/// `environment` answers for the variables that the file refers to.
pub fn load_env_file(path: &Path, shown: &str, environment: &Environment) -> Checked<Vec<Assignment>> {
    match fs::read(path) {
        Ok(bytes) => parse_env_file(&bytes, shown, environment),
        Err(error) => {
            let diagnostic =
                Diagnostic::error(Kind::Config, format!("cannot read {shown}")).cause(error.to_string());
            Checked::new(Vec::new(), vec![diagnostic])
        }
    }
}

/// Reads the env files of every instance. They were named, so each must be there.
pub fn load_env_files(services: &mut [Service], environment: &Environment) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    for draft in services.iter_mut().flat_map(|service| &mut service.drafts) {
        for file in &draft.env_files {
            let mut checked = load_env_file(&file.path, &file.shown, environment);
            for found in &mut checked.diagnostics {
                found.span.get_or_insert_with(|| file.span.clone());
            }
            draft.env_file.extend(checked.value);
            // What is wrong for one replica is wrong for all.
            checked.diagnostics.retain(|found| !diagnostics.contains(found));
            diagnostics.extend(checked.diagnostics);
        }
    }
    diagnostics
}

fn parse_env_file(bytes: &[u8], shown: &str, environment: &Environment) -> Checked<Vec<Assignment>> {
    let source = match decode(shown, bytes) {
        Ok(source) => source,
        Err(diagnostics) => return Checked::new(Vec::new(), diagnostics),
    };
    let parsed = envfile::parse(&source, &|name| environment.value(name).map(str::to_owned));
    let assignments = parsed.value.into_iter().map(|variable| Assignment {
        name: variable.name,
        value: variable.value,
        origin: Origin::At(variable.span),
    });
    Checked::new(assignments.collect(), parsed.diagnostics)
}

struct Loader<'a> {
    surroundings: &'a Surroundings<'a>,
    environment: Environment,
    diagnostics: Vec<Diagnostic>,
}

impl Loader<'_> {
    /// `.ovr.env`, or `.overmind.env` where there is none, of the home directory and of the root. Where both
    /// are one directory, its file is the root's.
    fn settings_files(&mut self) {
        let root = self.surroundings.root;
        if let Some(home) = self.surroundings.home
            && !same_directory(home, root)
        {
            self.settings_file(Layer::HomeFile, home, "~/");
        }
        self.settings_file(Layer::RootFile, root, "");
    }

    fn settings_file(&mut self, layer: Layer, directory: &Path, prefix: &str) {
        for name in [".ovr.env", ".overmind.env"] {
            if self.optional(layer, &directory.join(name), &format!("{prefix}{name}")) {
                return;
            }
        }
    }

    /// Reads a file that need not be there; returns whether it is.
    fn optional(&mut self, layer: Layer, path: &Path, shown: &str) -> bool {
        match fs::read(path) {
            Ok(bytes) => {
                self.add(layer, &bytes, shown);
                true
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                false
            }
            // Python's virtual environments are often called `.env`.
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                self.diagnostics.push(Diagnostic::warning(
                    Kind::Config,
                    format!("{shown} is a directory, so no variables are read from it"),
                ));
                true
            }
            Err(error) => {
                self.diagnostics.push(
                    Diagnostic::error(Kind::Config, format!("cannot read {shown}")).cause(error.to_string()),
                );
                true
            }
        }
    }

    /// The files that `OVR_ENV` names. They were asked for, so a missing one is an error.
    fn named_files(&mut self) {
        if !self.surroundings.named.is_empty() {
            return self.typed_files();
        }
        let Some(setting) = self.environment.setting("ENV") else {
            return;
        };
        let named_by = setting.variable.clone();
        let span = match setting.origin {
            Origin::At(span) => Some(span.clone()),
            Origin::Caller | Origin::Ovr => None,
        };
        let list = setting.value.to_owned();
        for shown in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match fs::read(self.surroundings.path_of(shown)) {
                Ok(bytes) => self.add(Layer::NamedFiles, &bytes, shown),
                Err(error) => self
                    .diagnostics
                    .push(not_there(shown, &named_by, span.clone(), &error)),
            }
        }
    }

    fn typed_files(&mut self) {
        for path in self.surroundings.named {
            let shown = path.display().to_string();
            match fs::read(path) {
                Ok(bytes) => self.add(Layer::NamedFiles, &bytes, &shown),
                Err(error) => self.diagnostics.push(
                    Diagnostic::error(Kind::Usage, format!("cannot read {shown}, which -e names"))
                        .cause(error.to_string()),
                ),
            }
        }
    }

    fn add(&mut self, layer: Layer, bytes: &[u8], shown: &str) {
        let checked = parse_env_file(bytes, shown, &self.environment);
        self.environment.extend(layer, checked.value);
        self.diagnostics.extend(checked.diagnostics);
    }
}

fn not_there(shown: &str, named_by: &str, span: Option<Span>, error: &io::Error) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(
        Kind::Config,
        format!("cannot read {shown}, which {named_by} names"),
    )
    .cause(error.to_string())
    .hint(format!("paths in {named_by} are relative to the project's root"));
    diagnostic.span = span;
    diagnostic
}

fn same_directory(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// The program that `command` begins with, if it surely cannot be found: the command is simple enough to
/// tell (see [`command::program`]), and no file of that name is where a shell would look for it.
pub fn missing_program(command: &str, search_path: &str, cwd: &Path) -> Option<String> {
    let program = command::program(command)?;
    let found = command::candidates(program, search_path, cwd)
        .iter()
        .any(|path| fs::metadata(path).is_ok_and(|found| found.is_file() && runs(program, &found)));
    (!found).then(|| program.to_owned())
}

/// A shell passes over files on its search path that it may not run; of a file that was named by its path it
/// says so itself.
fn runs(program: &str, found: &fs::Metadata) -> bool {
    program.contains('/') || found.permissions().mode() & 0o111 != 0
}

/// A warning for each service whose program cannot be found: `ask: bin/askk not found`, pointing at it. Not an
/// error: another service may be about to make the program.
pub fn check_commands(services: &[Service], environment: &Environment) -> Vec<Diagnostic> {
    let firsts = services.iter().filter_map(|service| {
        let draft = service.drafts.first()?;
        Some((&service.name, draft))
    });
    firsts
        .filter(|(_, draft)| draft.by_shell)
        .filter_map(|(name, draft)| check_command(name, draft, environment))
        .collect()
}

fn check_command(name: &ServiceName, draft: &Draft, environment: &Environment) -> Option<Diagnostic> {
    let mut own = draft.environment.iter().rev().chain(draft.env_file.iter().rev());
    let own = own.find(|assignment| assignment.name == "PATH");
    // Without PATH the shell's own default decides, which nobody can know here.
    let search_path = own
        .map(|path| path.value.as_str())
        .or(environment.value("PATH"))?;
    let program = missing_program(&draft.command, search_path, &draft.cwd)?;
    let place = source::within(&draft.command_span, &program);
    Some(Diagnostic::warning(Kind::Config, format!("{name}: {program} not found")).at(place))
}

#[cfg(test)]
mod tests;
