//! Names of services: which are allowed, that each hits itself only, and what a wrong one brings.

use crate::harness::Project;
use ovr::model::StateWord;

#[test]
fn names_that_begin_alike_never_hit_one_another() {
    let project =
        Project::with("web: sleep 1000\nweb2: sleep 1000\n1: sleep 1000\na.b: sleep 1000\na-b: sleep 1000\n");
    project.start_detached(&[]);
    let names = ["web", "web2", "1", "a.b", "a-b"];
    for (place, name) in names.iter().enumerate() {
        let before = project.wait_running(names);
        project.ovr(&["restart", name]).success();
        let after = project.wait_running(names);
        for other in 0..names.len() {
            assert_eq!(
                before[other] == after[other],
                other != place,
                "restart {name}: {}",
                names[other]
            );
        }
    }
    project.ovr(&["stop", "web"]).success();
    project.ovr(&["restart", "1"]).success();
    assert_eq!(project.service("web").state, StateWord::Stopped);
    let view = project.connect("1");
    view.wait_for_screen("the window of 1", |screen| {
        screen
            .contents()
            .trim_end()
            .lines()
            .last()
            .is_some_and(|line| line.contains('1') && !line.contains("web2"))
    });
}

#[test]
fn an_unknown_name_is_an_error_with_a_suggestion_and_touches_nothing() {
    let project = Project::with("web: sleep 1000\nworker: sleep 1000\n");
    project.start_detached(&[]);
    let before = project.wait_running(["web", "worker"]);
    for args in [
        &["restart", "wbe"][..],
        &["restart", "worker", "wbe"],
        &["stop", "web", "wbe"],
        &["kill", "wbe"],
        &["signal", "TERM", "wbe"],
        &["start", "wbe"],
        &["run", "--service", "wbe", "true"],
    ] {
        project
            .ovr(args)
            .code(65)
            .says(&["wbe", "did you mean", "web", "worker"]);
    }
    assert_eq!(project.wait_running(["web", "worker"]), before);
    project.ovr(&["restart", "x*"]).code(65).says(&["x*", "worker"]);
}

#[test]
fn an_unknown_name_in_any_flag_of_start_is_an_error_with_a_suggestion() {
    let project = Project::with("web: touch $OUT/started; sleep 1000\n");
    for (flag, value) in [
        ("-l", "wbe"),
        ("-x", "wbe"),
        ("-c", "wbe"),
        ("-r", "wbe"),
        ("-m", "wbe=2"),
        ("-i", "wbe=TERM"),
    ] {
        project
            .ovr(&["start", flag, value])
            .code(65)
            .says(&["wbe", "did you mean", "web"]);
    }
    assert!(!project.path("out").join("started").exists());
}

#[test]
fn names_that_cannot_be_fail_with_their_line() {
    for (line, part) in [
        ("my app: true", "1:"),
        ("-x: true", "1:"),
        ("a/b: true", "1:"),
        ("..: true", "1:"),
        ("all: true", "1:"),
    ] {
        let project = Project::with(&format!("{line}\nweb: sleep 1000\n"));
        project.ovr(&["check"]).code(78).says(&["Procfile:", part, "^"]);
        project.ovr(&["start"]).code(78);
    }
}

#[test]
fn names_of_other_alphabets_work() {
    let project = Project::with("wéb: echo hello; sleep 1000\nсервис: sleep 1000\n");
    let console = project.start_piped(&[]);
    console.wait_for_output("│ hello");
    project.wait_running(["wéb", "сервис"]);
    project.ovr(&["restart", "сервис"]).success();
}

#[test]
fn a_project_directory_with_dots_and_spaces_works() {
    let project = Project::at("my.app v2").procfile("web: pwd >$OUT/dir; sleep 1000\n");
    project.start_detached(&[]);
    assert_eq!(project.wait_out("dir"), project.root.to_str().unwrap());
    project.ovr(&["restart", "web"]).success();
}
