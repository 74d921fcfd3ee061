//! How many files may be open: a session of many services needs more than a shell usually allows, and what it starts
//! has what the shell allowed.

use crate::adoption::kill_controller;
use crate::harness::{Invocation, Project, Served, program};
use std::fs;

/// `ovr` as it is called in a shell with this soft limit.
fn ovr_with(project: &Project, files: u32, words: &str) -> Invocation {
    let line = format!("ulimit -S -n {files}; exec {} {words}", program().display());
    project.cmd(&["-c", &line]).program("/bin/sh")
}

/// The controller's own limits, soft and hard.
fn limits(controller: u32) -> (String, String) {
    let limits = fs::read_to_string(format!("/proc/{controller}/limits")).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let mut words = line.unwrap().split_whitespace().skip(3).map(str::to_owned);
    (words.next().unwrap(), words.next().unwrap())
}

const EVERYTHING: &str = "env_cmds: { PRINTED: ulimit -n }
processes:
  web:
    command: 'ulimit -S -n >>$OUT/web; ulimit -H -n >$OUT/hard; exec sleep 1000'
    readiness_probe: { exec: { command: 'ulimit -n >$OUT/probe' } }
    hooks: { on_ready: 'ulimit -n >$OUT/hook' }
    shutdown: { command: 'ulimit -n >$OUT/stop; exit 1' }
";

#[test]
fn whatever_a_session_starts_may_have_as_many_files_as_the_shell_that_started_it() {
    let project = Project::new().file("ovr.yaml", EVERYTHING);
    let started = ovr_with(&project, 300, "start -D -S tcp -s 127.0.0.1:0").output();
    let said = started.success().stdout.clone();
    let (soft, hard) = limits(project.status().session.pid);
    assert_eq!(soft, hard, "the controller has all that it may have");
    for what in ["web", "probe", "hook"] {
        assert_eq!(project.wait_out(what), "300", "{what}");
    }
    assert_eq!(project.wait_out("hard"), hard);
    // What a command prints for a variable is what it printed at the start.
    let reloaded = project.ovr(&["reload"]);
    reloaded.success().never_says(&["changed"]);
    project.ovr(&["restart", "web"]).success();
    assert_eq!(project.out("web"), "300\n300\n");
    assert_eq!(project.wait_out("stop"), "300");
    let served = Served::told_in(project, &said);
    let there = served.ovr(&["run", "sh", "-c", "ulimit -n"]);
    assert_eq!(there.success().stdout, "300\n");
}

#[test]
fn the_shell_that_takes_over_and_the_one_that_is_let_go_of_count_too() {
    let project = Project::with("web: ulimit -S -n >>$OUT/web; exec sleep 1000\n");
    ovr_with(&project, 300, "start -D").output().success();
    project.wait_running(["web"]);
    kill_controller(&project);
    let console = ovr_with(&project, 200, "start").terminal();
    console.wait_for_output("adopted web");
    project.ovr(&["restart", "web"]).success();
    assert_eq!(project.out("web"), "300\n200\n");
    project.ovr(&["detach"]).success();
    assert_eq!(console.wait_exit(), 0);
    project.ovr(&["restart", "web"]).success();
    assert_eq!(project.out("web"), "300\n200\n200\n");
}

#[test]
fn a_limit_that_the_configuration_gives_goes_before_the_shells() {
    let project = Project::new().file(
        "ovr.yaml",
        "processes:\n  web:\n    command: 'ulimit -n >$OUT/web; exec sleep 1000'\n    limits: { nofile: 400 }\n",
    );
    ovr_with(&project, 300, "start -D").output().success();
    assert_eq!(project.wait_out("web"), "400");
}

#[test]
fn a_session_has_more_services_than_the_shell_allows_files() {
    let project = Project::with_many(90, |_| "exec sleep 1000".to_owned());
    let started = ovr_with(&project, 64, "start -D -P 10").output();
    started.success();
    let running = project.status().services;
    let running = running.iter().filter(|service| service.pid.is_some()).count();
    assert_eq!(running, 90);
    project.ovr(&["quit"]).success();
}
