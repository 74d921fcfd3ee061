//! The keys of the mappings inside a process.

use super::{Kind, One, Table, alias, key, one};

/// Seconds and counts that no configuration means to exceed.
const MANY: i64 = 1_000_000_000;

macro_rules! table {
    ($name:ident, $what:literal, [$($key:expr),* $(,)?], [$($foreign:expr),* $(,)?]) => {
        pub(in crate::config::yaml) static $name: Table = Table {
            what: $what,
            keys: &[$($key),*],
            foreign: &[$($foreign),*],
        };
    };
}

table!(
    SHELL,
    "`shell`",
    [
        one("shell_command", One::Text, "The program that runs commands."),
        one(
            "shell_argument",
            One::Text,
            "What comes between it and the command (`-c`)."
        ),
        one(
            "elevated_shell_command",
            One::Text,
            "The program that runs a command as root (`sudo`)."
        ),
        one(
            "elevated_shell_argument",
            One::Text,
            "What comes between it and the command."
        ),
    ],
    [
        ("command", "shell_command"),
        ("argument", "shell_argument"),
        ("args", "shell_argument")
    ]
);

table!(
    DEPENDENCY,
    "a dependency",
    [one(
        "condition",
        One::Word(CONDITIONS),
        "What it waits for; without it, ready if something says what that means, else started.",
    ),],
    []
);

/// The spelling of the conditions in a file.
const CONDITIONS: &[&str] = &[
    "process_started",
    "process_healthy",
    "process_log_ready",
    "process_completed",
    "process_completed_successfully",
];

table!(
    PROBE,
    "a probe",
    [
        key(
            "exec",
            Kind::Map(&EXEC),
            "A command that exits with 0 if all is well."
        ),
        key("http_get", Kind::Map(&HTTP), "A request whose answer tells."),
        key(
            "tcp_socket",
            Kind::Map(&TCP),
            "A connection that comes about if all is well."
        ),
        one(
            "initial_delay_seconds",
            One::Time,
            "From the start of a run to the first attempt (0)."
        ),
        one(
            "period_seconds",
            One::Time,
            "From one attempt to the next (10); until the first success startup and readiness are tried sooner as well."
        ),
        one(
            "timeout_seconds",
            One::Time,
            "An attempt that takes longer has failed (1)."
        ),
        one(
            "success_threshold",
            One::Whole(0, MANY),
            "Successes in a row that count as one (1)."
        ),
        one(
            "failure_threshold",
            One::Whole(0, MANY),
            "Failures in a row that count as one (3)."
        ),
    ],
    [
        ("command", "exec"),
        ("http", "http_get"),
        ("httpget", "http_get"),
        ("tcp", "tcp_socket"),
        ("tcpsocket", "tcp_socket"),
        ("interval", "period_seconds"),
        ("period", "period_seconds"),
        ("timeout", "timeout_seconds"),
        ("retries", "failure_threshold"),
        ("start_period", "initial_delay_seconds"),
        ("initial_delay", "initial_delay_seconds"),
        ("test", "exec"),
    ]
);

table!(
    EXEC,
    "`exec`",
    [
        one(
            "command",
            One::Command,
            "What to run, as one types it into a shell."
        ),
        one(
            "working_dir",
            One::Text,
            "Where to run it; without it, where the process runs."
        ),
    ],
    [("cmd", "command"), ("cwd", "working_dir"), ("dir", "working_dir")]
);

table!(
    HTTP,
    "`http_get`",
    [
        one("host", One::Text, "The host (127.0.0.1)."),
        one("scheme", One::Text, "`http` or `https`."),
        one("path", One::Text, "The path, with its query (`/`)."),
        one("port", One::PortText, "The port; without it, the process's own."),
        key("headers", Kind::TextMap, "Headers of the request."),
        one(
            "status_code",
            One::Whole(100, 599),
            "The status that is good (200)."
        ),
        key("num_port", Kind::Any, "Process Compose's own.").explained("`port` is what counts"),
    ],
    [("url", "path"), ("status", "status_code")]
);

table!(
    TCP,
    "`tcp_socket`",
    [
        one("host", One::Text, "The host (127.0.0.1)."),
        one("port", One::PortText, "The port; without it, the process's own."),
    ],
    []
);

table!(
    AVAILABILITY,
    "`availability`",
    [
        one(
            "restart",
            One::Word(RESTARTS),
            "Which ends it is started again after (`no`)."
        ),
        one(
            "backoff_seconds",
            One::Time,
            "How long to wait before that; without it, a little longer each time."
        ),
        one(
            "max_restarts",
            One::Whole(0, MANY),
            "How often at most; 0 is without limit."
        ),
        one(
            "exit_on_end",
            One::Flag,
            "Its end ends the session, with its exit code."
        ),
        one(
            "exit_on_skipped",
            One::Flag,
            "If it cannot be started for what it depends on, the session ends."
        ),
    ],
    [
        ("backoff", "backoff_seconds"),
        ("policy", "restart"),
        ("max", "max_restarts"),
        ("retries", "max_restarts")
    ]
);

/// The spelling of the restart policies in a file.
const RESTARTS: &[&str] = &["no", "always", "on_failure", "exit_on_failure"];

table!(
    SHUTDOWN,
    "`shutdown`",
    [
        one("command", One::Command, "A command that stops it."),
        one(
            "timeout_seconds",
            One::Time,
            "How long it may take to end; then it is killed."
        ),
        alias(
            "timeout",
            "timeout_seconds",
            Kind::One(One::Time),
            "How long it may take to end; then it is killed."
        ),
        one("signal", One::Signal, "The signal it gets, by name or number."),
        one(
            "parent_only",
            One::Flag,
            "The signal goes to the process alone, not to its group."
        ),
        one(
            "send_keys",
            One::Keys,
            "What is typed into its terminal in place of a signal."
        ),
        alias(
            "keys",
            "send_keys",
            Kind::One(One::Keys),
            "What is typed into its terminal in place of a signal."
        ),
    ],
    [("grace", "timeout_seconds"), ("cmd", "command")]
);

table!(
    SCHEDULE,
    "`schedule`",
    [
        one("cron", One::Text, "When, as five fields."),
        one(
            "timezone",
            One::Text,
            "The zone that the fields are read in, as `Europe/Berlin`; without it, the local one."
        ),
        one("interval", One::Time, "How long from one start to the next."),
        one("run_on_start", One::Flag, "Once at the session's start, too."),
        one("max_concurrent", One::Whole(1, MANY), "How many runs at a time.")
            .explained("a run never begins before the one before has ended"),
    ],
    [("every", "interval"), ("tz", "timezone")]
);

table!(
    WATCH,
    "`watch`",
    [
        key(
            "paths",
            Kind::ListOf(&WATCH_PATH),
            "What to watch: paths, or mappings with a `path`."
        ),
        one(
            "debounce",
            One::Time,
            "How long it must be quiet before the restart (300 ms)."
        ),
        one("cascade", One::Flag, "Restart what depends on it as well."),
        one(
            "disable_default_excludes",
            One::Flag,
            "Watch what is left out otherwise (`.git`, `node_modules`, …)."
        ),
        one(
            "max_entries",
            One::Whole(0, MANY),
            "How many directories at most."
        )
        .explained("there is no such limit here"),
        one("buffer_size", One::Whole(0, MANY), "A buffer on Windows.").explained("it is about Windows"),
    ],
    [
        ("path", "paths"),
        ("exclude", "paths"),
        ("include", "paths"),
        ("ignore", "paths"),
        ("delay", "debounce")
    ]
);

table!(
    WATCH_PATH,
    "a watched path",
    [
        one("path", One::Text, "A file, or a directory with all below it."),
        key(
            "include",
            Kind::MoreTexts,
            "Globs of the files to look at; without it, all."
        ),
        key("exclude", Kind::MoreTexts, "Globs of the files to leave out."),
    ],
    [("ignore", "exclude"), ("paths", "path")]
);

table!(
    LIMITS,
    "`limits`",
    [
        one(
            "memory",
            One::Bytes,
            "Memory: a number of bytes, or a text such as `512M` or `2G`."
        ),
        one("cpu", One::Processors, "Processors, as `1.5`."),
        one("nofile", One::Whole(1, i64::MAX), "Open files."),
    ],
    [
        ("mem", "memory"),
        ("ram", "memory"),
        ("cpus", "cpu"),
        ("files", "nofile"),
        ("fds", "nofile")
    ]
);

table!(
    HOOKS,
    "`hooks`",
    [
        one("on_ready", One::Command, "When it has become ready."),
        one("on_exit", One::Command, "When a run has ended."),
        one("on_fail", One::Command, "When a run has failed."),
    ],
    []
);

#[cfg(test)]
mod tests {
    use super::super::{Fate, Kind, PROJECT, Table};

    fn each(table: &'static Table, visit: &mut dyn FnMut(&'static Table)) {
        visit(table);
        for key in table.keys {
            if let Kind::Map(t) | Kind::Named(t) | Kind::NamedOrList(t) | Kind::ListOf(t) = key.kind {
                each(t, visit);
            }
        }
    }

    #[test]
    fn every_alias_and_every_foreign_word_leads_to_a_key_and_no_key_is_there_twice() {
        each(&PROJECT, &mut |table| {
            for (index, key) in table.keys.iter().enumerate() {
                if let Fate::Alias(name) = key.fate {
                    assert!(
                        table.find(name).is_some_and(|key| key.fate == Fate::Read),
                        "{name}"
                    );
                }
                assert!(
                    table.keys[..index].iter().all(|other| other.name != key.name),
                    "{}",
                    key.name
                );
                assert!(key.doc.ends_with('.') || key.doc.ends_with(')'), "{}", key.name);
            }
            for (other, name) in table.foreign {
                assert!(table.find(name).is_some(), "{other} → {name}");
                assert!(table.find(other).is_none(), "{other}");
            }
        });
    }
}
