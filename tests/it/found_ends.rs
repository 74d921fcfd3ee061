//! What a controller says of runs that ended while there was none: how long they lived, in what order, whose words.

use crate::adoption::kill_controller;
use crate::harness::{Project, processes};
use ovr::model::StateWord;
use rustix::process::Signal;
use std::fs;

/// The places of these texts, each of which is there once.
fn places<const N: usize>(text: &str, wanted: [&str; N]) -> [usize; N] {
    wanted.map(|wanted| {
        assert_eq!(text.matches(wanted).count(), 1, "{wanted:?} in\n{text}");
        text.find(wanted).unwrap()
    })
}

#[test]
fn what_ended_meanwhile_has_its_true_beginning_and_its_last_words_stand_before_its_end() {
    let project = Project::with(
        "once: echo hello; until [ -e $OUT/go ]; do sleep 0.02; done; echo dying; exit 5\nb: sleep 1000\n",
    );
    project.start_detached(&["--any-can-die"]);
    let [once, _] = project.wait_running(["once", "b"]);
    let started = project.service("once").started_at.unwrap();
    project.wait_service("once", "to have spoken", |service| service.last_line.is_some());
    kill_controller(&project);
    fs::write(project.path("out").join("go"), "").unwrap();
    project.wait_until("once to end", || !processes::is_alive(once));
    let console = project.start_piped(&[]);
    console.wait_for_output("exited with code 5");
    console.wait_for_output("1 of 2 services up");
    let found = project.wait_state("once", StateWord::Failed);
    // Once by the shim that started it, once by the controller that saw the mark: the same second.
    assert_eq!(found.started_at.as_deref(), Some(started.as_str()));
    assert!(found.ended_at.unwrap() > started);
    let kept = project.ovr(&["logs", "once", "-n", "all"]);
    for text in [&console.plain(), &kept.success().stdout] {
        let places = places(text, ["once │ dying", "once │ exited with code 5 after "]);
        assert!(places.is_sorted(), "{text}");
        assert!(!text.contains("after 0 ms"), "{text}");
    }
    let kept = project.ovr(&["logs", "once", "-n", "all", "--plain"]);
    assert_eq!(kept.stdout, "hello\ndying\n");
    project.ovr(&["why", "once"]).says(&["exited with code 5 after"]);
}

#[test]
fn what_is_started_again_by_the_next_controller_stands_behind_all_that_the_run_before_said() {
    let project = Project::with(
        "once: [ -e $OUT/dying ] && exec sleep 1000; until [ -e $OUT/go ]; do sleep 0.02; done; \
         echo dying; touch $OUT/dying; exit 5\nb: exec sleep 1000\n",
    );
    project.start_detached(&[]);
    let [once, b] = project.wait_running(["once", "b"]);
    kill_controller(&project);
    fs::write(project.path("out").join("go"), "").unwrap();
    project.wait_until("once to end", || !processes::is_alive(once));
    let console = project.start_piped(&[]);
    assert_eq!(project.wait_running(["once", "b"])[1], b);
    console.wait_for_output("── run 2, pid");
    let text = console.plain();
    let wanted = [
        "once │ dying",
        "once │ exited with code 5 after",
        "once │ ── run 2, pid",
    ];
    assert!(places(&text, wanted).is_sorted(), "{text}");
    let last = |run: &str| project.ovr(&["logs", "once", "--run", run, "--plain"]).stdout;
    assert_eq!((last("-1").as_str(), last("last").as_str()), ("dying\n", ""));
}

#[test]
fn the_notes_in_a_window_are_never_taken_for_a_services_output() {
    let project = Project::with("ok: exit 0\nred: printf '\\033[31mred'; exit 3\nb: exec sleep 1000\n");
    project.start_detached(&["--any-can-die"]);
    for _ in 0..2 {
        // Whether it is ready before it ends does not matter here.
        for name in ["ok", "red"] {
            project.ovr(&["restart", name, "--no-wait"]).success();
            project.wait_service(name, "to have ended", |service| service.pid.is_none());
        }
    }
    kill_controller(&project);
    // Nothing of what was printed is known: all of it is read from the screen.
    fs::remove_dir_all(project.path("state")).unwrap();
    let console = project.start_piped(&[]);
    console.wait_for_output("services up in");
    let text = console.plain();
    assert!(!text.contains("Enter"), "{text}");
    assert!(!text.contains("ok  │ ok exited"), "{text}");
    let kept = |name: &str| project.ovr(&["logs", name, "-n", "all", "--plain"]).stdout;
    assert_eq!(kept("ok"), "");
    assert!(kept("red").lines().all(|line| line == "red"), "{}", kept("red"));
    assert!(text.contains("red │ red\n"), "{text}");
}

#[test]
fn a_question_that_ends_unanswered_after_an_adoption_is_not_asked_again() {
    let project = Project::with("ask: asker\nb: exec sleep 1000\n");
    project.start_detached(&[]);
    project.wait_service("ask", "to wait for input", |service| service.waits_for_input);
    kill_controller(&project);
    let console = project.start_piped(&[]);
    project.wait_service("ask", "to wait for input", |service| service.waits_for_input);
    console.signal(Signal::INT);
    console.wait_exit();
    let text = console.plain();
    let places = places(&text, ["ask │ continue?", "ask │ stopped ("]);
    assert!(places.is_sorted(), "{text}");
    let kept = project.ovr(&["logs", "ask", "-n", "all", "--plain"]);
    assert_eq!(kept.stdout, "continue? \n");
}
