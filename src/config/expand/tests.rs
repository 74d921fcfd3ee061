//! What a configuration's instances are. Here is what the tests are made with.

mod checks;
mod dependencies;
mod instances;
mod policy;

use crate::config::draft::{Draft, Service};
use crate::config::expand::expand;
use crate::config::project::{CheckDef, DependencyDef, Located, ProbeDef, ProjectDef, ServiceDef};
use crate::config::source::{decode, span};
use crate::config::template::Variables;
use crate::config::{Checked, Configuration, Options};
use crate::diag::Diagnostic;
use crate::model::Condition;

fn at<T>(value: T, text: &str) -> Located<T> {
    let source = decode("ovr.yaml", text.as_bytes()).unwrap();
    Located {
        value,
        span: span(&source, 0, text.len()),
    }
}

fn text(text: &str) -> Located<String> {
    at(text.to_owned(), text)
}

fn service(name: &str, change: impl FnOnce(&mut ServiceDef)) -> ServiceDef {
    let mut service = ServiceDef::new(at(name.parse().unwrap(), name));
    service.command = Some(text("run"));
    change(&mut service);
    service
}

fn depends(on: &str, condition: Option<Condition>) -> DependencyDef {
    DependencyDef {
        on: text(on),
        condition: condition.map(|condition| at(condition, "condition")),
        by_log_line: false,
    }
}

fn probe(check: CheckDef) -> ProbeDef {
    ProbeDef {
        span: text("probe").span,
        check,
        initial_delay: None,
        period: None,
        timeout: None,
        success_threshold: None,
        failure_threshold: None,
    }
}

fn http(port: Option<&str>) -> ProbeDef {
    probe(CheckDef::Http {
        host: None,
        scheme: None,
        path: Some(text("health")),
        port: port.map(text),
        headers: Vec::new(),
        status_code: None,
    })
}

fn options() -> Options {
    let mut options = Options::new("/srv/shop", "shop");
    options.home = Some("/home/ann".into());
    options
}

fn expanded_with(services: Vec<ServiceDef>, options: &Options) -> Checked<Vec<Service>> {
    let def = ProjectDef {
        services,
        ..ProjectDef::default()
    };
    let configuration = Configuration::of_yaml(def, false).unwrap();
    expand(&configuration, options, &Variables::new())
}

fn drafts_with(services: Vec<ServiceDef>, options: &Options) -> Vec<Draft> {
    let checked = expanded_with(services, options);
    assert_eq!(checked.diagnostics, []);
    checked
        .value
        .into_iter()
        .flat_map(|service| service.drafts)
        .collect()
}

fn drafts(services: Vec<ServiceDef>) -> Vec<Draft> {
    drafts_with(services, &options())
}

fn names(drafts: &[Draft]) -> Vec<String> {
    drafts.iter().map(|draft| draft.name.to_string()).collect()
}

fn replicas(name: &str, count: u32) -> ServiceDef {
    service(name, |service| service.replicas = Some(at(count, "replicas")))
}

fn told(services: Vec<ServiceDef>) -> Vec<Diagnostic> {
    expanded_with(services, &options()).diagnostics
}
