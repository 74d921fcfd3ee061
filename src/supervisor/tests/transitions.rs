//! What each request does in each state: valid, no-op or refused, as one table.

use super::{Rig, needing, plain, restarted};
use crate::model::{Condition, Exit, Policy, Signal};
use crate::supervisor::{Event, Verb};

/// An instance `a` in the state that the table calls by this word.
fn in_state(word: &str) -> Rig {
    let mut rig = match word {
        "disabled" => Rig::begun(&[(
            "a",
            Policy {
                autostart: false,
                ..plain()
            },
        )]),
        "pending: window" => {
            let mut rig = Rig::new(&[("a", plain())]);
            rig.tell(Event::Begin);
            rig
        }
        "pending: dependency" => {
            Rig::begun(&[("a", needing(plain(), "b", Condition::Started)), ("b", plain())])
        }
        "starting" => Rig::begun(&[("a", plain())]),
        "backoff" => Rig::up(&[("a", restarted())]),
        "skipped" => Rig::up(&[("a", needing(plain(), "b", Condition::EndedWell)), ("b", plain())]),
        _ => Rig::up(&[("a", plain())]),
    };
    let instance = rig.id("a");
    match word {
        "daemonized" => {
            let (run, pids) = (rig.run("a"), vec![77]);
            rig.tell(Event::Daemonized { instance, run, pids });
        }
        "stopping" => {
            rig.ask(Verb::Stop, &["a"]);
        }
        "restarting" => {
            rig.ask(Verb::Restart, &["a"]);
        }
        "backoff" => {
            for _ in 0..3 {
                rig.ended("a", Exit::Code(1));
                rig.spawned("a");
            }
            rig.ended("a", Exit::Code(1));
        }
        "stopped" => {
            rig.ask(Verb::Stop, &["a"]);
            rig.obeys("a");
        }
        "exited" => {
            rig.ended("a", Exit::Code(0));
        }
        "failed" => {
            rig.ended("a", Exit::Code(3));
        }
        "skipped" => {
            rig.ended("b", Exit::Code(1));
        }
        _ => {}
    }
    assert_eq!(
        rig.state("a").word().as_str(),
        word.split(['(', ':'])
            .next()
            .unwrap()
            .replace("restarting", "stopping")
    );
    rig
}

fn outcome(state: &str, verb: Option<Verb>) -> String {
    let mut rig = in_state(state);
    let instance = rig.id("a");
    let words = match verb {
        Some(verb) => rig.ask(verb, &["a"]),
        None => rig.tell(Event::Enter { instance }),
    };
    format!("{} → {}", words.join(", "), rig.word("a"))
}

const STATES: [&str; 13] = [
    "disabled",
    "pending: window",
    "pending: dependency",
    "starting",
    "running",
    "daemonized",
    "stopping",
    "restarting",
    "backoff",
    "stopped",
    "exited",
    "failed",
    "skipped",
];

fn check(verb: Option<Verb>, table: &[&str]) {
    let found: Vec<String> = STATES
        .iter()
        .map(|state| format!("{state} | {}", outcome(state, verb)))
        .collect();
    assert_eq!(found, table, "\n{}\n", found.join("\n"));
}

#[test]
fn a_start_in_every_state() {
    check(
        Some(Verb::Start),
        &[
            "disabled | open a → pending",
            "pending: window |  → pending",
            "pending: dependency |  → pending",
            "starting |  → starting",
            "running | a: AlreadyRunning { pid: 10 }, done → running",
            "daemonized | a: AlreadyRunning { pid: 77 }, done → daemonized",
            "stopping |  → restarting",
            "restarting |  → restarting",
            "backoff | spawn a 5 → starting",
            "stopped | spawn a 2 → starting",
            "exited | spawn a 2 → starting",
            "failed | spawn a 2 → starting",
            "skipped | spawn b 2 → pending",
        ],
    );
}

#[test]
fn a_restart_in_every_state() {
    check(
        Some(Verb::Restart),
        &[
            "disabled | open a → pending",
            "pending: window |  → pending",
            "pending: dependency |  → pending",
            "starting |  → restarting",
            "running | stop a 1 → restarting",
            "daemonized | stop a 1 → restarting",
            "stopping |  → restarting",
            "restarting |  → restarting",
            "backoff | spawn a 5 → starting",
            "stopped | spawn a 2 → starting",
            "exited | spawn a 2 → starting",
            "failed | spawn a 2 → starting",
            "skipped | spawn b 2 → pending",
        ],
    );
}

#[test]
fn a_stop_in_every_state() {
    check(
        Some(Verb::Stop),
        &[
            "disabled | a: AlreadyStopped, done → disabled",
            "pending: window | a: Stopped { old_pid: None, exit: None, killed: false }, done → stopped",
            "pending: dependency | a: Stopped { old_pid: None, exit: None, killed: false }, done → stopped",
            "starting | stop a 1 → stopping",
            "running | stop a 1 → stopping",
            "daemonized | stop a 1 → stopping",
            "stopping |  → stopping",
            "restarting | a: Overruled { by: Stop }, done → stopping",
            "backoff | a: Stopped { old_pid: None, exit: Some(Code(1)), killed: false }, done → stopped",
            "stopped | a: AlreadyStopped, done → stopped",
            "exited | a: AlreadyStopped, done → exited",
            "failed | a: AlreadyStopped, done → failed",
            "skipped | a: Stopped { old_pid: None, exit: None, killed: false }, done → stopped",
        ],
    );
}

#[test]
fn a_kill_in_every_state() {
    check(
        Some(Verb::Kill),
        &[
            "disabled | a: AlreadyStopped, done → disabled",
            "pending: window | a: Stopped { old_pid: None, exit: None, killed: false }, done → stopped",
            "pending: dependency | a: Stopped { old_pid: None, exit: None, killed: false }, done → stopped",
            "starting | kill a 1 → stopping",
            "running | kill a 1 → stopping",
            "daemonized | kill a 1 → stopping",
            "stopping | kill a 1 → stopping",
            "restarting | a: Overruled { by: Kill }, done, kill a 1 → stopping",
            "backoff | a: Stopped { old_pid: None, exit: Some(Code(1)), killed: false }, done → stopped",
            "stopped | a: AlreadyStopped, done → stopped",
            "exited | a: AlreadyStopped, done → exited",
            "failed | a: AlreadyStopped, done → failed",
            "skipped | a: Stopped { old_pid: None, exit: None, killed: false }, done → stopped",
        ],
    );
}

#[test]
fn a_signal_in_every_state() {
    check(
        Some(Verb::Signal(Signal::HUP)),
        &[
            "disabled | a: NotRunning, done → disabled",
            "pending: window | a: NotRunning, done → pending",
            "pending: dependency | a: NotRunning, done → pending",
            "starting |  → starting",
            "running | signal a SIGHUP, a: Signalled { pid: 10 }, done → running",
            "daemonized | signal a SIGHUP, a: Signalled { pid: 77 }, done → daemonized",
            "stopping | signal a SIGHUP, a: Signalled { pid: 10 }, done → stopping",
            "restarting | signal a SIGHUP, a: Signalled { pid: 10 }, done → restarting",
            "backoff | a: NotRunning, done → backoff",
            "stopped | a: NotRunning, done → stopped",
            "exited | a: NotRunning, done → exited",
            "failed | a: NotRunning, done → failed",
            "skipped | a: NotRunning, done → skipped",
        ],
    );
}

#[test]
fn enter_in_every_state() {
    check(
        None,
        &[
            "disabled | open a → pending",
            "pending: window |  → pending",
            "pending: dependency |  → pending",
            "starting |  → starting",
            "running |  → running",
            "daemonized |  → daemonized",
            "stopping |  → stopping",
            "restarting |  → restarting",
            "backoff | spawn a 5 → starting",
            "stopped | spawn a 2 → starting",
            "exited | spawn a 2 → starting",
            "failed | spawn a 2 → starting",
            "skipped | spawn b 2 → pending",
        ],
    );
}
