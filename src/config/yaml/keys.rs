//! The keys of a configuration: one table that the reader, "did you mean", merging and the JSON Schema go by.
//! What a value turns into is in `read/`.

mod log_file;
mod parts;
mod process;
mod project;

use log_file::LOG;
pub(super) use parts::SHELL;
use parts::{AVAILABILITY, DEPENDENCY, HOOKS, LIMITS, PROBE, SCHEDULE, SHUTDOWN, WATCH};
pub(super) use process::PROCESS;
pub(super) use project::PROJECT;

/// The keys that one kind of mapping may have.
#[derive(Debug)]
pub(super) struct Table {
    /// For messages: "… is no key of {what}".
    pub what: &'static str,
    pub keys: &'static [Key],
    /// Words that people write for a key, from other tools.
    pub foreign: &'static [(&'static str, &'static str)],
}

#[derive(Debug)]
pub(super) struct Key {
    pub name: &'static str,
    pub kind: Kind,
    pub doc: &'static str,
    pub fate: Fate,
}

/// What becomes of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Read,
    /// Another name of the key that is named here.
    Alias(&'static str),
    /// Accepted, and without effect: what it asks for goes without saying.
    Granted,
    /// Accepted, and told why it has no effect, or not all of it.
    Explained(&'static str),
}

/// What a key takes that has one value.
#[derive(Clone, Copy, Debug)]
pub(super) enum One {
    Text,
    /// A text that a shell gets: what is a shell's is left to it.
    Command,
    Flag,
    /// A whole number, from the first to the last.
    Whole(i64, i64),
    /// A number of seconds, or a text such as `500ms` or `1m30s`.
    Time,
    /// One of these words; the other words mean one of them.
    Word(&'static [&'static str]),
    Signal,
    Port,
    /// A number, or a template that becomes one.
    PortText,
    Bytes,
    Processors,
    /// Texts typed into a terminal, with escapes.
    Keys,
}

/// What a key takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    One(One),
    /// One text or a list of them; a later file's replaces an earlier one's.
    Texts,
    /// The same, but a later file's comes behind an earlier one's.
    MoreTexts,
    /// Program and arguments.
    Argv,
    Codes,
    /// Assignments: a list of `NAME=value`, or a mapping.
    Environment,
    /// Names with a text each.
    TextMap,
    /// Names with a list of texts each.
    TextLists,
    /// Names with a command each.
    CommandMap,
    /// Anything.
    Vars,
    Map(&'static Table),
    /// Names with a mapping each.
    Named(&'static Table),
    /// A list of names, or a mapping.
    NamedOrList(&'static Table),
    /// Of texts (the first key's value), or mappings; a later file's replaces an earlier one's.
    ListOf(&'static Table),
    /// Whatever it is.
    Any,
}

const fn key(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        doc,
        fate: Fate::Read,
    }
}

/// A key that takes one value.
const fn one(name: &'static str, one: One, doc: &'static str) -> Key {
    key(name, Kind::One(one), doc)
}

impl Key {
    const fn fate(mut self, fate: Fate) -> Self {
        self.fate = fate;
        self
    }

    const fn explained(self, why: &'static str) -> Self {
        self.fate(Fate::Explained(why))
    }

    const fn granted(self) -> Self {
        self.fate(Fate::Granted)
    }
}

/// Another name of `name`.
const fn alias(other: &'static str, name: &'static str, kind: Kind, doc: &'static str) -> Key {
    key(other, kind, doc).fate(Fate::Alias(name))
}

impl Table {
    pub(super) fn find(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The key that somebody means who wrote `name`.
    pub(super) fn suggest(&self, name: &str) -> Option<&'static str> {
        let lower = name.to_lowercase().replace('-', "_");
        if let Some((_, meant)) = self.foreign.iter().find(|(other, _)| *other == lower) {
            return Some(meant);
        }
        crate::model::suggest(name, self.keys.iter().map(|key| key.name))
    }
}

/// Words of other tools for ours.
pub(super) static MEANT: &[(&str, &str)] = &[
    ("process_running", "process_started"),
    ("service_started", "process_started"),
    ("service_healthy", "process_healthy"),
    ("service_completed_successfully", "process_completed_successfully"),
    ("started", "process_started"),
    ("healthy", "process_healthy"),
    ("ready", "process_healthy"),
    ("process_ready", "process_healthy"),
    ("completed", "process_completed"),
    ("never", "no"),
    ("false", "no"),
    ("off", "no"),
    ("unless_stopped", "always"),
    ("true", "always"),
    ("on_error", "on_failure"),
];
