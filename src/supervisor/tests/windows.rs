//! Windows that do not open, are closed by hand, or go with their tmux server.

use super::{Rig, needing, plain, restarted, vital};
use crate::model::{Condition, Exit, Signal, StateWord};
use crate::supervisor::{Event, Verb};

#[test]
fn a_window_that_does_not_open_fails_its_service() {
    let mut rig = Rig::new(&[("web", plain())]);
    rig.tell(Event::Begin);
    let instance = rig.id("web");
    let message = "no space left".to_owned();
    rig.tell(Event::WindowFailed { instance, message });
    assert_eq!(rig.why("web"), "could not be started: no space left");
    assert_eq!(rig.ask(Verb::Start, &["web"]), ["open web"]);
    assert_eq!(
        rig.window_lost("web"),
        [
            "web: Failed { message: \"its window went away while it was opened\" }",
            "done"
        ]
    );
}

#[test]
fn a_killed_window_counts_as_a_death_and_the_next_start_opens_a_new_one() {
    let mut rig = Rig::up(&[("web", plain()), ("worker", restarted())]);
    assert!(rig.window_lost("web").is_empty());
    assert_eq!(rig.why("web"), "its window went away");
    assert_eq!(rig.ask(Verb::Start, &["web"]), ["open web"]);
    assert_eq!(rig.window_ready("web"), ["spawn web 2"]);
    assert_eq!(rig.window_lost("worker"), ["open worker"]);
    assert_eq!(rig.window_ready("worker"), ["spawn worker 2"]);
    assert_eq!(rig.machine.restarts(rig.id("worker")), 1);
}

#[test]
fn a_window_lost_while_its_service_stops_counts_as_its_end() {
    let mut rig = Rig::up(&[("web", vital())]);
    rig.ask(Verb::Stop, &["web"]);
    assert_eq!(
        rig.window_lost("web"),
        [
            "web: Stopped { old_pid: Some(10), exit: None, killed: false }",
            "done"
        ]
    );
    assert_eq!(rig.word("web"), StateWord::Stopped);
}

#[test]
fn a_lost_tmux_brings_everything_wanted_up_again_and_nothing_else() {
    let mut rig = Rig::up(&[
        ("web", vital()),
        ("stopped", plain()),
        ("leaving", vital()),
        ("task", plain()),
    ]);
    rig.ask(Verb::Stop, &["stopped"]);
    rig.obeys("stopped");
    rig.ended("task", Exit::Code(0));
    rig.ask(Verb::Stop, &["leaving"]);
    assert!(rig.tell(Event::TmuxLost { recover: true }).is_empty());
    // A shim may still have had time to report the end; nothing may be started in the dead window.
    assert!(rig.ended("web", Exit::Signal(Signal::HUP)).is_empty());
    assert_eq!(rig.window_lost("web"), ["open web"]);
    assert!(rig.window_lost("stopped").is_empty());
    assert!(rig.window_lost("task").is_empty());
    assert!(rig.window_lost("leaving")[0].starts_with("leaving: Stopped"));
    assert_eq!(rig.window_ready("web"), ["spawn web 2"]);
    assert_eq!(rig.machine.restarts(rig.id("web")), 0);
    assert!(!rig.machine.is_ending());
}

#[test]
fn nothing_starts_on_a_dependency_whose_tmux_is_gone() {
    let mut rig = Rig::up(&[
        ("db", plain()),
        ("web", needing(plain(), "db", Condition::Started)),
    ]);
    rig.tell(Event::TmuxLost { recover: true });
    assert_eq!(rig.window_lost("web"), ["open web"]);
    assert!(rig.window_ready("web").is_empty());
    assert_eq!(rig.window_lost("db"), ["open db"]);
    assert_eq!(rig.window_ready("db"), ["spawn db 2"]);
    assert_eq!(rig.spawned("db"), ["spawn web 2"]);
}

#[test]
fn a_lost_tmux_ends_the_session_where_it_is_told_not_to_recover() {
    let mut rig = Rig::up(&[("web", plain())]);
    let words = rig.tell(Event::TmuxLost { recover: false });
    assert_eq!(words[0], "ending Quit(TmuxLost)");
    assert_eq!(rig.window_lost("web"), ["finish Quit(TmuxLost)"]);
}
