//! The keys of one process.

use super::{
    AVAILABILITY, DEPENDENCY, HOOKS, Key, Kind, LIMITS, LOG, PROBE, SCHEDULE, SHELL, SHUTDOWN, Table, WATCH,
    alias, key,
};
use crate::model::MAX_INSTANCES;

const TERMINAL: &str = "every service has a terminal here; `ovr connect NAME` enters it";
const SET_BY_ITSELF: &str = "Process Compose sets it itself, so it means nothing in a file";
const SCREEN: &str = "it is about Process Compose's screen";

const KEYS: &[Key] = &[
    key(
        "command",
        Kind::Command,
        "What to run, as one types it into a shell.",
    ),
    key(
        "entrypoint",
        Kind::Argv,
        "What to run without a shell: a program and its arguments.",
    ),
    key(
        "extends",
        Kind::Text,
        "Another process whose values count where this one says nothing.",
    ),
    key(
        "working_dir",
        Kind::Text,
        "Where to run it; relative to the project's root.",
    ),
    key(
        "environment",
        Kind::Environment,
        "Its variables: a list of `NAME=value`, or a mapping.",
    ),
    key(
        "env_file",
        Kind::MoreTexts,
        "Files with variables, relative to its directory.",
    ),
    key(
        "is_dotenv_disabled",
        Kind::Flag,
        "It does not get the variables of `.env`.",
    ),
    key(
        "vars",
        Kind::Vars,
        "Values for templates (`{{.NAME}}`), over those of the project.",
    ),
    key(
        "is_template_disabled",
        Kind::Flag,
        "Its command is no template: `{{` stays as it is written.",
    ),
    key("shell", Kind::Map(&SHELL), "The programs that run its commands."),
    key("description", Kind::Text, "What it is, for people."),
    key(
        "disabled",
        Kind::Flag,
        "It is not started with the session, only by name.",
    ),
    key(
        "is_disabled",
        Kind::Flag,
        "The same as `disabled`, and wins over it: a file that is merged can take it back.",
    ),
    key("namespace", Kind::Texts, "The groups it belongs to."),
    alias(
        "namespaces",
        "namespace",
        Kind::Texts,
        "The groups it belongs to.",
    ),
    key(
        "replicas",
        Kind::Whole(0, MAX_INSTANCES as i64),
        "How many of it to run.",
    ),
    key(
        "depends_on",
        Kind::NamedOrList(&DEPENDENCY),
        "What has to be there before it starts: a list of names, or a mapping with conditions.",
    ),
    key(
        "startup_probe",
        Kind::Map(&PROBE),
        "Until this has succeeded once, no other probe is tried; if it fails for good, the run has failed.",
    ),
    key(
        "readiness_probe",
        Kind::Map(&PROBE),
        "It is ready while this succeeds.",
    ),
    key(
        "liveness_probe",
        Kind::Map(&PROBE),
        "It is started again when this fails for good.",
    ),
    key(
        "ready_log_line",
        Kind::Text,
        "It is ready when a line of its output holds this text.",
    ),
    key(
        "failure_log_line",
        Kind::Text,
        "It is not ready any more when a line of its output holds this text.",
    ),
    key(
        "ready",
        Kind::Word(&["notify"]),
        "`notify`: it says itself that it is ready (`READY=1` on `$NOTIFY_SOCKET`).",
    ),
    key(
        "watchdog",
        Kind::Time,
        "It says so often that it is alive (`WATCHDOG=1` on `$NOTIFY_SOCKET`), or is started again.",
    ),
    key(
        "availability",
        Kind::Map(&AVAILABILITY),
        "When it is started again, and what its end means.",
    ),
    key(
        "success_exit_codes",
        Kind::Codes,
        "Exit codes besides 0 that mean success.",
    ),
    key("shutdown", Kind::Map(&SHUTDOWN), "How to stop it."),
    alias("stop", "shutdown", Kind::Map(&SHUTDOWN), "How to stop it."),
    key(
        "is_daemon",
        Kind::Flag,
        "Its command leaves a process behind and ends.",
    ),
    key(
        "launch_timeout_seconds",
        Kind::Time,
        "How long the command of a daemon may take to leave it behind.",
    ),
    key("is_foreground", Kind::Flag, "It is started by hand only."),
    key(
        "is_elevated",
        Kind::Flag,
        "It runs as root, through sudo in its own terminal.",
    ),
    key("schedule", Kind::Map(&SCHEDULE), "When it runs by itself."),
    key("watch", Kind::Map(&WATCH), "Files whose changes restart it."),
    key(
        "port",
        Kind::Port,
        "Its port, also as the variable PORT: a number, or `auto` for the next one after those above.",
    ),
    key(
        "listen",
        Kind::MoreTexts,
        "Sockets that are open before it starts and stay open over its restarts: `8080`, `127.0.0.1:8080`, a path.",
    ),
    key("limits", Kind::Map(&LIMITS), "What it may use at most."),
    key(
        "tier",
        Kind::Text,
        "The tier it starts in: everything of a lower one is ready before the next one starts.",
    ),
    key("is_optional", Kind::Flag, "Its failure holds nobody up."),
    alias(
        "optional",
        "is_optional",
        Kind::Flag,
        "Its failure holds nobody up.",
    ),
    key(
        "hooks",
        Kind::Map(&HOOKS),
        "Commands that run when something happens to it.",
    ),
    key("is_tty", Kind::Flag, "It has a terminal, as every service has.").explained(TERMINAL),
    key(
        "is_interactive",
        Kind::Flag,
        "One can type into it, as into every service.",
    )
    .explained(TERMINAL),
    key(
        "disable_ansi_colors",
        Kind::Flag,
        "Process Compose's screen shows its output raw.",
    )
    .explained(SCREEN),
    key(
        "log_location",
        Kind::Text,
        "A file that its output is written to, besides the one that `ovr logs` reads.",
    ),
    key(
        "log_configuration",
        Kind::Map(&LOG),
        "How the file of `log_location` is written.",
    ),
    key(
        "truncate_log",
        Kind::Flag,
        "Forget its output when it is started again.",
    )
    .explained("the output of earlier runs is kept; `ovr logs NAME --run last` shows the last one alone"),
    key(
        "monitor_for",
        Kind::Word(&["none", "activity", "silence"]),
        "What Process Compose's screen marks it for.",
    )
    .explained(SCREEN),
    key(
        "monitor_silence_threshold",
        Kind::Time,
        "When silence is silence.",
    )
    .explained(SCREEN),
    key("mcp", Kind::Any, "What agents may do with it in Process Compose.")
        .explained("`ovr mcp` lets agents at every service, and needs no configuration: docs/agents.md"),
    key("name", Kind::Any, "Process Compose's own.").explained("the name is the key above"),
    key("args", Kind::Any, "Process Compose's own.").explained(SET_BY_ITSELF),
    key("executable", Kind::Any, "Process Compose's own.").explained(SET_BY_ITSELF),
    key("original_config", Kind::Any, "Process Compose's own.").explained(SET_BY_ITSELF),
    key("replica_name", Kind::Any, "Process Compose's own.").explained(SET_BY_ITSELF),
    key("replica_num", Kind::Any, "Process Compose's own.").explained(SET_BY_ITSELF),
];

pub(in crate::config::yaml) static PROCESS: Table = Table {
    what: "a process",
    keys: KEYS,
    foreign: &[
        ("cmd", "command"),
        ("run", "command"),
        ("exec", "command"),
        ("start_command", "command"),
        ("cwd", "working_dir"),
        ("dir", "working_dir"),
        ("workdir", "working_dir"),
        ("working_directory", "working_dir"),
        ("env", "environment"),
        ("env_files", "env_file"),
        ("dotenv", "env_file"),
        ("dependencies", "depends_on"),
        ("depends", "depends_on"),
        ("needs", "depends_on"),
        ("healthcheck", "readiness_probe"),
        ("health_check", "readiness_probe"),
        ("ready_when", "ready_log_line"),
        ("watchdog_sec", "watchdog"),
        ("watchdog_seconds", "watchdog"),
        ("restart", "availability"),
        ("restart_policy", "availability"),
        ("scale", "replicas"),
        ("instances", "replicas"),
        ("ports", "port"),
        ("enabled", "disabled"),
        ("autostart", "disabled"),
        ("watch_paths", "watch"),
        ("cron", "schedule"),
        ("ulimits", "limits"),
        ("tty", "is_tty"),
        ("stop_signal", "shutdown"),
        ("on_ready", "hooks"),
        ("on_exit", "hooks"),
        ("on_fail", "hooks"),
    ],
};
