//! Takeovers that fail: they leave what runs to be found by the next one.

use crate::adoption::kill_controller;
use crate::harness::{Project, processes};
use std::fs;

/// Where the session's files are.
fn runtime_dir(project: &Project) -> std::path::PathBuf {
    project.status().session.runtime_dir.into()
}

#[test]
fn a_takeover_that_fails_leaves_everything_to_the_next_one() {
    let project = Project::with("web: exec sleep 4060\nworker: exec sleep 4061\n");
    project.start_detached(&["-t", "1"]);
    let before = project.wait_running(["web", "worker"]);
    let dir = runtime_dir(&project);
    kill_controller(&project);
    // What a full disk does, for one file.
    let in_the_way = dir.join("session.json.new");
    fs::create_dir(&in_the_way).unwrap();
    for args in [&["start", "-D"][..], &["start"]] {
        project.ovr(args).code(71).says(&["session.json"]);
        project
            .ovr(&["status"])
            .code(69)
            .says(&["without its controller"]);
    }
    fs::remove_dir(&in_the_way).unwrap();
    project
        .ovr(&["start", "-D"])
        .success()
        .says(&["adopted web, worker"]);
    assert_eq!(project.wait_running(["web", "worker"]), before);
}

#[test]
fn a_takeover_without_descriptors_fails_in_words_and_costs_no_service() {
    let project = Project::with("web: exec sleep 4062\nworker: exec sleep 4063\n");
    project.start_detached(&["-t", "1"]);
    let before = project.wait_running(["web", "worker"]);
    for descriptors in [6, 8, 10, 12, 14, 16, 18, 19, 20, 21, 22, 23, 24, 26, 28] {
        kill_controller(&project);
        let line = format!(
            "ulimit -n {descriptors}; exec {} start -D",
            crate::harness::program().display()
        );
        let start = project.cmd(&["-c", &line]).program("/bin/sh").output();
        assert!(!start.stderr.contains("panicked"), "{descriptors}: {start}");
        assert!(
            start.code == 0 || start.stderr.contains("error: "),
            "{descriptors}: {start}"
        );
        let running = before.iter().all(|pid| processes::is_alive(*pid));
        assert!(running, "{descriptors}: {start}\n{}", project.report());
        if start.code != 0 {
            project.ovr(&["start", "-D"]).success();
        }
        assert_eq!(project.wait_running(["web", "worker"]), before, "{descriptors}");
    }
    assert_eq!(project.processes_with("sleep 406").len(), 2);
}
