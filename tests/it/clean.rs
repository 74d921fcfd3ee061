//! What is left on the disk, and `ovr clean`.

use crate::harness::{Project, processes};
use rustix::process::Signal;

#[test]
fn after_many_starts_failed_starts_and_kills_nothing_is_left() {
    let project = Project::with("web: sleep 1000\n");
    for round in 0..6 {
        project.start_detached(&[]);
        project.ovr(&["start"]).code(73);
        if round % 2 == 0 {
            let controller = project.status().session.pid;
            processes::kill(controller, Signal::KILL);
            project.start_detached(&[]);
        }
        project.ovr(&["quit"]).success();
    }
    let left: Vec<_> = std::fs::read_dir(project.path("run")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    project.finish();
}

#[test]
fn questions_start_nothing_and_write_nothing() {
    let project = Project::with("web: sleep 1000\n");
    for args in [
        &["status"][..],
        &["ls"],
        &["check"],
        &["env"],
        &["--help"],
        &["clean"],
        &[],
    ] {
        project.ovr(args);
    }
    assert!(project.processes().is_empty());
    let state: Vec<_> = std::fs::read_dir(project.path("state")).unwrap().collect();
    assert!(state.is_empty(), "{state:?}");
}

#[test]
fn clean_shows_the_state_directory_and_removes_it_when_told() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    project.wait_running(["web"]);
    project.ovr(&["quit"]).success();
    project.ovr(&["clean"]).success();
    let state = project.path("state").join("ovr");
    if state.exists() {
        project.ovr(&["clean"]).says(&[state.to_str().unwrap()]);
    }
    project.ovr(&["clean", "--yes"]).success();
    assert!(!state.exists());
}

#[test]
fn clean_leaves_a_running_session_alone() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    let before = project.wait_running(["web"]);
    project.ovr(&["clean", "--yes"]);
    assert_eq!(project.wait_running(["web"]), before);
}
