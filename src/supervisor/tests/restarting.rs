//! Restarts that nobody asked for: crash loops, back-off, giving up, liveness.

use super::{Rig, plain, restarted, vital};
use crate::model::{Exit, Policy, RestartPolicy, RestartWhen, StateWord};
use crate::supervisor::{Event, Verb};
use std::time::Duration;

#[test]
fn an_ended_service_with_a_restart_policy_starts_again_at_once_and_the_session_goes_on() {
    let policy = Policy {
        restart: RestartPolicy::ALWAYS,
        ..vital()
    };
    let mut rig = Rig::up(&[("web", policy)]);
    assert_eq!(rig.ended("web", Exit::Code(1)), ["spawn web 2"]);
    assert_eq!(
        rig.words_told("web"),
        [
            StateWord::Starting,
            StateWord::Running,
            StateWord::Backoff,
            StateWord::Starting
        ]
    );
    assert_eq!(rig.machine.restarts(rig.id("web")), 1);
    assert!(!rig.machine.is_ending());
}

#[test]
fn r32_a_crash_loop_is_cheap_and_keeps_to_its_back_off() {
    let mut rig = Rig::up(&[("web", restarted())]);
    let mut runs = 1;
    for _ in 0..60 {
        // A minute of a service that dies as soon as it is there.
        let until = 1000;
        let mut words = rig.pass(until);
        loop {
            if rig.word("web") == StateWord::Running {
                words.extend(rig.ended("web", Exit::Code(1)));
            }
            if rig.word("web") != StateWord::Starting {
                break;
            }
            runs += 1;
            rig.spawned("web");
        }
    }
    assert!((8..=11).contains(&runs), "{runs} runs in a minute");
    assert_eq!(rig.machine.restarts(rig.id("web")), runs - 1);
    assert_eq!(rig.word("web"), StateWord::Backoff);
}

#[test]
fn ten_seconds_up_make_the_next_restart_immediate_again() {
    let mut rig = Rig::up(&[("web", restarted())]);
    for _ in 0..3 {
        rig.ended("web", Exit::Code(1));
        rig.spawned("web");
    }
    assert!(rig.ended("web", Exit::Code(1)).is_empty());
    assert_eq!(rig.pass(249), [""; 0]);
    assert_eq!(rig.pass(1), ["spawn web 5"]);
    rig.spawned("web");
    rig.pass(10_000);
    assert_eq!(rig.ended("web", Exit::Code(1)), ["spawn web 6"]);
}

#[test]
fn enter_or_a_start_cuts_the_back_off_short_and_counts_anew() {
    for enter in [true, false] {
        let mut rig = Rig::up(&[("web", restarted())]);
        for _ in 0..3 {
            rig.ended("web", Exit::Code(1));
            rig.spawned("web");
        }
        rig.ended("web", Exit::Code(1));
        assert!(rig.why("web").starts_with("ended with code 1, starts again at"));
        let instance = rig.id("web");
        let words = if enter {
            rig.tell(Event::Enter { instance })
        } else {
            rig.ask(Verb::Start, &["web"])
        };
        assert_eq!(words, ["spawn web 5"]);
        rig.spawned("web");
        assert_eq!(rig.ended("web", Exit::Code(1)), ["spawn web 6"]);
        assert_eq!(
            rig.machine.restarts(instance),
            4,
            "a person's start is no restart"
        );
    }
}

#[test]
fn ten_failures_in_a_row_end_in_giving_up_and_then_the_end_policy_speaks() {
    let policy = Policy {
        restart: RestartPolicy {
            give_up_after: Some(10),
            ..RestartPolicy::ALWAYS
        },
        ..vital()
    };
    let mut rig = Rig::up(&[("web", policy), ("db", plain())]);
    for _ in 0..9 {
        rig.ended("web", Exit::Code(7));
        rig.pass(30_000);
        rig.spawned("web");
    }
    let words = rig.ended("web", Exit::Code(7));
    assert!(words[0].starts_with("ending Service"), "{words:?}");
    assert_eq!(words[1], "stop db 1");
    assert_eq!(rig.word("web"), StateWord::Failed);
    assert_eq!(
        rig.why("web"),
        "gave up after 10 failures in a row, the last with code 7"
    );
}

#[test]
fn n_restarts_never_make_more_than_n_plus_one_runs_and_a_person_may_begin_again() {
    let policy = Policy {
        restart: RestartPolicy {
            when: RestartWhen::OnFailure,
            delay: Some(Duration::from_secs(1)),
            max: Some(2),
            give_up_after: None,
        },
        ..plain()
    };
    let mut rig = Rig::up(&[("web", policy)]);
    for _ in 0..2 {
        assert!(rig.ended("web", Exit::Code(1)).is_empty());
        assert_eq!(rig.pass(999), [""; 0]);
        assert_eq!(rig.pass(1).len(), 1);
        rig.pass(60_000);
        rig.spawned("web");
    }
    rig.ended("web", Exit::Code(1));
    assert_eq!(rig.word("web"), StateWord::Failed);
    assert!(rig.pass(60_000).is_empty());
    assert_eq!(rig.ask(Verb::Start, &["web"]), ["spawn web 4"]);
    rig.spawned("web");
    rig.ended("web", Exit::Code(1));
    assert_eq!(rig.word("web"), StateWord::Backoff);
}

#[test]
fn a_program_that_is_not_there_is_not_tried_again() {
    let mut rig = Rig::begun(&[("web", restarted())]);
    rig.spawn_failed("web");
    assert_eq!(rig.word("web"), StateWord::Failed);
    assert!(rig.pass(60_000).is_empty());
}

#[test]
fn on_failure_leaves_a_good_end_alone() {
    let policy = Policy {
        restart: RestartPolicy {
            when: RestartWhen::OnFailure,
            ..RestartPolicy::ALWAYS
        },
        ..plain()
    };
    let mut rig = Rig::up(&[("task", policy)]);
    assert!(rig.ended("task", Exit::Code(0)).is_empty());
    assert_eq!(rig.word("task"), StateWord::Exited);
}
