//! From a configuration to the instances that it declares: counted out, named, templates rendered, defaults
//! filled in. Pure. Ports, environments and what of it all is started are `resolve`'s.

mod checks;
mod dependencies;
mod log_file;
mod policy;
mod run;
mod texts;

use super::Checked;
use super::configuration::Configuration;
use super::draft::{Draft, EnvFile, PortWish, Service};
use super::environment::Origin;
use super::options::Options;
use super::project::{PortDef, ServiceDef, Var};
use super::template::Variables;
use crate::model::{DEFAULT_NAMESPACE, InstanceName, Limits};
use dependencies::Outline;
use std::path::PathBuf;
pub(super) use texts::{Known, Texts};

/// The names that Process Compose gives to what an instance is told about itself.
const PROCESS_NAME: &str = "PC_PROC_NAME";
pub(super) const REPLICA_NUMBER: &str = "PC_REPLICA_NUM";

/// Every service with its instances, in the order of the configuration. `printed` is what `env_cmds` gave.
pub fn expand(
    configuration: &Configuration,
    options: &Options,
    printed: &Variables,
) -> Checked<Vec<Service>> {
    let outlines: Vec<Outline<'_>> = configuration
        .def
        .services
        .iter()
        .map(|service| Outline::new(service, &options.formation))
        .collect();
    let tiers = dependencies::tiers(&configuration.def.services);
    let known = known(configuration, printed);
    let mut diagnostics = dependencies::clashes(&outlines);
    let mut services = Vec::new();
    for outline in &outlines {
        let mut drafts = Vec::new();
        for (number, name) in (1..).zip(&outline.instances) {
            let drafting = Drafting {
                configuration,
                options,
                outlines: &outlines,
                service: outline.service,
                by_procfile: configuration.from_procfile.contains(&outline.service.name.value),
                name,
                number,
                tier: outline
                    .service
                    .tier
                    .as_ref()
                    .and_then(|tier| tiers.get(&tier.value).copied()),
            };
            let mut texts = Texts::new(drafting.variables(printed), known.clone());
            drafts.push(drafting.draft(&mut texts));
            // What is wrong with one replica is wrong with all.
            for found in texts.diagnostics {
                if !diagnostics.contains(&found) {
                    diagnostics.push(found);
                }
            }
        }
        services.push(Service {
            name: outline.service.name.value.clone(),
            port: port_wish(
                outline.service,
                configuration.ports_by_rule || options.ports_asked,
            ),
            drafts,
        });
    }
    Checked::new(services, diagnostics)
}

/// What the whole configuration sets.
fn known(configuration: &Configuration, printed: &Variables) -> Known {
    if configuration.def.is_literal {
        return Known::closed();
    }
    let mut known = Known::new(&configuration.def.environment);
    for (name, value) in printed {
        if let Var::Text(value) = value {
            known.set(name, value);
        }
    }
    known
}

fn port_wish(service: &ServiceDef, by_rule: bool) -> PortWish {
    match service.port.as_ref().map(|port| (port.value, &port.span)) {
        Some((PortDef::Fixed(port), span)) => PortWish::Fixed {
            port,
            origin: Origin::At(span.clone()).to_string(),
        },
        Some((PortDef::Rule, _)) => PortWish::Rule,
        None if by_rule => PortWish::Rule,
        None => PortWish::None,
    }
}

/// One instance being drafted.
struct Drafting<'a> {
    configuration: &'a Configuration,
    options: &'a Options,
    outlines: &'a [Outline<'a>],
    service: &'a ServiceDef,
    /// A Procfile has its command.
    by_procfile: bool,
    name: &'a InstanceName,
    /// From 1.
    number: u32,
    tier: Option<usize>,
}

impl Drafting<'_> {
    /// What templates can name, lowest first: what commands printed, the project's, the service's, its number.
    fn variables(&self, printed: &Variables) -> Variables {
        if self.service.is_template_disabled && self.by_procfile && self.service.environment.is_empty() {
            return Variables::new();
        }
        let mut variables = printed.clone();
        variables.extend(self.configuration.def.vars.clone());
        variables.extend(self.service.vars.clone());
        variables.insert(REPLICA_NUMBER.to_owned(), Var::Int(i64::from(self.number - 1)));
        variables
    }

    fn draft(&self, texts: &mut Texts) -> Draft {
        let service = self.service;
        let told = self.told();
        for (name, value) in self.options.told(self.name, &service.name.value) {
            texts.tell(name, &value);
        }
        for (name, value) in &told {
            texts.tell(name, value);
        }
        // First of all: the other values may name them.
        let environment = texts.assignments(&service.environment);
        let cwd = self.cwd(texts);
        let command = self.command(texts);
        let mut namespaces: Vec<String> = service
            .namespaces
            .iter()
            .map(|namespace| texts.value(namespace))
            .collect();
        if namespaces.is_empty() {
            namespaces.push(DEFAULT_NAMESPACE.to_owned());
        }
        Draft {
            name: self.name.clone(),
            number: self.number,
            argv: command.argv,
            by_shell: command.by_shell,
            by_words: command.by_words,
            command: command.shown,
            origin: Origin::At(command.span.clone()).to_string(),
            command_span: command.span,
            env_files: self.env_files(&cwd, texts),
            env_file: Vec::new(),
            environment,
            literal: self.configuration.def.is_literal,
            without_dotenv: service.is_dotenv_disabled,
            told,
            policy: self.policy(texts),
            description: service.description.as_ref().map(|text| texts.value(text)),
            namespaces,
            checks: self.checks(&cwd, texts),
            schedule: self.schedule(texts),
            watch: self.watch(&cwd, texts),
            hooks: self.hooks(texts),
            log_file: self.log_file(texts),
            limits: Limits {
                memory: service.limits.memory.as_ref().map(|limit| limit.value),
                cpu: service.limits.cpu.as_ref().map(|limit| limit.value),
                nofile: service.limits.nofile.as_ref().map(|limit| limit.value),
            },
            listen: self.listen(&cwd, texts),
            notify: service.notify,
            watchdog: service.watchdog,
            tier: self.tier,
            cwd,
        }
    }

    /// The working directory. That it is there is found out when it is entered.
    fn cwd(&self, texts: &mut Texts) -> PathBuf {
        let base = match &self.service.base {
            Some(base) => self.options.root.join(base),
            None => self.options.root.clone(),
        };
        match &self.service.working_dir {
            Some(written) => {
                let written = texts.value(written);
                self.options.path(&base, &written)
            }
            None => base,
        }
    }

    fn env_files(&self, cwd: &std::path::Path, texts: &mut Texts) -> Vec<EnvFile> {
        let file = |written: &super::project::Located<String>| {
            let shown = texts.value(written);
            EnvFile {
                path: self.options.path(cwd, &shown),
                shown,
                span: written.span.clone(),
            }
        };
        self.service.env_file.iter().map(file).collect()
    }

    /// What Process Compose tells its processes about themselves.
    fn told(&self) -> Vec<(String, String)> {
        if self.by_procfile {
            return Vec::new();
        }
        vec![
            (PROCESS_NAME.to_owned(), self.service.name.value.to_string()),
            (REPLICA_NUMBER.to_owned(), (self.number - 1).to_string()),
        ]
    }
}

#[cfg(test)]
mod tests;
