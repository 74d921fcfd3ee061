//! Options that hold from a session's start on, typed where one runs already: it does not heed them, and that is said.

use super::report;
use super::start::StartArgs;
use crate::diag::{Diagnostic, Kind};
use crate::nats::redacted;
use crate::workspace::SessionInfo;
use std::path::Path;

/// One option as it was typed.
struct Given<'a> {
    flag: &'static str,
    /// None for a switch.
    value: Option<&'a str>,
}

impl<'a> Given<'a> {
    fn with(flag: &'static str, value: &'a str) -> Self {
        Self {
            flag,
            value: Some(value),
        }
    }
}

impl Given<'_> {
    fn typed(&self) -> String {
        match self.value {
            Some(value) => format!("{} {}", self.flag, redacted(value)),
            None => self.flag.to_owned(),
        }
    }
}

/// Says which options of this `start` the running session does not heed.
pub(super) fn tell(args: &StartArgs, begun: Option<&SessionInfo>) {
    let mut given = given(args);
    given.retain(|one| match one.value {
        Some(value) => !began_with(begun, value),
        None => !began_with(begun, one.flag),
    });
    let Some(first) = given.first() else { return };
    let flags: Vec<&str> = given.iter().map(|one| one.flag).collect();
    let (flags, change) = match flags.split_last() {
        Some((last, others @ [_, ..])) => (format!("{} and {last}", others.join(", ")), "change"),
        Some(_) | None => (first.flag.to_owned(), "changes"),
    };
    let text = format!("the session runs already, so {flags} {change} nothing");
    let typed: Vec<String> = given.iter().map(Given::typed).collect();
    report::print(&Diagnostic::warning(Kind::Usage, text).hint(format!(
        "to start it anew with that: ovr quit, then ovr start {}",
        typed.join(" ")
    )));
}

/// The options that a start of services in a running session has no use for. What chooses services, and `-D`, which
/// returns as this does, are none of them.
fn given(args: &StartArgs) -> Vec<Given<'_>> {
    let mut given = Vec::new();
    let lists: [(&'static str, &Vec<String>); 9] = [
        ("-f", &args.procfile),
        ("-e", &args.env),
        ("-l", &args.processes),
        ("-x", &args.ignored_processes),
        ("-m", &args.formation),
        ("-c", &args.can_die),
        ("-r", &args.auto_restart),
        ("-i", &args.stop_signals),
        ("-b", &args.colors),
    ];
    for (flag, values) in lists {
        given.extend(values.iter().map(|value| Given::with(flag, value)));
    }
    let texts = [
        ("-d", &args.root),
        ("-w", &args.title),
        ("-H", &args.shell),
        ("-p", &args.port),
        ("-P", &args.port_step),
        ("--formation-port-step", &args.formation_port_step),
        ("-t", &args.timeout),
        ("--logs", &args.logs),
        ("--publish", &args.publish),
        ("-F", &args.tmux_config),
    ];
    for (flag, value) in texts {
        given.extend(value.iter().map(|value| Given::with(flag, value)));
    }
    let switches = [
        ("-N", args.no_port),
        ("--any-can-die", args.any_can_die),
        ("-T", args.show_timestamps),
        ("--fresh", args.fresh),
        ("--no-recover", args.no_recover),
        ("--no-watch", args.no_watch),
        ("--listen-public", args.listen_public),
    ];
    for (flag, _) in switches.into_iter().filter(|(_, on)| *on == Some(true)) {
        given.push(Given { flag, value: None });
    }
    given
}

/// Whether the session was started with this value, or it is its configuration.
pub(super) fn began_with(begun: Option<&SessionInfo>, value: &str) -> bool {
    begun.is_some_and(|info| {
        let named = info.arguments.iter().any(|word| {
            let behind = word.split_once('=').map_or(word.as_str(), |(_, value)| value);
            let glued = word
                .strip_prefix('-')
                .and_then(|word| word.strip_prefix(|letter: char| letter.is_ascii_alphabetic()));
            word == value || behind == value || glued == Some(value)
        });
        let config = Path::new(&info.root).join(&info.config);
        let is_config = match (std::fs::canonicalize(value), std::fs::canonicalize(config)) {
            (Ok(file), Ok(config)) => file == config,
            (Err(_), _) | (_, Err(_)) => false,
        };
        let is_root = std::fs::canonicalize(value).is_ok_and(|dir| dir == Path::new(&info.root));
        named || is_config || is_root
    })
}
