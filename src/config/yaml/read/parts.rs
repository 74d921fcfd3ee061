//! The mappings inside a process: probes, availability, shutdown, schedule, watch, limits, hooks.

use super::super::keys::Kind;
use super::Fields;
use crate::config::project::{
    AvailabilityDef, CheckDef, HooksDef, LimitsDef, Located, LogDef, ProbeDef, RestartDef, RotationDef,
    ScheduleDef, ShutdownDef, WatchDef, WatchPathDef,
};
use crate::diag::{self, Diagnostic, Span};
use crate::model::{LogPart, RestartWhen};

/// The ways to check, the one that counts first.
const WAYS: [&str; 3] = ["exec", "http_get", "tcp_socket"];

impl Fields<'_> {
    pub(super) fn probe(&mut self, name: &str) -> Option<ProbeDef> {
        self.part(name, |fields, span| {
            let check = fields.check(name, span);
            let probe = ProbeDef {
                span: span.clone(),
                initial_delay: fields.time("initial_delay_seconds"),
                period: fields.time("period_seconds"),
                timeout: fields.time("timeout_seconds"),
                success_threshold: fields.whole("success_threshold"),
                failure_threshold: fields.whole("failure_threshold"),
                check: check?,
            };
            Some(probe)
        })
    }

    fn check(&mut self, name: &str, span: &Span) -> Option<CheckDef> {
        let mut ways = WAYS
            .iter()
            .filter_map(|way| self.node.get(way))
            .collect::<Vec<_>>()
            .into_iter();
        let Some(first) = ways.next() else {
            let error = Diagnostic::error(diag::Kind::Config, format!("`{name}` does not say what to check"));
            self.report.push(
                error
                    .at(span.clone())
                    .hint("give it `exec`, `http_get` or `tcp_socket`"),
            );
            return None;
        };
        for other in ways {
            let message = format!("a probe checks one thing: `{}` counts, not this", first.key.text);
            self.report.ours(message, &other.key.span, None);
        }
        let first = first.key.text.clone();
        self.part(&first, |fields, span| match first.as_str() {
            "exec" => fields.exec(span),
            "http_get" => Some(fields.http()),
            _ => Some(CheckDef::Tcp {
                host: fields.text("host"),
                port: fields.port_text("port"),
            }),
        })
    }

    fn exec(&mut self, span: &Span) -> Option<CheckDef> {
        let working_dir = self.text("working_dir");
        let Some(command) = self.text("command") else {
            self.error("`exec` needs a `command`", span);
            return None;
        };
        Some(CheckDef::Exec { command, working_dir })
    }

    fn http(&mut self) -> CheckDef {
        let scheme = self.text("scheme");
        if let Some(scheme) = &scheme
            && !scheme.value.contains("{{")
            && !["http", "https"].contains(&scheme.value.to_lowercase().as_str())
        {
            let message = format!("`scheme` takes `http` or `https`, not `{}`", scheme.value);
            self.error(message, &scheme.span);
        }
        CheckDef::Http {
            host: self.text("host"),
            scheme,
            path: self.text("path"),
            port: self.port_text("port"),
            headers: self.named_texts("headers"),
            status_code: self.whole("status_code"),
        }
    }

    pub(super) fn availability(&mut self) -> AvailabilityDef {
        let restart = self.word("restart").map(|word| Located {
            value: match word.value {
                "always" => RestartDef::When(RestartWhen::Always),
                "on_failure" => RestartDef::When(RestartWhen::OnFailure),
                "exit_on_failure" => RestartDef::ExitOnFailure,
                _ => RestartDef::When(RestartWhen::Never),
            },
            span: word.span,
        });
        AvailabilityDef {
            restart,
            backoff: self.time("backoff_seconds"),
            max_restarts: self.whole("max_restarts"),
            exit_on_end: self.set("exit_on_end"),
            exit_on_skipped: self.set("exit_on_skipped"),
        }
    }

    pub(super) fn shutdown(&mut self) -> ShutdownDef {
        ShutdownDef {
            command: self.text("command"),
            timeout: self.time("timeout_seconds"),
            signal: self.signal("signal"),
            parent_only: self.set("parent_only"),
            send_keys: self.keys("send_keys"),
        }
    }

    pub(super) fn schedule(&mut self) -> Option<ScheduleDef> {
        self.part("schedule", |fields, span| {
            let schedule = ScheduleDef {
                span: span.clone(),
                cron: fields.settled("cron"),
                timezone: fields.settled("timezone"),
                interval: fields.time("interval"),
                run_on_start: fields.set("run_on_start"),
            };
            match (&schedule.cron, &schedule.interval) {
                (None, None) => {
                    if fields.node.get("interval").is_none() {
                        fields.error("`schedule` says neither `cron` nor `interval`", span);
                    }
                    return None;
                }
                (Some(cron), Some(_)) => {
                    let message = "a schedule has one rule: `cron` counts, not `interval`".to_owned();
                    fields.report.ours(message, &cron.span, None);
                }
                (None, Some(interval)) if interval.is_zero() => {
                    fields.error("`interval` has to be longer than nothing", span);
                    return None;
                }
                (Some(_), None) | (None, Some(_)) => {}
            }
            Some(schedule)
        })
    }

    pub(super) fn watch(&mut self, span: &Span) -> WatchDef {
        let paths = self.watch_paths();
        if paths.is_empty() {
            self.error("`watch` needs `paths`", span);
        }
        WatchDef {
            span: span.clone(),
            paths,
            debounce: self.time("debounce"),
            cascade: self.set("cascade"),
            disable_default_excludes: self.set("disable_default_excludes"),
        }
    }

    fn watch_paths(&mut self) -> Vec<WatchPathDef> {
        let entry = self.get("paths");
        let Some((Kind::ListOf(table), items)) =
            entry.and_then(|(key, entry)| Some((key.kind, entry.value.list()?)))
        else {
            return Vec::new();
        };
        let mut paths = Vec::new();
        for item in items {
            let mut fields = self.fields(item, table);
            let (include, exclude) = (fields.texts("include"), fields.texts("exclude"));
            match fields.text("path") {
                Some(path) => paths.push(WatchPathDef {
                    path,
                    include,
                    exclude,
                }),
                None => fields.error("a watched path needs a `path`", &item.span),
            }
        }
        paths
    }

    pub(super) fn limits(&mut self) -> LimitsDef {
        LimitsDef {
            memory: self.bytes("memory"),
            cpu: self.processors("cpu"),
            nofile: self.located_whole("nofile"),
        }
    }

    pub(super) fn log(&mut self) -> LogDef {
        let rotation = self.part("rotation", |fields, _| {
            Some(RotationDef {
                max_size_mb: fields.whole("max_size_mb"),
                max_backups: fields.whole("max_backups"),
                max_age_days: fields.whole("max_age_days"),
                compress: fields.set("compress"),
            })
        });
        LogDef {
            disable_json: self.set("disable_json"),
            no_metadata: self.set("no_metadata"),
            add_timestamp: self.set("add_timestamp"),
            timestamp_format: self.settled("timestamp_format"),
            fields_order: self.log_parts(),
            rotation,
        }
    }

    fn log_parts(&mut self) -> Option<Vec<LogPart>> {
        self.node.get("fields_order")?;
        let mut parts = Vec::new();
        for text in self.texts("fields_order") {
            match text.value.as_str() {
                "time" => parts.push(LogPart::Time),
                "level" => parts.push(LogPart::Level),
                "message" => parts.push(LogPart::Message),
                // Of the program that writes them; Process Compose has nothing to write there.
                "caller" => {}
                other => {
                    let message =
                        format!("`fields_order` takes `time`, `level` and `message`, not `{other}`");
                    self.report.ours(message, &text.span, None);
                }
            }
        }
        Some(parts)
    }

    pub(super) fn hooks(&mut self) -> HooksDef {
        HooksDef {
            on_ready: self.text("on_ready"),
            on_exit: self.text("on_exit"),
            on_fail: self.text("on_fail"),
        }
    }
}
