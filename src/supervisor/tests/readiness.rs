//! What makes a service ready: its startup probe, its own word, its port, time.

use super::{Rig, every_second, needing, plain, probed};
use crate::model::{
    Condition, EndPolicy, Exit, FailureReason, Policy, Readiness, RestartPolicy, State, StateWord,
};
use crate::supervisor::{Event, ProbeKind, Verb};

fn answer(rig: &mut Rig, name: &str, probe: ProbeKind, ok: bool) -> Vec<String> {
    let (instance, run) = (rig.id(name), rig.run(name));
    rig.tell(Event::ProbeDone {
        instance,
        run,
        probe,
        ok,
    })
}

fn says(rig: &mut Rig, name: &str, ready: bool) -> Vec<String> {
    let (instance, run) = (rig.id(name), rig.run(name));
    rig.tell(Event::ToldReady { instance, run, ready })
}

fn ready(rig: &Rig, name: &str) -> Option<bool> {
    let State::Running { ready, .. } = rig.state(name) else {
        panic!("{name}: {:?}", rig.state(name));
    };
    *ready
}

fn told() -> Policy {
    Policy {
        readiness: Readiness::Told,
        ..plain()
    }
}

/// Startup, readiness and liveness, each tried every second.
fn thrice_probed() -> Policy {
    Policy {
        startup: Some(every_second()),
        liveness: Some(every_second()),
        ..probed()
    }
}

fn web_and_db(db: Policy) -> Rig {
    Rig::begun(&[("web", needing(plain(), "db", Condition::Ready)), ("db", db)])
}

#[test]
fn a_service_without_any_signal_counts_as_ready_after_a_second_alive() {
    let mut rig = Rig::up(&[("web", plain())]);
    assert_eq!(ready(&rig, "web"), None);
    assert_eq!(rig.pass(999), [""; 0]);
    assert_eq!(ready(&rig, "web"), None);
    assert_eq!(rig.pass(1), [""; 0]);
    assert_eq!(ready(&rig, "web"), Some(true));
    assert_eq!(rig.machine.next_deadline(), None);
}

#[test]
fn nobody_looks_at_the_port_of_what_nobody_waits_for() {
    let db = needing(plain(), "web", Condition::Started);
    let mut rig = Rig::up(&[("web", plain()), ("db", db)]);
    assert_eq!(rig.pass(10_000), [""; 0]);
}

#[test]
fn whoever_waits_for_a_service_without_any_signal_starts_when_it_listens() {
    let mut rig = web_and_db(plain());
    assert_eq!(rig.spawned("db"), [""; 0]);
    assert_eq!(rig.why("web"), "waits for db: ready (db is running)");
    assert_eq!(rig.pass(100), ["probe db Listening", "probe db Listening"]);
    assert!(answer(&mut rig, "db", ProbeKind::Listening, false).is_empty());
    assert_eq!(
        answer(&mut rig, "db", ProbeKind::Listening, true),
        ["spawn web 1"]
    );
    rig.spawned("web");
    assert_eq!(rig.pass(10_000), [""; 0]);
}

#[test]
fn whoever_waits_for_a_service_that_never_listens_starts_after_a_second_and_few_looks() {
    let mut rig = web_and_db(plain());
    rig.spawned("db");
    let words = rig.pass(1000);
    assert_eq!(words.len(), 6, "{words:?}");
    assert_eq!(words[5], "spawn web 1");
}

#[test]
fn an_assumption_ends_with_its_run() {
    let mut rig = web_and_db(plain());
    rig.spawned("db");
    rig.pass(500);
    rig.ended("db", Exit::Code(0));
    assert_eq!(rig.machine.next_deadline(), None);
    assert_eq!(rig.word("web"), StateWord::Skipped);
}

#[test]
fn a_command_that_has_left_its_daemons_behind_counts_as_ready_at_once() {
    let mut rig = web_and_db(plain());
    rig.spawned("db");
    let (instance, run) = (rig.id("db"), rig.run("db"));
    let pids = vec![77];
    assert_eq!(
        rig.tell(Event::Daemonized { instance, run, pids }),
        ["spawn web 1"]
    );
}

#[test]
fn nothing_else_is_probed_until_the_startup_probe_has_succeeded_once() {
    let mut rig = Rig::up(&[("web", thrice_probed())]);
    assert_eq!(rig.why("web"), "starting up");
    assert_eq!(rig.pass(0), ["probe web Startup"]);
    answer(&mut rig, "web", ProbeKind::Startup, false);
    assert_eq!(rig.pass(1000), ["probe web Startup"]);
    answer(&mut rig, "web", ProbeKind::Startup, true);
    assert_eq!(ready(&rig, "web"), Some(false));
    assert_eq!(rig.why("web"), "not ready yet");
    assert_eq!(rig.pass(0), ["probe web Readiness", "probe web Liveness"]);
    answer(&mut rig, "web", ProbeKind::Readiness, true);
    answer(&mut rig, "web", ProbeKind::Liveness, true);
    assert_eq!(ready(&rig, "web"), Some(true));
    assert_eq!(rig.pass(1000), ["probe web Readiness", "probe web Liveness"]);
}

#[test]
fn a_service_with_a_startup_probe_alone_is_ready_when_it_has_succeeded() {
    let policy = Policy {
        startup: Some(every_second()),
        ..plain()
    };
    let mut rig = web_and_db(policy);
    assert_eq!(rig.spawned("db"), [""; 0]);
    assert_eq!(rig.pass(5000)[0], "probe db Startup");
    assert_eq!(ready(&rig, "db"), Some(false));
    let mut rig = web_and_db(Policy {
        startup: Some(every_second()),
        ..plain()
    });
    rig.spawned("db");
    rig.pass(0);
    assert_eq!(answer(&mut rig, "db", ProbeKind::Startup, true), ["spawn web 1"]);
}

/// Fails the startup probe of `web` as often as it takes.
fn never_starts_up(rig: &mut Rig) -> Vec<String> {
    let mut words = Vec::new();
    for _ in 0..3 {
        words.extend(rig.pass(1000));
        words.extend(answer(rig, "web", ProbeKind::Startup, false));
    }
    words
}

#[test]
fn a_run_that_never_starts_up_is_ended_and_the_restart_policy_decides() {
    let once = Policy {
        end: EndPolicy::FailureStopsSession,
        ..thrice_probed()
    };
    let mut rig = Rig::up(&[("web", once)]);
    assert_eq!(never_starts_up(&mut rig)[3..], ["stop web 1"]);
    let words = rig.ended("web", Exit::Code(0));
    assert!(words[0].starts_with("ending Service"), "{words:?}");
    let State::Failed { reason, .. } = rig.state("web") else {
        panic!("{:?}", rig.state("web"));
    };
    let exit = Exit::Code(0);
    assert_eq!(*reason, FailureReason::Unhealthy { exit });

    let again = Policy {
        restart: RestartPolicy::ALWAYS,
        ..thrice_probed()
    };
    let mut rig = Rig::up(&[("web", again)]);
    never_starts_up(&mut rig);
    assert_eq!(rig.ended("web", Exit::Code(0)), ["spawn web 2"]);
    rig.spawned("web");
    assert_eq!(rig.pass(0), ["probe web Startup"]);
}

#[test]
fn who_asked_for_a_service_that_never_starts_up_is_told() {
    let mut rig = Rig::begun(&[("web", thrice_probed())]);
    rig.ask(Verb::Start, &["web"]);
    rig.spawned("web");
    never_starts_up(&mut rig);
    assert_eq!(
        rig.ended("web", Exit::Code(0)),
        ["web: Failed { message: \"its startup probe failed\" }", "done"]
    );
}

#[test]
fn what_a_service_says_of_itself_counts_when_it_has_started_up() {
    let policy = Policy {
        startup: Some(every_second()),
        ..told()
    };
    let mut rig = Rig::up(&[("web", policy)]);
    says(&mut rig, "web", true);
    assert_eq!(ready(&rig, "web"), Some(false));
    rig.pass(0);
    answer(&mut rig, "web", ProbeKind::Startup, true);
    assert_eq!(ready(&rig, "web"), Some(true));
}

#[test]
fn failing_readiness_never_ends_a_run_and_its_dependents_wait() {
    let mut rig = web_and_db(probed());
    rig.spawned("db");
    for _ in 0..20 {
        assert_eq!(rig.pass(1000), ["probe db Readiness"]);
        assert!(answer(&mut rig, "db", ProbeKind::Readiness, false).is_empty());
    }
    assert_eq!(rig.word("web"), StateWord::Pending);
    rig.pass(1000);
    assert_eq!(
        answer(&mut rig, "db", ProbeKind::Readiness, true),
        ["spawn web 1"]
    );
}

#[test]
fn a_service_that_says_it_is_not_ready_is_not_whatever_its_probe_says() {
    let mut rig = web_and_db(probed());
    rig.spawned("db");
    assert!(says(&mut rig, "db", false).is_empty());
    rig.pass(0);
    assert!(answer(&mut rig, "db", ProbeKind::Readiness, true).is_empty());
    assert_eq!(rig.why("db"), "not ready: it says so itself");
    // It has taken that back, and the probe was good.
    assert_eq!(says(&mut rig, "db", true), ["spawn web 1"]);
}

#[test]
fn a_service_without_any_signal_that_says_something_is_wrong_is_not_assumed_to_be_ready() {
    let mut rig = web_and_db(plain());
    rig.spawned("db");
    says(&mut rig, "db", false);
    assert_eq!(rig.pass(10_000), [""; 0]);
    assert_eq!(ready(&rig, "db"), Some(false));
}

#[test]
fn whoever_asked_is_told_when_the_service_says_that_it_is_not_ready() {
    let mut rig = web_and_db(told());
    assert_eq!(rig.ask(Verb::Start, &["web", "db"]), [""; 0]);
    rig.spawned("db");
    assert_eq!(
        says(&mut rig, "db", false),
        [
            "db: Failed { message: \"it says itself that it is not ready\" }",
            "web: Failed { message: \"waits for db: ready (db is running)\" }",
            "done",
        ]
    );
    // Nobody waits any more, but it may still come.
    assert_eq!(says(&mut rig, "db", true), ["spawn web 1"]);
}

#[test]
fn what_an_old_run_says_is_not_held_against_the_one_that_is_coming() {
    let mut rig = Rig::up(&[("web", told())]);
    rig.ask(Verb::Restart, &["web"]);
    assert!(says(&mut rig, "web", false).is_empty());
    rig.obeys("web");
    rig.spawned("web");
    let words = says(&mut rig, "web", true);
    assert!(words[0].starts_with("web: Restarted"), "{words:?}");
}

#[test]
fn probes_go_on_after_a_stop_that_was_taken_back_before_the_process_was_there() {
    let web = needing(plain(), "db", Condition::Started);
    let mut rig = Rig::up(&[("db", probed()), ("web", web)]);
    rig.ask(Verb::Restart, &["db"]);
    rig.obeys("db");
    rig.ask(Verb::Stop, &["web", "db"]);
    rig.spawned("db");
    assert_eq!(rig.ask(Verb::Start, &["db"])[0], "db: Overruled { by: Start }");
    assert_eq!(rig.pass(0), ["probe db Readiness"]);
}

#[test]
fn a_hundred_thousand_attempts_leave_nothing_behind_in_the_machine() {
    let mut rig = Rig::up(&[("web", thrice_probed())]);
    rig.pass(0);
    answer(&mut rig, "web", ProbeKind::Startup, true);
    for round in 0..50_000 {
        rig.pass(1000);
        answer(&mut rig, "web", ProbeKind::Readiness, round % 3 > 0);
        answer(&mut rig, "web", ProbeKind::Liveness, round % 3 > 0);
        rig.changes.clear();
        assert!(rig.machine.timers.count() <= 2);
        assert!(rig.machine.actions.is_empty());
    }
    rig.ask(Verb::Stop, &["web"]);
    assert_eq!(rig.machine.timers.count(), 0);
}
