//! Who starts, and who waits for whom, under each choice.

use crate::config::draft::{Draft, Service};
use crate::config::environment::Environment;
use crate::config::formation::Names;
use crate::config::procfile::parse;
use crate::config::resolve::resolve;
use crate::config::source::decode;
use crate::config::template::Variables;
use crate::config::{Checked, Configuration, Options, expand};
use crate::diag::Kind;
use crate::model::{Condition, Dependency, InstanceSpec, Readiness, ServiceName};

/// `web → api → db`, and `mail` for itself.
fn services(change: impl Fn(&mut Draft)) -> Vec<Service> {
    let text = "web: a\napi: b\ndb: c\nmail: d\n";
    let entries = parse(&decode("Procfile", text.as_bytes()).unwrap()).value;
    let configuration = Configuration::of_procfile(&entries);
    let mut services = expand(&configuration, &options(), &Variables::new()).value;
    for draft in services.iter_mut().flat_map(|service| &mut service.drafts) {
        let on = match draft.name.to_string().as_str() {
            "web" => &["api"][..],
            "api" => &["db"],
            _ => &[],
        };
        draft.policy.depends_on = on
            .iter()
            .map(|on| Dependency {
                on: on.parse().unwrap(),
                condition: Condition::Ready,
            })
            .collect();
        draft.namespaces = match draft.name.to_string().as_str() {
            "web" => vec!["front".to_owned(), "all".to_owned()],
            _ => vec!["back".to_owned(), "all".to_owned()],
        };
        change(draft);
    }
    services
}

fn options() -> Options {
    Options::new("/srv/shop", "shop")
}

fn names(text: &str) -> Names {
    let known: Vec<ServiceName> = ["web", "api", "db", "mail"]
        .map(|name| name.parse().unwrap())
        .into();
    Names::parse(text, "-l", &known).unwrap()
}

fn resolved(services: &[Service], options: &Options) -> Checked<Vec<InstanceSpec>> {
    resolve(services, options, &Environment::default(), &|_, _| None)
}

fn starting(services: &[Service], options: &Options) -> Vec<String> {
    let checked = resolved(services, options);
    assert_eq!(checked.diagnostics, []);
    let specs = checked.value.into_iter().filter(|spec| spec.policy.autostart);
    specs.map(|spec| spec.name.to_string()).collect()
}

fn edges(services: &[Service], options: &Options) -> Vec<String> {
    let mut edges = Vec::new();
    for spec in resolved(services, options).value {
        for dependency in &spec.policy.depends_on {
            edges.push(format!(
                "{} → {} {:?}",
                spec.name, dependency.on, dependency.condition
            ));
        }
    }
    edges
}

#[test]
fn what_is_chosen_brings_up_what_it_needs() {
    for (only, namespaces, no_deps, ignored, expected) in [
        ("", &[][..], false, "", &["web", "api", "db", "mail"][..]),
        ("web", &[], false, "", &["web", "api", "db"]),
        ("api,mail", &[], false, "", &["api", "db", "mail"]),
        ("web", &[], true, "", &["web"]),
        ("", &["front"], false, "", &["web", "api", "db"]),
        ("", &["front"], true, "", &["web"]),
        ("mail", &["front"], true, "", &["web", "mail"]),
        ("web", &[], false, "db", &["web", "api"]),
        ("", &[], false, "db", &["web", "api", "mail"]),
    ] {
        let mut options = options();
        options.only = Some(names(only));
        options.namespaces = namespaces.iter().map(ToString::to_string).collect();
        options.no_deps = no_deps;
        options.ignored = names(ignored);
        let found = starting(&services(|_| ()), &options);
        assert_eq!(found, expected, "{only:?} {namespaces:?} {no_deps} {ignored:?}");
    }
}

#[test]
fn what_is_disabled_starts_when_it_is_named_or_needed_by_what_is_named() {
    let services = services(|draft| draft.policy.autostart = draft.name.service.as_str() == "mail");
    assert_eq!(starting(&services, &options()), ["mail"]);
    let mut options = options();
    options.only = Some(names("api"));
    assert_eq!(starting(&services, &options), ["api", "db"]);
    // A namespace is no name: what is disabled in it stays down.
    options.only = None;
    options.namespaces = vec!["all".to_owned()];
    assert_eq!(starting(&services, &options), ["mail"]);
}

#[test]
fn nobody_waits_for_what_was_left_out_on_purpose() {
    let services = services(|_| ());
    assert_eq!(
        edges(&services, &options()),
        ["web → api Ready", "api → db Ready"]
    );
    let mut without_db = options();
    without_db.ignored = names("db");
    assert_eq!(edges(&services, &without_db), ["web → api Ready"]);
    let mut alone = options();
    alone.only = Some(names("api"));
    alone.no_deps = true;
    // What was not asked for keeps its own.
    assert_eq!(edges(&services, &alone), ["web → api Ready"]);
}

#[test]
fn a_tier_waits_for_the_one_below_it_that_has_anybody() {
    let services = services(|draft| {
        draft.policy.depends_on.clear();
        draft.policy.readiness = match draft.name.service.as_str() {
            "db" => Readiness::Told,
            _ => Readiness::Unknown,
        };
        draft.tier = match draft.name.service.as_str() {
            "db" => Some(0),
            "mail" => Some(1),
            "api" => Some(2),
            _ => None,
        };
    });
    assert_eq!(
        edges(&services, &options()),
        ["api → mail Started", "mail → db Ready"]
    );
    let mut without_mail = options();
    without_mail.ignored = names("mail");
    assert_eq!(edges(&services, &without_mail), ["api → db Ready"]);
}

#[test]
fn a_choice_of_nobody_is_an_error() {
    let mut unknown = options();
    unknown.namespaces = vec!["frnt".to_owned()];
    let told = resolved(&services(|_| ()), &unknown).diagnostics;
    // As of every command that takes `-n`.
    assert_eq!((told.len(), told[0].kind), (1, Kind::NoSuchService));
    assert_eq!(
        told[0].hints,
        ["namespaces: all, back, front", "did you mean \"front\"?"]
    );
    let idle = services(|draft| draft.policy.autostart = false);
    // Nobody has chosen: somebody will start something by hand.
    assert_eq!(resolved(&idle, &options()).diagnostics, []);
    let mut back = options();
    back.namespaces = vec!["back".to_owned()];
    assert_eq!(resolved(&idle, &back).diagnostics[0].kind, Kind::Usage);
}
