//! Which `${NAME}` of a configuration are replaced when it is read, by what, and which stay. The forms are
//! `substitute.rs`'s.
//!
//! A name is looked up where the caller says. Stays, to be filled in by who knows the environment of a service
//! ([`fill_in`]): what the configuration itself sets (`env_cmds`, `environment`) or `ovr` injects. In a command
//! also stays what nobody knows: a shell gets it, and knows its own variables.

use super::keys::{Kind, One, PROCESS, PROJECT, Table};
use super::node::{Entry, Node, Scalar, Value};
use super::report::Report;
use super::substitute::{Known, Remark, What, escaped, expand, settled};
use crate::diag::{self, Diagnostic};
use std::collections::BTreeSet;

/// Replaces, in a value of [`read`](super::read())'s, each `${NAME}` in any of its forms whose name `lookup` knows.
pub fn fill_in(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> String {
    let known = |name: &str| lookup(name).map_or(Known::Later, Known::Value);
    expand(text, &known, false).0
}

/// Substitutes in a whole merged configuration.
pub(super) fn project(root: &mut Node, lookup: &dyn Fn(&str) -> Option<String>, report: &mut Report) {
    let mut scope = Scope {
        lookup,
        commands: names(root, "env_cmds"),
        project: names(root, "environment"),
        service: None,
        own: BTreeSet::new(),
        assigned: None,
        warned: BTreeSet::new(),
        report,
    };
    scope.table(root, &PROJECT);
}

fn names(node: &Node, key: &str) -> BTreeSet<String> {
    let entries = node.get(key).and_then(|entry| entry.value.map());
    let entries = entries.unwrap_or_default().iter();
    entries.map(|entry| entry.key.text.clone()).collect()
}

struct Scope<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    /// What commands print the values of.
    commands: BTreeSet<String>,
    /// What is set for all services.
    project: BTreeSet<String>,
    /// The service whose values are looked at.
    service: Option<String>,
    /// What is set for it alone.
    own: BTreeSet<String>,
    /// The variable whose value is looked at.
    assigned: Option<String>,
    warned: BTreeSet<String>,
    report: &'a mut Report,
}

impl Scope<'_> {
    fn table(&mut self, node: &mut Node, table: &'static Table) {
        let Value::Map(entries) = &mut node.value else {
            return;
        };
        for entry in entries {
            if let Some(key) = table.find(&entry.key.text) {
                self.value(&mut entry.value, key.kind);
            }
        }
    }

    fn value(&mut self, node: &mut Node, kind: Kind) {
        match kind {
            Kind::Map(table) => self.table(node, table),
            Kind::Named(table) => self.named(node, table),
            Kind::NamedOrList(table) => {
                each(node, |entry| self.table(&mut entry.value, table));
            }
            Kind::ListOf(table) => {
                if let Value::List(items) = &mut node.value {
                    for item in items {
                        self.table(item, table);
                    }
                }
            }
            Kind::Environment => each(node, |entry| {
                self.assigned = Some(entry.key.text.clone());
                self.all(&mut entry.value, false);
                self.assigned = None;
            }),
            Kind::CommandMap => self.all(node, true),
            Kind::One(one) => self.all(node, matches!(one, One::Command)),
            Kind::Texts
            | Kind::MoreTexts
            | Kind::Argv
            | Kind::Codes
            | Kind::TextMap
            | Kind::TextLists
            | Kind::Vars
            | Kind::Any => self.all(node, false),
        }
    }

    fn named(&mut self, node: &mut Node, table: &'static Table) {
        let is_process = std::ptr::eq(table, &raw const PROCESS);
        each(node, |entry| {
            if is_process {
                self.own = names(&entry.value, "environment");
                self.service = Some(entry.key.text.clone());
            }
            self.table(&mut entry.value, table);
            self.own.clear();
            self.service = None;
        });
    }

    /// Every scalar in `node`.
    fn all(&mut self, node: &mut Node, command: bool) {
        if let Value::Scalar(scalar) = &node.value {
            if scalar.text.contains('$') {
                let plain = scalar.plain;
                let text = self.text(node, command);
                node.value = Value::Scalar(Scalar { text, plain });
            }
            return;
        }
        match &mut node.value {
            Value::Scalar(_) => {}
            Value::List(items) => items.iter_mut().for_each(|item| self.all(item, command)),
            Value::Map(entries) => entries
                .iter_mut()
                .for_each(|entry| self.all(&mut entry.value, command)),
        }
    }

    fn text(&mut self, node: &Node, command: bool) -> String {
        let text = node.scalar().map_or("", |scalar| scalar.text.as_str());
        let (expanded, remarks) = expand(text, &|name| self.known(name, command), true);
        for remark in remarks {
            self.say(node, &remark, command);
        }
        // What a shell gets is settled here.
        if command { settled(expanded) } else { expanded }
    }

    fn known(&self, name: &str, command: bool) -> Known {
        let itself = self.assigned.as_deref() == Some(name);
        let in_service = self.service.is_some();
        if self.commands.contains(name) || (in_service && self.project.contains(name)) {
            return Known::Later;
        }
        if command && self.own.contains(name) {
            return Known::Later;
        }
        if let Some(value) = (self.lookup)(name) {
            return Known::Value(escaped(&value));
        }
        let set = |names: &BTreeSet<String>| !itself && names.contains(name);
        if command || set(&self.own) || set(&self.project) || (in_service && injected(name)) {
            return Known::Later;
        }
        Known::Unset
    }

    fn say(&mut self, node: &Node, remark: &Remark, command: bool) {
        let span = node.part(remark.offset, remark.length);
        let error = |message: String| Diagnostic::error(diag::Kind::Config, message).at(span.clone());
        match &remark.what {
            What::Open => self.report.push(
                error("this `${` is never closed".to_owned())
                    .hint("close it with a `}`, or write `$${` for the two characters"),
            ),
            // A shell knows arrays, indirection and more.
            What::Foreign if command => {}
            What::Foreign => self
                .report
                .push(error("no variable can be read here".to_owned()).hint(
                "write `${NAME}` or one of its forms (`${NAME:-default}`), or `$${` for the two characters",
            )),
            What::Unset(name) => {
                if self.warned.insert(name.clone()) {
                    self.report.push(
                        Diagnostic::warning(
                            diag::Kind::Config,
                            format!("{name} is not set, so `${{{name}}}` is empty"),
                        )
                        .at(span)
                        .hint(format!(
                            "set it in `.env`, or write `${{{name}:-}}` if it may be empty"
                        )),
                    );
                }
            }
            What::Required(name, message) if message.is_empty() => {
                self.report.push(error(format!("{name} has to be set")));
            }
            What::Required(name, message) => self
                .report
                .push(error(format!("{name} has to be set: {message}"))),
        }
    }
}

fn each(node: &mut Node, visit: impl FnMut(&mut Entry)) {
    if let Value::Map(entries) = &mut node.value {
        entries.iter_mut().for_each(visit);
    }
}

/// Variables that services get from `ovr` without anybody's writing them down.
fn injected(name: &str) -> bool {
    matches!(name, "PORT" | "PS" | "PC_PROC_NAME" | "PC_REPLICA_NUM")
        || name.starts_with("OVR_")
        || name.starts_with("OVERMIND_PROCESS_")
}
