//! How an instance is run: its program and arguments, its listening sockets, what runs beside it.

use super::super::project::{Located, ServiceDef, WatchPathDef};
use super::super::shell::Shell;
use super::super::yaml;
use super::Drafting;
use super::texts::Texts;
use crate::cron::{Cron, CronError};
use crate::diag::Span;
use crate::model::{Hooks, Listen, ListenAddress, Schedule, ScheduleWhen, Watch, WatchPath};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// From the last change of a watched file to the restart, where nothing else is written.
const DEBOUNCE: Duration = Duration::from_millis(300);

/// What an instance runs.
pub(super) struct Command {
    pub(super) argv: Vec<String>,
    pub(super) by_shell: bool,
    pub(super) by_words: bool,
    /// As people read it.
    pub(super) shown: String,
    pub(super) span: Span,
}

impl Drafting<'_> {
    pub(super) fn command(&self, texts: &mut Texts) -> Command {
        let service = self.service;
        let command = match (&service.command, &service.entrypoint) {
            (Some(command), _) => {
                let shown = if service.is_template_disabled {
                    command.value.clone()
                } else {
                    texts.command(command)
                };
                Command {
                    argv: self.shell(&shown),
                    by_shell: true,
                    by_words: false,
                    shown,
                    span: command.span.clone(),
                }
            }
            (None, entrypoint) => of_entrypoint(service, entrypoint.as_deref().unwrap_or_default(), texts),
        };
        if service.is_elevated {
            return Command {
                argv: self
                    .runner()
                    .elevating()
                    .into_iter()
                    .chain(command.argv)
                    .collect(),
                by_shell: false,
                ..command
            };
        }
        command
    }

    /// A command line as the arguments of the shell that runs it.
    pub(super) fn shell(&self, command: &str) -> Vec<String> {
        self.runner().argv(command)
    }

    fn runner(&self) -> Shell<'_> {
        Shell {
            asked: self.options.shell.as_deref(),
            written: [&self.service.shell, &self.configuration.def.shell],
            usual: match &self.options.yaml_shell {
                _ if self.by_procfile => "sh",
                Some(shell) => shell,
                None => "bash",
            },
        }
    }

    pub(super) fn hooks(&self, texts: &mut Texts) -> Hooks {
        let hooks = &self.service.hooks;
        let mut hook = |hook: &Option<Located<String>>| {
            let command = texts.command(hook.as_ref()?);
            Some(self.shell(&command))
        };
        Hooks {
            on_ready: hook(&hooks.on_ready),
            on_exit: hook(&hooks.on_exit),
            on_fail: hook(&hooks.on_fail),
        }
    }

    pub(super) fn schedule(&self, texts: &mut Texts) -> Option<Schedule> {
        let schedule = self.service.schedule.as_ref()?;
        let when = match (&schedule.cron, schedule.interval) {
            (Some(cron), _) => self.cron(cron, schedule.timezone.as_ref(), texts)?,
            (None, Some(interval)) if !interval.is_zero() => ScheduleWhen::Every(interval),
            (None, _) => {
                let error = texts.error(&schedule.span, "this schedule never comes");
                error.hints.push("give it `cron:` or `interval:`".to_owned());
                return None;
            }
        };
        Some(Schedule {
            when,
            run_on_start: schedule.run_on_start,
        })
    }

    fn cron(
        &self,
        cron: &Located<String>,
        zone: Option<&Located<String>>,
        texts: &mut Texts,
    ) -> Option<ScheduleWhen> {
        let parsed = Cron::parse(&cron.value, zone.map(|zone| zone.value.as_str()));
        let Err(error) = parsed else {
            return Some(ScheduleWhen::Cron {
                expression: cron.value.clone(),
                timezone: zone.map(|zone| zone.value.clone()),
            });
        };
        let (span, hint) = match &error {
            CronError::Expression { .. } => (
                &cron.span,
                "minute, hour, day of the month, month, day of the week, as in `30 2 * * MON-FRI`",
            ),
            CronError::UnknownTimezone(_) => (
                zone.map_or(&cron.span, |zone| &zone.span),
                "a name of the time zone database, as `Europe/Berlin` (its files are in the package tzdata)",
            ),
        };
        let message = format!("the schedule of {} cannot be read: {error}", self.name);
        texts.error(span, message).hints.push(hint.to_owned());
        None
    }

    pub(super) fn watch(&self, cwd: &Path, texts: &mut Texts) -> Option<Watch> {
        let watch = self.service.watch.as_ref()?;
        let path = |path: &WatchPathDef| WatchPath {
            path: self.options.path(cwd, &texts.value(&path.path)),
            include: globs(&path.include, texts),
            exclude: globs(&path.exclude, texts),
        };
        Some(Watch {
            paths: watch.paths.iter().map(path).collect(),
            debounce: watch.debounce.unwrap_or(DEBOUNCE),
            cascade: watch.cascade,
            everything: watch.disable_default_excludes,
        })
    }

    pub(super) fn listen(&self, cwd: &Path, texts: &mut Texts) -> Vec<Listen> {
        let mut sockets = Vec::new();
        for written in &self.service.listen {
            let text = texts.value(written);
            let (name, address) = match text.split_once('=') {
                Some((name, address)) => (name.trim().to_owned(), address.trim()),
                None => (self.service.name.value.to_string(), text.trim()),
            };
            if let Some(address) = listen_address(address, |path| self.options.path(cwd, path)) {
                sockets.push(Listen { address, name });
            } else {
                let error = texts.error(&written.span, format!("{address:?} is nothing to listen on"));
                error
                    .hints
                    .push("write a port, `127.0.0.1:3000`, `[::]:3000` or the path of a socket".to_owned());
            }
        }
        sockets
    }
}

/// Patterns of files; those that cannot be read are told.
fn globs(written: &[Located<String>], texts: &mut Texts) -> Vec<String> {
    let mut patterns = Vec::new();
    for glob in written {
        let pattern = yaml::settled(texts.line(glob));
        match globset::Glob::new(&pattern) {
            Ok(_) => patterns.push(pattern),
            Err(error) => {
                let message = format!("the pattern {pattern:?} cannot be read: {}", error.kind());
                let error = texts.error(&glob.span, message);
                error
                    .hints
                    .push("as in `*.rb`, `config/**/*.yml`, `[a-z]*`, `*.{js,ts}`; `\\` before a character means itself".to_owned());
            }
        }
    }
    patterns
}

fn of_entrypoint(service: &ServiceDef, words: &[Located<String>], texts: &mut Texts) -> Command {
    let word = |word: &Located<String>| {
        if service.is_template_disabled {
            texts.line(word)
        } else {
            texts.word(word)
        }
    };
    let argv: Vec<String> = words.iter().map(word).collect();
    Command {
        shown: argv.join(" "),
        argv,
        by_shell: false,
        by_words: true,
        span: words
            .first()
            .map_or(&service.name.span, |word| &word.span)
            .clone(),
    }
}

/// A port alone is one of this machine: what everybody may reach is written out.
fn listen_address(text: &str, path: impl Fn(&str) -> std::path::PathBuf) -> Option<ListenAddress> {
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    if let Some(socket) = text.strip_prefix("unix:") {
        return Some(ListenAddress::Unix(path(socket)));
    }
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = port.parse() {
        return Some(ListenAddress::Tcp(SocketAddr::new(local, port)));
    }
    let named = text
        .strip_prefix("tcp:")
        .unwrap_or(text)
        .replace("localhost:", "127.0.0.1:");
    match named.parse() {
        Ok(address) => Some(ListenAddress::Tcp(address)),
        Err(_) if text.contains('/') => Some(ListenAddress::Unix(path(text))),
        Err(_) => None,
    }
}
