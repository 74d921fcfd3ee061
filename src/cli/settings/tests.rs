//! Tests of the settings: precedence, defaults, and errors that name their place.

use super::{ENVIRONMENT, Origin, SETTINGS, Selection, StartOptions, resolve, typed};
use crate::cli::args::{Command, definition, parse};
use crate::cli::start::HEADINGS;
use crate::diag::{Diagnostic, Kind};
use std::time::Duration;

fn options(words: &str, variables: &[(&str, &str)]) -> Result<StartOptions, Diagnostic> {
    let cli = parse(format!("ovr start {words}").split_whitespace()).unwrap();
    let Some(Command::Start(args)) = cli.command else {
        panic!("not start");
    };
    resolve(&args, &|name| {
        variables
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| ((*value).to_owned(), ".ovr.env:3".to_owned()))
    })
}

#[test]
fn the_table_holds_every_flag_of_start() {
    let definition = definition();
    let start = definition.find_subcommand("start").unwrap();
    let flags: Vec<_> = start
        .get_arguments()
        .filter(|arg| !arg.is_positional() && !arg.is_hide_set())
        .map(|arg| arg.get_id().to_string())
        .collect();
    let table: Vec<_> = SETTINGS.iter().map(|setting| setting.id.to_owned()).collect();
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    assert_eq!(sorted(flags), sorted(table));
    for setting in SETTINGS {
        let arg = start.get_arguments().find(|a| a.get_id() == setting.id).unwrap();
        assert!(HEADINGS.contains(&arg.get_help_heading().unwrap()));
        let long = arg.get_long().unwrap();
        let variable = format!("OVR_{}", long.to_uppercase().replace('-', "_"));
        assert_eq!(setting.variables[0], variable);
        match setting.flag.strip_prefix("--") {
            Some(flag) => assert_eq!(flag, long),
            None => assert_eq!(setting.flag, format!("-{}", arg.get_short().unwrap())),
        }
    }
}

#[test]
fn nothing_said_means_the_documented_defaults() {
    let o = options("", &[]).unwrap();
    assert_eq!(
        (o.port.value, o.port_step.value, o.formation_port_step.value),
        (5000, 100, 10)
    );
    assert_eq!(o.timeout.value, Duration::from_secs(5));
    assert_eq!(o.shell.value, "sh");
    assert_eq!(o.processes.value, None);
    assert_eq!(o.auto_restart.value, Selection::Listed(Vec::new()));
    assert_eq!(o.port.origin.to_string(), "default");
    for setting in SETTINGS.iter().filter(|setting| setting.switch) {
        assert_eq!(setting.default, "no");
    }
}

#[test]
fn a_flag_wins_over_ovr_that_over_overmind_that_over_port() {
    let all = [("PORT", "1000"), ("OVERMIND_PORT", "2000"), ("OVR_PORT", "3000")];
    let port = |words, variables: &[_]| {
        let o = options(words, variables).unwrap();
        (o.port.value, o.port.origin.to_string())
    };
    assert_eq!(port("-p 4000", &all), (4000, "-p".to_owned()));
    assert_eq!(port("", &all), (3000, "OVR_PORT (.ovr.env:3)".to_owned()));
    assert_eq!(
        port("", &all[..2]),
        (2000, "OVERMIND_PORT (.ovr.env:3)".to_owned())
    );
    assert_eq!(port("", &all[..1]), (1000, "PORT (.ovr.env:3)".to_owned()));
    assert_eq!(
        port("", &[("OVR_PORT", ""), all[0]]).0,
        1000,
        "an empty variable is not set"
    );
    let here = Origin::Variable {
        name: "PORT",
        place: ENVIRONMENT.to_owned(),
    };
    assert_eq!(here.to_string(), "PORT");
}

#[test]
fn a_switch_can_undo_its_variable() {
    let set = [("OVR_DAEMONIZE", "true")];
    assert!(options("", &set).unwrap().daemonize.value);
    assert!(!options("--daemonize=false", &set).unwrap().daemonize.value);
    assert!(options("-D", &[]).unwrap().daemonize.value);
}

#[test]
fn a_bad_variable_is_named_with_its_place() {
    for (variable, value, what) in [
        ("OVERMIND_PORT", "http", "is not a port"),
        ("OVR_NO_PORT", "perhaps", "neither yes nor no"),
        ("OVR_TIMEOUT", "soon", "no length of time"),
        ("OVR_FORMATION", "web", "no `=` in \"web\""),
        ("OVR_STOP_SIGNALS", "web=TREM", "no signal is called"),
        ("OVR_COLORS", "1,red", "a colour is a number"),
        ("OVR_PROCESSES", ",", "names no service"),
    ] {
        let error = options("", &[(variable, value)]).unwrap_err();
        assert_eq!(error.kind, Kind::Config);
        let expected = format!("{variable} (.ovr.env:3): {value:?} ");
        assert!(error.message.starts_with(&expected), "{}", error.message);
        assert!(error.message.contains(what), "{}", error.message);
    }
    let typed = options("-p http", &[]).unwrap_err();
    assert_eq!(typed.kind, Kind::Usage);
    assert!(typed.message.starts_with("-p: \"http\" is not a port"));
}

#[test]
fn lists_may_be_repeated() {
    let o = options("-l web -l db,worker -m web=2 -m all=1", &[]).unwrap();
    assert_eq!(o.processes.value.unwrap(), ["web", "db", "worker"]);
    assert_eq!(o.formation.value, [("web".to_owned(), 2), ("all".to_owned(), 1)]);
}

#[test]
fn what_was_typed_is_known_of_every_setting() {
    let words = SETTINGS.iter().map(|setting| {
        let value = if setting.switch { "=true" } else { " 1" };
        format!("--{}{value}", setting.id.replace('_', "-"))
    });
    let words = words.collect::<Vec<_>>().join(" ");
    let cli = parse(format!("ovr start {words}").split_whitespace()).unwrap();
    let Some(Command::Start(args)) = cli.command else {
        panic!("not start");
    };
    let mut found: Vec<_> = typed(&args).into_iter().map(|(id, _)| id).collect();
    let mut all: Vec<_> = SETTINGS.iter().map(|setting| setting.id).collect();
    found.sort_unstable();
    all.sort_unstable();
    assert_eq!(found, all);
}
