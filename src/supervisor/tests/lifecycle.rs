//! Starting, stopping and restarting by request.

use super::{Rig, needing, plain, probed, restarted, vital};
use crate::model::{Condition, EndPolicy, Exit, Policy, RunId, Signal, StateWord};
use crate::supervisor::{Event, Machine, ProbeKind, SetupError, Verb};

#[test]
fn a_session_opens_every_window_at_once_and_starts_each_service_when_its_window_is_there() {
    let mut rig = Rig::new(&[("web", plain()), ("db", plain())]);
    assert_eq!(rig.tell(Event::Begin), ["open web", "open db"]);
    assert_eq!(rig.window_ready("db"), ["spawn db 1"]);
    assert_eq!(rig.window_ready("web"), ["spawn web 1"]);
    rig.spawned("web");
    assert_eq!(rig.word("web"), StateWord::Running);
    assert_eq!(rig.words_told("web"), [StateWord::Starting, StateWord::Running]);
}

#[test]
fn the_window_lives_on_across_runs() {
    let mut rig = Rig::up(&[("web", plain())]);
    rig.ask(Verb::Stop, &["web"]);
    rig.obeys("web");
    assert_eq!(rig.ask(Verb::Start, &["web"]), ["spawn web 2"]);
    assert_eq!(rig.spawned("web"), ["web: Started { pid: 11 }", "done"]);
}

#[test]
fn a_service_that_was_left_out_can_be_started_later() {
    let left_out = Policy {
        autostart: false,
        ..plain()
    };
    let mut rig = Rig::begun(&[("web", left_out)]);
    assert_eq!(rig.word("web"), StateWord::Disabled);
    assert_eq!(rig.why("web"), "left out at the start");
    assert_eq!(rig.ask(Verb::Start, &["web"]), ["open web"]);
    assert_eq!(rig.window_ready("web"), ["spawn web 1"]);
}

#[test]
fn a_stop_before_the_process_exists_takes_effect_at_once_and_none_appears() {
    let mut rig = Rig::new(&[("web", plain())]);
    rig.tell(Event::Begin);
    assert_eq!(
        rig.ask(Verb::Stop, &["web"]),
        [
            "web: Stopped { old_pid: None, exit: None, killed: false }",
            "done"
        ]
    );
    assert_eq!(rig.window_ready("web"), [""; 0]);
    assert!(rig.pass(10_000).is_empty());
    assert_eq!(rig.word("web"), StateWord::Stopped);
}

#[test]
fn r22_a_stop_during_backoff_sticks() {
    let mut rig = Rig::up(&[("web", restarted())]);
    for _ in 0..3 {
        assert_eq!(rig.ended("web", Exit::Code(1)).len(), 1);
        rig.spawned("web");
    }
    rig.ended("web", Exit::Code(1));
    assert_eq!(rig.word("web"), StateWord::Backoff);
    assert_eq!(
        rig.ask(Verb::Stop, &["web"]),
        [
            "web: Stopped { old_pid: None, exit: Some(Code(1)), killed: false }",
            "done"
        ]
    );
    assert!(rig.pass(10_000).is_empty());
    assert_eq!(rig.word("web"), StateWord::Stopped);
}

#[test]
fn r22_a_stop_while_waiting_for_a_dependency_or_for_readiness_sticks() {
    let mut rig = Rig::up(&[
        ("db", probed()),
        ("web", needing(plain(), "db", Condition::Ready)),
    ]);
    assert_eq!(rig.word("web"), StateWord::Pending);
    rig.ask(Verb::Stop, &["web", "db"]);
    rig.obeys("db");
    assert!(rig.pass(10_000).is_empty());
    assert_eq!(rig.word("web"), StateWord::Stopped);
    assert_eq!(rig.word("db"), StateWord::Stopped);
}

#[test]
fn r22_a_stop_overrules_a_restart_in_flight() {
    let mut rig = Rig::up(&[("web", restarted())]);
    rig.ask(Verb::Restart, &["web"]);
    assert_eq!(
        rig.ask(Verb::Stop, &["web"]),
        ["web: Overruled { by: Stop }", "done"]
    );
    assert_eq!(
        rig.obeys("web"),
        [
            "web: Stopped { old_pid: Some(10), exit: Some(Signal(SIGINT)), killed: false }",
            "done"
        ]
    );
    assert!(rig.pass(10_000).is_empty());
    assert_eq!(rig.word("web"), StateWord::Stopped);
}

#[test]
fn r24_fifty_parallel_restarts_leave_one_tree() {
    let mut rig = Rig::up(&[("web", plain())]);
    assert_eq!(rig.ask(Verb::Restart, &["web"]), ["stop web 1"]);
    for _ in 0..49 {
        assert!(rig.ask(Verb::Restart, &["web"]).is_empty());
    }
    assert_eq!(rig.obeys("web"), ["spawn web 2"]);
    let answers = rig.spawned("web");
    assert_eq!(answers.len(), 100);
    for pair in answers.chunks(2) {
        assert_eq!(pair, ["web: Restarted { old_pid: Some(10), pid: 11 }", "done"]);
    }
    assert!(rig.pass(10_000).is_empty());
}

#[test]
fn r24_a_restart_asked_after_the_order_to_start_gets_a_process_of_its_own() {
    let mut rig = Rig::up(&[("web", plain())]);
    rig.ask(Verb::Restart, &["web"]);
    assert_eq!(rig.obeys("web"), ["spawn web 2"]);
    assert!(
        rig.ask(Verb::Restart, &["web"]).is_empty(),
        "run 2 is awaited first"
    );
    assert_eq!(rig.word("web"), StateWord::Restarting);
    assert_eq!(
        rig.spawned("web"),
        [
            "web: Restarted { old_pid: Some(10), pid: 11 }",
            "done",
            "stop web 2"
        ]
    );
    assert_eq!(rig.obeys("web"), ["spawn web 3"]);
    assert_eq!(
        rig.spawned("web"),
        ["web: Restarted { old_pid: Some(11), pid: 12 }", "done"]
    );
}

#[test]
fn r25_a_restart_while_waiting_on_a_dependency_is_legal_and_leads_to_one_run() {
    let mut rig = Rig::up(&[
        ("db", probed()),
        ("web", needing(plain(), "db", Condition::Ready)),
    ]);
    assert!(rig.ask(Verb::Restart, &["web"]).is_empty());
    assert_eq!(rig.word("web"), StateWord::Pending);
    assert_eq!(rig.why("web"), "waits for db: ready (db is running)");
    assert_eq!(rig.pass(0), ["probe db Readiness"]);
    let (instance, run) = (rig.id("db"), rig.run("db"));
    let probe = ProbeKind::Readiness;
    let ready = Event::ProbeDone {
        instance,
        run,
        probe,
        ok: true,
    };
    assert_eq!(rig.tell(ready), ["spawn web 1"]);
    assert_eq!(
        rig.spawned("web"),
        ["web: Restarted { old_pid: None, pid: 20 }", "done"]
    );
}

#[test]
fn r26_a_restart_of_everything_never_ends_the_session() {
    let mut rig = Rig::up(&[("web", vital()), ("db", vital())]);
    assert_eq!(
        rig.ask(Verb::Restart, &["web", "db"]),
        ["stop web 1", "stop db 1"]
    );
    assert_eq!(rig.ended("web", Exit::Code(3)), ["spawn web 2"]);
    assert_eq!(rig.ended("db", Exit::Code(3)), ["spawn db 2"]);
    assert!(!rig.machine.is_ending());
}

#[test]
fn r31_a_report_of_an_old_run_never_changes_a_new_one() {
    let mut rig = Rig::up(&[("web", vital())]);
    rig.ask(Verb::Restart, &["web"]);
    rig.obeys("web");
    rig.spawned("web");
    let before = rig.state("web").clone();
    assert!(rig.ended_run("web", 1, Exit::Code(1)).is_empty());
    let (instance, run) = (rig.id("web"), RunId(1));
    assert!(
        rig.tell(Event::Spawned {
            instance,
            run,
            pid: 99
        })
        .is_empty()
    );
    assert!(
        rig.tell(Event::Daemonized {
            instance,
            run,
            pids: vec![99]
        })
        .is_empty()
    );
    assert_eq!(*rig.state("web"), before);
    assert!(!rig.machine.is_ending());
}

#[test]
fn stops_from_two_clients_are_one_and_a_kill_cuts_the_grace() {
    let mut rig = Rig::up(&[("web", plain())]);
    assert_eq!(rig.ask(Verb::Stop, &["web"]), ["stop web 1"]);
    assert!(rig.ask(Verb::Stop, &["web"]).is_empty());
    assert_eq!(rig.ask(Verb::Kill, &["web"]), ["kill web 1"]);
    assert!(rig.ask(Verb::Kill, &["web"]).is_empty());
    let answers = rig.ended("web", Exit::Signal(Signal::KILL));
    assert_eq!(answers.len(), 8);
    assert!(answers[0].contains("killed: true"), "{answers:?}");
}

#[test]
fn a_start_while_it_stops_brings_it_up_again() {
    let mut rig = Rig::up(&[("web", plain())]);
    rig.ask(Verb::Stop, &["web"]);
    assert!(rig.ask(Verb::Start, &["web"]).is_empty());
    assert_eq!(rig.word("web"), StateWord::Restarting);
    assert_eq!(
        rig.obeys("web"),
        [
            "spawn web 2",
            "web: Stopped { old_pid: Some(10), exit: Some(Signal(SIGINT)), killed: false }",
            "done"
        ]
    );
    assert_eq!(rig.spawned("web"), ["web: Started { pid: 11 }", "done"]);
}

#[test]
fn two_starts_get_one_run() {
    let mut rig = Rig::begun(&[("web", plain())]);
    rig.ask(Verb::Start, &["web"]);
    rig.ask(Verb::Start, &["web"]);
    assert_eq!(
        rig.spawned("web"),
        [
            "web: Started { pid: 10 }",
            "done",
            "web: Started { pid: 10 }",
            "done"
        ]
    );
}

#[test]
fn a_request_is_done_when_every_target_is_answered_and_at_once_without_targets() {
    let mut rig = Rig::up(&[("web", plain()), ("db", plain())]);
    assert_eq!(rig.ask(Verb::Stop, &[]), ["done"]);
    rig.ask(Verb::Stop, &["web", "db"]);
    assert!(!rig.obeys("db").contains(&"done".to_owned()));
    assert!(rig.obeys("web").contains(&"done".to_owned()));
}

#[test]
fn a_start_that_fails_says_why_and_leaves_the_session_alone() {
    let mut rig = Rig::up(&[("web", vital())]);
    rig.ask(Verb::Restart, &["web"]);
    rig.obeys("web");
    assert_eq!(
        rig.spawn_failed("web"),
        ["web: Failed { message: \"no such program\" }", "done"]
    );
    assert_eq!(rig.word("web"), StateWord::Failed);
    assert_eq!(rig.why("web"), "could not be started: no such program");
    assert!(!rig.machine.is_ending());
}

#[test]
fn a_signal_for_a_process_that_is_being_started_is_delivered_when_it_is_there() {
    let mut rig = Rig::begun(&[("web", plain())]);
    assert!(rig.ask(Verb::Signal(Signal::HUP), &["web"]).is_empty());
    assert_eq!(
        rig.spawned("web"),
        ["signal web SIGHUP", "web: Signalled { pid: 10 }", "done"]
    );
    rig.ask(Verb::Stop, &["web"]);
    rig.obeys("web");
    rig.ask(Verb::Start, &["web"]);
    rig.ask(Verb::Signal(Signal::HUP), &["web"]);
    let words = rig.spawn_failed("web");
    assert!(words.contains(&"web: NotRunning".to_owned()), "{words:?}");
}

#[test]
fn a_daemonized_service_counts_as_running_and_a_stop_ends_it() {
    let mut rig = Rig::up(&[("db", vital())]);
    let (instance, run) = (rig.id("db"), rig.run("db"));
    rig.tell(Event::Daemonized {
        instance,
        run,
        pids: vec![500, 501],
    });
    assert_eq!(rig.word("db"), StateWord::Daemonized);
    assert_eq!(
        rig.ask(Verb::Start, &["db"]),
        ["db: AlreadyRunning { pid: 500 }", "done"]
    );
    assert_eq!(rig.ask(Verb::Stop, &["db"]), ["stop db 1"]);
    rig.obeys("db");
    assert_eq!(rig.word("db"), StateWord::Stopped);
    assert!(!rig.machine.is_ending());
}

#[test]
fn reports_about_instances_that_there_are_not_change_nothing() {
    let mut rig = Rig::up(&[("web", plain())]);
    let instance = crate::model::InstanceId(7);
    let run = RunId(1);
    assert!(rig.tell(Event::WindowReady { instance }).is_empty());
    assert!(rig.tell(Event::WindowLost { instance }).is_empty());
    assert!(rig.tell(Event::Enter { instance }).is_empty());
    assert!(
        rig.tell(Event::Spawned {
            instance,
            run,
            pid: 1
        })
        .is_empty()
    );
}

#[test]
fn a_machine_is_not_made_of_a_cycle_or_of_unknown_names() {
    let make = |instances: &[(&str, Policy)]| {
        let instances = instances
            .iter()
            .map(|(name, policy)| (name.parse().unwrap(), policy.clone()))
            .collect();
        Machine::new(instances, crate::model::Moment::START).map(|_| ())
    };
    let on = |name| needing(plain(), name, Condition::Started);
    let cycle = make(&[("x", on("a")), ("a", on("b")), ("b", on("c")), ("c", on("a"))]).unwrap_err();
    assert_eq!(cycle.to_string(), "a cycle of dependencies: a → b → c → a");
    let itself = make(&[("a", on("a"))]).unwrap_err();
    assert_eq!(itself.to_string(), "a cycle of dependencies: a → a");
    assert!(matches!(
        make(&[("a", on("b"))]),
        Err(SetupError::UnknownService { .. })
    ));
    assert!(matches!(
        make(&[("a", plain()), ("a", plain())]),
        Err(SetupError::Duplicate { .. })
    ));
}

#[test]
fn success_codes_make_a_good_end() {
    let policy = Policy {
        success_codes: vec![130],
        end: EndPolicy::FailureStopsSession,
        ..plain()
    };
    let mut rig = Rig::up(&[("web", policy)]);
    rig.ended("web", Exit::Code(130));
    assert_eq!(rig.word("web"), StateWord::Exited);
    assert!(!rig.machine.is_ending());
}
