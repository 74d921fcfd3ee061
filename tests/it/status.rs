//! `ovr status`: the table, the JSON, and that what they say is true.

use crate::harness::{Project, processes};
use ovr::model::StateWord;
use rustix::process::Signal;

#[test]
fn the_table_fits_80_columns_and_has_everything() {
    let project = Project::with("web: sleep 1000\nworker: exit 3\n").on_free_ports();
    project.ovr(&["start", "-D", "--any-can-die"]);
    let [web] = project.wait_running(["web"]);
    project.wait_state("worker", StateWord::Failed);
    let output = project.ovr(&["status"]);
    output.answered().says(&[
        "web",
        "running",
        &project.port(0).to_string(),
        &web.to_string(),
        "worker",
        "failed",
    ]);
    // The first line holds the project's path, which may be of any length.
    let mut rows = output.stdout.lines().skip(1);
    assert!(rows.all(|line| line.chars().count() <= 80), "{output}");
    assert!(!output.stdout.contains('\x1b'), "{output}");
}

#[test]
fn the_json_is_versioned_and_uses_the_words_of_the_table() {
    let project = Project::with("web: sleep 1000\nworker: echo bye; exit 3\n");
    project.ovr(&["start", "-D", "--any-can-die"]);
    project.wait_running(["web"]);
    project.wait_state("worker", StateWord::Failed);
    let output = project.ovr(&["status", "--json"]);
    let json = output.answered().json();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["session"]["root"], project.root.to_str().unwrap());
    let (web, worker) = (&json["services"][0], &json["services"][1]);
    assert_eq!(
        (&web["name"], &web["state"], &web["port"]),
        (&"web".into(), &"running".into(), &5000.into())
    );
    let started = web["started_at"].as_str().unwrap();
    assert!(started.ends_with('Z') && started.contains('T'), "{started}");
    assert_eq!(worker["exit_code"], 3);
    assert!(worker["exit_signal"].is_null());
    assert_eq!(worker["last_line"], "bye");
    assert_eq!(worker["needs_attention"], true);
    assert!(output.stderr.is_empty(), "{output}");
}

#[test]
fn without_a_session_status_has_a_code_of_its_own_and_valid_json() {
    let project = Project::with("web: sleep 1000\n");
    project.ovr(&["status"]).code(69).says(&["ovr start"]);
    let output = project.ovr(&["status", "--json"]);
    output.code(69).json();
    assert!(project.processes().is_empty(), "a question starts nothing");
}

#[test]
fn the_status_after_the_end_says_when_and_how() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    project.ovr(&["quit"]).success();
    project.ovr(&["status"]).code(69).says(&["ended"]);
}

#[test]
fn a_killed_service_is_not_shown_as_running() {
    let project = Project::with("web: exec sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&["--any-can-die"]);
    let [web] = project.wait_running(["web"]);
    processes::kill(web, Signal::KILL);
    project.wait_until("web to be dead", || !processes::is_alive(web));
    let web = project.wait_service("web", "not to run", |service| service.state != StateWord::Running);
    assert_eq!(web.pid, None);
}

#[test]
fn from_any_directory_of_the_project_and_by_socket() {
    let project = Project::with("web: sleep 1000\n").file("a/b/c", "");
    project.start_detached(&[]);
    project.wait_running(["web"]);
    let here = project.cmd(&["status", "--json"]).dir("a/b").output();
    assert_eq!(here.success().json()["services"][0]["name"], "web");
    let socket = format!("{}/api.sock", project.status().session.runtime_dir);
    let elsewhere = project.cmd(&["-s", &socket, "status"]).dir("/").output();
    elsewhere.success().says(&["web"]);
    let outside = project.cmd(&["status"]).dir("/").output();
    outside.failure().says(&["shop"]);
}

#[test]
fn verbose_status_shows_the_internals() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    let session = project.status().session;
    project
        .ovr(&["status", "-v"])
        .answered()
        .says(&[&session.tmux_socket]);
}
