//! A runtime directory that goes with all that is in it, seen or unseen: unmounted at a logout, emptied by hand. What
//! runs is found again, by a live controller or by the next one, and nothing is started twice.

use crate::adoption::kill_controller;
use crate::harness::Project;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn session_dir(project: &Project) -> PathBuf {
    project.status().session.runtime_dir.into()
}

/// Another directory in place of the runtime directory, as an unmount and a mount give one: nothing tells of it.
fn replace_run(project: &Project, name: &str) {
    let run = project.path("run");
    fs::rename(&run, project.path(name)).unwrap();
    fs::create_dir(&run).unwrap();
    fs::set_permissions(&run, Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_session_whose_runtime_directory_was_replaced_unseen_is_found_by_every_command() {
    let project = Project::with("web: exec sleep 4070\nworker: exec sleep 4071\n");
    project.start_detached(&[]);
    let before = project.wait_running(["web", "worker"]);
    let commands: [(&[&str], u8); 6] = [
        (&["status"], 0),
        (&["ls"], 0),
        (&["start"], 73),
        (&["start", "-D"], 73),
        (&["restart", "worker"], 0),
        (&["logs", "web"], 0),
    ];
    for (number, (args, code)) in commands.into_iter().enumerate() {
        replace_run(&project, &format!("gone{number}"));
        let told = project.ovr(args);
        told.code(code);
        assert!(args != ["ls"] || told.stdout.contains("shop"), "{told}");
    }
    assert_eq!(project.wait_running(["web"])[0], before[0]);
    assert_eq!(project.processes_with("sleep 407").len(), 2);
    let view = project.connect("web");
    view.wait_for_screen_text("web");
    replace_run(&project, "gone");
    project.ovr(&["quit"]).success();
    project.wait_gone();
}

/// Removes the directory with all that is in it. False where it filled again meanwhile.
fn empty_and_remove(dir: &Path) -> bool {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    for entry in entries {
        fs::remove_file(entry.path()).ok();
    }
    fs::remove_dir(dir).is_ok()
}

/// So often that the directory goes at any moment of its being made anew.
const AGAIN_AND_AGAIN: usize = 200;

#[test]
fn a_runtime_directory_that_is_removed_again_and_again_is_made_anew_each_time() {
    let project = Project::with("web: exec sleep 4072\n");
    project.start_detached(&[]);
    let [web] = project.wait_running(["web"]);
    let dir = session_dir(&project);
    let run = project.path("run");
    for round in 0..AGAIN_AND_AGAIN {
        // At once again where it has filled meanwhile: that is when it goes under the controller's hands.
        assert!((0..1_000_000).any(|_| empty_and_remove(&dir)));
        if round % 2 == 0 {
            // The one above as well, unless the next one is there already.
            fs::remove_dir(&run).ok();
        }
        for file in ["lock", "session.json", "api.sock", "shim.sock", "tmux.sock"] {
            project.wait_until(&format!("{file} to be back"), || dir.join(file).exists());
        }
    }
    assert_eq!(project.wait_running(["web"]), [web]);
}

#[test]
fn services_without_controller_and_files_are_adopted_by_the_next_start() {
    let project = Project::with("web: exec sleep 4073\nworker: exec sleep 4074\n");
    project.start_detached(&["--any-can-die", "-t", "1"]);
    let before = project.wait_running(["web", "worker"]);
    kill_controller(&project);
    replace_run(&project, "gone");
    project
        .ovr(&["status"])
        .code(69)
        .says(&["without its controller"]);
    let listed = project.ovr(&["ls"]);
    assert!(listed.stderr.contains("without its controller"), "{listed}");
    let start = project.ovr(&["start", "-D"]);
    start.success().says(&["adopted web, worker", "--any-can-die"]);
    assert_eq!(project.wait_running(["web", "worker"]), before);
    assert_eq!(project.processes_with("sleep 407").len(), 2);
}

#[test]
fn services_without_controller_and_files_are_ended_by_quit() {
    let project = Project::with("web: exec sleep 4075\ndb: stubborn\n");
    project.start_detached(&["-t", "1"]);
    project.wait_running(["web", "db"]);
    let dir = session_dir(&project);
    kill_controller(&project);
    fs::remove_dir_all(dir).unwrap();
    project
        .ovr(&["quit"])
        .success()
        .says(&["stopped web", "stopped db"]);
    project.wait_gone();
    project.ovr(&["status"]).code(69).says(&["not running"]);
}

#[test]
fn nothing_is_noted_of_a_session_that_is_over() {
    let project = Project::with("web: exec sleep 1000\n");
    project.start_detached(&[]);
    let notes = project.path("state").join("ovr/running");
    assert_eq!(fs::read_dir(&notes).unwrap().count(), 1);
    project.ovr(&["quit"]).success();
    assert!(!notes.exists());
}

#[test]
fn a_session_whose_runtime_directory_cannot_come_back_is_not_started_twice() {
    let project = Project::with("web: exec sleep 4076\n");
    let login = project.path("out").join("login");
    fs::create_dir(&login).unwrap();
    fs::set_permissions(&login, Permissions::from_mode(0o700)).unwrap();
    let there = |args: &[&str]| {
        let call = project.cmd(args).env_remove("OVR_RUNTIME_DIR");
        call.env("XDG_RUNTIME_DIR", login.to_str().unwrap()).output()
    };
    there(&["start", "-D"]).success();
    let session: serde_json::Value = there(&["status", "--json"]).json();
    let pid = session["session"]["pid"].to_string();
    // Nobody can make it anew where a file is in the way.
    fs::rename(&login, project.path("out").join("over")).unwrap();
    fs::write(&login, "").unwrap();
    for args in [&["status"][..], &["start"], &["start", "-D"], &["quit"]] {
        there(args).code(71).says(&["cannot be reached", &pid]);
    }
    assert_eq!(project.processes_with("sleep 4076").len(), 1);
    fs::remove_file(&login).unwrap();
    fs::create_dir(&login).unwrap();
    fs::set_permissions(&login, Permissions::from_mode(0o700)).unwrap();
    there(&["quit"]).success();
    project.wait_gone();
}
