//! The merged tree to typed values. It has the shape that `normal.rs` gives it, so what is left to be wrong are
//! scalars, and what a mapping as a whole has to say. A value that is wrong is an error and left out.

mod parts;
mod scalars;

use super::files::BASE;
use super::keys::{Key, Kind, PROCESS, PROJECT, SHELL, Table};
use super::node::{Entry, Node};
use super::report::Report;
use crate::config::environment::{Assignment, Origin};
use crate::config::project::{DependencyDef, Located, ProfileDef, ProjectDef, ServiceDef, ShellDef, Var};
use crate::diag::{self, Diagnostic, Span};
use crate::model::{Condition, ServiceName};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Whether variables are put in, which has to be known before everything else is read.
pub(super) fn expands(root: &Node, report: &mut Report) -> bool {
    let mut fields = Fields {
        node: root,
        table: &PROJECT,
        report,
    };
    !fields.set("disable_env_expansion")
}

/// The whole configuration.
pub(super) fn project(root: &Node, report: &mut Report) -> ProjectDef {
    let mut fields = Fields {
        node: root,
        table: &PROJECT,
        report,
    };
    ProjectDef {
        name: fields.settled("name"),
        files: Vec::new(),
        is_literal: false,
        environment: fields.environment("environment"),
        env_cmds: fields.named_texts("env_cmds"),
        vars: fields.vars("vars"),
        shell: fields.shell(),
        ordered_shutdown: fields.flag("ordered_shutdown"),
        profiles: fields.profiles(),
        publish: fields.settled("publish"),
        log_location: fields.text("log_location"),
        log_configuration: fields.part("log_configuration", |fields, _| Some(fields.log())),
        is_strict: fields.flag("is_strict").unwrap_or(false),
        services: fields.services(),
    }
}

/// One mapping, and the keys that it may have.
struct Fields<'a> {
    node: &'a Node,
    table: &'static Table,
    report: &'a mut Report,
}

impl<'a> Fields<'a> {
    /// The table's word on `name`, and what the mapping says.
    fn get(&self, name: &str) -> Option<(&'static Key, &'a Entry)> {
        let key = self.table.find(name);
        debug_assert!(
            key.is_some(),
            "`{name}` is not in the table of {}",
            self.table.what
        );
        Some((key?, self.node.get(name)?))
    }

    fn fields<'b>(&'b mut self, node: &'b Node, table: &'static Table) -> Fields<'b>
    where
        'a: 'b,
    {
        Fields {
            node,
            table,
            report: self.report,
        }
    }

    fn error(&mut self, message: impl Into<String>, span: &Span) {
        self.report.error(message, span);
    }

    /// What `read` makes of the mapping that is the value of `name`.
    fn part<T>(&mut self, name: &str, read: impl FnOnce(&mut Fields<'_>, &Span) -> Option<T>) -> Option<T> {
        let (key, entry) = self.get(name)?;
        let Kind::Map(table) = key.kind else {
            debug_assert!(false, "`{name}` is no mapping");
            return None;
        };
        // A mapping that was refused is empty and has been told.
        read(&mut self.fields(&entry.value, table), &entry.key.span)
    }

    fn vars(&mut self, name: &str) -> BTreeMap<String, Var> {
        let entries = self.get(name).and_then(|(_, entry)| entry.value.map());
        let entries = entries.unwrap_or_default().iter();
        entries
            .map(|entry| (entry.key.text.clone(), var(&entry.value)))
            .collect()
    }

    fn environment(&mut self, name: &str) -> Vec<Assignment> {
        self.named_texts_at(name)
            .into_iter()
            .map(|(name, value, origin)| Assignment {
                name,
                value: value.value,
                origin: Origin::At(origin),
            })
            .collect()
    }

    fn named_texts(&mut self, name: &str) -> Vec<(String, Located<String>)> {
        let texts = self.named_texts_at(name).into_iter();
        texts.map(|(name, value, _)| (name, value)).collect()
    }

    fn named_texts_at(&mut self, name: &str) -> Vec<(String, Located<String>, Span)> {
        let entries = self.get(name).and_then(|(_, entry)| entry.value.map());
        let mut texts = Vec::new();
        for Entry { key, value } in entries.unwrap_or_default() {
            let what = format!("`{}` in `{name}`", key.text);
            if let Some(text) = self.one_text(&what, value) {
                texts.push((key.text.clone(), text, key.span.clone()));
            }
        }
        texts
    }

    fn profiles(&mut self) -> Vec<ProfileDef> {
        let entries = self.get("profiles").and_then(|(_, entry)| entry.value.map());
        let mut profiles = Vec::new();
        for Entry { key, value } in entries.unwrap_or_default() {
            let items = value.list().unwrap_or_default().iter();
            let services = items.filter_map(|item| self.one_text(&format!("`{}`", key.text), item));
            profiles.push(ProfileDef {
                services: services.collect(),
                name: key.text.clone(),
            });
        }
        profiles
    }

    fn shell(&mut self) -> ShellDef {
        let shell = self.part("shell", |fields, _| {
            debug_assert!(std::ptr::eq(fields.table, &raw const SHELL));
            Some(ShellDef {
                command: fields.settled("shell_command"),
                argument: fields.settled("shell_argument"),
                elevated_command: fields.settled("elevated_shell_command"),
                elevated_argument: fields.settled("elevated_shell_argument"),
            })
        });
        shell.unwrap_or_default()
    }

    fn services(&mut self) -> Vec<ServiceDef> {
        let entries = self.get("processes").and_then(|(_, entry)| entry.value.map());
        let mut services = Vec::new();
        for entry in entries.unwrap_or_default() {
            match entry.key.text.parse::<ServiceName>() {
                Ok(name) => {
                    let name = Located {
                        value: name,
                        span: entry.key.span.clone(),
                    };
                    services.push(self.fields(&entry.value, &PROCESS).service(name));
                }
                Err(why) => self.error(why.to_string(), &entry.key.span),
            }
        }
        services
    }

    fn service(&mut self, name: Located<ServiceName>) -> ServiceDef {
        let (disabled, is_disabled) = (self.flag("disabled"), self.flag("is_disabled"));
        let shutdown = self.part("shutdown", |fields, _| Some(fields.shutdown()));
        ServiceDef {
            name,
            command: self.text("command"),
            entrypoint: self.entrypoint(),
            base: self.base(),
            working_dir: self.text("working_dir"),
            environment: self.environment("environment"),
            env_file: self.texts("env_file"),
            is_dotenv_disabled: self.set("is_dotenv_disabled"),
            vars: self.vars("vars"),
            is_template_disabled: self.set("is_template_disabled"),
            shell: self.shell(),
            description: self.text("description"),
            disabled: is_disabled.or(disabled).unwrap_or(false),
            namespaces: self.namespaces(),
            replicas: self.located_whole("replicas"),
            depends_on: self.dependencies(),
            startup_probe: self.probe("startup_probe"),
            readiness_probe: self.probe("readiness_probe"),
            liveness_probe: self.probe("liveness_probe"),
            ready_log_line: self.text("ready_log_line"),
            failure_log_line: self.text("failure_log_line"),
            notify: self.word("ready").is_some_and(|word| word.value == "notify"),
            watchdog: self.time("watchdog").filter(|every| !every.is_zero()),
            availability: self
                .part("availability", |fields, _| Some(fields.availability()))
                .unwrap_or_default(),
            success_exit_codes: self.codes("success_exit_codes"),
            shutdown: shutdown.unwrap_or_default(),
            is_daemon: self.set("is_daemon"),
            launch_timeout: self.time("launch_timeout_seconds"),
            is_foreground: self.set("is_foreground"),
            is_elevated: self.set("is_elevated"),
            schedule: self.schedule(),
            watch: self.part("watch", |fields, span| Some(fields.watch(span))),
            port: self.port("port"),
            listen: self.texts("listen"),
            limits: self
                .part("limits", |fields, _| Some(fields.limits()))
                .unwrap_or_default(),
            tier: self.settled("tier"),
            optional: self.set("is_optional"),
            hooks: self
                .part("hooks", |fields, _| Some(fields.hooks()))
                .unwrap_or_default(),
            log_location: self.text("log_location"),
            log_configuration: self.part("log_configuration", |fields, _| Some(fields.log())),
        }
    }

    fn entrypoint(&mut self) -> Option<Vec<Located<String>>> {
        let (_, entry) = self.get("entrypoint")?;
        let words = self.texts("entrypoint");
        if words.is_empty() {
            self.error("`entrypoint` needs at least a program", &entry.key.span);
            return None;
        }
        Some(words)
    }

    /// The directory of the file that brought this process, unless its own directory was said elsewhere.
    fn base(&self) -> Option<PathBuf> {
        let base = &self.node.get(BASE)?.value;
        let working_dir = self.node.get("working_dir");
        let elsewhere =
            working_dir.is_some_and(|entry| !Arc::ptr_eq(&entry.value.span.source, &base.span.source));
        (!elsewhere).then(|| PathBuf::from(base.scalar().map_or("", |scalar| &scalar.text)))
    }

    fn namespaces(&mut self) -> Vec<Located<String>> {
        let mut namespaces: Vec<Located<String>> = Vec::new();
        for namespace in self.texts("namespace") {
            let known = namespaces.iter().any(|other| other.value == namespace.value);
            if !known && !namespace.value.trim().is_empty() {
                namespaces.push(namespace);
            }
        }
        namespaces
    }

    fn dependencies(&mut self) -> Vec<DependencyDef> {
        let entry = self.get("depends_on");
        let Some((Kind::NamedOrList(table), entries)) =
            entry.and_then(|(key, entry)| Some((key.kind, entry.value.map()?)))
        else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for Entry { key, value } in entries {
            let word = self.fields(value, table).word("condition");
            let condition = word.as_ref().map(|word| Located {
                value: condition(word.value),
                span: word.span.clone(),
            });
            found.push(DependencyDef {
                on: Located {
                    value: key.text.clone(),
                    span: key.span.clone(),
                },
                condition,
                by_log_line: word.is_some_and(|word| word.value == "process_log_ready"),
            });
        }
        found
    }
}

fn condition(word: &str) -> Condition {
    match word {
        "process_started" => Condition::Started,
        "process_completed" => Condition::Ended,
        "process_completed_successfully" => Condition::EndedWell,
        _ => Condition::Ready,
    }
}

fn var(node: &Node) -> Var {
    if let Some(items) = node.list() {
        return Var::List(items.iter().map(var).collect());
    }
    if let Some(entries) = node.map() {
        let entries = entries.iter();
        return Var::Map(entries.map(|e| (e.key.text.clone(), var(&e.value))).collect());
    }
    let Some(scalar) = node.scalar() else {
        return Var::Null;
    };
    if !scalar.plain {
        return Var::Text(scalar.text.clone());
    }
    match scalar.text.as_str() {
        _ if scalar.is_null() => Var::Null,
        "true" | "True" | "TRUE" => Var::Bool(true),
        "false" | "False" | "FALSE" => Var::Bool(false),
        text => {
            let number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
            match (text.parse(), text.parse::<f64>()) {
                (Ok(whole), _) => Var::Int(whole),
                (Err(_), Ok(float)) if number && float.is_finite() => Var::Float(float),
                (Err(_), _) => Var::Text(text.to_owned()),
            }
        }
    }
}

/// The error for a value that is none of the words that a key takes.
fn no_such_word(what: &str, text: &str, words: &[&str], meant: Option<&str>, span: &Span) -> Diagnostic {
    let list = words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let takes = if words.len() == 1 { "takes" } else { "takes one of" };
    let error = Diagnostic::error(diag::Kind::Config, format!("{what} {takes} {list}, not `{text}`"));
    let error = error.at(span.clone());
    match meant {
        Some(meant) => error.hint(format!("did you mean `{meant}`?")),
        None => error,
    }
}
