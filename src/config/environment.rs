//! The environment in layers: every value remembers its layer and the place it was written at, and what it
//! overrides. Pure; `load.rs` fills it. The order is the table of `docs/environment.md`.

mod settings;

use crate::diag::Span;
use serde::Serialize;
use settings::Said;
pub use settings::{SESSION_VARIABLES, Setting, Spoken, UNSPECIFIC};
use std::collections::BTreeMap;
use std::fmt;

/// The layers, lowest first: a value of a later layer overrides one of an earlier layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// What `ovr` was called with.
    Caller,
    /// `~/.ovr.env`.
    HomeFile,
    /// `.ovr.env` in the project's root.
    RootFile,
    /// `.env` in the project's root.
    DotEnv,
    /// The files that `OVR_ENV` names, in its order.
    NamedFiles,
    /// `environment` of the whole configuration.
    Global,
    /// The service's `env_file`.
    ServiceFile,
    /// The service's `environment`.
    Service,
    /// What `ovr` injects.
    Injected,
}

impl Layer {
    pub const ALL: [Self; 9] = [
        Self::Caller,
        Self::HomeFile,
        Self::RootFile,
        Self::DotEnv,
        Self::NamedFiles,
        Self::Global,
        Self::ServiceFile,
        Self::Service,
        Self::Injected,
    ];
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Caller,
    /// In a file.
    At(Span),
    Ovr,
}

impl fmt::Display for Origin {
    /// `caller`, `.env:3`, `ovr`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller => f.write_str("caller"),
            Self::At(span) => write!(f, "{}:{}", span.source.path.display(), span.line),
            Self::Ovr => f.write_str("ovr"),
        }
    }
}

/// A value as one layer has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub value: String,
    pub layer: Layer,
    pub origin: Origin,
}

/// A variable to put into a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub name: String,
    pub value: String,
    pub origin: Origin,
}

/// Variables of the caller that are about the caller itself: its terminal, its shell, its multiplexer, its supervisor.
/// In a service they would be lies, so they stay outside (an env file may still set them).
const NOT_FOR_SERVICES: &[&str] = &[
    "COLUMNS",
    "LINES",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "NOTIFY_SOCKET",
    "OLDPWD",
    "OVR_TOKEN",
    "SHLVL",
    "STY",
    "TERMCAP",
    "TERM_PROGRAM",
    "TERM_PROGRAM_VERSION",
    "TMUX",
    "TMUX_PANE",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "WINDOWID",
    "_",
];

/// Variables with all the values that the layers give them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// The values of a name, lowest first; never empty.
    variables: BTreeMap<String, Vec<Value>>,
    /// Who else has a say in how `ovr` reads this project.
    said: Option<Said>,
}

impl Environment {
    /// The lowest layer: what `ovr` was called with, without what is the caller's own (its terminal, its secret).
    pub fn from_caller<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            if !NOT_FOR_SERVICES.contains(&name) {
                environment.set(Layer::Caller, name, value, Origin::Caller);
            }
        }
        environment
    }

    /// Sets a variable in a layer. Within a layer the last one counts; the order of calls for different
    /// layers does not matter.
    pub fn set(&mut self, layer: Layer, name: &str, value: impl Into<String>, origin: Origin) {
        let value = Value {
            value: value.into(),
            layer,
            origin,
        };
        match self.variables.get_mut(name) {
            Some(values) => {
                let at = values.partition_point(|other| other.layer <= layer);
                values.insert(at, value);
            }
            None => {
                self.variables.insert(name.to_owned(), vec![value]);
            }
        }
    }

    pub fn extend(&mut self, layer: Layer, assignments: impl IntoIterator<Item = Assignment>) {
        for assignment in assignments {
            self.set(layer, &assignment.name, assignment.value, assignment.origin);
        }
    }

    /// The same without a layer.
    pub fn without(&self, layer: Layer) -> Self {
        let mut variables = self.variables.clone();
        for values in variables.values_mut() {
            values.retain(|value| value.layer != layer);
        }
        variables.retain(|_, values| !values.is_empty());
        Self {
            variables,
            said: self.said.clone(),
        }
    }

    /// The value that counts, with where it comes from.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.variables.get(name)?.last()
    }

    /// The text that counts.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.get(name).map(|value| value.value.as_str())
    }

    /// Name and value of every variable, sorted by name.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables
            .iter()
            .filter_map(|(name, values)| values.last().map(|value| (name.as_str(), value.value.as_str())))
    }

    /// The names of the variables that are not as the caller has them, in order.
    pub fn decided(&self) -> impl Iterator<Item = &str> {
        let is_decided = |values: &Vec<Value>| values.last().is_some_and(|value| value.layer > Layer::Caller);
        let decided = self
            .variables
            .iter()
            .filter(move |(_, values)| is_decided(values));
        decided.map(|(name, _)| name.as_str())
    }

    /// Every variable with its source and what it overrides, sorted by name.
    pub fn explain(&self) -> Vec<Explained> {
        self.variables
            .iter()
            .filter_map(|(name, values)| {
                let mut from_the_top = values.iter().rev();
                let winner = from_the_top.next()?;
                Some(Explained {
                    name: name.clone(),
                    value: winner.value.clone(),
                    source: winner.origin.to_string(),
                    overrides: from_the_top
                        .map(|value| Overridden {
                            value: value.value.clone(),
                            source: value.origin.to_string(),
                        })
                        .collect(),
                })
            })
            .collect()
    }
}

/// One variable for `ovr env --explain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    pub name: String,
    pub value: String,
    /// `caller`, `.env:3`, `ovr`.
    pub source: String,
    /// What lost against it, the nearest first.
    pub overrides: Vec<Overridden>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overridden {
    pub value: String,
    pub source: String,
}

#[cfg(test)]
mod tests {
    use super::{Environment, Layer, Origin};
    use crate::config::source::{decode, span};

    pub(super) fn at(path: &str, line: usize) -> Origin {
        let source = decode(path, "\n".repeat(line).as_bytes()).unwrap();
        Origin::At(span(&source, line - 1, line - 1))
    }

    #[test]
    fn of_every_two_layers_the_higher_one_wins_whatever_comes_first() {
        for (index, low) in Layer::ALL.iter().enumerate() {
            for high in &Layer::ALL[index + 1..] {
                for order in [[low, high], [high, low]] {
                    let mut environment = Environment::default();
                    for layer in order {
                        environment.set(*layer, "A", format!("{layer:?}"), Origin::Ovr);
                    }
                    assert_eq!(environment.value("A").unwrap(), format!("{high:?}"), "{low:?}");
                    let explained = &environment.explain()[0];
                    assert_eq!(explained.overrides[0].value, format!("{low:?}"));
                }
            }
        }
    }

    #[test]
    fn the_documented_table_has_the_layers_in_their_order() {
        let document = include_str!("../../docs/environment.md");
        let rows: Vec<&str> = document
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "))
            .filter(|(first, _)| first.parse::<usize>().is_ok())
            .map(|(_, rest)| rest)
            .collect();
        let words = [
            "caller",
            "~/.ovr.env",
            ".ovr.env",
            ".env",
            "OVR_ENV",
            "global",
            "env_file",
            "environment",
            "ovr",
        ];
        assert_eq!(rows.len(), Layer::ALL.len());
        for (row, word) in rows.iter().zip(words) {
            assert!(row.contains(word), "{row} should be about {word}");
        }
    }

    #[test]
    fn within_a_layer_the_last_one_wins() {
        let mut environment = Environment::default();
        environment.set(Layer::DotEnv, "A", "1", at(".env", 1));
        environment.set(Layer::DotEnv, "A", "2", at(".env", 3));
        assert_eq!(environment.value("A"), Some("2"));
        assert_eq!(environment.explain()[0].overrides[0].source, ".env:1");
    }

    #[test]
    fn explain_tells_each_source_and_what_it_overrides() {
        let mut environment = Environment::from_caller([("A", "1"), ("B", "2")]);
        environment.set(Layer::DotEnv, "A", "3", at(".env", 3));
        environment.set(Layer::Injected, "A", "4", Origin::Ovr);
        let json = serde_json::to_string(&environment.explain()).unwrap();
        assert_eq!(
            json,
            r#"[{"name":"A","value":"4","source":"ovr","overrides":[{"value":"3","source":".env:3"},{"value":"1","source":"caller"}]},{"name":"B","value":"2","source":"caller","overrides":[]}]"#
        );
    }

    #[test]
    fn what_is_about_the_caller_alone_stays_outside() {
        let mut environment = Environment::from_caller([
            ("OVR_TOKEN", "secret"),
            ("TMUX", "/tmp/t,1,0"),
            ("TMUX_PANE", "%1"),
            ("LINES", "5"),
            ("A", "1"),
        ]);
        assert_eq!(environment.pairs().collect::<Vec<_>>(), [("A", "1")]);
        environment.set(Layer::DotEnv, "TMUX", "asked for", at(".env", 1));
        assert_eq!(environment.value("TMUX"), Some("asked for"));
    }
}
