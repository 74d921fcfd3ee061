//! What a project's files say all together: a Procfile, a YAML, or a YAML laid over a Procfile, in one shape.
//! Pure: the files were read before, and what follows from them is `expand`'s.

use super::procfile::Entry;
use super::project::{Located, ProjectDef, ServiceDef};
use crate::diag::{Diagnostic, Kind};
use crate::model::ServiceName;
use std::collections::BTreeSet;

/// A project's configuration. A service's place in it is its position.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    pub def: ProjectDef,
    /// The services whose commands a Procfile has. What is not written about them is as for a Procfile: their
    /// end stops the session, SIGINT stops them, `sh` runs them.
    pub from_procfile: BTreeSet<ServiceName>,
    /// Whether a service that names no port gets one by the rule.
    pub ports_by_rule: bool,
}

impl Configuration {
    pub fn of_procfile(entries: &[Entry]) -> Self {
        Self {
            def: ProjectDef {
                services: entries.iter().map(of_entry).collect(),
                ..ProjectDef::default()
            },
            from_procfile: entries.iter().map(|entry| entry.name.clone()).collect(),
            ports_by_rule: true,
        }
    }

    /// A YAML that stands alone.
    ///
    /// # Errors
    /// One for each service without a command.
    pub fn of_yaml(def: ProjectDef, ports_by_rule: bool) -> Result<Self, Vec<Diagnostic>> {
        let configuration = Self {
            def,
            from_procfile: BTreeSet::new(),
            ports_by_rule,
        };
        configuration.complete()
    }

    /// A YAML laid over a Procfile. An entry without a command takes the Procfile's; what only the Procfile has
    /// stays; positions stay the Procfile's, and new services follow.
    ///
    /// # Errors
    /// One for each service that has a command in neither.
    pub fn overlay(entries: &[Entry], mut def: ProjectDef) -> Result<Self, Vec<Diagnostic>> {
        let mut over = std::mem::take(&mut def.services);
        let mut from_procfile = BTreeSet::new();
        for entry in entries {
            let place = over.iter().position(|service| service.name.value == entry.name);
            let service = match place {
                Some(place) => over.remove(place),
                None => of_entry(entry),
            };
            let has_own = service.command.is_some() || service.entrypoint.is_some();
            let service = if has_own && place.is_some() {
                service
            } else {
                from_procfile.insert(entry.name.clone());
                ServiceDef {
                    command: of_entry(entry).command,
                    // A Procfile's command goes to the shell as it is.
                    is_template_disabled: true,
                    ..service
                }
            };
            def.services.push(service);
        }
        def.services.extend(over);
        let configuration = Self {
            def,
            from_procfile,
            ports_by_rule: true,
        };
        configuration.complete()
    }

    fn complete(self) -> Result<Self, Vec<Diagnostic>> {
        let bare = |service: &&ServiceDef| service.command.is_none() && service.entrypoint.is_none();
        let errors: Vec<Diagnostic> = self.def.services.iter().filter(bare).map(no_command).collect();
        errors.is_empty().then_some(self).ok_or(errors)
    }

    pub fn names(&self) -> Vec<ServiceName> {
        let services = self.def.services.iter();
        services.map(|service| service.name.value.clone()).collect()
    }
}

fn no_command(service: &ServiceDef) -> Diagnostic {
    Diagnostic::error(Kind::Config, format!("{} has no command", service.name.value))
        .at(service.name.span.clone())
        .hint("give it `command:`, or `entrypoint:` with program and arguments")
}

fn of_entry(entry: &Entry) -> ServiceDef {
    let mut service = ServiceDef::new(Located {
        value: entry.name.clone(),
        span: entry.name_span.clone(),
    });
    service.command = Some(Located {
        value: entry.command.clone(),
        span: entry.command_span.clone(),
    });
    service.is_template_disabled = true;
    service
}

#[cfg(test)]
mod tests {
    use super::Configuration;
    use crate::config::procfile::{Entry, parse};
    use crate::config::project::{Located, ProjectDef, ServiceDef};
    use crate::config::source::{decode, span};

    fn entries(text: &str) -> Vec<Entry> {
        parse(&decode("Procfile", text.as_bytes()).unwrap()).value
    }

    fn service(name: &str, command: Option<&str>) -> ServiceDef {
        let source = decode("ovr.yaml", name.as_bytes()).unwrap();
        let span = span(&source, 0, name.len());
        let mut service = ServiceDef::new(Located {
            value: name.parse().unwrap(),
            span: span.clone(),
        });
        service.command = command.map(|command| Located {
            value: command.to_owned(),
            span,
        });
        service
    }

    fn def(services: Vec<ServiceDef>) -> ProjectDef {
        ProjectDef {
            services,
            ..ProjectDef::default()
        }
    }

    #[test]
    fn an_overlay_adds_to_the_procfile_and_moves_nothing() {
        let over = def(vec![
            service("new", Some("n")),
            service("db", None),
            service("web", Some("other")),
        ]);
        let configuration = Configuration::overlay(&entries("web: w\nworker: k\ndb: d\n"), over).unwrap();
        let found: Vec<(String, String, bool)> = configuration
            .def
            .services
            .iter()
            .map(|service| {
                let command = service.command.as_ref().unwrap().value.clone();
                let procfile = configuration.from_procfile.contains(&service.name.value);
                (service.name.value.to_string(), command, procfile)
            })
            .collect();
        let expected = [
            ("web", "other", false),
            ("worker", "k", true),
            ("db", "d", true),
            ("new", "n", false),
        ];
        let expected =
            expected.map(|(name, command, procfile)| (name.to_owned(), command.to_owned(), procfile));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_service_needs_a_command_somewhere() {
        let over = def(vec![service("web", None), service("db", None)]);
        let errors = Configuration::overlay(&entries("web: w\n"), over.clone()).unwrap_err();
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].message, "db has no command");
        assert_eq!(Configuration::of_yaml(over, false).unwrap_err().len(), 2);
    }
}
