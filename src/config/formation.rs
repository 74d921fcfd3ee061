//! The lists that flags take: `-m web=2,all=1`, `-l a,b`, `-i web=TERM`, `-b 2,3`. Pure: text and the
//! project's service names in, values or all errors out.
//!
//! `given_by` is how the user wrote it (`-m`, `OVR_FORMATION`), for messages. Blanks around items and empty
//! items are no mistakes.

use crate::diag::{Diagnostic, Kind};
use crate::model::{InstanceName, MAX_INSTANCES, ServiceName, Signal, no_such_service, select};
use std::collections::{BTreeMap, BTreeSet};

/// How many instances each service has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formation {
    /// For services not named, if `all` says so.
    default: Option<u32>,
    counts: BTreeMap<ServiceName, u32>,
}

impl Default for Formation {
    /// As the configuration has it: else one each.
    fn default() -> Self {
        Self {
            default: None,
            counts: BTreeMap::new(),
        }
    }
}

impl Formation {
    /// Reads `web=2,all=1`. 0 removes a service; `all` is for those not named, wherever it stands.
    pub fn parse(text: &str, given_by: &str, services: &[ServiceName]) -> Result<Self, Vec<Diagnostic>> {
        let mut formation = Self::default();
        let mut errors = Vec::new();
        for item in items(text) {
            let parsed = assignment(item, given_by, "web=2").and_then(|(name, count)| {
                let target = target(name, given_by, services)?;
                let count = count.parse().ok().filter(|count| *count <= MAX_INSTANCES);
                let count = count.ok_or_else(|| {
                    usage(format!(
                        "{given_by}: {item:?} needs a number from 0 to {MAX_INSTANCES}"
                    ))
                })?;
                Ok((target, count))
            });
            match parsed {
                Ok((Some(name), count)) => {
                    formation.counts.insert(name, count);
                }
                Ok((None, count)) => formation.default = Some(count),
                Err(error) => errors.push(error),
            }
        }
        errors.is_empty().then_some(formation).ok_or(errors)
    }

    /// The same, with these counts over it.
    pub fn with_counts(mut self, counts: &BTreeMap<ServiceName, u32>) -> Self {
        self.counts
            .extend(counts.iter().map(|(name, count)| (name.clone(), *count)));
        self
    }

    /// How many instances this service was asked to have.
    pub fn given(&self, service: &ServiceName) -> Option<u32> {
        self.counts.get(service).copied().or(self.default)
    }
}

/// A choice of services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    All,
    /// These.
    Some(BTreeSet<ServiceName>),
}

impl Default for Names {
    /// None.
    fn default() -> Self {
        Self::Some(BTreeSet::new())
    }
}

impl Names {
    /// Reads `web,side*` or `all` (for `-l`, `-x`, `-c`, `-r`).
    pub fn parse(text: &str, given_by: &str, services: &[ServiceName]) -> Result<Self, Vec<Diagnostic>> {
        let instances: Vec<InstanceName> = services
            .iter()
            .map(|service| InstanceName {
                service: service.clone(),
                number: None,
            })
            .collect();
        let mut chosen = BTreeSet::new();
        let mut errors = Vec::new();
        let mut all = false;
        for item in items(text) {
            if item == "all" {
                all = true;
                continue;
            }
            // These flags are about services: an instance's name is not one.
            match select(&[item], &instances).ok().filter(|_| !item.contains('#')) {
                Some(found) => chosen.extend(found.into_iter().map(|index| services[index].clone())),
                None => errors.push(unknown(item, given_by, services)),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(if all { Self::All } else { Self::Some(chosen) })
    }

    pub fn contains(&self, service: &ServiceName) -> bool {
        match self {
            Self::All => true,
            Self::Some(names) => names.contains(service),
        }
    }

    /// Whether nothing was chosen.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::All => false,
            Self::Some(names) => names.is_empty(),
        }
    }
}

/// Which signal asks each service to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopSignals {
    default: Option<Signal>,
    signals: BTreeMap<ServiceName, Signal>,
}

impl Default for StopSignals {
    /// As the configuration has it.
    fn default() -> Self {
        Self {
            default: None,
            signals: BTreeMap::new(),
        }
    }
}

impl StopSignals {
    /// Reads `web=TERM,all=INT`; `all` is for those not named, wherever it stands.
    pub fn parse(text: &str, given_by: &str, services: &[ServiceName]) -> Result<Self, Vec<Diagnostic>> {
        let mut signals = Self::default();
        let mut errors = Vec::new();
        for item in items(text) {
            let parsed = assignment(item, given_by, "web=TERM").and_then(|(name, signal)| {
                let target = target(name, given_by, services)?;
                let signal: Signal = signal
                    .parse()
                    .map_err(|unknown| usage(format!("{given_by}: {unknown}")))?;
                Ok((target, signal))
            });
            match parsed {
                Ok((Some(name), signal)) => {
                    signals.signals.insert(name, signal);
                }
                Ok((None, signal)) => signals.default = Some(signal),
                Err(error) => errors.push(error),
            }
        }
        errors.is_empty().then_some(signals).ok_or(errors)
    }

    /// The signal that was asked for.
    pub fn given(&self, service: &ServiceName) -> Option<Signal> {
        self.signals.get(service).copied().or(self.default)
    }
}

/// Reads `2,3,214`: colours of the 256-colour palette, one a service, over and over.
pub fn parse_colors(text: &str, given_by: &str) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let mut colors = Vec::new();
    let mut errors = Vec::new();
    for item in items(text) {
        match item.parse() {
            Ok(color) => colors.push(color),
            Err(_) => errors.push(usage(format!(
                "{given_by}: {item:?} is no colour; use numbers from 0 to 255"
            ))),
        }
    }
    errors.is_empty().then_some(colors).ok_or(errors)
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn assignment<'a>(item: &'a str, given_by: &str, example: &str) -> Result<(&'a str, &'a str), Diagnostic> {
    item.split_once('=')
        .map(|(name, value)| (name.trim(), value.trim()))
        .ok_or_else(|| {
            usage(format!(
                "{given_by}: {item:?} has no `=`; write it like {example}"
            ))
        })
}

/// The service of this name; `None` for `all`.
fn target(name: &str, given_by: &str, services: &[ServiceName]) -> Result<Option<ServiceName>, Diagnostic> {
    if name == "all" {
        return Ok(None);
    }
    let found = services.iter().find(|service| service.as_str() == name);
    found
        .cloned()
        .map(Some)
        .ok_or_else(|| unknown(name, given_by, services))
}

fn unknown(name: &str, given_by: &str, services: &[ServiceName]) -> Diagnostic {
    no_such_service(name, Some(given_by), services.iter().map(ServiceName::as_str))
}

fn usage(message: String) -> Diagnostic {
    Diagnostic::error(Kind::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::{Formation, Names, StopSignals, parse_colors};
    use crate::diag::{Diagnostic, Kind};
    use crate::model::{ServiceName, Signal};

    fn services() -> Vec<ServiceName> {
        ["web", "worker", "sidekiq", "sidecar"]
            .iter()
            .map(|name| name.parse().unwrap())
            .collect()
    }

    fn counts(text: &str) -> Vec<u32> {
        let formation = Formation::parse(text, "-m", &services()).unwrap();
        services()
            .iter()
            .map(|service| formation.given(service).unwrap_or(1))
            .collect()
    }

    fn chosen(text: &str) -> Vec<String> {
        let names = Names::parse(text, "-l", &services()).unwrap();
        let services = services();
        let chosen = services.iter().filter(|service| names.contains(service));
        chosen.map(ToString::to_string).collect()
    }

    #[test]
    fn a_formation_counts_instances_and_all_is_for_the_rest() {
        assert_eq!(counts(""), [1, 1, 1, 1]);
        assert_eq!(counts("web=2"), [2, 1, 1, 1]);
        assert_eq!(counts("web=2,all=0"), [2, 0, 0, 0]);
        assert_eq!(counts("all=3, web = 0 ,"), [0, 3, 3, 3]);
        assert_eq!(counts("web=2,web=4"), [4, 1, 1, 1]);
    }

    #[test]
    fn names_are_lists_and_patterns() {
        assert_eq!(chosen("worker, web"), ["web", "worker"]);
        assert_eq!(chosen("side*"), ["sidekiq", "sidecar"]);
        assert_eq!(chosen("all"), ["web", "worker", "sidekiq", "sidecar"]);
        assert!(Names::parse(" , ", "-l", &services()).unwrap().is_empty());
    }

    #[test]
    fn stop_signals_are_read_by_service() {
        let signals = StopSignals::parse("web=TERM,sidekiq=sigquit", "-i", &services()).unwrap();
        assert_eq!(signals.given(&services()[0]), Some(Signal::TERM));
        assert_eq!(signals.given(&services()[1]), None);
        assert_eq!(signals.given(&services()[2]), Some("QUIT".parse().unwrap()));
        let signals = StopSignals::parse("all=HUP,web=15", "-i", &services()).unwrap();
        assert_eq!(signals.given(&services()[0]), Some(Signal::TERM));
        assert_eq!(signals.given(&services()[1]), Some(Signal::HUP));
    }

    #[test]
    fn every_unknown_service_of_every_flag_is_told_with_the_nearest_name() {
        let all: Vec<Vec<Diagnostic>> = vec![
            Formation::parse("wbe=2,wroker=1", "-m", &services()).unwrap_err(),
            Names::parse("wbe,web,wroker", "-l", &services()).unwrap_err(),
            StopSignals::parse("wbe=INT,wroker=INT", "-i", &services()).unwrap_err(),
        ];
        for errors in all {
            assert_eq!(errors.len(), 2);
            assert!(errors.iter().all(|error| error.kind == Kind::NoSuchService));
            assert!(
                errors[0].message.ends_with("did you mean \"web\"?"),
                "{}",
                errors[0]
            );
            assert!(
                errors[1].message.ends_with("did you mean \"worker\"?"),
                "{}",
                errors[1]
            );
            assert!(errors[0].hints[0].contains("web, worker, sidekiq, sidecar"));
        }
        assert!(Names::parse("web#1", "-l", &services()).is_err());
        assert!(Names::parse("x*", "-l", &services()).is_err());
    }

    #[test]
    fn what_is_no_assignment_number_signal_or_colour_is_an_error_of_usage() {
        for errors in [
            Formation::parse("web", "-m", &services()).unwrap_err(),
            Formation::parse("web=two", "-m", &services()).unwrap_err(),
            Formation::parse("web=-1", "-m", &services()).unwrap_err(),
            Formation::parse("web=1001", "-m", &services()).unwrap_err(),
            StopSignals::parse("web=TREM", "-i", &services()).unwrap_err(),
            parse_colors("2,red", "-b").unwrap_err(),
            parse_colors("256", "-b").unwrap_err(),
        ] {
            assert_eq!(errors.len(), 1);
            assert_eq!(errors[0].kind, Kind::Usage);
        }
        assert_eq!(parse_colors("2, 3,214", "-b").unwrap(), [2, 3, 214]);
    }
}
