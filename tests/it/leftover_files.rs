//! Files that a dead session has left, or that somebody put there: none ever stands in the way of a start.

use crate::harness::{Project, processes};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::DirBuilderExt;

#[test]
fn leftover_files_of_a_dead_session_never_block_a_start() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    let status = project.status();
    let runtime = status.session.runtime_dir.clone();
    for process in project.processes() {
        processes::kill(process.pid, Signal::KILL);
    }
    project.wait_gone();
    // A process whose threads are still ending holds its lock: then the pid in it is its own.
    project.ovr(&["status"]).code(69);
    // Its files lie about, and the pid they name belongs to somebody else now.
    for entry in fs::read_dir(&runtime).unwrap() {
        let path = entry.unwrap().path();
        if let Ok(text) = fs::read_to_string(&path) {
            let own = std::process::id().to_string();
            fs::write(&path, text.replace(&status.session.pid.to_string(), &own)).unwrap();
        }
    }
    project.ovr(&["status"]).code(69);
    assert_eq!(project.ovr(&["ls"]).stdout.matches("shop").count(), 0);
    project.start_detached(&[]);
    project.wait_running(["web"]);
}

#[test]
fn garbage_in_the_runtime_directory_never_blocks_a_start() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    let runtime = project.status().session.runtime_dir;
    project.ovr(&["quit"]).success();
    fs::DirBuilder::new().mode(0o700).create(&runtime).unwrap();
    for name in ["api.sock", "shim.sock", "tmux.sock", "lock", "session.json"] {
        fs::write(format!("{runtime}/{name}"), "\0garbage").unwrap();
    }
    project.start_detached(&[]);
    project.wait_running(["web"]);
}

#[test]
fn a_session_that_cannot_be_made_ready_leaves_no_tmux_behind() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    let runtime = project.status().session.runtime_dir;
    project.ovr(&["quit"]).success();
    fs::DirBuilder::new().mode(0o700).create(&runtime).unwrap();
    // What no socket can take the place of.
    fs::create_dir_all(format!("{runtime}/api.sock/in the way")).unwrap();
    let failed = project.ovr(&["start", "-D"]);
    let told = &failed.code(71).stderr;
    assert!(told.contains("cannot bind the API's socket"), "{told}");
    let left = project.processes();
    assert!(left.is_empty(), "{left:?}");
    fs::remove_dir_all(format!("{runtime}/api.sock")).unwrap();
    project.start_detached(&[]);
    project.wait_running(["web"]);
}
