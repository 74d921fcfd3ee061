//! Commands that end well and have launched what runs on, here or elsewhere.

use super::{Rig, needing, plain, probed, vital};
use crate::model::{Condition, Exit, Policy, RestartPolicy, RestartWhen, StateWord};
use crate::supervisor::{Event, ProbeKind, Verb};
use std::time::Duration;

fn launched(rig: &mut Rig, name: &str, pids: &[u32]) -> Vec<String> {
    let (instance, run) = (rig.id(name), rig.run(name));
    let pids = pids.to_vec();
    rig.tell(Event::Daemonized { instance, run, pids })
}

/// Waits for the next attempt of the readiness probe and answers it.
fn attempt(rig: &mut Rig, name: &str, ok: bool) -> Vec<String> {
    let asked = format!("probe {name} Readiness");
    let due = (0..50).any(|_| rig.pass(100).contains(&asked));
    assert!(due, "it is probed");
    let (instance, run) = (rig.id(name), rig.run(name));
    let probe = ProbeKind::Readiness;
    rig.tell(Event::ProbeDone {
        instance,
        run,
        probe,
        ok,
    })
}

/// Its command launches what a probe looks for; `restart` says what follows if that is not there.
fn launcher(restart: RestartWhen) -> Policy {
    Policy {
        restart: RestartPolicy {
            when: restart,
            delay: Some(Duration::from_secs(1)),
            max: Some(1),
            give_up_after: None,
        },
        ..probed()
    }
}

#[test]
fn what_runs_elsewhere_is_up_until_it_is_stopped() {
    let mut rig = Rig::up(&[("db", vital()), ("web", plain())]);
    launched(&mut rig, "db", &[]);
    assert_eq!(rig.word("db"), StateWord::Daemonized);
    rig.pass(100_000);
    assert_eq!(
        rig.ask(Verb::Start, &["db"]),
        ["db: AlreadyRunning { pid: 10 }", "done"]
    );
    assert_eq!(rig.ask(Verb::Restart, &["db"]), ["stop db 1"]);
    assert_eq!(rig.obeys("db"), ["spawn db 2"]);
    rig.spawned("db");
    launched(&mut rig, "db", &[]);
    assert_eq!(rig.ask(Verb::Stop, &["db"]), ["stop db 2"]);
    rig.obeys("db");
    assert_eq!(rig.word("db"), StateWord::Stopped);
    assert!(!rig.machine.is_ending());
}

#[test]
fn a_helper_that_ends_after_the_command_leaves_what_runs_elsewhere() {
    let mut rig = Rig::up(&[("db", plain())]);
    launched(&mut rig, "db", &[500]);
    launched(&mut rig, "db", &[]);
    assert_eq!(rig.word("db"), StateWord::Daemonized);
    assert_eq!(
        rig.ask(Verb::Start, &["db"]),
        ["db: AlreadyRunning { pid: 10 }", "done"]
    );
}

#[test]
fn a_probed_launcher_lets_its_dependents_go_when_its_probe_says_so() {
    let db = launcher(RestartWhen::OnFailure);
    let mut rig = Rig::begun(&[("db", db), ("web", needing(plain(), "db", Condition::Ready))]);
    rig.window_ready("db");
    rig.window_ready("web");
    rig.spawned("db");
    launched(&mut rig, "db", &[]);
    assert_eq!(rig.word("web"), StateWord::Pending);
    assert_eq!(attempt(&mut rig, "db", true), ["spawn web 1"]);
    assert_eq!(rig.word("db"), StateWord::Daemonized);
}

#[test]
fn a_probed_launcher_is_over_when_its_probe_gives_it_up_and_its_restart_policy_decides() {
    for (restart, after) in [
        (RestartWhen::OnFailure, StateWord::Backoff),
        (RestartWhen::Never, StateWord::Failed),
    ] {
        let mut rig = Rig::up(&[("db", launcher(restart))]);
        launched(&mut rig, "db", &[]);
        let begun = rig.now;
        while attempt(&mut rig, "db", false) != ["stop db 1"] {}
        // The third failure that counts is that of the third period.
        let lasted = rig.now.since(begun).as_secs();
        assert_eq!(lasted, 2, "{restart:?}");
        rig.ended("db", Exit::Code(0));
        assert_eq!(rig.word("db"), after, "{restart:?}");
    }
}

#[test]
fn failures_while_the_command_still_ran_are_not_held_against_what_it_launched() {
    let mut rig = Rig::up(&[("db", launcher(RestartWhen::Never))]);
    for _ in 0..5 {
        assert_eq!(attempt(&mut rig, "db", false), [""; 0]);
    }
    launched(&mut rig, "db", &[]);
    assert_eq!(attempt(&mut rig, "db", false), [""; 0]);
    assert_eq!(rig.word("db"), StateWord::Daemonized);
}

#[test]
fn a_daemon_that_was_asked_for_is_not_given_up_for_being_unready() {
    let daemon = Policy {
        launch_timeout: Some(Duration::from_secs(5)),
        ..launcher(RestartWhen::Always)
    };
    let mut rig = Rig::up(&[("db", daemon)]);
    launched(&mut rig, "db", &[]);
    for _ in 0..10 {
        assert_eq!(attempt(&mut rig, "db", false), [""; 0]);
    }
    assert_eq!(rig.word("db"), StateWord::Daemonized);
}
