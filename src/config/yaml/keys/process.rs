//! The keys of one process.

use super::{
    AVAILABILITY, DEPENDENCY, HOOKS, Key, Kind, LIMITS, LOG, One, PROBE, SCHEDULE, SHELL, SHUTDOWN, Table,
    WATCH, alias, key, one,
};
use crate::model::MAX_INSTANCES;

const TERMINAL: &str = "every service has a terminal here; `ovr connect NAME` enters it";
const SET_BY_ITSELF: &str = "Process Compose sets it itself, so it means nothing in a file";
const SCREEN: &str = "it is about Process Compose's screen";

const KEYS: &[Key] = &[
    one(
        "command",
        One::Command,
        "What to run, as one types it into a shell.",
    ),
    key(
        "entrypoint",
        Kind::Argv,
        "What to run without a shell: a program and its arguments.",
    ),
    one(
        "extends",
        One::Text,
        "Another process whose values count where this one says nothing.",
    ),
    one(
        "working_dir",
        One::Text,
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
    one(
        "is_dotenv_disabled",
        One::Flag,
        "It does not get the variables of `.env`.",
    ),
    key(
        "vars",
        Kind::Vars,
        "Values for templates (`{{.NAME}}`), over those of the project.",
    ),
    one(
        "is_template_disabled",
        One::Flag,
        "Its command is no template: `{{` stays as it is written.",
    ),
    key("shell", Kind::Map(&SHELL), "The programs that run its commands."),
    one("description", One::Text, "What it is, for people."),
    one(
        "disabled",
        One::Flag,
        "It is not started with the session, only by name.",
    ),
    one(
        "is_disabled",
        One::Flag,
        "The same as `disabled`, and wins over it: a file that is merged can take it back.",
    ),
    key("namespace", Kind::Texts, "The groups it belongs to."),
    alias(
        "namespaces",
        "namespace",
        Kind::Texts,
        "The groups it belongs to.",
    ),
    one(
        "replicas",
        One::Whole(0, MAX_INSTANCES as i64),
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
    one(
        "ready_log_line",
        One::Text,
        "It is ready when a line of its output holds this text.",
    ),
    one(
        "failure_log_line",
        One::Text,
        "It is not ready any more when a line of its output holds this text.",
    ),
    one(
        "ready",
        One::Word(&["notify"]),
        "`notify`: it says itself that it is ready (`READY=1` on `$NOTIFY_SOCKET`).",
    ),
    one(
        "watchdog",
        One::Time,
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
    one(
        "is_daemon",
        One::Flag,
        "Its command leaves a process behind and ends.",
    ),
    one(
        "launch_timeout_seconds",
        One::Time,
        "How long the command of a daemon may take to leave it behind.",
    ),
    one("is_foreground", One::Flag, "It is started by hand only."),
    one(
        "is_elevated",
        One::Flag,
        "It runs as root, through sudo in its own terminal.",
    ),
    key("schedule", Kind::Map(&SCHEDULE), "When it runs by itself."),
    key("watch", Kind::Map(&WATCH), "Files whose changes restart it."),
    one(
        "port",
        One::Port,
        "Its port, also as the variable PORT: a number, or `auto` for the next one after those above.",
    ),
    key(
        "listen",
        Kind::MoreTexts,
        "Sockets that are open before it starts and stay open over its restarts: `8080`, `127.0.0.1:8080`, a path.",
    ),
    key("limits", Kind::Map(&LIMITS), "What it may use at most."),
    one(
        "tier",
        One::Text,
        "The tier it starts in: everything of a lower one is ready before the next one starts.",
    ),
    one("is_optional", One::Flag, "Its failure holds nobody up."),
    alias(
        "optional",
        "is_optional",
        Kind::One(One::Flag),
        "Its failure holds nobody up.",
    ),
    key(
        "hooks",
        Kind::Map(&HOOKS),
        "Commands that run when something happens to it.",
    ),
    one("is_tty", One::Flag, "It has a terminal, as every service has.").explained(TERMINAL),
    one(
        "is_interactive",
        One::Flag,
        "One can type into it, as into every service.",
    )
    .explained(TERMINAL),
    one(
        "disable_ansi_colors",
        One::Flag,
        "Process Compose's screen shows its output raw.",
    )
    .explained(SCREEN),
    one(
        "log_location",
        One::Text,
        "A file that its output is written to, besides the one that `ovr logs` reads.",
    ),
    key(
        "log_configuration",
        Kind::Map(&LOG),
        "How the file of `log_location` is written.",
    ),
    one(
        "truncate_log",
        One::Flag,
        "Forget its output when it is started again.",
    )
    .explained("the output of earlier runs is kept; `ovr logs NAME --run last` shows the last one alone"),
    one(
        "monitor_for",
        One::Word(&["none", "activity", "silence"]),
        "What Process Compose's screen marks it for.",
    )
    .explained(SCREEN),
    one("monitor_silence_threshold", One::Time, "When silence is silence.").explained(SCREEN),
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
