//! `ovr hook session-start`: brings the project up, tells where it stands, never fails.

use super::{NEVER, shop};
use crate::harness::Project;
use ovr::model::StateWord;
use std::fs;

#[test]
fn the_hook_brings_the_project_up_once_and_says_where_it_stands_in_a_dozen_lines() {
    let project = shop();
    let first = project.ovr(&["hook", "session-start"]);
    first.success().says(&[
        "shop",
        "was started in the background",
        "web: running",
        "ovr logs NAME",
    ]);
    assert!(
        first.stdout.lines().count() <= 12 && first.stderr.is_empty(),
        "{first}"
    );
    let pids = project.wait_running(["web", "worker"]);
    fs::write(project.path("out").join("fail"), "").unwrap();
    project.wait_state("worker", StateWord::Failed);
    let second = project.ovr(&["hook", "session-start"]);
    second.success().never_says(&["was started"]);
    let rows: Vec<&str> = second.stdout.lines().collect();
    assert!(
        rows[1].starts_with("worker: failed (3)"),
        "what is wrong comes first: {second}"
    );
    assert_eq!(project.wait_running(["web"]), [pids[0]]);
    project.ovr(&["stop", "web"]).success();
    let third = project.ovr(&["hook", "session-start", "--json"]);
    let context = &third.success().json()["hookSpecificOutput"];
    assert_eq!(context["hookEventName"], "SessionStart");
    assert!(
        context["additionalContext"]
            .as_str()
            .unwrap()
            .contains("web: stopped"),
        "an explicit stop sticks: {third}"
    );
}

#[test]
fn the_hook_tells_of_a_project_of_many_services_in_a_dozen_lines() {
    let project = Project::with_many(20, |_| "sleep 1000".to_owned());
    let told = project.ovr(&["hook", "session-start"]);
    told.success()
        .says(&["20 of 20 services up", "and 12 more: ovr status"]);
    assert!(told.stdout.lines().count() <= 12, "{told}");
}

#[test]
fn the_hook_never_fails_an_agents_session() {
    let nothing = Project::new();
    nothing
        .ovr(&["hook", "session-start"])
        .success()
        .says(&["no project here"]);
    let broken = Project::new().file("ovr.yaml", "processes:\n  web:\n    comand: sleep 1\n");
    let told = broken.ovr(&["hook", "session-start"]);
    told.success()
        .says(&["does not come up", "ovr.yaml:3:5", "ovr check"]);
    assert!(told.stdout.lines().count() <= 12, "{told}");
    broken.wait_gone();
    let unready = Project::new().file("process-compose.yaml", NEVER);
    unready
        .ovr(&["hook", "session-start"])
        .success()
        .says(&["2 of 2 services up", "not ready"]);
}

#[test]
fn a_project_that_takes_long_to_come_up_is_left_to_it_and_the_agent_told_so() {
    let project = Project::new().file(
        "ovr.yaml",
        "env_cmds:\n  TOKEN: touch $OUT/asked; until [ -e $OUT/go ]; do sleep 0.02; done; echo here\n\
         processes:\n  web:\n    command: echo token $TOKEN; exec sleep 1000\n",
    );
    let told = project.ovr(&["hook", "session-start", "--patience", "1ms"]);
    told.success().says(&["still coming up after 1 ms", "ovr status"]);
    assert!(
        told.stdout.lines().count() == 1 && told.stderr.is_empty(),
        "{told}"
    );
    project.wait_until("the start to go on without the hook", || {
        project.path("out").join("asked").exists()
    });
    project.ovr(&["status"]).code(69);
    fs::write(project.path("out").join("go"), "").unwrap();
    project.wait_running(["web"]);
    let again = project.ovr(&["hook", "session-start"]);
    again
        .success()
        .says(&["web: running"])
        .never_says(&["was started"]);
}
