//! The keys of a whole configuration.

use super::{Kind, LOG, PROCESS, SHELL, Table, key};

const OF_PROCESS_COMPOSE: &str = "it is about Process Compose itself";
const SET_BY_ITSELF: &str = "Process Compose sets it itself, so it means nothing in a file";

pub(in crate::config::yaml) static PROJECT: Table = Table {
    what: "a configuration",
    keys: &[
        key("version", Kind::Text, "The format's version; any will do.").granted(),
        key(
            "name",
            Kind::Text,
            "The project's name; without it, that of its directory.",
        ),
        key(
            "extends",
            Kind::Text,
            "Another file, relative to this one, whose values count where this one says nothing.",
        ),
        key("processes", Kind::Named(&PROCESS), "The services, by name."),
        key(
            "profiles",
            Kind::TextLists,
            "Named sets of services: `ovr start --profile NAME` starts those of one, and what they need.",
        ),
        key(
            "publish",
            Kind::Text,
            "The NATS server that events are published to, and requests come from: `nats://host:4222`. Read at a start; `--publish` and `OVR_PUBLISH` win.",
        ),
        key(
            "environment",
            Kind::Environment,
            "Variables of all services: a list of `NAME=value`, or a mapping.",
        ),
        key(
            "env_cmds",
            Kind::CommandMap,
            "Variables of all services whose values are what a command prints.",
        ),
        key("vars", Kind::Vars, "Values for templates (`{{.NAME}}`)."),
        key("shell", Kind::Map(&SHELL), "The programs that run commands."),
        key(
            "ordered_shutdown",
            Kind::Flag,
            "Stop a service only when those that depend on it are gone; this is so unless it is `false`.",
        ),
        key(
            "is_strict",
            Kind::Flag,
            "Warnings about the configuration are errors.",
        ),
        key(
            "disable_env_expansion",
            Kind::Flag,
            "Leave `${NAME}` and `$$` as they are written.",
        ),
        key(
            "is_tui_disabled",
            Kind::Flag,
            "Nothing opens a screen of its own at a start.",
        )
        .granted(),
        key(
            "log_location",
            Kind::Text,
            "A file for the output of all services that name none, besides those that `ovr logs` reads.",
        ),
        key(
            "log_configuration",
            Kind::Map(&LOG),
            "How the files of `log_location` are written.",
        ),
        key("log_length", Kind::Whole(0, i64::MAX), "Lines of output to keep.").explained(
            "output is kept up to a size, not a number of lines; `ovr logs -n` chooses how many to show",
        ),
        key(
            "log_level",
            Kind::Text,
            "How much Process Compose says about itself.",
        )
        .explained(OF_PROCESS_COMPOSE),
        key(
            "log_format",
            Kind::Text,
            "Nothing; Process Compose does not use it either.",
        )
        .explained(OF_PROCESS_COMPOSE),
        key("mcp_server", Kind::Any, "Process Compose's server for agents.")
            .explained("`ovr mcp` lets agents at every service, and needs no configuration: docs/agents.md"),
        key("file_names", Kind::Any, "Process Compose's own.").explained(SET_BY_ITSELF),
        key("env_file_names", Kind::Any, "Process Compose's own.").explained(SET_BY_ITSELF),
        key("dot_env_vars", Kind::Any, "Process Compose's own.").explained(SET_BY_ITSELF),
    ],
    foreign: &[
        ("services", "processes"),
        ("procs", "processes"),
        ("profile", "profiles"),
        ("groups", "profiles"),
        ("process", "processes"),
        ("env", "environment"),
        ("variables", "vars"),
        ("include", "extends"),
        ("strict", "is_strict"),
    ],
};
