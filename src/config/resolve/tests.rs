//! Tests of resolving: which instances there are, by which policies they live, what their environment holds.

use super::{PortOf, instance_environment, resolve};
use crate::config::environment::{Assignment, Environment, Layer, Origin};
use crate::config::formation::{Formation, Names, StopSignals};
use crate::config::procfile::{Entry, parse};
use crate::config::source::decode;
use crate::config::template::Variables;
use crate::config::{Configuration, Options, Service, expand};
use crate::diag::Severity;
use crate::model::{EndPolicy, InstanceSpec, PortSource, RestartPolicy, ServiceName, Signal};

fn entries(procfile: &str) -> Vec<Entry> {
    parse(&decode("Procfile", procfile.as_bytes()).unwrap()).value
}

fn services(procfile: &str, options: &Options) -> Vec<Service> {
    let configuration = Configuration::of_procfile(&entries(procfile));
    let checked = expand(&configuration, options, &Variables::new());
    assert_eq!(checked.diagnostics, []);
    checked.value
}

fn names(procfile: &str) -> Vec<ServiceName> {
    entries(procfile).into_iter().map(|entry| entry.name).collect()
}

fn port(position: u32, number: u32) -> (u16, PortSource) {
    let port = u16::try_from(5000 + 100 * position + 10 * number).unwrap();
    let base = "default".to_owned();
    (port, PortSource::Rule { base })
}

const RULE: &PortOf<'static> = &|position, number| Some(port(position, number));

fn specs(procfile: &str, options: &Options) -> Vec<InstanceSpec> {
    let environment = Environment::from_caller([("HOME", "/h"), ("PORT", "5000"), ("PS", "x")]);
    let checked = resolve(&services(procfile, options), options, &environment, RULE);
    assert_eq!(checked.diagnostics, []);
    checked.value
}

fn options() -> Options {
    Options::new("/srv/shop", "shop")
}

fn value<'a>(spec: &'a InstanceSpec, name: &str) -> Option<&'a str> {
    spec.launch.env.get(name)
}

const THREE: &str = "web: run $PORT\napi: b\nmy-db.1: c\n";

#[test]
fn a_procfile_alone_gives_one_instance_each() {
    let specs = specs(THREE, &options());
    let found: Vec<_> = specs
        .iter()
        .map(|s| {
            (
                s.name.to_string(),
                s.position,
                s.port.as_ref().unwrap().0,
                s.origin.as_str(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("web".to_owned(), 0, 5000, "Procfile:1"),
            ("api".to_owned(), 1, 5100, "Procfile:2"),
            ("my-db.1".to_owned(), 2, 5200, "Procfile:3"),
        ]
    );
    assert_eq!(specs[0].launch.argv, ["sh", "-c", "run $PORT"]);
    assert_eq!(specs[0].launch.cwd.to_str(), Some("/srv/shop"));
    assert_eq!(specs[0].policy.end, EndPolicy::StopsSession);
    assert_eq!(specs[0].policy.restart, RestartPolicy::NEVER);
    assert_eq!(specs[0].policy.stop.signal, Signal::INT);
    assert!(specs.iter().all(|spec| spec.policy.autostart));
}

#[test]
fn every_instance_knows_itself() {
    let specs = specs(THREE, &options());
    for (name, expected) in [
        ("PORT", "5000"),
        ("PS", "web"),
        ("OVR_SERVICE", "web"),
        ("OVR_INSTANCE", "web"),
        ("OVR_PROJECT", "shop"),
        ("OVR_PROJECT_ROOT", "/srv/shop"),
        ("PWD", "/srv/shop"),
        ("HOME", "/h"),
    ] {
        assert_eq!(value(&specs[0], name), Some(expected), "{name}");
    }
}

#[test]
fn every_service_sees_the_port_of_every_service_as_written_and_in_capitals() {
    for spec in specs(THREE, &options()) {
        for prefix in ["OVERMIND_PROCESS", "OVR_PROCESS"] {
            for (name, port) in [
                ("web", "5000"),
                ("WEB", "5000"),
                ("api", "5100"),
                ("API", "5100"),
                ("my_db_1", "5200"),
                ("MY_DB_1", "5200"),
            ] {
                assert_eq!(value(&spec, &format!("{prefix}_{name}_PORT")), Some(port));
            }
        }
    }
}

#[test]
fn a_scaled_service_has_numbered_instances_and_is_known_by_its_first_port() {
    let mut options = options();
    options.formation = Formation::parse("web=3,api=0", "-m", &names(THREE)).unwrap();
    let specs = specs(THREE, &options);
    let found: Vec<_> = specs
        .iter()
        .map(|s| (s.name.to_string(), s.port.as_ref().unwrap().0))
        .collect();
    assert_eq!(
        found,
        [
            ("web#1".to_owned(), 5000),
            ("web#2".to_owned(), 5010),
            ("web#3".to_owned(), 5020),
            ("my-db.1".to_owned(), 5200)
        ]
    );
    assert_eq!(value(&specs[1], "PS"), Some("web#2"));
    assert_eq!(value(&specs[1], "PORT"), Some("5010"));
    assert_eq!(value(&specs[1], "OVR_SERVICE"), Some("web"));
    assert_eq!(value(&specs[1], "OVR_PROCESS_web_PORT"), Some("5000"));
    // It does not run here, but perhaps in a debugger; its port is its port.
    assert_eq!(value(&specs[1], "OVR_PROCESS_api_PORT"), Some("5100"));
}

#[test]
fn services_left_out_stay_in_the_list_and_ignoring_wins() {
    let known = names(THREE);
    let mut options = options();
    options.only = Some(Names::parse("web,api", "-l", &known).unwrap());
    options.ignored = Names::parse("api", "-x", &known).unwrap();
    let specs = specs(THREE, &options);
    let started: Vec<_> = specs.iter().map(|s| s.policy.autostart).collect();
    assert_eq!(started, [true, false, false]);
    assert_eq!(specs[2].port.as_ref().unwrap().0, 5200);
}

#[test]
fn a_session_with_nothing_to_run_is_an_error() {
    let known = names(THREE);
    let mut options = options();
    options.ignored = Names::parse("all", "-x", &known).unwrap();
    let checked = resolve(
        &services(THREE, &options),
        &options,
        &Environment::default(),
        RULE,
    );
    assert!(checked.has_errors());
}

#[test]
fn dying_restarting_and_signals_are_by_service() {
    let known = names(THREE);
    let mut options = options();
    options.can_die = Names::parse("web", "-c", &known).unwrap();
    options.auto_restart = Names::parse("api", "-r", &known).unwrap();
    options.stop_signals = StopSignals::parse("web=TERM", "-i", &known).unwrap();
    let policies: Vec<_> = specs(THREE, &options).into_iter().map(|s| s.policy).collect();
    assert_eq!(policies[0].end, EndPolicy::MayEnd);
    assert_eq!(policies[0].stop.signal, Signal::TERM);
    assert_eq!(policies[0].restart, RestartPolicy::NEVER);
    assert_eq!(policies[1].end, EndPolicy::StopsSession);
    assert_eq!(policies[1].restart, RestartPolicy::ALWAYS);
    options.any_can_die = true;
    assert!(
        specs(THREE, &options)
            .iter()
            .all(|s| s.policy.end == EndPolicy::MayEnd)
    );
}

#[test]
fn without_ports_the_callers_port_passes_through_and_none_is_announced() {
    let environment = Environment::from_caller([("PORT", "1234")]);
    let specs = resolve(&services(THREE, &options()), &options(), &environment, &|_, _| {
        None
    })
    .value;
    assert_eq!(value(&specs[0], "PORT"), Some("1234"));
    assert!(specs.iter().all(|spec| spec.port.is_none()));
    assert!(
        specs
            .iter()
            .all(|s| s.launch.env.iter().all(|(name, _)| !name.contains("_PROCESS_")))
    );
}

#[test]
fn the_shell_may_have_arguments_and_a_command_is_never_an_option() {
    let mut options = options();
    options.shell = Some("bash -eu".to_owned());
    let specs = specs("a: x\nb: -v y\n", &options);
    assert_eq!(specs[0].launch.argv, ["bash", "-eu", "-c", "x"]);
    assert_eq!(specs[1].launch.argv, ["bash", "-eu", "-c", " -v y"]);
    assert_eq!(specs[1].command, "-v y");
}

#[test]
fn tmux_of_the_caller_never_reaches_a_service_and_term_is_the_panes() {
    let environment = Environment::from_caller([("TMUX", "/t,1,0"), ("TMUX_PANE", "%0"), ("TERM", "dumb")]);
    let mut options = options();
    options.term = Some("tmux-256color".to_owned());
    let specs = resolve(&services(THREE, &options), &options, &environment, RULE).value;
    assert_eq!(value(&specs[0], "TMUX"), None);
    assert_eq!(value(&specs[0], "TMUX_PANE"), None);
    assert_eq!(value(&specs[0], "TERM"), Some("tmux-256color"));
}

#[test]
fn names_that_share_a_variable_are_a_warning_and_the_first_one_has_it() {
    let checked = resolve(
        &services("my-db: a\nmy.db: b\n", &options()),
        &options(),
        &Environment::default(),
        RULE,
    );
    assert_eq!(checked.diagnostics.len(), 1);
    assert_eq!(checked.diagnostics[0].severity, Severity::Warning);
    assert_eq!(value(&checked.value[1], "OVR_PROCESS_my_db_PORT"), Some("5000"));
    // A name as written goes before another's capitals.
    let specs = specs("web: a\nWEB: b\n", &options());
    assert_eq!(value(&specs[0], "OVR_PROCESS_web_PORT"), Some("5000"));
    assert_eq!(value(&specs[0], "OVR_PROCESS_WEB_PORT"), Some("5100"));
}

fn assignment(name: &str, value: &str) -> Assignment {
    Assignment {
        name: name.to_owned(),
        value: value.to_owned(),
        origin: Origin::Caller,
    }
}

#[test]
fn the_explained_environment_is_the_one_that_the_instance_gets() {
    let mut services = services(THREE, &options());
    services[0].drafts[0].env_file = vec![
        assignment("A", "file"),
        assignment("PS", "mine"),
        assignment("PORT", "1"),
    ];
    services[0].drafts[0].environment = vec![
        assignment("A", "own"),
        assignment("B", "own"),
        assignment("PORT", "2"),
        assignment("OVR_PROCESS_api_PORT", "1"),
    ];
    assert_eq!(services[0].drafts[0].written_port().unwrap().0, 2);
    let mut environment = Environment::from_caller([("A", "caller"), ("ZZ", "last"), ("0", "first")]);
    environment.set(Layer::DotEnv, "A", "dotenv", Origin::Caller);
    let checked = resolve(&services, &options(), &environment, RULE);
    for spec in &checked.value {
        let layered = instance_environment(&services, spec, &options(), &environment, RULE);
        let pairs: Vec<_> = layered
            .pairs()
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect();
        let launched: Vec<_> = spec
            .launch
            .env
            .iter()
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect();
        assert_eq!(pairs, launched);
        assert!(pairs.is_sorted());
    }
    let web = instance_environment(&services, &checked.value[0], &options(), &environment, RULE);
    assert_eq!(web.value("A"), Some("own"));
    assert_eq!(web.value("PS"), Some("web"));
    assert_eq!(web.value("OVR_PROCESS_api_PORT"), Some("5100"));
    let a = web
        .explain()
        .into_iter()
        .find(|explained| explained.name == "A")
        .unwrap();
    let below: Vec<_> = a.overrides.iter().map(|o| o.value.as_str()).collect();
    assert_eq!(below, ["file", "dotenv", "caller"]);
}
