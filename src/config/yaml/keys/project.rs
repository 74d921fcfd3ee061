//! The keys of a whole configuration.

use super::{Kind, LOG, One, PROCESS, SHELL, Table, key, one};

const OF_PROCESS_COMPOSE: &str = "it is about Process Compose itself";
const SET_BY_ITSELF: &str = "Process Compose sets it itself, so it means nothing in a file";

pub(in crate::config::yaml) static PROJECT: Table = Table {
    what: "a configuration",
    keys: &[
        one("version", One::Text, "The format's version; any will do.").granted(),
        one(
            "name",
            One::Text,
            "The project's name; without it, that of its directory.",
        ),
        one(
            "extends",
            One::Text,
            "Another file, relative to this one, whose values count where this one says nothing.",
        ),
        key("processes", Kind::Named(&PROCESS), "The services, by name."),
        key(
            "profiles",
            Kind::TextLists,
            "Named sets of services: `ovr start --profile NAME` starts those of one, and what they need.",
        ),
        one(
            "publish",
            One::Text,
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
        one(
            "ordered_shutdown",
            One::Flag,
            "Stop a service only when those that depend on it are gone; this is so unless it is `false`.",
        ),
        one(
            "is_strict",
            One::Flag,
            "Warnings about the configuration are errors.",
        ),
        one(
            "disable_env_expansion",
            One::Flag,
            "Leave `${NAME}` and `$$` as they are written.",
        ),
        one(
            "is_tui_disabled",
            One::Flag,
            "Nothing opens a screen of its own at a start.",
        )
        .granted(),
        one(
            "log_location",
            One::Text,
            "A file for the output of all services that name none, besides those that `ovr logs` reads.",
        ),
        key(
            "log_configuration",
            Kind::Map(&LOG),
            "How the files of `log_location` are written.",
        ),
        one("log_length", One::Whole(0, i64::MAX), "Lines of output to keep.").explained(
            "output is kept up to a size, not a number of lines; `ovr logs -n` chooses how many to show",
        ),
        one(
            "log_level",
            One::Text,
            "How much Process Compose says about itself.",
        )
        .explained(OF_PROCESS_COMPOSE),
        one(
            "log_format",
            One::Text,
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
