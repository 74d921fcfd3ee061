//! Another configuration for a session that runs: what stays, what is replaced, what comes and what goes.

use super::{Rig, needing, plain, probed, restarted};
use crate::model::{Condition, Exit, InstanceName, Policy, Signal, State, StateWord, StopPlan};
use crate::supervisor::{Action, Declared, Event, Machine, QuitWhy, Verb};
use std::time::Duration;

impl Rig {
    /// Makes these the configuration; a name with `!` behind it is started in another way than before.
    fn reload(&mut self, instances: &[(&str, Policy)]) -> Vec<String> {
        let mut declared = Vec::new();
        for (text, policy) in instances {
            let name: InstanceName = text.trim_end_matches('!').parse().unwrap();
            if !self.names.contains(&name) {
                self.names.push(name.clone());
            }
            declared.push(Declared {
                instance: self.id(&name.to_string()),
                name,
                policy: policy.clone(),
                replace: text.ends_with('!'),
            });
        }
        self.tell(Event::Reconfigure { instances: declared })
    }
}

#[test]
fn a_reload_without_a_change_does_nothing() {
    let set = [
        ("db", probed()),
        ("web", needing(plain(), "db", Condition::Ready)),
        ("worker", restarted()),
    ];
    let mut rig = Rig::up(&set);
    for _ in 0..2 {
        assert!(rig.reload(&set).is_empty());
    }
    assert_eq!(rig.word("worker"), StateWord::Running);
}

#[test]
fn a_new_instance_gets_a_window_and_starts_when_what_it_needs_is_there() {
    let mut rig = Rig::up(&[("db", plain())]);
    let set = [
        ("db", plain()),
        ("web", needing(plain(), "db", Condition::Started)),
    ];
    assert_eq!(rig.reload(&set), ["open web"]);
    assert_eq!(rig.window_ready("web"), ["spawn web 1"]);
    assert_eq!(rig.run("db").0, 1);
}

#[test]
fn what_is_replaced_is_stopped_by_the_plan_that_it_was_started_with() {
    let plan = |signal| Policy {
        stop: StopPlan {
            signal,
            ..StopPlan::default()
        },
        ..plain()
    };
    let mut rig = Rig::up(&[("web", plan(Signal::HUP)), ("api", plan(Signal::HUP))]);
    let stops = |rig: &mut Rig, event| {
        rig.machine.handle(rig.now, event);
        let actions = std::iter::from_fn(|| rig.machine.poll_action());
        let mut signals = Vec::new();
        for action in actions {
            if let Action::Stop { plan, .. } = action {
                signals.push(plan.signal);
            }
        }
        signals
    };
    let declared = |rig: &Rig, name: &str, replace| Declared {
        instance: rig.id(name),
        name: name.parse().unwrap(),
        policy: plan(Signal::TERM),
        replace,
    };
    let instances = vec![declared(&rig, "web", true), declared(&rig, "api", false)];
    assert_eq!(stops(&mut rig, Event::Reconfigure { instances }), [Signal::HUP]);
    let ended = Event::Ended {
        instance: rig.id("web"),
        run: rig.run("web"),
        exit: Exit::Signal(Signal::HUP),
        killed: false,
    };
    assert!(stops(&mut rig, ended).is_empty());
    // A rule that changed alone holds for the run that is there.
    let quit = Event::Quit {
        why: QuitWhy::Asked,
        ask: None,
    };
    assert_eq!(stops(&mut rig, quit), [Signal::TERM, Signal::TERM]);
}

#[test]
fn what_goes_is_stopped_before_what_it_needs_and_its_windows_close() {
    let mut rig = Rig::up(&[
        ("db", plain()),
        ("web", needing(plain(), "db", Condition::Started)),
        ("other", plain()),
    ]);
    assert_eq!(rig.reload(&[("other", plain())]), ["stop web 1"]);
    assert_eq!(rig.obeys("web"), ["stop db 1", "close web"]);
    assert_eq!(rig.obeys("db"), ["close db"]);
    assert!(rig.window_lost("web").is_empty());
    assert!(rig.machine.is_gone(rig.id("web")));
    assert_eq!(rig.word("other"), StateWord::Running);
}

#[test]
fn whoever_waits_for_what_goes_is_told() {
    let mut rig = Rig::begun(&[("web", plain()), ("api", plain())]);
    rig.ask(Verb::Start, &["web"]);
    assert_eq!(
        rig.reload(&[("api", plain())]),
        [
            "web: Failed { message: \"it is no longer in the configuration\" }",
            "done",
            "stop web 1"
        ]
    );
    assert_eq!(rig.word("web"), StateWord::Stopping);
    assert_eq!(
        rig.ask(Verb::Restart, &["web"]),
        [
            "web: Failed { message: \"it is no longer in the configuration\" }",
            "done"
        ]
    );
    assert_eq!(rig.ask(Verb::Kill, &["web"]), ["kill web 1"]);
}

#[test]
fn what_returns_takes_its_place_again() {
    let mut rig = Rig::up(&[("web", plain()), ("api", plain())]);
    rig.reload(&[("api", plain())]);
    let back = [("web", plain()), ("api", plain())];
    assert!(rig.reload(&back).is_empty(), "its stop is under way");
    assert_eq!(rig.word("web"), StateWord::Restarting);
    assert_eq!(rig.obeys("web"), ["spawn web 2"]);
    rig.spawned("web");
    rig.reload(&[("api", plain())]);
    assert_eq!(rig.obeys("web"), ["close web"]);
    assert!(rig.reload(&back).is_empty(), "its old window is still going");
    assert_eq!(rig.window_lost("web"), ["open web"]);
    assert_eq!(rig.window_ready("web"), ["spawn web 3"]);
}

#[test]
fn a_stop_sticks_through_a_reload_and_a_failure_does_not() {
    let mut rig = Rig::up(&[("stopped", plain()), ("failed", plain()), ("task", plain())]);
    rig.ask(Verb::Stop, &["stopped"]);
    rig.obeys("stopped");
    rig.ended("failed", Exit::Code(3));
    rig.ended("task", Exit::Code(0));
    let set = [("stopped!", plain()), ("failed!", plain()), ("task!", plain())];
    assert_eq!(rig.reload(&set), ["spawn failed 2"]);
    assert_eq!(rig.word("stopped"), StateWord::Stopped);
    assert_eq!(rig.word("task"), StateWord::Exited);
}

#[test]
fn a_reload_in_the_back_off_leaves_the_wait_as_it_is() {
    let mut policy = restarted();
    policy.restart.delay = Some(Duration::from_secs(3));
    let mut rig = Rig::up(&[("web", policy.clone())]);
    rig.ended("web", Exit::Code(1));
    assert!(rig.after(1000).reload(&[("web", policy.clone())]).is_empty());
    assert_eq!(rig.pass(2000), ["spawn web 2"]);
    rig.spawned("web");
    rig.ended("web", Exit::Code(1));
    assert!(rig.reload(&[]).contains(&"close web".to_owned()));
    assert!(rig.pass(10_000).is_empty());
}

#[test]
fn a_probe_that_is_new_or_changed_is_made_of_the_run_that_is_there() {
    let mut rig = Rig::up(&[("web", plain())]);
    assert!(rig.reload(&[("web", probed())]).is_empty());
    assert!(matches!(
        rig.state("web"),
        State::Running {
            ready: Some(false),
            ..
        }
    ));
    assert_eq!(rig.pass(0), ["probe web Readiness"]);
    rig.reload(&[("web", plain())]);
    rig.pass(1000);
    assert!(matches!(
        rig.state("web"),
        State::Running {
            ready: Some(true),
            ..
        }
    ));
    assert_eq!(rig.run("web").0, 1);
}

#[test]
fn a_dependency_that_is_dropped_lets_its_dependent_go() {
    let mut rig = Rig::up(&[
        ("db", probed()),
        ("web", needing(plain(), "db", Condition::Ready)),
    ]);
    assert_eq!(rig.word("web"), StateWord::Pending);
    assert_eq!(rig.reload(&[("db", probed()), ("web", plain())]), ["spawn web 1"]);
}

#[test]
fn a_reload_while_adopting_starts_what_is_there_then() {
    let mut rig = Rig::new(&[("web", plain()), ("old", plain())]);
    assert!(rig.reload(&[("web", plain()), ("new", plain())]).is_empty());
    assert_eq!(rig.tell(Event::Begin), ["open web", "open new"]);
}

#[test]
fn nothing_is_reloaded_in_a_session_that_ends() {
    let mut rig = Rig::up(&[("web", plain())]);
    rig.quit(QuitWhy::Asked);
    assert!(rig.reload(&[("web!", plain()), ("api", plain())]).is_empty());
    assert_eq!(rig.machine.instance_count(), 1);
}

#[test]
fn a_set_that_cannot_be_changes_nothing() {
    let cycle = [
        ("a", needing(plain(), "b", Condition::Started)),
        ("b", needing(plain(), "a", Condition::Started)),
    ];
    let named = cycle
        .clone()
        .map(|(name, policy)| (name.parse().unwrap(), policy));
    assert!(Machine::check(&named).is_err());
    let mut rig = Rig::up(&[("a", plain())]);
    assert!(rig.reload(&cycle).is_empty());
    assert_eq!(
        (rig.machine.instance_count(), rig.word("a")),
        (1, StateWord::Running)
    );
}

#[test]
fn the_time_that_a_launcher_has_is_that_of_the_new_configuration() {
    let within = |seconds| Policy {
        launch_timeout: Some(Duration::from_secs(seconds)),
        ..plain()
    };
    // Nothing is to be left behind any more: it may run as long as it likes.
    let mut rig = Rig::up(&[("db", within(5))]);
    assert!(rig.reload(&[("db", plain())]).is_empty());
    assert!(rig.pass(60_000).is_empty());
    assert_eq!(rig.word("db"), StateWord::Running);
    // It has more time, counted from its start.
    let mut rig = Rig::up(&[("db", within(5))]);
    assert!(rig.reload(&[("db", within(20))]).is_empty());
    assert!(rig.pass(10_000).is_empty());
    assert_eq!(rig.pass(10_000), ["stop db 1"]);
}
