//! A new controller takes over what an earlier one left.

use super::{Rig, every_second, needing, plain, probed, restarted, vital};
use crate::model::{
    AskId, Condition, Exit, InstanceId, Policy, Readiness, RestartPolicy, RunId, State, StateWord,
};
use crate::supervisor::{Action, Condemned, Event, Intent, ProbeKind, QuitWhy, Verb};
use std::time::Duration;

fn adopted(rig: &mut Rig, name: &str, run: u64, stopping: bool) -> Vec<String> {
    let instance = rig.id(name);
    rig.tell(Event::Adopted {
        instance,
        run: RunId(run),
        pid: 900,
        daemons: None,
        told_ready: None,
        stopping,
        intent: stopping.then_some(Intent::Down),
    })
}

fn adopted_ended(rig: &mut Rig, name: &str, run: u64, exit: Exit, asked: bool) -> Vec<String> {
    let instance = rig.id(name);
    rig.tell(Event::AdoptedEnded {
        instance,
        run: RunId(run),
        exit,
        intent: asked.then_some(Intent::Down),
    })
}

#[test]
fn what_runs_is_kept_as_it_is_and_runs_count_on() {
    let mut rig = Rig::new(&[("web", vital()), ("new", plain())]);
    assert!(adopted(&mut rig, "web", 7, false).is_empty());
    assert_eq!(rig.tell(Event::Begin), ["open new"]);
    assert_eq!(rig.word("web"), StateWord::Running);
    assert_eq!(rig.ask(Verb::Restart, &["web"]), ["stop web 7"]);
    assert_eq!(rig.obeys("web"), ["spawn web 8"]);
}

#[test]
fn daemons_and_stops_at_work_are_restored() {
    let mut rig = Rig::new(&[("db", plain()), ("web", vital())]);
    let instance = rig.id("db");
    rig.tell(Event::Adopted {
        instance,
        run: RunId(2),
        pid: 900,
        daemons: Some(vec![901]),
        told_ready: None,
        stopping: false,
        intent: None,
    });
    adopted(&mut rig, "web", 3, true);
    assert!(rig.tell(Event::Begin).is_empty());
    assert_eq!(rig.word("db"), StateWord::Daemonized);
    assert_eq!(rig.word("web"), StateWord::Stopping);
    rig.obeys("web");
    assert_eq!(rig.word("web"), StateWord::Stopped);
    assert!(!rig.machine.is_ending());
}

#[test]
fn what_ended_meanwhile_never_ends_the_session_and_starts_again_by_its_policies() {
    let failed = Exit::Code(1);
    let well = Exit::Code(0);
    for (name, policy, exit, asked, word) in [
        ("stopped on request", vital(), well, true, StateWord::Stopped),
        ("vital", vital(), well, false, StateWord::Starting),
        ("restarted", restarted(), failed, false, StateWord::Starting),
        ("may end, well", plain(), well, false, StateWord::Exited),
        ("may end, badly", plain(), failed, false, StateWord::Failed),
        (
            "left out",
            Policy {
                autostart: false,
                ..vital()
            },
            failed,
            false,
            StateWord::Failed,
        ),
    ] {
        let mut rig = Rig::new(&[("web", policy)]);
        assert!(
            adopted_ended(&mut rig, "web", 4, exit, asked).is_empty(),
            "{name}"
        );
        let words = rig.tell(Event::Begin);
        assert_eq!(rig.word("web"), word, "{name}");
        assert_eq!(words.is_empty(), word != StateWord::Starting, "{name}");
        assert!(!rig.machine.is_ending(), "{name}");
        if word == StateWord::Starting {
            assert_eq!(words, ["spawn web 5"], "{name}");
        }
    }
}

#[test]
fn a_task_that_ended_well_meanwhile_lets_its_dependents_go() {
    let mut rig = Rig::new(&[
        ("task", plain()),
        ("web", needing(plain(), "task", Condition::EndedWell)),
    ]);
    adopted_ended(&mut rig, "task", 1, Exit::Code(0), false);
    assert_eq!(rig.tell(Event::Begin), ["open web"]);
    assert_eq!(rig.window_ready("web"), ["spawn web 1"]);
}

#[test]
fn an_adopted_run_is_probed_at_once() {
    let mut rig = Rig::new(&[("web", probed())]);
    adopted(&mut rig, "web", 1, false);
    rig.tell(Event::Begin);
    assert_eq!(rig.pass(0), ["probe web Readiness"]);
}

#[test]
fn a_shim_that_speaks_up_late_is_adopted_too_but_never_beside_another_run() {
    let mut rig = Rig::new(&[("web", plain()), ("db", plain())]);
    rig.tell(Event::Begin);
    adopted(&mut rig, "web", 3, false);
    assert_eq!(rig.word("web"), StateWord::Running);
    rig.window_ready("db");
    adopted(&mut rig, "db", 9, false);
    assert_eq!(rig.word("db"), StateWord::Starting);
    assert_eq!(rig.run("db"), RunId(1));
}

#[test]
fn what_is_adopted_in_a_session_that_ends_is_stopped() {
    let mut rig = Rig::new(&[("web", plain()), ("db", plain())]);
    adopted(&mut rig, "db", 2, false);
    rig.quit(QuitWhy::Asked);
    assert_eq!(adopted(&mut rig, "web", 3, false), ["stop web 3"]);
    rig.obeys("web");
    assert!(rig.obeys("db")[0].starts_with("finish"));
    assert!(adopted(&mut rig, "web", 5, false).is_empty());
}

#[test]
fn a_service_left_out_that_was_started_by_hand_is_kept() {
    let left_out = Policy {
        autostart: false,
        ..plain()
    };
    let mut rig = Rig::new(&[("web", left_out)]);
    adopted(&mut rig, "web", 1, false);
    rig.tell(Event::Begin);
    assert_eq!(rig.word("web"), StateWord::Running);
}

#[test]
fn what_was_launched_elsewhere_is_found_as_it_was() {
    let mut rig = Rig::new(&[("db", plain())]);
    let instance = rig.id("db");
    rig.tell(Event::Adopted {
        instance,
        run: RunId(2),
        pid: 900,
        daemons: Some(Vec::new()),
        told_ready: None,
        stopping: false,
        intent: None,
    });
    assert!(rig.tell(Event::Begin).is_empty());
    assert_eq!(rig.word("db"), StateWord::Daemonized);
    assert_eq!(rig.ask(Verb::Stop, &["db"]), ["stop db 2"]);
    rig.obeys("db");
    assert_eq!(rig.word("db"), StateWord::Stopped);
}

#[test]
fn what_has_not_said_that_it_is_ready_is_not_believed_to_be() {
    for (told_ready, shown) in [(None, true), (Some(true), true), (Some(false), false)] {
        let told = Policy {
            readiness: Readiness::Told,
            ..plain()
        };
        let mut rig = Rig::new(&[("web", told)]);
        let instance = rig.id("web");
        rig.tell(Event::Adopted {
            instance,
            run: RunId(2),
            pid: 900,
            daemons: None,
            told_ready,
            stopping: false,
            intent: None,
        });
        let State::Running { ready, .. } = rig.machine.state(instance) else {
            panic!("it is found running")
        };
        assert_eq!(*ready, Some(shown), "{told_ready:?}");
    }
}

#[test]
fn what_a_probe_had_stopped_comes_up_again_under_the_next_controller() {
    let unhealthy = Some(Condemned::Unhealthy);
    let launcher = Policy {
        launch_timeout: Some(Duration::from_secs(1)),
        ..plain()
    };
    let none = Policy {
        restart: RestartPolicy {
            max: Some(0),
            ..restarted().restart
        },
        ..plain()
    };
    for (name, policy, condemned, word) in [
        (
            "whatever is said about ends",
            plain(),
            unhealthy,
            StateWord::Starting,
        ),
        ("never restarted", none, unhealthy, StateWord::Failed),
        (
            "not booted",
            restarted(),
            Some(Condemned::NotBooted),
            StateWord::Starting,
        ),
        (
            "not booted, stays",
            plain(),
            Some(Condemned::NotBooted),
            StateWord::Failed,
        ),
        (
            "no daemon",
            launcher,
            Some(Condemned::NoDaemon),
            StateWord::Failed,
        ),
        (
            "no daemon needed any more",
            plain(),
            Some(Condemned::NoDaemon),
            StateWord::Exited,
        ),
        ("a person's stop", restarted(), None, StateWord::Stopped),
    ] {
        let (instance, run, exit) = (InstanceId(0), RunId(4), Exit::Code(0));
        let intent = Some(condemned.map_or(Intent::Down, Intent::Condemned));
        let mut ended = Rig::new(&[("web", policy.clone())]);
        ended.tell(Event::AdoptedEnded {
            instance,
            run,
            exit,
            intent,
        });
        ended.tell(Event::Begin);
        let mut live = Rig::new(&[("web", policy)]);
        live.tell(Event::Adopted {
            instance,
            run,
            pid: 900,
            daemons: None,
            told_ready: None,
            stopping: true,
            intent,
        });
        assert!(live.tell(Event::Begin).is_empty(), "{name}: its stop is at work");
        live.ended("web", exit);
        assert_eq!(ended.word("web"), word, "{name}, found ended");
        assert_eq!(live.word("web"), word, "{name}, found alive");
    }
}

#[test]
fn a_stop_order_says_that_a_probe_is_behind_it_unless_a_person_is() {
    let unhealthy = Intent::Condemned(Condemned::Unhealthy);
    for (asks, expected) in [(false, unhealthy), (true, Intent::Down)] {
        let live = Policy {
            liveness: Some(every_second()),
            ..plain()
        };
        let mut rig = Rig::up(&[("web", live)]);
        let instance = rig.id("web");
        let event = if asks {
            Event::Ask {
                ask: AskId(1),
                verb: Verb::Stop,
                targets: vec![instance],
                no_deps: false,
            }
        } else {
            let failure = Event::ProbeDone {
                instance,
                run: RunId(1),
                probe: ProbeKind::Liveness,
                ok: false,
            };
            rig.pass(0);
            for _ in 0..2 {
                assert!(rig.tell(failure.clone()).is_empty());
                assert_eq!(rig.pass(1000), ["probe web Liveness"]);
            }
            failure
        };
        rig.machine.handle(rig.now, event);
        let mut reasons = Vec::new();
        while let Some(action) = rig.machine.poll_action() {
            if let Action::Stop { intent, .. } = action {
                reasons.push(intent);
            }
        }
        assert_eq!(reasons, [expected]);
    }
}
