//! The files of a configuration to one tree: read, normalised, each over what it `extends`, all over each other,
//! processes over the ones that they extend. Reading is the caller's closure.

use super::keys::PROJECT;
use super::merge::merge;
use super::node::{Entry, Key, Node, Value};
use super::report::Report;
use super::{Dialect, File, Surroundings, normal, parse};
use crate::config::source::decode;
use crate::diag::{Diagnostic, Kind, Source, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The key under which a process remembers the directory of the file that brought it by `extends`. No file can
/// have it: a key of a file has gone through `normal.rs`.
pub(super) const BASE: &str = "\0base";

/// How many processes may extend one another.
const MAX_CHAIN: usize = 100;

pub(super) struct Loader<'a> {
    pub surroundings: &'a Surroundings<'a>,
    pub report: &'a mut Report,
    /// Every file that was read, lowest first.
    pub read: Vec<PathBuf>,
    /// A file was not understood at all: what it would have brought is missing everywhere.
    pub broken: bool,
}

impl Loader<'_> {
    /// All files, merged; `None` if there is none that can be read.
    pub(super) fn all(&mut self, files: &[File]) -> Option<Node> {
        let mut merged: Option<Node> = None;
        for file in files {
            let Some(node) = self.file(file, None, &mut Vec::new()) else {
                continue;
            };
            merged = Some(match merged {
                Some(lower) => merge(lower, node, &PROJECT),
                None => node,
            });
        }
        merged
    }

    /// One file over what it extends. `named` is where it is named, if a file does that; `chain` holds the files
    /// that led here.
    fn file(
        &mut self,
        file: &File,
        named: Option<&Span>,
        chain: &mut Vec<(PathBuf, String)>,
    ) -> Option<Node> {
        let source = self.source(file, named)?;
        let (root, diagnostics) = parse::parse(&source);
        self.report.extend(diagnostics);
        let Some(root) = root else {
            // An empty file says nothing, and is merged as that.
            let empty = source.text.lines().all(|line| {
                let line = line.trim();
                line.is_empty() || line.starts_with('#') || line == "---"
            });
            self.broken |= !empty;
            return empty.then(|| Node {
                value: Value::Map(Vec::new()),
                span: beginning(&source),
            });
        };
        let mut node = normal::mapping(root, &PROJECT, self.report);
        if let Some(Entry { value: base, .. }) = take(&mut node, "extends") {
            chain.push((plain(&file.path), file.shown.clone()));
            if let Some(lower) = self.base(file, &base, chain) {
                node = merge(lower, node, &PROJECT);
            }
            chain.pop();
        }
        if !self.read.contains(&file.path) {
            self.read.push(file.path.clone());
        }
        Some(node)
    }

    fn source(&mut self, file: &File, named: Option<&Span>) -> Option<Arc<Source>> {
        let decoded = match (self.surroundings.read)(&file.path) {
            Ok(bytes) => decode(&file.shown, &bytes),
            Err(error) => {
                let kind = match (error.kind(), named) {
                    (std::io::ErrorKind::NotFound, None) => Kind::NoConfig,
                    _ => Kind::Config,
                };
                let mut diagnostic =
                    Diagnostic::error(kind, format!("cannot read {}", file.shown)).cause(error.to_string());
                diagnostic.span = named.cloned();
                Err(vec![diagnostic])
            }
        };
        match decoded {
            Ok(source) => {
                self.report.file(&source, file.dialect);
                Some(source)
            }
            Err(diagnostics) => {
                self.broken = true;
                self.report.extend(diagnostics);
                None
            }
        }
    }

    /// The file that `file` extends, with the directory of its processes noted in them.
    fn base(&mut self, file: &File, named: &Node, chain: &mut Vec<(PathBuf, String)>) -> Option<Node> {
        let written = super::fill_in(named.scalar()?.text.trim(), self.surroundings.lookup);
        let path = plain(&file.path.parent()?.join(&written));
        let shown = plain(&Path::new(&file.shown).parent()?.join(&written));
        let shown = shown.to_string_lossy().into_owned();
        if let Some(start) = chain.iter().position(|(before, _)| *before == path) {
            let mut way: Vec<&str> = chain[start..].iter().map(|(_, shown)| shown.as_str()).collect();
            way.push(&chain[start].1);
            let message = format!("these files extend each other: {}", way.join(" → "));
            self.report.error(message, &named.span);
            return None;
        }
        let dialect = if is_ours(&path) {
            Dialect::Ovr
        } else {
            file.dialect
        };
        let base = File { path, shown, dialect };
        let mut node = self.file(&base, Some(&named.span), chain)?;
        note_base(&mut node, &base);
        Some(node)
    }
}

fn is_ours(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "ovr")
}

/// Without `.` and `..`, as far as that can be told without looking.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

pub(super) fn beginning(source: &Arc<Source>) -> Span {
    Span {
        source: Arc::clone(source),
        line: 1,
        column: 1,
        length: 1,
    }
}

fn take(node: &mut Node, name: &str) -> Option<Entry> {
    let Value::Map(entries) = &mut node.value else {
        return None;
    };
    let at = entries.iter().position(|entry| entry.key.text == name)?;
    Some(entries.remove(at))
}

fn note_base(node: &mut Node, file: &File) {
    let (Value::Map(entries), Some(directory)) = (&mut node.value, file.path.parent()) else {
        return;
    };
    let processes = entries.iter_mut().filter(|entry| entry.key.text == "processes");
    for process in processes.filter_map(|entry| match &mut entry.value.value {
        Value::Map(processes) => Some(processes),
        Value::Scalar(_) | Value::List(_) => None,
    }) {
        for Entry { key, value } in process {
            if let Value::Map(keys) = &mut value.value
                && !keys.iter().any(|entry| entry.key.text == BASE)
            {
                let (span, text) = (key.span.clone(), BASE.to_owned());
                let value = Node::text(directory.to_string_lossy(), span.clone());
                keys.push(Entry {
                    key: Key { text, span },
                    value,
                });
            }
        }
    }
}

/// Puts every process over the one that it extends; returns the names of those for which that went wrong.
pub(super) fn extend_processes(root: &mut Node, report: &mut Report) -> BTreeSet<String> {
    let Some(Value::Map(processes)) = (match &mut root.value {
        Value::Map(entries) => entries
            .iter_mut()
            .find(|entry| entry.key.text == "processes")
            .map(|entry| &mut entry.value.value),
        Value::Scalar(_) | Value::List(_) => None,
    }) else {
        return BTreeSet::new();
    };
    let mut extending = Extending {
        given: processes
            .iter()
            .map(|e| (e.key.text.clone(), e.value.clone()))
            .collect(),
        done: BTreeMap::new(),
        failed: BTreeSet::new(),
        report,
    };
    for entry in processes {
        entry.value = extending.process(&entry.key.text, &mut Vec::new());
    }
    extending.failed
}

struct Extending<'a> {
    given: BTreeMap<String, Node>,
    done: BTreeMap<String, Node>,
    failed: BTreeSet<String>,
    report: &'a mut Report,
}

impl Extending<'_> {
    fn process(&mut self, name: &str, chain: &mut Vec<String>) -> Node {
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        let mut node = self.given[name].clone();
        if let Some(Entry { value: parent, .. }) = take(&mut node, "extends") {
            chain.push(name.to_owned());
            match self.parent(&parent, chain) {
                Some(mut lower) => {
                    // A pattern is disabled so that it does not run itself; who follows it is to run.
                    for own in ["disabled", "is_disabled"] {
                        take(&mut lower, own);
                    }
                    node = merge(lower, node, &super::keys::PROCESS);
                }
                None => self.failed.extend(chain.iter().cloned()),
            }
            chain.pop();
        }
        self.done.insert(name.to_owned(), node.clone());
        node
    }

    fn parent(&mut self, named: &Node, chain: &mut Vec<String>) -> Option<Node> {
        let name = named.scalar()?.text.clone();
        if !self.given.contains_key(&name) {
            let error = Diagnostic::error(Kind::Config, format!("there is no process {name:?} to extend"));
            let names = self.given.keys().map(String::as_str);
            let guess = crate::model::suggest(&name, names).map(|guess| format!("did you mean {guess:?}?"));
            let mut error = error.at(named.span.clone());
            error.hints.extend(guess);
            self.report.push(error);
            return None;
        }
        if chain.len() == MAX_CHAIN {
            let message = format!("more than {MAX_CHAIN} processes extend each other here");
            self.report.error(message, &named.span);
            return None;
        }
        if let Some(start) = chain.iter().position(|other| *other == name) {
            let mut way = chain[start..].to_vec();
            way.push(name);
            let message = format!("these processes extend each other: {}", way.join(" → "));
            self.report.error(message, &named.span);
            return None;
        }
        Some(self.process(&name, chain))
    }
}
