//! The exit code of a session, and what is said last when a service's end has ended it.

use crate::harness::{Project, processes};
use rustix::process::Signal;

#[test]
fn the_code_of_the_service_that_ended_first_is_the_code_of_the_session() {
    for (command, code) in [("exit 3", 3), ("true", 0), ("kill -9 $$", 137), ("exit 200", 200)] {
        let project = Project::with(&format!("web: {command}\nworker: sleep 1000\n"));
        let console = project.start_piped(&[]);
        assert_eq!(console.wait_exit(), code, "{command}\n{}", console.plain());
    }
}

#[test]
fn the_last_words_say_who_ended_first_and_how_and_what_would_change_it() {
    let project = Project::with(
        "web: until [ -e $OUT/trap ]; do sleep 0.02; done; seq 30; echo boom; exit 3\n\
         worker: trap 'echo noise; exit 0' INT; touch $OUT/trap; while :; do sleep 0.05; done\n",
    );
    let console = project.start_piped(&[]);
    assert_eq!(console.wait_exit(), 3);
    let text = console.plain() + &console.stderr();
    let end = text
        .rfind("--any-can-die")
        .unwrap_or_else(|| panic!("no remedy in:\n{text}"));
    assert!(text[end..].lines().count() <= 3, "{text}");
    let summary = &text[text.rfind("noise").unwrap()..];
    for part in ["web", "code 3", "boom", "30", "12"] {
        assert!(summary.contains(part), "no {part:?} in:\n{summary}");
    }
    assert!(!summary.contains("│ 11\n"), "twenty lines at most:\n{summary}");
}

#[test]
fn a_death_by_signal_is_named_by_its_signal() {
    let project = Project::with("web: exec sleep 1000\nworker: sleep 1000\n");
    let console = project.start_piped(&[]);
    let [web, _] = project.wait_running(["web", "worker"]);
    processes::kill(web, Signal::SEGV);
    assert_eq!(console.wait_exit(), 139);
    assert!((console.plain() + &console.stderr()).contains("SIGSEGV"));
}

#[test]
fn a_service_that_may_die_ends_nobody() {
    let project = Project::with("web: exit 3\nworker: sleep 1000\n");
    let console = project.start_piped(&["-c", "web"]);
    console.wait_for_output("code 3");
    let [worker] = project.wait_running(["worker"]);
    processes::kill(worker, Signal::KILL);
    assert_eq!(console.wait_exit(), 137);
}

#[test]
fn a_session_whose_services_have_all_ended_well_may_end_with_0() {
    let project = Project::with("web: true\n");
    assert_eq!(project.start_piped(&[]).wait_exit(), 0);
}

#[test]
fn the_services_that_end_because_of_another_change_no_code() {
    let project = Project::with(
        "web: until [ -e $OUT/trap ]; do sleep 0.02; done; exit 3\n\
         worker: trap 'exit 77' INT; touch $OUT/trap; while :; do sleep 0.05; done\n",
    );
    let console = project.start_piped(&[]);
    assert_eq!(console.wait_exit(), 3);
}
