//! Several files: merging, overrides, `extends` of files and of processes, and the overlay on a Procfile.

use super::{read_files, told};
use crate::config::project::{CheckDef, ProjectDef, RestartDef, ServiceDef};
use crate::model::{RestartWhen, ServiceName};
use std::path::Path;

/// Two files, the second over the first, without anything to say about them.
fn merged(lower: &str, upper: &str) -> ProjectDef {
    let checked = read_files(
        &["ovr.yaml", "ovr2.yaml"],
        &[("ovr.yaml", lower), ("ovr2.yaml", upper)],
        None,
    );
    assert_eq!(told(&checked), "");
    checked.value
}

fn web(project: &ProjectDef) -> &ServiceDef {
    project
        .services
        .iter()
        .find(|service| service.name.value.as_str() == "web")
        .unwrap()
}

fn pairs(service: &ServiceDef) -> Vec<(&str, &str)> {
    service
        .environment
        .iter()
        .map(|a| (a.name.as_str(), a.value.as_str()))
        .collect()
}

#[test]
fn what_a_later_file_says_counts_also_if_it_is_false_or_nothing() {
    let project = merged(
        "is_strict: true\nprocesses:\n  web:\n    command: one\n    disabled: true\n    replicas: 3\n    description: some\n    availability: {restart: always, max_restarts: 3}\n    shutdown: {parent_only: true}\n",
        "is_strict: false\nprocesses:\n  web:\n    disabled: false\n    replicas: 0\n    description: ''\n    availability: {restart: no, max_restarts: 0}\n    shutdown: {parent_only: false}\n",
    );
    let web = web(&project);
    assert!(!project.is_strict && !web.disabled && !web.shutdown.parent_only);
    assert_eq!(web.replicas.as_ref().unwrap().value, 0);
    assert_eq!(web.description.as_ref().unwrap().value, "");
    assert_eq!(
        web.availability.restart.as_ref().unwrap().value,
        RestartDef::When(RestartWhen::Never)
    );
    assert_eq!(web.availability.max_restarts, Some(0));
    assert_eq!(web.command.as_ref().unwrap().value, "one");
}

#[test]
fn variables_are_merged_by_name_in_either_form_and_keep_their_values_whole() {
    let project = merged(
        "environment: ['URL=postgres://u:p@h/db?a=b&c=d', A=1]\nprocesses:\n  web:\n    command: x\n    environment: [X=1, 'Y=a=b']\n",
        "environment:\n  A: 2\n  B: 3\nprocesses:\n  web:\n    environment: {X: 2, Z: 3}\n",
    );
    let global: Vec<_> = project
        .environment
        .iter()
        .map(|a| format!("{}={}", a.name, a.value))
        .collect();
    assert_eq!(global, ["URL=postgres://u:p@h/db?a=b&c=d", "A=2", "B=3"]);
    assert_eq!(pairs(web(&project)), [("X", "2"), ("Y", "a=b"), ("Z", "3")]);
    assert_eq!(web(&project).environment[0].origin.to_string(), "ovr2.yaml:6");
    assert_eq!(web(&project).environment[1].origin.to_string(), "ovr.yaml:5");
}

#[test]
fn lists_get_longer_and_choices_are_made_anew() {
    let project = merged(
        "processes:\n  web:\n    entrypoint: [run]\n    namespace: [a, b]\n    env_file: one\n    success_exit_codes: [1]\n    watch: {paths: [src]}\n    depends_on: {db: {condition: process_started}}\n  db: {command: x}\n",
        "processes:\n  web:\n    entrypoint: [--now]\n    namespace: c\n    env_file: [two]\n    success_exit_codes: [2]\n    watch: {paths: [lib]}\n    depends_on: [cache]\n  cache: {command: y}\n",
    );
    let web = web(&project);
    let words: Vec<_> = web
        .entrypoint
        .iter()
        .flatten()
        .map(|word| word.value.as_str())
        .collect();
    assert_eq!(words, ["run", "--now"]);
    let namespaces: Vec<_> = web.namespaces.iter().map(|n| n.value.as_str()).collect();
    assert_eq!(namespaces, ["c"]);
    let files: Vec<_> = web.env_file.iter().map(|f| f.value.as_str()).collect();
    assert_eq!(files, ["one", "two"]);
    assert_eq!(web.success_exit_codes, [1, 2]);
    let paths: Vec<_> = web
        .watch
        .iter()
        .flat_map(|w| &w.paths)
        .map(|p| p.path.value.as_str())
        .collect();
    assert_eq!(paths, ["lib"]);
    let on: Vec<_> = web.depends_on.iter().map(|d| d.on.value.as_str()).collect();
    assert_eq!(on, ["db", "cache"]);
}

#[test]
fn another_answer_to_the_same_question_replaces_the_first() {
    let project = merged(
        "processes:\n  web:\n    command: one\n    readiness_probe: {exec: {command: check}, period_seconds: 2}\n",
        "processes:\n  web:\n    entrypoint: [two]\n    readiness_probe: {tcp_socket: {port: 80}}\n",
    );
    let web = web(&project);
    assert_eq!(web.command, None);
    let probe = web.readiness_probe.as_ref().unwrap();
    assert!(matches!(probe.check, CheckDef::Tcp { .. }));
    assert_eq!(probe.period.unwrap().as_secs(), 2);
}

#[test]
fn a_file_is_read_over_the_one_that_it_extends_whose_processes_run_where_it_is() {
    let files = [
        (
            "ovr.yaml",
            "extends: base/ovr.yaml\nprocesses:\n  web:\n    replicas: 2\n  mine: {command: m}\n  moved: {working_dir: here}\n",
        ),
        (
            "base/ovr.yaml",
            "extends: ../deep/ovr.yaml\nprocesses:\n  web: {command: w, working_dir: sub}\n  moved: {command: v}\n",
        ),
        ("deep/ovr.yaml", "processes:\n  far: {command: f}\n"),
    ];
    let checked = read_files(&["ovr.yaml"], &files, None);
    assert_eq!(told(&checked), "");
    let bases: Vec<_> = checked
        .value
        .services
        .iter()
        .map(|service| (service.name.value.as_str(), service.base.as_deref()))
        .collect();
    assert_eq!(
        bases,
        [
            ("far", Some(Path::new("/p/deep"))),
            ("web", Some(Path::new("/p/base"))),
            ("moved", None),
            ("mine", None),
        ]
    );
    assert_eq!(web(&checked.value).replicas.as_ref().unwrap().value, 2);
    let read: Vec<_> = checked
        .value
        .files
        .iter()
        .map(|file| file.to_str().unwrap())
        .collect();
    assert_eq!(read, ["/p/deep/ovr.yaml", "/p/base/ovr.yaml", "/p/ovr.yaml"]);
}

#[test]
fn a_process_is_read_over_the_one_that_it_extends() {
    let project = merged(
        "processes:\n  base:\n    disabled: true\n    environment: ['A=x=y', B=1]\n    availability: {restart: always}\n",
        "processes:\n  middle: {extends: base, command: run, disabled: false}\n  web: {extends: middle, environment: {B: 2}}\n",
    );
    // A disabled process without a command is there to be extended, and no service.
    let names: Vec<_> = project.services.iter().map(|s| s.name.value.as_str()).collect();
    assert_eq!(names, ["middle", "web"]);
    let web = web(&project);
    assert_eq!(web.command.as_ref().unwrap().value, "run");
    assert_eq!(pairs(web), [("A", "x=y"), ("B", "2")]);
    assert!(!web.disabled && web.availability.restart.is_some());
}

#[test]
fn circles_of_extends_and_what_is_not_there_are_told_with_their_way() {
    let files = [
        ("ovr.yaml", "extends: b.yaml\n"),
        ("b.yaml", "extends: ./ovr.yaml\n"),
    ];
    assert_eq!(
        told(&read_files(&["ovr.yaml"], &files, None)),
        "error: b.yaml:1:10: these files extend each other: ovr.yaml → b.yaml → ovr.yaml
    |
  1 | extends: ./ovr.yaml
    |          ^^^^^^^^^^"
    );
    let files = [("ovr.yaml", "extends: gone.yaml\nprocesses: {web: {command: x}}\n")];
    assert_eq!(
        told(&read_files(&["ovr.yaml"], &files, None)),
        "error: ovr.yaml:1:10: cannot read gone.yaml
    |
  1 | extends: gone.yaml
    |          ^^^^^^^^^
  because: entity not found"
    );
    let text = "processes:\n  a: {extends: b, command: x}\n  b: {extends: c}\n  c: {extends: a}\n  d: {extends: bb, command: x}\n";
    assert_eq!(
        told(&read_files(&["ovr.yaml"], &[("ovr.yaml", text)], None)),
        "error: ovr.yaml:4:16: these processes extend each other: a → b → c → a
    |
  4 |   c: {extends: a}
    |                ^
error: ovr.yaml:5:16: there is no process \"bb\" to extend
    |
  5 |   d: {extends: bb, command: x}
    |                ^^
  hint: did you mean \"b\"?"
    );
}

#[test]
fn an_overlay_takes_the_commands_of_the_procfile_and_knows_its_services() {
    let procfile: Vec<ServiceName> = ["web", "worker"].map(|name| name.parse().unwrap()).into();
    let text = "processes:\n  web:\n    depends_on: [worker]\n  extra: {command: x, depends_on: {web: {condition: process_healthy}}}\n  wroker: {replicas: 2}\n";
    let checked = read_files(&["ovr.yaml"], &[("ovr.yaml", text)], Some(&procfile));
    assert_eq!(
        told(&checked),
        "error: ovr.yaml:5:3: \"wroker\" has no command, neither here nor in the Procfile
    |
  5 |   wroker: {replicas: 2}
    |   ^^^^^^
  hint: did you mean \"worker\", which is in the Procfile?"
    );
    assert_eq!(web(&checked.value).command, None);
    let empty = read_files(&["ovr.yaml"], &[("ovr.yaml", "# nothing yet\n")], Some(&procfile));
    assert_eq!(told(&empty), "");
}

#[test]
fn a_strict_file_makes_errors_of_warnings_wherever_it_says_so() {
    let base = "processes:\n  web:\n    command: x\n    comand: y\n";
    let files = [("process-compose.yaml", base), ("o.yaml", "is_strict: true\n")];
    assert!(!read_files(&["process-compose.yaml"], &files, None).has_errors());
    assert!(read_files(&["process-compose.yaml", "o.yaml"], &files, None).has_errors());
}
