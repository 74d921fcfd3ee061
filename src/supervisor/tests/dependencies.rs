//! Who waits for whom, who is skipped and comes back, and in which order things go down.

use super::{Rig, needing, plain, probed, restarted};
use crate::model::{Condition, Exit, Policy, StateWord};
use crate::supervisor::{Event, ProbeKind, QuitWhy, Verb};

fn probe(rig: &mut Rig, name: &str, ok: bool) -> Vec<String> {
    let (instance, run) = (rig.id(name), rig.run(name));
    let probe = ProbeKind::Readiness;
    rig.tell(Event::ProbeDone {
        instance,
        run,
        probe,
        ok,
    })
}

#[test]
fn each_condition_lets_its_dependent_go_when_it_comes_to_hold() {
    let web = |condition| needing(plain(), "db", condition);
    let mut rig = Rig::begun(&[("web", web(Condition::Started)), ("db", plain())]);
    assert_eq!(rig.why("web"), "waits for db: started (db is starting)");
    assert_eq!(rig.spawned("db"), ["spawn web 1"]);

    let mut rig = Rig::up(&[("web", web(Condition::Ready)), ("db", probed())]);
    rig.pass(0);
    assert_eq!(probe(&mut rig, "db", true), ["spawn web 1"]);

    for code in [0, 3] {
        let mut rig = Rig::up(&[("web", web(Condition::Ended)), ("db", plain())]);
        assert_eq!(rig.ended("db", Exit::Code(code)), ["spawn web 1"]);
    }
    let mut rig = Rig::up(&[("web", web(Condition::EndedWell)), ("db", plain())]);
    assert_eq!(rig.ended("db", Exit::Code(0)), ["spawn web 1"]);
}

#[test]
fn a_dependency_is_on_every_instance_of_the_service() {
    let mut rig = Rig::begun(&[
        ("web", needing(plain(), "db", Condition::Started)),
        ("db#1", plain()),
        ("db#2", plain()),
    ]);
    assert!(rig.spawned("db#2").is_empty());
    assert_eq!(rig.why("web"), "waits for db#1: started (db#1 is starting)");
    assert_eq!(rig.spawned("db#1"), ["spawn web 1"]);
}

#[test]
fn r33_a_dependency_that_can_no_longer_hold_skips_its_dependents_at_once_with_the_reason() {
    let api = needing(plain(), "migrate", Condition::EndedWell);
    let web = needing(plain(), "api", Condition::Started);
    let mut rig = Rig::up(&[("migrate", plain()), ("api", api), ("web", web)]);
    assert!(rig.ended("migrate", Exit::Code(1)).is_empty());
    assert_eq!(rig.word("api"), StateWord::Skipped);
    assert_eq!(rig.why("api"), "needs migrate: ended well, but migrate is failed");
    assert_eq!(
        rig.why("web"),
        "needs api: started, but api is skipped because migrate is failed"
    );
}

#[test]
fn r33_a_dependency_that_is_left_out_stopped_or_gone_skips_too() {
    let web = || needing(plain(), "db", Condition::Ready);
    let left_out = Policy {
        autostart: false,
        ..plain()
    };
    let rig = Rig::begun(&[("web", web()), ("db", left_out)]);
    assert_eq!(rig.why("web"), "needs db: ready, but db is disabled");

    let mut rig = Rig::up(&[("web", web()), ("db", probed())]);
    rig.ask(Verb::Stop, &["db"]);
    assert_eq!(rig.why("web"), "needs db: ready, but db is stopping");
    rig.obeys("db");
    assert_eq!(rig.word("web"), StateWord::Skipped);

    let mut rig = Rig::up(&[("web", web()), ("db", probed())]);
    rig.ended("db", Exit::Code(0));
    assert_eq!(rig.why("web"), "needs db: ready, but db is exited");

    let mut rig = Rig::begun(&[("web", web()), ("db", plain())]);
    rig.spawn_failed("db");
    assert_eq!(rig.why("web"), "needs db: ready, but db is failed");
}

#[test]
fn r34_a_dependency_that_loses_readiness_or_restarts_skips_nobody() {
    let mut rig = Rig::up(&[
        (
            "web",
            needing(
                needing(plain(), "db", Condition::Ready),
                "late",
                Condition::Started,
            ),
        ),
        (
            "db",
            Policy {
                restart: restarted().restart,
                ..probed()
            },
        ),
        ("late", needing(plain(), "task", Condition::EndedWell)),
        ("task", plain()),
    ]);
    rig.pass(0);
    probe(&mut rig, "db", true);
    for _ in 0..3 {
        rig.pass(1000);
        probe(&mut rig, "db", false);
    }
    assert_eq!(rig.word("web"), StateWord::Pending);
    rig.ended("db", Exit::Code(1));
    assert_eq!(rig.word("web"), StateWord::Pending);
    rig.ended("task", Exit::Code(0));
    rig.spawned("late");
    rig.spawned("db");
    assert_eq!(rig.why("web"), "waits for db: ready (db is running)");
    rig.pass(0);
    assert_eq!(probe(&mut rig, "db", true), ["spawn web 1"]);
}

#[test]
fn a_late_dependency_counts_and_brings_back_who_was_skipped() {
    let mut rig = Rig::up(&[
        ("web", needing(plain(), "task", Condition::EndedWell)),
        ("idle", needing(plain(), "task", Condition::EndedWell)),
        ("task", plain()),
    ]);
    rig.ended("task", Exit::Code(1));
    rig.ask(Verb::Stop, &["idle"]);
    rig.ask(Verb::Restart, &["task"]);
    assert_eq!(rig.word("web"), StateWord::Pending);
    rig.spawned("task");
    assert_eq!(rig.ended("task", Exit::Code(0)), ["spawn web 1"]);
    assert_eq!(rig.word("idle"), StateWord::Stopped, "a stop sticks");
}

#[test]
fn a_start_brings_up_what_it_needs_and_fails_if_that_cannot_be() {
    let left_out = |policy| Policy {
        autostart: false,
        ..policy
    };
    let mut rig = Rig::begun(&[
        ("web", left_out(needing(plain(), "api", Condition::Started))),
        ("api", left_out(needing(plain(), "task", Condition::EndedWell))),
        ("task", left_out(plain())),
        ("other", left_out(plain())),
    ]);
    assert_eq!(
        rig.ask(Verb::Start, &["web"]),
        ["open task", "open api", "open web"]
    );
    for name in ["web", "api", "task"] {
        rig.window_ready(name);
    }
    rig.spawned("task");
    assert_eq!(rig.ended("task", Exit::Code(0)), ["spawn api 1"]);
    assert_eq!(rig.spawned("api"), ["spawn web 1"]);
    rig.spawned("web");
    assert_eq!(rig.word("other"), StateWord::Disabled);

    // What was stopped comes up again, what has done its work does not.
    rig.ask(Verb::Stop, &["web", "api"]);
    rig.obeys("web");
    rig.obeys("api");
    assert_eq!(rig.ask(Verb::Start, &["web"]), ["spawn api 2"]);
    assert_eq!(
        rig.spawn_failed("api"),
        [
            "web: Failed { message: \"needs api: started, but api is failed\" }",
            "done"
        ]
    );
}

#[test]
fn r19_dependents_are_gone_before_their_dependency_gets_its_signal() {
    let mut rig = Rig::up(&[
        ("db", plain()),
        ("api", needing(plain(), "db", Condition::Started)),
        ("web", needing(plain(), "api", Condition::Started)),
        ("alone", plain()),
    ]);
    let words = rig.quit(QuitWhy::Asked);
    assert_eq!(words[1..], ["stop web 1", "stop alone 1"], "{words:?}");
    assert_eq!(rig.word("db"), StateWord::Stopping);
    assert_eq!(rig.why("api"), "stops when web is gone");
    assert!(rig.obeys("alone").is_empty());
    assert_eq!(rig.obeys("web"), ["stop api 1"]);
    assert_eq!(rig.obeys("api"), ["stop db 1"]);
    assert!(rig.obeys("db")[0].starts_with("finish"));
}

#[test]
fn r19_a_far_dependent_holds_its_dependency_when_the_one_between_is_not_there() {
    let mut rig = Rig::up(&[
        ("db", plain()),
        ("api", needing(plain(), "db", Condition::Started)),
        ("web", needing(plain(), "api", Condition::Started)),
    ]);
    rig.ended("api", Exit::Code(1));
    let words = rig.quit(QuitWhy::Asked);
    assert_eq!(words[1..], ["stop web 1"], "{words:?}");
    assert_eq!(rig.obeys("web"), ["stop db 1"]);
}

#[test]
fn without_an_order_the_end_signals_all_at_once_and_a_stop_still_keeps_it() {
    let unordered = || {
        let mut rig = Rig::up(&[
            ("db", plain()),
            ("web", needing(plain(), "db", Condition::Started)),
        ]);
        rig.machine.end_at_once();
        rig
    };
    let mut rig = unordered();
    let words = rig.quit(QuitWhy::Asked);
    assert_eq!(words[1..], ["stop db 1", "stop web 1"], "{words:?}");
    let mut rig = unordered();
    assert_eq!(rig.ask(Verb::Stop, &["db", "web"]), ["stop web 1"]);
}

#[test]
fn a_stop_of_both_keeps_the_order_and_a_stop_of_one_waits_for_nobody() {
    let services = [
        ("db", plain()),
        ("web", needing(plain(), "db", Condition::Started)),
    ];
    let mut rig = Rig::up(&services);
    assert_eq!(rig.ask(Verb::Stop, &["db", "web"]), ["stop web 1"]);
    assert!(rig.obeys("web").contains(&"stop db 1".to_owned()));

    let mut rig = Rig::up(&services);
    assert_eq!(rig.ask(Verb::Stop, &["db"]), ["stop db 1"]);
    assert_eq!(rig.word("web"), StateWord::Running);

    let mut rig = Rig::up(&services);
    assert_eq!(rig.ask(Verb::Kill, &["db", "web"]), ["kill db 1", "kill web 1"]);
}

#[test]
fn a_start_takes_back_a_stop_that_still_waits_for_dependents() {
    let mut rig = Rig::up(&[
        ("db", plain()),
        ("web", needing(plain(), "db", Condition::Started)),
    ]);
    rig.ask(Verb::Stop, &["db", "web"]);
    assert_eq!(
        rig.ask(Verb::Start, &["db"]),
        [
            "db: Overruled { by: Start }",
            "db: AlreadyRunning { pid: 10 }",
            "done"
        ]
    );
    let words = rig.obeys("web");
    assert!(!words.iter().any(|word| word.starts_with("stop")), "{words:?}");
    assert_eq!(rig.word("db"), StateWord::Running);
}

#[test]
fn a_restart_of_both_goes_down_and_up_in_order() {
    let mut rig = Rig::up(&[
        ("db", plain()),
        ("web", needing(plain(), "db", Condition::Started)),
    ]);
    assert_eq!(rig.ask(Verb::Restart, &["db", "web"]), ["stop web 1"]);
    assert_eq!(rig.word("db"), StateWord::Restarting);
    assert_eq!(rig.obeys("web"), ["stop db 1"]);
    assert_eq!(rig.obeys("db"), ["spawn db 2"]);
    let words = rig.spawned("db");
    assert!(words.contains(&"spawn web 2".to_owned()), "{words:?}");
}

#[test]
fn a_restart_of_a_dependency_leaves_its_dependents_running() {
    let mut rig = Rig::up(&[
        ("db", plain()),
        ("web", needing(plain(), "db", Condition::Started)),
    ]);
    assert_eq!(rig.ask(Verb::Restart, &["db"]), ["stop db 1"]);
    assert_eq!(rig.obeys("db"), ["spawn db 2"]);
    assert_eq!(rig.word("web"), StateWord::Running);
}
