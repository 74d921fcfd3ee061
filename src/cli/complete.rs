//! Completion of live names: which words make sense where. The services come from `here`, the shells' scripts
//! from `completions`.

use super::here::{self, Known};
use crate::api::openapi::DOCUMENT;
use crate::model::{Signal, StateWord};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use std::collections::BTreeMap;
use std::ffi::OsStr;

/// Which services make sense for an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every instance.
    Any,
    /// What runs: for `stop`, `kill`, `signal`.
    Live,
    /// What does not run: for `start`.
    Startable,
    /// Services by their names in the configuration.
    Configured,
    /// The same, and `all`.
    ConfiguredOrAll,
}

/// The names of `kind` here and now, with their descriptions.
pub fn candidates(kind: Kind) -> Vec<(String, String)> {
    select(kind, &here::services())
}

/// Completes one name.
pub fn name(kind: Kind) -> ArgValueCompleter {
    names(kind)
}

/// Completes names, one a word.
pub fn names(kind: Kind) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| offer(&candidates(kind), current))
}

/// Completes names with commas between them.
pub fn list(kind: Kind) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| offer(&continued(current, &candidates(kind)), current))
}

/// Completes `name=value` items with commas between them; `values` are offered behind the `=`.
pub fn assignments(kind: Kind, values: &'static [&'static str]) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        offer(&assigned(current, &candidates(kind), values), current)
    })
}

/// Completes what `ovr api` can ask for: a route, or a method and behind it a route.
pub fn routes() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let document: serde_json::Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
        let paths = document["paths"].as_object().into_iter().flatten();
        let routes = paths.map(|(path, item)| {
            let operation = item.get("get").or(item.get("post"));
            let about = operation.and_then(|operation| operation["summary"].as_str());
            (path.clone(), about.unwrap_or_default().to_owned())
        });
        let methods = [("GET", "ask"), ("POST", "have something done")];
        let methods = methods.map(|(word, about)| (word.to_owned(), about.to_owned()));
        offer(&methods.into_iter().chain(routes).collect::<Vec<_>>(), current)
    })
}

/// Completes namespaces.
pub fn namespaces() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| offer(&all_namespaces(&here::services()), current))
}

/// Completes profiles.
pub fn profiles() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| offer(&continued(current, &here::profiles()), current))
}

/// Completes signals, with `SIG` where it has been typed.
pub fn signals() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| offer(&signal_names(current), current))
}

fn all_namespaces(known: &[Known]) -> Vec<(String, String)> {
    let mut members: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for service in known {
        for namespace in &service.namespaces {
            members.entry(namespace).or_default().push(&service.name);
        }
    }
    let described = |(name, members): (&str, Vec<&str>)| (name.to_owned(), members.join(", "));
    members.into_iter().map(described).collect()
}

fn select(kind: Kind, known: &[Known]) -> Vec<(String, String)> {
    let live = |k: &&Known| k.state.is_some_and(is_live);
    let described = |k: &Known| {
        let state = k.state.map_or("not running", StateWord::as_str);
        let about = if k.about.is_empty() {
            state.to_owned()
        } else {
            format!("{state} · {}", k.about)
        };
        (k.name.clone(), about)
    };
    match kind {
        Kind::Any => known.iter().map(described).collect(),
        Kind::Live => known.iter().filter(live).map(described).collect(),
        Kind::Startable => known.iter().filter(|k| !live(k)).map(described).collect(),
        Kind::Configured => services(known),
        Kind::ConfiguredOrAll => {
            let mut all = services(known);
            if !all.is_empty() {
                all.push(("all".to_owned(), "every service".to_owned()));
            }
            all
        }
    }
}

fn services(known: &[Known]) -> Vec<(String, String)> {
    let mut services: Vec<(String, String)> = Vec::new();
    for k in known {
        if services.iter().all(|(name, _)| *name != k.service) {
            services.push((k.service.clone(), k.about.clone()));
        }
    }
    services
}

fn is_live(state: StateWord) -> bool {
    match state {
        StateWord::Starting
        | StateWord::Running
        | StateWord::Daemonized
        | StateWord::Stopping
        | StateWord::Restarting
        | StateWord::Backoff
        | StateWord::Pending => true,
        StateWord::Disabled
        | StateWord::Stopped
        | StateWord::Exited
        | StateWord::Failed
        | StateWord::Skipped
        | StateWord::Scheduled => false,
    }
}

/// The words that begin with what has been typed.
fn offer(words: &[(String, String)], current: &OsStr) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else {
        return Vec::new();
    };
    words
        .iter()
        .filter(|(word, _)| word.starts_with(current))
        .map(|(word, about)| {
            let about = (!about.is_empty()).then(|| about.clone().into());
            CompletionCandidate::new(word).help(about)
        })
        .collect()
}

/// What has been typed up to the last comma, and each name that is not yet in it behind that.
fn continued(current: &OsStr, names: &[(String, String)]) -> Vec<(String, String)> {
    let typed = current.to_str().unwrap_or_default();
    let (before, _) = split_last(typed);
    names
        .iter()
        .filter(|(name, _)| before.split(',').all(|known| known != name))
        .map(|(name, about)| (format!("{before}{name}"), about.clone()))
        .collect()
}

fn assigned(current: &OsStr, names: &[(String, String)], values: &[&str]) -> Vec<(String, String)> {
    let typed = current.to_str().unwrap_or_default();
    let (before, item) = split_last(typed);
    if let Some((name, _)) = item.split_once('=') {
        return values
            .iter()
            .map(|value| (format!("{before}{name}={value}"), String::new()))
            .collect();
    }
    continued(current, names)
        .into_iter()
        .map(|(word, about)| (format!("{word}="), about))
        .collect()
}

/// The text up to and with the last comma, and the rest.
fn split_last(typed: &str) -> (&str, &str) {
    typed.split_at(typed.rfind(',').map_or(0, |at| at + 1))
}

fn signal_names(current: &OsStr) -> Vec<(String, String)> {
    let prefix = match current.to_str() {
        Some("S" | "SI") => "SIG",
        Some(typed) if typed.starts_with("SIG") => "SIG",
        _ => "",
    };
    Signal::names()
        .filter_map(|name| {
            let number = name.parse::<Signal>().ok()?.number();
            Some((format!("{prefix}{name}"), number.to_string()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Kind, assigned, continued, offer, select, signal_names};
    use crate::cli::here::Known;
    use crate::model::StateWord;
    use std::ffi::OsStr;

    fn known(name: &str, state: Option<StateWord>) -> Known {
        Known {
            name: name.to_owned(),
            service: name.split('#').next().unwrap().to_owned(),
            state,
            about: ":5000".to_owned(),
            namespaces: vec!["default".to_owned()],
        }
    }

    fn shop() -> Vec<Known> {
        vec![
            known("web#1", Some(StateWord::Running)),
            known("web#2", Some(StateWord::Failed)),
            known("worker", Some(StateWord::Stopped)),
        ]
    }

    fn words(kind: Kind, known: &[Known]) -> Vec<String> {
        select(kind, known).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn only_names_that_make_sense_are_offered() {
        let shop = shop();
        assert_eq!(words(Kind::Any, &shop), ["web#1", "web#2", "worker"]);
        assert_eq!(words(Kind::Live, &shop), ["web#1"]);
        assert_eq!(words(Kind::Startable, &shop), ["web#2", "worker"]);
        assert_eq!(words(Kind::Configured, &shop), ["web", "worker"]);
        assert_eq!(words(Kind::ConfiguredOrAll, &shop), ["web", "worker", "all"]);
        assert_eq!(select(Kind::Live, &shop)[0].1, "running · :5000");
    }

    #[test]
    fn without_a_session_the_configured_names_can_be_started_and_not_stopped() {
        let procfile = [known("web", None), known("db", None)];
        assert_eq!(words(Kind::Startable, &procfile), ["web", "db"]);
        assert_eq!(words(Kind::Any, &procfile), ["web", "db"]);
        assert!(words(Kind::Live, &procfile).is_empty());
        assert!(words(Kind::ConfiguredOrAll, &[]).is_empty());
    }

    #[test]
    fn lists_and_assignments_go_on_behind_the_comma() {
        let names = select(Kind::Configured, &shop());
        let text = |words: Vec<(String, String)>| words.into_iter().map(|(word, _)| word).collect::<Vec<_>>();
        assert_eq!(text(continued(OsStr::new("web,wo"), &names)), ["web,worker"]);
        assert_eq!(
            text(assigned(OsStr::new("w"), &names, &["TERM"])),
            ["web=", "worker="]
        );
        assert_eq!(
            text(assigned(OsStr::new("web=INT,worker="), &names, &["TERM"])),
            ["web=INT,worker=TERM"]
        );
    }

    #[test]
    fn signals_complete_with_and_without_sig() {
        let offered = |typed: &str| {
            let typed = OsStr::new(typed);
            offer(&signal_names(typed), typed)
                .iter()
                .map(|c| c.get_value().to_string_lossy().into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(offered("US"), ["USR1", "USR2"]);
        assert_eq!(offered("SIGUS"), ["SIGUSR1", "SIGUSR2"]);
        assert!(offered("").contains(&"TERM".to_owned()));
        assert_eq!(offered("SY"), ["SYS"]);
        assert_eq!(offered("S中"), Vec::<String>::new());
    }
}
