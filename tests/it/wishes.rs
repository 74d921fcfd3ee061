//! What somebody has asked of a service holds under the controller that comes after a killed one.

use crate::adoption::kill_controller;
use crate::harness::{Project, processes};
use ovr::model::StateWord;
use std::fs;

/// `web` ends when there is a file `go`, whoever stops it; its probe wants a file `alive`.
fn slow_to_stop() -> Project {
    let project = Project::new().file(
        "ovr.yaml",
        "processes:
  web:
    command: 'trap \"until test -e go; do sleep 0.05; done; exit 0\" INT TERM; while :; do sleep 0.05; done'
    shutdown: { timeout_seconds: 600 }
    liveness_probe: { exec: { command: test -e alive }, period_seconds: 1, failure_threshold: 1 }
  other:
    command: sleep 1000
",
    );
    project.write("alive", "");
    project.start_detached(&[]);
    project.wait_running(["web", "other"]);
    project
}

/// Kills the controller; then `web` ends before the next one comes, or after.
fn change_controllers(project: &Project, ends_first: bool) {
    let pid = project.service("web").pid.unwrap();
    kill_controller(project);
    project.write("alive", "");
    if ends_first {
        project.write("go", "");
        project.wait_until("the run to be over", || !processes::is_alive(pid));
        project.start_detached(&[]);
    } else {
        let start = project.start_piped(&[]);
        start.wait_for_output("adopted");
        project.write("go", "");
    }
}

#[test]
fn what_a_probe_was_ending_when_the_controller_died_comes_up_again() {
    for ends_first in [true, false] {
        let project = slow_to_stop();
        let pid = project.service("web").pid;
        fs::remove_file(project.root.join("alive")).unwrap();
        project.wait_service("web", "to be ended by its probe", |web| {
            matches!(web.state, StateWord::Stopping | StateWord::Restarting)
        });
        change_controllers(&project, ends_first);
        project.wait_service("web", "to be another process", |web| {
            web.state == StateWord::Running && web.pid.is_some() && web.pid != pid
        });
    }
}

#[test]
fn a_stop_that_comes_while_a_probe_is_ending_a_run_sticks_under_the_next_controller() {
    for ends_first in [true, false] {
        let project = slow_to_stop();
        fs::remove_file(project.root.join("alive")).unwrap();
        project.wait_state("web", StateWord::Restarting);
        let asked = project.cmd(&["stop", "web"]).piped();
        project.wait_state("web", StateWord::Stopping);
        change_controllers(&project, ends_first);
        project.wait_state("web", StateWord::Stopped);
        asked.wait_exit();
    }
}

#[test]
fn a_restart_whose_controller_is_killed_before_the_old_run_is_over_is_carried_on() {
    for ends_first in [true, false] {
        let project = slow_to_stop();
        let pid = project.service("web").pid;
        let asked = project.cmd(&["restart", "web"]).piped();
        project.wait_state("web", StateWord::Restarting);
        change_controllers(&project, ends_first);
        project.wait_service("web", "to be another process", |web| {
            web.state == StateWord::Running && web.pid != pid
        });
        asked.wait_exit();
    }
}

#[test]
fn a_stop_in_a_back_off_sticks_under_the_next_controller() {
    let project = Project::new().file(
        "ovr.yaml",
        "processes:
  web:
    command: exit 3
    availability: { restart: always, backoff_seconds: 600 }
  other:
    command: sleep 1000
",
    );
    project.start_detached(&[]);
    project.wait_state("web", StateWord::Backoff);
    project.ovr(&["stop", "web"]).success();
    project.wait_state("web", StateWord::Stopped);
    kill_controller(&project);
    project.start_detached(&[]);
    assert_eq!(project.service("web").state, StateWord::Stopped);
}
