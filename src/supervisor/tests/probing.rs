//! Readiness and liveness at work.

use super::{Rig, every_second, plain, probed};
use crate::model::{
    Exit, FailureReason, Policy, Probe, ProbeSchedule, Readiness, RestartPolicy, State, StateWord,
};
use crate::supervisor::{Event, ProbeKind, Verb};
use std::time::Duration;

fn answer(rig: &mut Rig, probe: ProbeKind, ok: bool) -> Vec<String> {
    let (instance, run) = (rig.id("web"), rig.run("web"));
    rig.tell(Event::ProbeDone {
        instance,
        run,
        probe,
        ok,
    })
}

fn ready(rig: &Rig) -> Option<bool> {
    let State::Running { ready, .. } = rig.state("web") else {
        panic!("{:?}", rig.state("web"));
    };
    *ready
}

fn live() -> Policy {
    Policy {
        liveness: Some(every_second()),
        ..plain()
    }
}

#[test]
fn a_probe_is_tried_after_its_delay_and_then_at_its_period_from_the_end_of_an_attempt() {
    let schedule = ProbeSchedule {
        initial_delay: Duration::from_millis(500),
        ..every_second().schedule
    };
    let policy = Policy {
        liveness: Some(Probe { schedule }),
        ..plain()
    };
    let mut rig = Rig::up(&[("web", policy)]);
    assert_eq!(rig.pass(499), [""; 0]);
    assert_eq!(rig.pass(1), ["probe web Liveness"]);
    rig.after(300);
    answer(&mut rig, ProbeKind::Liveness, false);
    assert_eq!(rig.pass(999), [""; 0]);
    assert_eq!(rig.pass(1), ["probe web Liveness"]);
}

#[test]
fn who_is_not_ready_yet_is_asked_again_long_before_the_period_is_over() {
    let mut rig = Rig::up(&[("web", probed())]);
    rig.pass(0);
    answer(&mut rig, ProbeKind::Readiness, false);
    assert_eq!(rig.pass(49), [""; 0]);
    assert_eq!(rig.pass(1), ["probe web Readiness"]);
    answer(&mut rig, ProbeKind::Readiness, true);
    assert_eq!(ready(&rig), Some(true));
    assert_eq!(rig.pass(999), [""; 0]);
    assert_eq!(rig.pass(1), ["probe web Readiness"]);
}

#[test]
fn readiness_changes_when_its_thresholds_are_reached() {
    let mut rig = Rig::up(&[("web", probed())]);
    assert_eq!(ready(&rig), Some(false));
    assert_eq!(rig.why("web"), "not ready yet");
    rig.pass(0);
    answer(&mut rig, ProbeKind::Readiness, true);
    assert_eq!(ready(&rig), Some(true));
    assert_eq!(rig.why("web"), "");
    for expected in [Some(true), Some(true), Some(false)] {
        rig.pass(1000);
        answer(&mut rig, ProbeKind::Readiness, false);
        assert_eq!(ready(&rig), expected);
    }
    rig.pass(1000);
    answer(&mut rig, ProbeKind::Readiness, true);
    assert_eq!(ready(&rig), Some(true));
}

#[test]
fn a_restart_is_answered_when_the_new_run_is_ready() {
    let mut rig = Rig::up(&[("web", probed())]);
    rig.ask(Verb::Restart, &["web"]);
    rig.obeys("web");
    assert!(rig.spawned("web").is_empty());
    rig.pass(0);
    assert!(answer(&mut rig, ProbeKind::Readiness, false).is_empty());
    rig.pass(1000);
    assert_eq!(
        answer(&mut rig, ProbeKind::Readiness, true),
        ["web: Restarted { old_pid: Some(10), pid: 11 }", "done"]
    );
}

#[test]
fn a_restart_fails_when_the_new_run_ends_before_it_is_ready() {
    let mut rig = Rig::up(&[("web", probed())]);
    rig.ask(Verb::Restart, &["web"]);
    rig.obeys("web");
    rig.spawned("web");
    assert_eq!(
        rig.ended("web", Exit::Code(3)),
        [
            "web: Failed { message: \"it ended with code 3 before it was ready\" }",
            "done"
        ]
    );
}

#[test]
fn a_service_that_says_itself_that_it_is_ready_is_believed_even_before_its_start_is_reported() {
    let policy = Policy {
        readiness: Readiness::Told,
        ..plain()
    };
    let mut rig = Rig::begun(&[("web", policy)]);
    rig.ask(Verb::Start, &["web"]);
    let (instance, run) = (rig.id("web"), rig.run("web"));
    let told = |ready| Event::ToldReady { instance, run, ready };
    assert!(rig.tell(told(true)).is_empty());
    assert_eq!(rig.spawned("web"), ["web: Started { pid: 10 }", "done"]);
    assert_eq!(ready(&rig), Some(true));
    rig.tell(told(false));
    assert_eq!(ready(&rig), Some(false));
}

#[test]
fn a_service_that_fails_its_liveness_is_restarted_whatever_its_policy_for_ends() {
    let mut rig = Rig::up(&[("web", live())]);
    let mut words = rig.pass(0);
    for _ in 0..3 {
        assert_eq!(words, ["probe web Liveness"]);
        words = answer(&mut rig, ProbeKind::Liveness, false);
        words.extend(rig.pass(1000));
    }
    assert_eq!(words, ["stop web 1"]);
    assert_eq!(rig.word("web"), StateWord::Restarting);
    assert_eq!(rig.ended("web", Exit::Code(0)), ["spawn web 2"]);
    assert_eq!(rig.machine.restarts(rig.id("web")), 1);
}

#[test]
fn a_stop_wins_over_a_liveness_restart() {
    let mut rig = Rig::up(&[("web", live())]);
    rig.pass(0);
    for _ in 0..3 {
        answer(&mut rig, ProbeKind::Liveness, false);
        rig.pass(1000);
    }
    assert_eq!(rig.word("web"), StateWord::Restarting);
    rig.ask(Verb::Stop, &["web"]);
    rig.obeys("web");
    assert!(rig.pass(10_000).is_empty());
    assert_eq!(rig.word("web"), StateWord::Stopped);
}

#[test]
fn an_attempt_that_never_reports_counts_as_a_failure() {
    let mut rig = Rig::up(&[("web", live())]);
    let words = rig.pass(60_000);
    assert_eq!(
        words,
        [
            "probe web Liveness",
            "probe web Liveness",
            "probe web Liveness",
            "stop web 1"
        ]
    );
}

#[test]
fn probes_end_with_their_run_and_late_reports_are_dropped() {
    let policy = Policy {
        liveness: Some(every_second()),
        ..probed()
    };
    let mut rig = Rig::up(&[("web", policy)]);
    rig.pass(0);
    let (instance, run) = (rig.id("web"), rig.run("web"));
    rig.ask(Verb::Stop, &["web"]);
    assert_eq!(rig.machine.next_deadline(), None);
    let probe = ProbeKind::Readiness;
    let late = Event::ProbeDone {
        instance,
        run,
        probe,
        ok: true,
    };
    assert!(rig.tell(late.clone()).is_empty());
    rig.obeys("web");
    assert!(rig.tell(late).is_empty());
    assert_eq!(rig.word("web"), StateWord::Stopped);
}

#[test]
fn a_silent_run_is_ended_at_once_and_started_again_whatever_its_policy_for_ends_within_its_restarts() {
    let mut rig = Rig::up(&[("web", plain())]);
    assert_eq!(answer(&mut rig, ProbeKind::Watchdog, false), ["stop web 1"]);
    assert_eq!(rig.ended("web", Exit::Code(0)), ["spawn web 2"]);
    rig.spawned("web");
    let once = Policy {
        restart: RestartPolicy {
            max: Some(0),
            ..RestartPolicy::NEVER
        },
        ..plain()
    };
    let mut rig = Rig::up(&[("web", once)]);
    answer(&mut rig, ProbeKind::Watchdog, false);
    rig.ended("web", Exit::Code(0));
    let exit = Exit::Code(0);
    let State::Failed { reason, .. } = rig.state("web") else {
        panic!("{:?}", rig.state("web"));
    };
    assert_eq!(*reason, FailureReason::Unhealthy { exit });
}

#[test]
fn what_asks_for_more_time_gets_it_to_start_up_to_leave_a_daemon_and_to_stop() {
    let extended = |rig: &mut Rig, millis: u64| {
        let (instance, run) = (rig.id("web"), rig.run("web"));
        let by = Duration::from_millis(millis);
        rig.tell(Event::Extended { instance, run, by })
    };
    let starting = Policy {
        startup: Some(every_second()),
        ..plain()
    };
    let mut rig = Rig::up(&[("web", starting)]);
    extended(&mut rig, 4500);
    for _ in 0..4 {
        rig.pass(1000);
        assert!(answer(&mut rig, ProbeKind::Startup, false).is_empty());
    }
    rig.pass(1000);
    assert_eq!(answer(&mut rig, ProbeKind::Startup, false), ["stop web 1"]);

    let daemon = Policy {
        launch_timeout: Some(Duration::from_secs(1)),
        ..plain()
    };
    let mut rig = Rig::up(&[("web", daemon)]);
    extended(&mut rig, 1500);
    assert_eq!(rig.pass(1499), [""; 0]);
    assert_eq!(rig.pass(1), ["stop web 1"]);

    let mut rig = Rig::up(&[("web", plain())]);
    rig.ask(Verb::Stop, &["web"]);
    let before = rig.why("web");
    extended(&mut rig, 60_000);
    assert_ne!(rig.why("web"), before);
}
