//! Several projects of one user at once: they never touch one another.

use crate::harness::{Project, processes};
use rustix::process::Signal;

#[test]
fn no_command_of_one_project_reaches_another_of_the_same_name() {
    let a = Project::at("a/shop").procfile("web: sleep 1000\n");
    let b = Project::beside(&a, "b/shop").procfile("web: sleep 1000\n");
    a.start_detached(&[]);
    let before = a.wait_running(["web"]);
    b.ovr(&["status"]).code(69);
    b.ovr(&["restart", "web"]).code(69);
    b.ovr(&["quit"]).code(69);
    b.start_detached(&["-p", "6000"]);
    b.wait_running(["web"]);
    for args in [&["restart", "web"][..], &["stop"], &["kill", "web"], &["quit"]] {
        b.ovr(args).success();
        assert_eq!(a.wait_running(["web"]), before, "{args:?}");
    }
}

#[test]
fn ls_lists_every_session_from_anywhere() {
    let a = Project::at("one").procfile("web: sleep 1000\n");
    let b = Project::beside(&a, "two").procfile("web: sleep 1000\n");
    a.start_detached(&[]);
    b.start_detached(&[]);
    let output = a.cmd(&["ls"]).dir("/").output();
    output.success().says(&["one", "two"]);
    let json = a.cmd(&["ls", "--json"]).dir("/").output().success().json();
    let text = json.to_string();
    assert!(
        text.contains(a.root.to_str().unwrap()) && text.contains(b.root.to_str().unwrap()),
        "{text}"
    );
    b.ovr(&["quit"]).success();
    a.cmd(&["ls"]).dir("/").output().never_says(&["two"]);
}

#[test]
fn ls_shows_a_session_without_its_controller_and_tells_several_of_a_project_apart() {
    let project = Project::with("web: sleep 1000\n");
    project.start_detached(&[]);
    processes::kill(project.status().session.pid, Signal::KILL);
    let shown = || project.ovr(&["ls"]).stdout;
    project.wait_until("ls to show that the controller is gone", || {
        shown().contains("unattended")
    });
    assert!(!shown().contains("no session"), "{}", shown());
    assert!(shown().contains(project.root.to_str().unwrap()), "{}", shown());
    let json = project.ovr(&["ls", "--json"]).json();
    assert_eq!(json["silent"][0]["state"], "unattended");
    project.start_detached(&["-s", "./other"]);
    let listed = shown();
    assert!(listed.contains("SOCKET"), "{listed}");
    let other = project
        .ovr(&["status", "-s", "./other", "--json"])
        .answered()
        .json();
    let socket = other["session"]["runtime_dir"].as_str().unwrap();
    assert!(listed.contains(socket), "{listed}");
    project.ovr(&["quit", "-s", socket]).success();
}

#[test]
fn ten_projects_start_side_by_side() {
    let first = Project::at("p0").procfile("web: sleep 1000\n");
    let others: Vec<Project> = (1..10)
        .map(|n| Project::beside(&first, &format!("p{n}")).procfile("web: sleep 1000\n"))
        .collect();
    let starts: Vec<_> = others
        .iter()
        .map(|project| project.cmd(&["start", "-D"]).piped())
        .collect();
    first.start_detached(&[]);
    for start in &starts {
        assert_eq!(start.wait_exit(), 0, "{}", start.stderr());
    }
    for project in others.iter().chain([&first]) {
        project.wait_running(["web"]);
    }
}

#[test]
fn two_starts_of_one_project_at_once_make_one_session() {
    let project = Project::with("web: exec sleep 4040\n");
    let starts: Vec<_> = (0..6).map(|_| project.cmd(&["start", "-D"]).piped()).collect();
    let mut codes: Vec<i32> = starts.iter().map(crate::harness::Terminal::wait_exit).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 73, 73, 73, 73, 73]);
    project.wait_running(["web"]);
    assert_eq!(project.processes_with("sleep 4040").len(), 1);
}
