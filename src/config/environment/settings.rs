//! What the environment says to `ovr` itself: its settings, and what a session's first caller has said where another
//! one asks. What services get is not decided here.

use super::{Environment, Layer, Origin, Value};
use std::collections::BTreeMap;

/// Variables of a caller that decide how a project is read, and that no flag stands for: a session remembers them.
pub const SESSION_VARIABLES: [&str; 6] = [
    "PORT",
    "OVR_SKIP_ENV",
    "OVERMIND_SKIP_ENV",
    "PC_DISABLE_DOTENV",
    "COMPOSE_SHELL",
    "PC_DISABLED_PROCESSES",
];

/// The one of them that is in many environments for other reasons.
pub const UNSPECIFIC: &str = "PORT";

/// What the caller of a session's start has said about `ovr` itself, for another caller.
#[derive(Clone, Copy, Debug)]
pub struct Spoken<'a> {
    /// Those of [`SESSION_VARIABLES`] that were set.
    pub variables: &'a BTreeMap<String, String>,
    /// This caller has no say: it only asks. Else what it says itself goes before.
    pub alone: bool,
    /// It takes over what runs, which [`UNSPECIFIC`] must not move.
    pub adopts: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    variables: BTreeMap<String, Value>,
    alone: bool,
    adopts: bool,
}

impl Said {
    fn decides_alone(&self, name: &str) -> bool {
        self.alone || (self.adopts && name == UNSPECIFIC)
    }
}

impl Environment {
    /// Has a session's first caller speak where the caller's layer would decide about `ovr` itself.
    pub fn heed(&mut self, spoken: &Spoken<'_>) {
        let said = |(name, value): (&String, &String)| {
            let value = Value {
                value: value.clone(),
                layer: Layer::Caller,
                origin: Origin::Caller,
            };
            (name.clone(), value)
        };
        self.said = Some(Said {
            variables: spoken.variables.iter().map(said).collect(),
            alone: spoken.alone,
            adopts: spoken.adopts,
        });
    }

    /// The value of the variable `name` that counts for `ovr` itself.
    pub fn told(&self, name: &str) -> Option<&Value> {
        let value = self.get(name);
        let is_callers = value.is_none_or(|value| value.layer == Layer::Caller);
        let is_empty = value.is_none_or(|value| value.value.is_empty());
        match &self.said {
            Some(said) if is_callers && (said.decides_alone(name) || is_empty) => said.variables.get(name),
            Some(_) | None => value,
        }
    }

    /// The setting called `name` without its prefix: `OVR_name`, or, where that is not set, `OVERMIND_name`.
    /// An empty value counts as not set.
    pub fn setting(&self, name: &str) -> Option<Setting<'_>> {
        ["OVR_", "OVERMIND_"]
            .iter()
            .find_map(|prefix| self.non_empty(&format!("{prefix}{name}")))
    }

    /// The setting of exactly this name, if it is not empty.
    pub fn non_empty(&self, name: &str) -> Option<Setting<'_>> {
        let value = self.told(name).filter(|value| !value.value.is_empty())?;
        Some(Setting {
            variable: name.to_owned(),
            value: &value.value,
            origin: &value.origin,
        })
    }
}

/// A setting of `ovr` found in the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<'a> {
    /// The variable it was found in: `OVR_PORT` or `OVERMIND_PORT`.
    pub variable: String,
    pub value: &'a str,
    pub origin: &'a Origin,
}

impl Setting<'_> {
    /// How to name where it comes from: the variable if the caller has set it, else file and line.
    pub fn source(&self) -> String {
        match self.origin {
            Origin::Caller | Origin::Ovr => self.variable.clone(),
            Origin::At(_) => self.origin.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Environment, Layer, Spoken};
    use crate::config::environment::tests::at;
    use std::collections::BTreeMap;

    #[test]
    fn an_overmind_setting_counts_where_the_ovr_one_is_not_set() {
        let mut environment = Environment::from_caller([("OVERMIND_PORT", "1"), ("OVR_TIMEOUT", "2")]);
        let port = environment.setting("PORT").unwrap();
        assert_eq!((port.value, port.source().as_str()), ("1", "OVERMIND_PORT"));
        assert_eq!(environment.setting("TIMEOUT").unwrap().value, "2");
        assert_eq!(environment.setting("TITLE"), None);
        // The name decides, not the layer.
        environment.set(Layer::HomeFile, "OVR_PORT", "3", at("~/.ovr.env", 7));
        environment.set(Layer::DotEnv, "OVERMIND_PORT", "4", at(".env", 1));
        let port = environment.setting("PORT").unwrap();
        assert_eq!((port.value, port.source().as_str()), ("3", "~/.ovr.env:7"));
        environment.set(Layer::RootFile, "OVR_PORT", "", at(".ovr.env", 1));
        assert_eq!(environment.setting("PORT").unwrap().value, "4");
    }

    #[test]
    fn who_asks_about_a_session_is_not_heeded_and_its_files_are() {
        let variables = BTreeMap::from([("PORT".to_owned(), "3000".to_owned())]);
        let mut environment = Environment::from_caller([("PORT", "80"), ("OVR_ENV", "mine.env")]);
        environment.heed(&Spoken {
            variables: &variables,
            alone: true,
            adopts: false,
        });
        assert_eq!(environment.told("PORT").unwrap().value, "3000");
        assert_eq!(environment.setting("ENV"), None);
        // What a command gets is another matter.
        assert_eq!(environment.value("PORT"), Some("80"));
        environment.set(Layer::DotEnv, "PORT", "4000", at(".env", 1));
        assert_eq!(environment.told("PORT").unwrap().value, "4000");
        assert_eq!(
            environment.without(Layer::DotEnv).told("PORT").unwrap().value,
            "3000"
        );
    }

    #[test]
    fn who_takes_over_a_session_speaks_first() {
        let variables = BTreeMap::from([
            ("PORT".to_owned(), "3000".to_owned()),
            ("OVR_SKIP_ENV".to_owned(), "1".to_owned()),
        ]);
        let mut environment = Environment::from_caller([("PORT", "80"), ("OVR_ENV", "mine.env")]);
        environment.heed(&Spoken {
            variables: &variables,
            alone: false,
            adopts: true,
        });
        // But for what may be there for any reason.
        assert_eq!(environment.told("PORT").unwrap().value, "3000");
        assert_eq!(environment.setting("ENV").unwrap().value, "mine.env");
        assert_eq!(environment.setting("SKIP_ENV").unwrap().value, "1");
    }
}
