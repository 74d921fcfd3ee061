//! What can go wrong with the files of logs, and who must never touch them.

use crate::harness::{Project, Terminal, processes};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// Says again what is typed into it.
const PARROT: &str = "web: while read line; do echo \"got $line\"; done\n";

fn logs_dir(project: &Project) -> PathBuf {
    let logs = project.path("state").join("ovr/logs");
    let mut entries = fs::read_dir(logs).expect("logs are kept");
    let first = entries.next().expect("a session has run");
    first.expect("the directory can be listed").path()
}

/// Everything below, with what a write would change.
fn state_of(dir: &Path) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let written = fs::metadata(&path).unwrap().modified().unwrap();
        if path.is_dir() {
            found.extend(state_of(&path));
            found.insert(path, (written, Vec::new()));
        } else {
            let content = fs::read(&path).unwrap();
            found.insert(path, (written, content));
        }
    }
    found
}

fn read_all(project: &Project) -> String {
    project
        .ovr(&["logs", "web", "--since", "1h", "--plain"])
        .success()
        .stdout
        .clone()
}

/// A session whose parrot has said a line that is in its file; and its window.
fn with_one_line_kept() -> (Project, Terminal) {
    let project = Project::with(PARROT);
    project.start_detached(&[]);
    let window = project.connect("web");
    window.type_keys("one\r");
    project.wait_until("the first line to be kept", || {
        read_all(&project).contains("got one")
    });
    (project, window)
}

#[test]
fn who_only_reads_leaves_every_log_as_it_was() {
    let project = Project::with("web: seq 20; exit 3\nworker: echo hello; sleep 1000\n");
    project.start_detached(&["--any-can-die"]);
    project.wait_service("web", "to have ended", |service| service.exit_code == Some(3));
    // What was printed is written when somebody wants to read it; this is that.
    project.ovr(&["logs", "-n", "all"]).success();
    let before = state_of(&project.path("state"));
    assert!(before.keys().any(|path| path.ends_with("web.log")));
    let read = || {
        for args in [
            &["logs"][..],
            &["logs", "web", "-n", "all"],
            &["logs", "--since", "1h", "--json"],
            &["logs", "--grep", "9", "-C", "2", "-r"],
            &["logs", "web", "--run", "last"],
            &["status"],
            &["status", "--json"],
            &["ls"],
        ] {
            project.ovr(args);
        }
    };
    read();
    for follower in [&["echo"][..], &["logs", "-f"], &["logs", "-f", "--since", "1h"]] {
        let follower = project.cmd(follower).piped();
        follower.wait_for_output("hello");
        follower.signal(Signal::INT);
        follower.wait_exit();
    }
    assert_eq!(state_of(&project.path("state")), before);
    project.ovr(&["quit"]).success();
    let before = state_of(&project.path("state"));
    read();
    project.ovr(&["echo"]);
    project.ovr(&["logs", "-f"]).code(69);
    assert_eq!(state_of(&project.path("state")), before);
}

#[test]
fn a_disk_that_takes_no_more_costs_counted_lines_until_it_does() {
    let project = Project::with(PARROT);
    let console = project.start(&[]);
    project.wait_running(["web"]);
    let window = project.connect("web");
    window.type_keys("one\r");
    project.wait_until("the first line to be kept", || {
        read_all(&project).contains("got one")
    });
    let log = logs_dir(&project).join("web.log");
    // What is written to it meets a full disk, for root as well.
    fs::rename(&log, log.with_extension("old")).unwrap();
    symlink("/dev/full", &log).unwrap();
    window.type_keys("two\r");
    console.wait_for_output("logs cannot be kept in");
    window.type_keys("three\r");
    console.wait_for_output("got three");
    project.ovr(&["logs", "web"]).success().says(&["got three"]);
    fs::remove_file(&log).unwrap();
    window.type_keys("four\r");
    console.wait_for_output("logs are kept again");
    project.wait_until("the last line to be kept", || {
        fs::read_to_string(&log).is_ok_and(|text| text.ends_with("got four\n"))
    });
    let text = fs::read_to_string(&log).unwrap();
    assert!(
        text.contains(" ~ ") && text.contains("missing: No space left on device"),
        "{text}"
    );
}

#[test]
fn a_full_file_system_loses_lines_and_no_service() {
    let project = Project::with("web: seq 400000; echo all said; touch $OUT/done; sleep 1000\n");
    let logs = project.path("state").join("ovr/logs");
    fs::create_dir_all(&logs).unwrap();
    let mount = |args: &[&str]| Command::new("mount").args(args).arg(&logs).output();
    let mounted = mount(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"]);
    if !mounted.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: this user may not mount a file system, so none could be filled");
        return;
    }
    let console = project.cmd(&["start"]).blind().piped();
    console.wait_for_output("logs cannot be kept in");
    project.wait_until("the service to finish", || {
        project.path("out").join("done").exists()
    });
    console.wait_for_output("│ all said");
    project
        .ovr(&["logs", "web", "-n", "3"])
        .success()
        .says(&["all said"]);
    // Half a line at its end is none that stops a reader.
    let told = project.ovr(&["logs", "web", "--since", "1h", "--plain"]);
    assert!(told.success().stdout.lines().count() > 1000, "what fits is kept");
    project.ovr(&["quit"]).success();
    assert!(Command::new("umount").arg(&logs).status().unwrap().success());
}

#[test]
fn a_directory_that_is_deleted_or_cleaned_under_a_session_costs_it_no_later_line() {
    let (project, window) = with_one_line_kept();
    fs::remove_dir_all(project.path("state").join("ovr")).unwrap();
    window.type_keys("two\r");
    project.wait_until("the next line to be kept", || {
        read_all(&project).contains("got two")
    });
    assert!(!read_all(&project).contains("got one"));
    // What belongs to a running session stays.
    project.ovr(&["clean", "--yes"]).success();
    assert!(read_all(&project).contains("got two"));
    window.type_keys("three\r");
    project.wait_until("a line after that to be kept", || {
        read_all(&project).contains("got three")
    });
    assert!(read_all(&project).contains("got two"));
}

#[test]
fn two_controllers_in_a_row_keep_every_line_once() {
    let project = Project::with(
        "web: for part in 1 2 3; do until [ -e $OUT/go$part ]; do sleep 0.02; done; seq -f $part-%g 2000; done; sleep 1000\n",
    );
    project.start_detached(&[]);
    let go = |part: u32| fs::write(project.path("out").join(format!("go{part}")), "").unwrap();
    let kept = |text: &str| read_all(&project).lines().any(|line| line == text);
    go(1);
    project.wait_until("the first part to be kept", || kept("1-2000"));
    processes::kill(project.status().session.pid, Signal::KILL);
    project.wait_until("the controller to be gone", || project.try_status().is_none());
    // While nobody listens.
    go(2);
    project.start_detached(&[]);
    project.wait_until("the second part to be kept", || kept("2-2000"));
    go(3);
    project.wait_until("the third part to be kept", || kept("3-2000"));
    let expected: Vec<String> = (1..=3)
        .flat_map(|part| (1..=2000).map(move |number| format!("{part}-{number}")))
        .collect();
    let text = read_all(&project);
    let found: Vec<&str> = text.lines().filter(|line| line.contains('-')).collect();
    assert_eq!(found.len(), expected.len());
    assert_eq!(found, expected);
}

#[test]
fn a_log_that_is_read_only_is_told_of_and_never_stops_a_service() {
    let (project, _window) = with_one_line_kept();
    project.ovr(&["quit"]).success();
    let log = logs_dir(&project).join("web.log");
    let allow = |mode| fs::set_permissions(&log, fs::Permissions::from_mode(mode)).unwrap();
    allow(0o400);
    let console = project.start(&[]);
    project.wait_running(["web"]);
    let window = project.connect("web");
    window.type_keys("two\r");
    console.wait_for_output("got two");
    // Root may write to it all the same.
    if !rustix::process::geteuid().is_root() {
        console.wait_for_output("logs cannot be kept in");
    }
    allow(0o600);
    window.type_keys("three\r");
    project.wait_until("the line to be kept", || read_all(&project).contains("got three"));
    assert!(read_all(&project).contains("got one"));
}
