//! `ovr why`: the chain of what is in the way, whose doing it is, how it ended, and what to type next.

use crate::harness::{Project, processes};
use ovr::model::StateWord;
use rustix::process::Signal;

const CHAIN: &str = "processes:
  db:
    command: sleep 1000
    readiness_probe: {exec: {command: test -e $OUT/go}, period_seconds: 1}
  seed:
    command: sleep 1000
    depends_on: {db: {condition: process_healthy}}
  api:
    command: sleep 1000
    depends_on: {seed: {condition: process_completed_successfully}}
";

#[test]
fn the_whole_chain_of_what_is_waited_for_is_told_with_the_command_for_its_root() {
    let project = Project::new().on_free_ports().file("ovr.yaml", CHAIN);
    project.start_detached(&[]);
    project.wait_service("db", "to fail its probe", |db| db.probe_failure.is_some());
    let output = project.ovr(&["why", "api"]);
    output.code(76).says(&[
        "api is pending: waits for seed: ended well",
        "seed, which has to have ended well for api, and is pending",
        "db, which has to be ready for seed, and is running: not ready",
        "readiness probe",
        "ovr why db",
    ]);
    let json = project.ovr(&["explain", "api", "--json"]).answered().json();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["service"]["state"], "pending");
    let blockers = json["blockers"].as_array().unwrap();
    let chain: Vec<_> = blockers.iter().map(|blocker| &blocker["name"]).collect();
    assert_eq!(chain, ["seed", "db"]);
    assert_eq!(json["next"][0]["command"], "ovr why db");
    std::fs::write(project.path("out").join("go"), "").unwrap();
    project.ovr(&["wait", "seed", "--for", "running"]).success();
    let seed = project.ovr(&["why", "seed"]);
    seed.answered().says(&["seed is running", "the session's start"]);
}

#[test]
fn who_started_and_who_stopped_a_service_is_known() {
    let project = Project::new().file(
        "ovr.yaml",
        "processes:\n  web: {command: sleep 1000}\n  again:\n    command: sleep 1000\n    \
         availability: {restart: always, backoff_seconds: 1}\n  need: {command: sleep 1000, disabled: true}\n  \
         dep:\n    command: sleep 1000\n    disabled: true\n    depends_on: {need: {condition: process_started}}\n",
    );
    project.start_detached(&[]);
    let [_, again] = project.wait_running(["web", "again"]);
    let started_by = |name: &str| {
        let why = project.ovr(&["why", name, "--json"]).answered().json();
        why["started_by"]["by"].as_str().map(str::to_owned)
    };
    assert_eq!(started_by("web").as_deref(), Some("session"));
    project.ovr(&["restart", "web"]).success();
    assert_eq!(started_by("web").as_deref(), Some("request"));
    processes::kill(again, Signal::KILL);
    project.wait_service("again", "to run anew", |service| {
        service.state == StateWord::Running && service.pid != Some(again)
    });
    assert_eq!(started_by("again").as_deref(), Some("restart_policy"));
    project.ovr(&["stop", "web"]).success();
    let stopped = project.ovr(&["why", "web"]);
    stopped
        .success()
        .says(&["web is stopped", "a request to stop", "SIGTERM", "ovr start web"]);
    project.ovr(&["start", "dep"]).success();
    assert_eq!(started_by("need").as_deref(), Some("needed"));
    assert_eq!(started_by("dep").as_deref(), Some("request"));
    processes::kill(project.status().session.pid, Signal::KILL);
    project.start_detached(&[]);
    assert_eq!(started_by("dep").as_deref(), Some("earlier"));
}

#[test]
fn a_crash_is_told_with_its_last_lines_and_the_command_that_shows_all() {
    let project = Project::with("web: seq 15; echo boom; exit 3\nworker: sleep 1000\n");
    project.start_detached(&["--any-can-die"]);
    project.wait_state("web", StateWord::Failed);
    let output = project.ovr(&["why", "web"]);
    output.code(74).says(&[
        "exited with code 3",
        "code 3 after",
        "│ boom",
        "│ 7",
        "ovr logs web --run last",
    ]);
    assert!(!output.stdout.contains("│ 6\n"), "ten lines at most: {output}");
    project
        .ovr(&["logs", "web", "--run", "last"])
        .success()
        .says(&["boom"]);
    project
        .ovr(&["why", "wbe"])
        .code(65)
        .says(&["did you mean \"web\"?"]);
    project.ovr(&["why", "w*"]).code(64).says(&["web, worker"]);
    project.ovr(&["quit"]).success();
    project.ovr(&["why", "web"]).code(69).says(&["ended"]);
}
