//! What is to be said about a configuration, gathered over all its files: `is_strict` is known only when all
//! have been read, and what is explained is explained once.

use super::Dialect;
use super::keys::{PROCESS, PROJECT, Table};
use crate::diag::{Diagnostic, Kind, Severity, Source, Span};
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Report {
    /// In the order of their numbers, lowest file first.
    files: Vec<(Arc<Source>, Dialect)>,
    found: Vec<Found>,
    explained: BTreeSet<&'static str>,
    /// Keys that say what a process runs, but for a letter; each is an error already.
    misspelt: Vec<Span>,
}

struct Found {
    diagnostic: Diagnostic,
    /// A warning that is an error where the configuration is strict.
    strict: bool,
}

impl Report {
    pub(super) fn file(&mut self, source: &Arc<Source>, dialect: Dialect) {
        self.files.push((Arc::clone(source), dialect));
    }

    fn dialect(&self, span: &Span) -> Dialect {
        let file = self
            .files
            .iter()
            .find(|(source, _)| Arc::ptr_eq(source, &span.source));
        file.map_or(Dialect::Ovr, |(_, dialect)| *dialect)
    }

    /// Whether it stands in a file of another tool's format.
    pub(super) fn is_foreign(&self, span: &Span) -> bool {
        self.dialect(span) == Dialect::ProcessCompose
    }

    /// An error, or a warning that strictness makes one.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(Found {
            diagnostic,
            strict: true,
        });
    }

    pub(super) fn extend(&mut self, diagnostics: Vec<Diagnostic>) {
        for diagnostic in diagnostics {
            self.push(diagnostic);
        }
    }

    pub(super) fn error(&mut self, message: impl Into<String>, span: &Span) {
        self.push(Diagnostic::error(Kind::Config, message).at(span.clone()));
    }

    /// An error in a file of ours, a warning in one of Process Compose's, which takes it.
    pub(super) fn ours(&mut self, message: String, span: &Span, hint: Option<String>) {
        let mut diagnostic = match self.dialect(span) {
            Dialect::Ovr => Diagnostic::error(Kind::Config, message),
            Dialect::ProcessCompose => Diagnostic::warning(Kind::Config, message),
        }
        .at(span.clone());
        diagnostic.hints.extend(hint);
        self.push(diagnostic);
    }

    /// Says why a key has no effect, the first time that it is met; no error in a strict configuration either.
    pub(super) fn explain(&mut self, key: &'static str, why: &str, span: &Span) {
        if self.explained.insert(key) {
            self.found.push(Found {
                diagnostic: Diagnostic::warning(Kind::Config, format!("`{key}` has no effect: {why}"))
                    .at(span.clone()),
                strict: false,
            });
        }
    }

    /// Whether a misspelt `command` stands between these places, or behind the first one.
    pub(super) fn has_misspelt_command(&self, from: &Span, to: Option<&Span>) -> bool {
        let place = |span: &Span| (span.line, span.column);
        let is_here = |found: &&Span| {
            Arc::ptr_eq(&found.source, &from.source)
                && place(found) > place(from)
                && to.is_none_or(|to| place(found) < place(to))
        };
        self.misspelt.iter().any(|found| is_here(&found))
    }

    pub(super) fn unknown_key(&mut self, name: &str, table: &Table, span: &Span) {
        let is_command = matches!(table.suggest(name), Some("command" | "entrypoint"));
        if is_command && std::ptr::eq(table, &raw const PROCESS) && !self.is_foreign(span) {
            self.misspelt.push(span.clone());
        }
        let message = format!("`{name}` is no key of {}", table.what);
        let names = || table.keys.iter().map(|key| key.name).collect::<Vec<_>>();
        let is = |other: &'static Table| std::ptr::eq(table, &raw const *other);
        let hint = match table.suggest(name) {
            _ if is(&PROJECT) && PROCESS.find(name).is_some() => {
                "it is a key of a process: write it below the process's name, in `processes`".to_owned()
            }
            _ if is(&PROCESS) && PROJECT.find(name).is_some() => {
                "it is a key of the whole configuration: write it at the left margin".to_owned()
            }
            Some(meant) => format!("did you mean `{meant}`?"),
            None if table.keys.len() <= 12 => format!("its keys are {}", names().join(", ")),
            None => "a key of your own begins with `x-`".to_owned(),
        };
        self.ours(message, span, Some(hint));
    }

    pub(super) fn has_errors(&self) -> bool {
        self.found
            .iter()
            .any(|found| found.diagnostic.severity == Severity::Error)
    }

    /// Everything, file by file in the order of the text.
    pub(super) fn finish(self, strict: bool) -> Vec<Diagnostic> {
        let mut found: Vec<Diagnostic> = self
            .found
            .into_iter()
            .map(|mut found| {
                if strict && found.strict {
                    found.diagnostic.severity = Severity::Error;
                }
                found.diagnostic
            })
            .collect();
        let place = |diagnostic: &Diagnostic| {
            let span = diagnostic.span.as_ref()?;
            let file = self
                .files
                .iter()
                .position(|(source, _)| Arc::ptr_eq(source, &span.source));
            Some((file, span.line, span.column))
        };
        found.sort_by_key(place);
        // A value that is there through several aliases is wrong once.
        found.dedup();
        found
    }
}
