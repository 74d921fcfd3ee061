//! Files as people have them, with all that is said about each.

use super::read_files;
use crate::config::project::{CheckDef, RestartDef};
use crate::model::{Condition, RestartWhen};
use std::fs;
use std::path::{Path, PathBuf};

/// Parts of configurations as documents show them, put together.
const SNIPPETS: &str = include_str!("snippets.yaml");

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/examples")
}

fn example(name: &str) -> String {
    fs::read_to_string(directory().join(name)).unwrap()
}

#[test]
fn every_example_is_read_and_nothing_in_it_is_without_effect() {
    let mut names: Vec<String> = fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 11, "{names:?}");
    let mut examples: Vec<_> = names.into_iter().map(|name| (example(&name), name)).collect();
    examples.push((SNIPPETS.to_owned(), "snippets.yaml".to_owned()));
    for (text, name) in examples {
        let checked = read_files(&[&name], &[(&name, &text)], None);
        let found: Vec<_> = checked.diagnostics.iter().map(|d| d.message.as_str()).collect();
        assert!(found.is_empty(), "{name}: {found:?}");
        assert!(!checked.value.services.is_empty(), "{name}");
    }
}

#[test]
fn the_example_with_everything_means_what_it_says() {
    let text = example("all-features.yaml");
    let project = read_files(&["f.yaml"], &[("f.yaml", &text)], None).value;
    let commands: Vec<_> = project
        .env_cmds
        .iter()
        .map(|(name, command)| (name.as_str(), command.value.as_str()))
        .collect();
    assert_eq!(commands, [("HOSTNAME", "hostname"), ("TIMESTAMP", "date +%s")]);
    let [redis, postgres, web, worker, .., ui] = project.services.as_slice() else {
        panic!("seven services");
    };
    let restart = redis.availability.restart.as_ref().unwrap();
    assert_eq!(restart.value, RestartDef::When(RestartWhen::Always));
    let liveness = postgres.liveness_probe.as_ref().unwrap();
    assert_eq!(liveness.initial_delay.unwrap().as_secs(), 15);
    let conditions: Vec<_> = web
        .depends_on
        .iter()
        .map(|dependency| {
            (
                &*dependency.on.value,
                dependency.condition.as_ref().unwrap().value,
            )
        })
        .collect();
    let expected = [("postgres", Condition::Ready), ("redis", Condition::Started)];
    assert_eq!(conditions, expected);
    // What the configuration itself sets is filled in by who knows it.
    let values: Vec<_> = web
        .environment
        .iter()
        .map(|a| (a.name.as_str(), a.value.as_str()))
        .collect();
    assert_eq!(values, [("PORT", "3000"), ("DATABASE_URL", "${DATABASE_URL}")]);
    let Some(CheckDef::Http { port: Some(port), .. }) =
        worker.readiness_probe.as_ref().map(|probe| &probe.check)
    else {
        panic!("an http probe with a port");
    };
    assert_eq!(port.value, "404{{.PC_REPLICA_NUM}}");
    assert_eq!(worker.replicas.as_ref().unwrap().value, 3);
    assert!(ui.optional);
}

#[test]
fn what_commands_print_is_left_to_the_shell_and_to_who_fills_in() {
    let text = example("topolop.yaml");
    let project = read_files(&["f.yaml"], &[("f.yaml", &text)], None).value;
    let neo4j = &project.services[0];
    assert!(
        neo4j
            .command
            .as_ref()
            .unwrap()
            .value
            .contains("-p ${NEO4J_HTTP_PORT}:7474")
    );
    assert_eq!(neo4j.environment[0].value, "${NEO4J_HTTP_PORT}");
    let lookup = |name: &str| (name == "NEO4J_HTTP_PORT").then(|| "7474".to_owned());
    assert_eq!(
        super::super::fill_in(&neo4j.environment[0].value, &lookup),
        "7474"
    );
}
