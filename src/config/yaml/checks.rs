//! What is wrong with a configuration although each of its values is right: dependencies on nothing, on oneself
//! and in circles, conditions that nothing can fulfil, keys that contradict each other.

use super::report::Report;
use crate::config::project::{DependencyDef, ProjectDef, RestartDef, ServiceDef};
use crate::diag::{Diagnostic, Kind, Span};
use crate::model::{Condition, RestartWhen, ServiceName, suggest};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const EXAMPLE: &str = "begin with:\n      processes:\n        web:\n          command: bin/web";

/// What is known beside the configuration itself.
pub(super) struct Known<'a> {
    /// The services of the Procfile below it, if there is one.
    pub procfile: Option<&'a [ServiceName]>,
    /// The processes whose parents could not be found: they may have any key.
    pub uncertain: &'a BTreeSet<String>,
}

/// `beginning` is the place of what is wrong with the whole.
pub(super) fn check(project: &ProjectDef, beginning: &Span, known: &Known<'_>, report: &mut Report) {
    let procfile = known.procfile;
    if project.services.is_empty() && procfile.is_none() && !report.has_errors() {
        let error = Diagnostic::error(Kind::Config, "this configuration declares no service");
        report.push(error.at(beginning.clone()).hint(EXAMPLE));
    }
    let checker = Checker {
        project,
        procfile: procfile.unwrap_or_default(),
        uncertain: known.uncertain,
        by_name: project
            .services
            .iter()
            .enumerate()
            .map(|(index, service)| (service.name.value.as_str(), index))
            .collect(),
    };
    for service in &project.services {
        checker.command(service, procfile.is_some(), report);
        one_sign(service, report);
        for dependency in &service.depends_on {
            checker.dependency(service, dependency, report);
        }
    }
    checker.cycles(report);
    checker.profiles(report);
}

/// Whether there is something to run: else it is there for others to extend.
pub(super) fn has_command(service: &ServiceDef) -> bool {
    service.command.is_some() || service.entrypoint.is_some()
}

struct Checker<'a> {
    project: &'a ProjectDef,
    procfile: &'a [ServiceName],
    uncertain: &'a BTreeSet<String>,
    by_name: BTreeMap<&'a str, usize>,
}

enum Target<'a> {
    Service(&'a ServiceDef),
    /// Of the Procfile alone.
    Procfile,
}

impl<'a> Checker<'a> {
    fn command(&self, service: &ServiceDef, overlay: bool, report: &mut Report) {
        if let (Some(_), Some(entrypoint)) = (&service.command, &service.entrypoint)
            && let Some(first) = entrypoint.first()
        {
            let message = "`command` and `entrypoint` both say what to run: `command` counts".to_owned();
            report.ours(message, &first.span, Some("remove one of them".to_owned()));
        }
        let name = &service.name;
        if has_command(service)
            || service.disabled
            || self.uncertain.contains(name.value.as_str())
            || self.procfile.contains(&name.value)
        {
            return;
        }
        let others = self.project.services.iter().map(|other| &other.name.span);
        let behind = others.filter(|span| {
            Arc::ptr_eq(&span.source, &name.span.source)
                && (span.line, span.column) > (name.span.line, name.span.column)
        });
        let next = behind.min_by_key(|span| (span.line, span.column));
        if report.has_misspelt_command(&name.span, next) {
            return;
        }
        let nor = if overlay {
            ", neither here nor in the Procfile"
        } else {
            ""
        };
        let message = format!("{:?} has no command{nor}", name.value.as_str());
        let mut error = Diagnostic::error(Kind::Config, message).at(name.span.clone());
        let names = self.procfile.iter().map(ServiceName::as_str);
        let guess = suggest(name.value.as_str(), names);
        error = match guess {
            Some(guess) => error.hint(format!("did you mean {guess:?}, which is in the Procfile?")),
            None => error.hint("say what to run: `command: …`"),
        };
        report.push(error);
    }

    /// A profile is of services that there are.
    fn profiles(&self, report: &mut Report) {
        for profile in &self.project.profiles {
            for named in &profile.services {
                let known = self.by_name.get(named.value.as_str());
                let runs = known.is_some_and(|index| {
                    let service = &self.project.services[*index];
                    has_command(service) || self.uncertain.contains(&named.value)
                });
                let listed = |name: &ServiceName| name.as_str() == named.value;
                if runs || self.procfile.iter().any(listed) {
                    continue;
                }
                let message = format!(
                    "the profile {:?} names {:?}, which is no service",
                    profile.name, named.value
                );
                let mut error = Diagnostic::error(Kind::Config, message).at(named.span.clone());
                let names = self.by_name.keys().copied();
                let names = names.chain(self.procfile.iter().map(ServiceName::as_str));
                error
                    .hints
                    .extend(suggest(&named.value, names).map(|guess| format!("did you mean {guess:?}?")));
                report.push(error);
            }
        }
    }

    /// What a dependency's name means: a service, or one replica of it.
    fn target(&self, name: &str) -> Option<Target<'a>> {
        if let Some(index) = self.by_name.get(name) {
            return Some(Target::Service(&self.project.services[*index]));
        }
        if self.procfile.iter().any(|other| other.as_str() == name) {
            return Some(Target::Procfile);
        }
        let (service, number) = name.rsplit_once('-')?;
        let service = &self.project.services[*self.by_name.get(service)?];
        let replicas = service.replicas.as_ref()?.value;
        let width = replicas.to_string().len();
        let there = number.parse().is_ok_and(|number: u32| number < replicas) && number.len() == width;
        (there && replicas > 1).then_some(Target::Service(service))
    }

    fn dependency(&self, service: &ServiceDef, dependency: &DependencyDef, report: &mut Report) {
        let (on, name) = (&dependency.on, service.name.value.as_str());
        let Some(target) = self.target(&on.value) else {
            let message = format!("{name} depends on {:?}, which is no service", on.value);
            let mut error = Diagnostic::error(Kind::Config, message).at(on.span.clone());
            let names = self.by_name.keys().copied();
            let names = names.chain(self.procfile.iter().map(ServiceName::as_str));
            error
                .hints
                .extend(suggest(&on.value, names).map(|guess| format!("did you mean {guess:?}?")));
            return report.push(error);
        };
        let Target::Service(other) = target else {
            return;
        };
        if other.name.value == service.name.value {
            return report.error(format!("{name} depends on itself"), &on.span);
        }
        if other.disabled && !service.disabled && !self.procfile.contains(&other.name.value) {
            let message = format!("{name} depends on {}, which is disabled", other.name.value);
            let warning = Diagnostic::warning(Kind::Config, message).at(on.span.clone());
            report.push(warning.hint("remove `disabled` there, or the dependency here"));
        }
        self.condition(dependency, other, report);
    }

    /// Whether what is waited for can come.
    fn condition(&self, dependency: &DependencyDef, other: &ServiceDef, report: &mut Report) {
        let name = &other.name.value;
        let Some(condition) = &dependency.condition else {
            return;
        };
        if self.uncertain.contains(name.as_str()) {
            return;
        }
        let error = |message: String| Diagnostic::error(Kind::Config, message).at(condition.span.clone());
        if dependency.by_log_line {
            if other.ready_log_line.is_none() {
                let message = format!("{name} has no `ready_log_line`, so this never comes true");
                report.push(error(message).hint(format!("give {name} one, or use another condition")));
            }
            return;
        }
        match condition.value {
            Condition::Started => {}
            Condition::Ready => {
                if !tells_ready(other) && !self.procfile.contains(name) {
                    let message =
                        format!("nothing says when {name} is ready, so there is nothing to wait for");
                    report.push(error(message).hint(format!(
                        "give {name} a `readiness_probe`, a `ready_log_line` or a `port`, or wait for it to be started: `process_started`, or no condition"
                    )));
                }
            }
            Condition::Ended | Condition::EndedWell => {
                let availability = &other.availability;
                let restart = availability.restart.as_ref().map(|restart| restart.value);
                let forever = restart == Some(RestartDef::When(RestartWhen::Always))
                    && availability.max_restarts.unwrap_or(0) == 0;
                if forever {
                    let message = format!("{name} is always started again, so it never ends");
                    let warning = Diagnostic::warning(Kind::Config, message).at(condition.span.clone());
                    report.push(warning.hint(format!(
                        "use another condition, or give {name} `max_restarts` or `restart: on_failure`"
                    )));
                }
            }
        }
    }

    /// One error for each circle that a walk along the dependencies meets.
    fn cycles(&self, report: &mut Report) {
        let services = &self.project.services;
        let edges: Vec<Vec<(usize, &Span)>> = services
            .iter()
            .enumerate()
            .map(|(index, service)| {
                let targets = service.depends_on.iter().filter_map(|dependency| {
                    let Target::Service(other) = self.target(&dependency.on.value)? else {
                        return None;
                    };
                    let to = *self.by_name.get(other.name.value.as_str())?;
                    (to != index).then_some((to, &dependency.on.span))
                });
                targets.collect()
            })
            .collect();
        let mut done = vec![false; services.len()];
        for start in 0..services.len() {
            // The services on the way, each with the number of its dependencies that were followed.
            let mut way: Vec<(usize, usize)> = Vec::new();
            if !done[start] {
                way.push((start, 0));
            }
            while let Some((at, followed)) = way.last_mut() {
                let Some((to, span)) = edges[*at].get(*followed) else {
                    done[*at] = true;
                    way.pop();
                    continue;
                };
                *followed += 1;
                if let Some(begin) = way.iter().position(|(other, _)| other == to) {
                    let names = way[begin..].iter().map(|(index, _)| *index).chain([*to]);
                    let names = names.map(|index| services[index].name.value.as_str());
                    let names = names.collect::<Vec<_>>().join(" → ");
                    let error =
                        Diagnostic::error(Kind::Config, format!("these wait for each other: {names}"));
                    report.push(error.at((*span).clone()).hint("remove one of these dependencies"));
                } else if !done[*to] {
                    way.push((*to, 0));
                }
            }
        }
    }
}

/// Whether something says that a service is ready, so that one can wait for it: a probe, a word of its own, or
/// a port that it is to listen on. Time alone does not.
fn tells_ready(service: &ServiceDef) -> bool {
    service.readiness_probe.is_some()
        || service.startup_probe.is_some()
        || service.ready_log_line.is_some()
        || service.notify
        || service.port.is_some()
        || !service.listen.is_empty()
}

/// A service is ready by one sign.
fn one_sign(service: &ServiceDef, report: &mut Report) {
    let probe = service.readiness_probe.as_ref().map(|probe| &probe.span);
    let line = service.ready_log_line.as_ref().map(|line| &line.span);
    let message = match (probe, line, service.notify) {
        (Some(_), Some(_), _) => "`readiness_probe` and `ready_log_line` both say when it is ready",
        (Some(_), None, true) => "`readiness_probe` and `ready: notify` both say when it is ready",
        (None, Some(_), true) => "`ready_log_line` and `ready: notify` both say when it is ready",
        (Some(_) | None, None, false) | (None, Some(_), false) | (None, None, true) => return,
    };
    if let Some(span) = line.or(probe) {
        let error = Diagnostic::error(Kind::Config, message).at(span.clone());
        report.push(error.hint("remove one of them"));
    }
}
