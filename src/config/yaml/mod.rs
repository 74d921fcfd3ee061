//! YAML configurations (`ovr.yaml`, `process-compose.yaml`): the text of all files to one
//! [`ProjectDef`]. Pure: files are read by a closure of the caller's.
//!
//! A file becomes a tree with places (`parse`), that tree takes one shape (`normal`, by the table in `keys`), the
//! trees become one (`files`, `merge`), variables are put in (`expand`, `substitute`), the values get their types
//! (`read`), and what no value shows by itself is checked (`checks`). All errors are told at once.

mod checks;
mod expand;
mod files;
mod keys;
mod merge;
mod node;
mod normal;
mod parse;
mod read;
mod report;
mod schema;
mod shown;
mod substitute;
mod syntax;

pub use expand::fill_in;
pub use schema::schema;
pub use shown::Shown;
pub use substitute::{around_escaped, settled};

use super::Checked;
use super::project::ProjectDef;
use crate::model::ServiceName;
use files::Loader;
use node::Node;
use report::Report;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// Whose format a file is in. They have the same keys; what is unknown is an error in ours, and a warning in
/// Process Compose's, which takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Ovr,
    ProcessCompose,
}

/// A file of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is; absolute.
    pub path: PathBuf,
    /// How messages name it.
    pub shown: String,
    pub dialect: Dialect,
}

/// What a configuration is read in.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Reads a file: one of those named, or one that these extend.
    pub read: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
    /// The value of a variable for `${NAME}`, if it has one.
    pub lookup: &'a dyn Fn(&str) -> Option<String>,
    /// The services of the Procfile that the configuration is laid over, if there is one: these may go without a
    /// command, and others may depend on them.
    pub procfile: Option<&'a [ServiceName]>,
}

/// Reads a configuration from its files, lowest first: what a later one says counts.
///
/// Texts of the result may hold templates, and `${NAME}` of names that are known only later: of `env_cmds` and
/// `environment`, and what `ovr` injects. In commands they are the shell's; in other values [`fill_in`] replaces
/// them.
pub fn read(files: &[File], surroundings: &Surroundings<'_>) -> Checked<ProjectDef> {
    let mut report = Report::default();
    let merged = merge_all(files, surroundings, &mut report);
    let Some(root) = merged.root else {
        return Checked::new(ProjectDef::default(), report.finish(false));
    };
    let (read, broken, uncertain) = (merged.read, merged.broken, merged.uncertain);
    let mut project = read::project(&root, &mut report);
    project.files = read;
    project.is_literal = merged.is_literal;
    // Of what is missing because it could not be read, nothing sensible can be said.
    if !broken {
        let known = checks::Known {
            procfile: surroundings.procfile,
            uncertain: &uncertain,
        };
        checks::check(&project, &root.span, &known, &mut report);
    }
    // A disabled process without a command is there for others to extend, and no service.
    let listed = |name: &ServiceName| surroundings.procfile.is_some_and(|names| names.contains(name));
    project
        .services
        .retain(|service| checks::has_command(service) || !service.disabled || listed(&service.name.value));
    let strict = project.is_strict;
    Checked::new(project, report.finish(strict))
}

/// The files as one, as they are shown: merged, with their variables put in. Nothing if none can be read.
pub fn show(files: &[File], surroundings: &Surroundings<'_>) -> Checked<Option<Shown>> {
    let mut report = Report::default();
    let merged = merge_all(files, surroundings, &mut report);
    Checked::new(merged.root.as_ref().map(Shown::of), report.finish(false))
}

/// All files as one tree.
struct Merged {
    root: Option<Node>,
    /// Every file that was read, lowest first.
    read: Vec<PathBuf>,
    broken: bool,
    /// Processes of which something is missing.
    uncertain: BTreeSet<String>,
    /// Variables are left as they are written.
    is_literal: bool,
}

fn merge_all(files: &[File], surroundings: &Surroundings<'_>, report: &mut Report) -> Merged {
    let mut loader = Loader {
        surroundings,
        report,
        read: Vec::new(),
        broken: false,
    };
    let mut root = loader.all(files);
    let (read, broken) = (loader.read, loader.broken);
    let mut uncertain = BTreeSet::new();
    let mut is_literal = false;
    if let Some(root) = &mut root {
        uncertain = files::extend_processes(root, report);
        is_literal = !read::expands(root, report);
        if !is_literal {
            expand::project(root, surroundings.lookup, report);
        }
    }
    Merged {
        root,
        read,
        broken,
        uncertain,
        is_literal,
    }
}

#[cfg(test)]
mod tests;
