//! The tools by name: what each is for, in words for a model, and what it takes, as JSON Schema. What they do is
//! elsewhere.

use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// One tool.
#[derive(Clone, Debug)]
pub struct Tool {
    pub name: &'static str,
    pub title: &'static str,
    pub about: &'static str,
    /// It changes nothing.
    pub reads: bool,
    /// It ends what somebody may still need.
    pub destroys: bool,
    /// Twice does no more than once.
    pub idempotent: bool,
    /// It may wait for long, and is taken back when the client goes.
    pub waits: bool,
    /// Its arguments: name → schema.
    pub takes: Map<String, Value>,
    pub requires: &'static [&'static str],
}

/// All of them, in the order in which they are listed.
pub fn tools() -> &'static [Tool] {
    static TOOLS: LazyLock<Vec<Tool>> = LazyLock::new(all);
    &TOOLS
}

/// As `tools/list` gives them.
pub fn listed() -> Vec<Value> {
    tools().iter().map(listing).collect()
}

fn listing(tool: &Tool) -> Value {
    let mut schema = json!({
        "type": "object",
        "properties": tool.takes,
        "additionalProperties": false,
    });
    if !tool.requires.is_empty() {
        schema["required"] = json!(tool.requires);
    }
    json!({
        "name": tool.name,
        "title": tool.title,
        "description": tool.about,
        "inputSchema": schema,
        "annotations": {
            "title": tool.title,
            "readOnlyHint": tool.reads,
            "destructiveHint": tool.destroys,
            "idempotentHint": tool.idempotent,
            "openWorldHint": false,
        },
    })
}

fn all() -> Vec<Tool> {
    vec![
        list(),
        status(),
        explain(),
        logs(),
        wait(),
        start(),
        restart(),
        stop(),
    ]
}

fn reading(name: &'static str, title: &'static str, about: &'static str, takes: Value) -> Tool {
    let Value::Object(takes) = takes else {
        unreachable!("arguments are written as an object")
    };
    Tool {
        name,
        title,
        about,
        reads: true,
        destroys: false,
        idempotent: true,
        waits: false,
        takes,
        requires: &[],
    }
}

fn acting(name: &'static str, title: &'static str, about: &'static str, takes: Value) -> Tool {
    Tool {
        reads: false,
        waits: true,
        ..reading(name, title, about, takes)
    }
}

fn names(what: &str) -> Value {
    let about = format!("{what} Services (web), instances (web#2) or patterns (side*).");
    json!({ "type": "array", "items": { "type": "string", "minLength": 1 }, "description": about })
}

fn some_names(what: &str) -> Value {
    let mut schema = names(what);
    schema["minItems"] = json!(1);
    schema
}

fn seconds(what: &str) -> Value {
    json!({ "type": "number", "exclusiveMinimum": 0, "maximum": MAX_SECONDS, "description": what })
}

/// No waiting takes longer.
pub const MAX_SECONDS: f64 = 3600.0;
/// How long is waited where nobody says how long: less than most clients wait for an answer.
pub const SECONDS: f64 = 30.0;
/// So many lines of output are given where nobody says how many, and at most.
pub const LINES: (usize, usize) = (100, 2000);
/// The same for bytes.
pub const BYTES: (usize, usize) = (16 * 1024, 256 * 1024);

fn list() -> Tool {
    reading(
        "list",
        "List services",
        "List the project's services with state, readiness, port or URL, pid and restarts. Works when nothing runs. \
         Use this instead of ps, lsof or netstat.",
        json!({}),
    )
}

fn status() -> Tool {
    let takes = json!({ "names": names("Whose; all if left out.") });
    reading(
        "status",
        "Status of services",
        "All that is known about services: state and why, readiness, port, URL, pid, since when, restarts, last exit, \
         last line, command and where it is configured.",
        takes,
    )
}

fn explain() -> Tool {
    let takes =
        json!({ "name": { "type": "string", "minLength": 1, "description": "One service or instance." } });
    Tool {
        requires: &["name"],
        ..reading(
            "explain",
            "Explain a service",
            "Say why a service is in its state: what it waits for, how it ended, its last probe failure, its last \
             lines, and what to do next. Ask this first when something is wrong.",
            takes,
        )
    }
}

fn logs() -> Tool {
    let takes = json!({
        "names": names("Whose lines; all services' if left out."),
        "lines": {
            "type": "integer", "minimum": 1, "maximum": LINES.1,
            "description": format!("At most the newest so many lines (default {}).", LINES.0),
        },
        "max_bytes": {
            "type": "integer", "minimum": 256, "maximum": BYTES.1,
            "description": format!("At most so many bytes of them (default {}).", BYTES.0),
        },
        "grep": { "type": "string", "description": "Only lines that match this regular expression." },
        "since": {
            "type": "string",
            "description": "Only lines from then on: a time ago (10m, 2h), a time (14:30, RFC 3339).",
        },
        "cursor": {
            "type": "string",
            "description": "Only what is new since the call that returned this cursor.",
        },
        "run": {
            "type": "string", "pattern": "^(last|-?[0-9]+)$",
            "description": "One run only: last, -1 (the one before it), or a run's number.",
        },
    });
    reading(
        "logs",
        "Read logs",
        "Read what services printed, oldest first, also of crashed runs and after the session has ended. Of a service \
         that has crashed, gives its last run unless told otherwise. Bounded; says what was left out, and returns a \
         cursor to read on from.",
        takes,
    )
}

fn wait() -> Tool {
    let takes = json!({
        "names": names("Whom to wait for; all that start with the session if left out."),
        "for": {
            "type": "string", "enum": ["ready", "running", "exited", "healthy"],
            "description": "What for: ready (default; tasks: done), running (its process lives), exited (for tasks), \
                            healthy (a probe says so).",
        },
        "timeout_s": seconds("Give up after so many seconds (default 30)."),
    });
    Tool {
        waits: true,
        ..reading(
            "wait",
            "Wait for services",
            "Wait until services are ready, run, have exited or are healthy. Returns at once when one of them can no \
             longer become so, with the reason and its last lines.",
            takes,
        )
    }
}

fn start() -> Tool {
    let takes = json!({
        "names": names("What to start, with all that it needs; the whole project if left out."),
        "wait": { "type": "boolean", "description": "Wait until ready (default true)." },
        "timeout_s": seconds("Wait no longer than so many seconds (default 30)."),
    });
    acting(
        "start",
        "Start services",
        "Bring the project up in the background, or start services in the running session. What runs already is left \
         alone. Returns when all are ready, or with the one that failed and its last lines.",
        takes,
    )
}

fn restart() -> Tool {
    let takes = json!({
        "names": some_names("What to restart; [\"*\"] for all."),
        "timeout_s": seconds("Wait no longer than so many seconds for it to be ready (default 30)."),
    });
    Tool {
        destroys: true,
        idempotent: false,
        requires: &["names"],
        ..acting(
            "restart",
            "Restart services",
            "Restart just these services and wait until they are ready again. Use this instead of kill or pkill.",
            takes,
        )
    }
}

fn stop() -> Tool {
    let takes = json!({ "names": some_names("What to stop; [\"*\"] for all.") });
    Tool {
        destroys: true,
        requires: &["names"],
        ..acting(
            "stop",
            "Stop services",
            "Stop just these services, each with every process that it has started. They stay stopped until somebody \
             starts them. Use this instead of kill or pkill.",
            takes,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{listed, tools};

    #[test]
    fn every_tool_tells_what_it_is_for_and_what_it_takes() {
        for (tool, listing) in tools().iter().zip(listed()) {
            assert!(tool.about.ends_with('.'), "{}", tool.name);
            assert_eq!(listing["inputSchema"]["type"], "object");
            for required in tool.requires {
                assert!(tool.takes.contains_key(*required), "{}", tool.name);
            }
            for (name, schema) in &tool.takes {
                assert!(schema["description"].is_string(), "{} {name}", tool.name);
            }
            assert!(!(tool.reads && tool.destroys), "{}", tool.name);
        }
    }
}
