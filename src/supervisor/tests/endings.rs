//! What ends a session, and how it goes down.

use super::{Rig, needing, plain, restarted, vital};
use crate::model::{AskId, Condition, EndPolicy, Exit, InstanceId, Policy, RunId, Signal, StateWord};
use crate::supervisor::{EndCause, Event, QuitWhy, Verb};

const CTRL_C: QuitWhy = QuitWhy::Signal(Signal::INT);

#[test]
fn a_procfiles_service_that_ends_stops_the_session_and_the_first_end_is_the_cause() {
    let mut rig = Rig::up(&[("web", vital()), ("db", vital()), ("job", plain())]);
    let words = rig.ended("web", Exit::Code(3));
    assert!(words[0].starts_with("ending Service"));
    assert_eq!(words[1..], ["stop db 1", "stop job 1"]);
    assert!(rig.ended("db", Exit::Code(9)).is_empty());
    let cause = EndCause::Service {
        instance: InstanceId(0),
        run: RunId(1),
        exit: Exit::Code(3),
    };
    assert_eq!(rig.machine.end_cause(), Some(cause));
    assert_eq!(rig.ended("job", Exit::Code(0)), [format!("finish {cause:?}")]);
}

#[test]
fn what_may_end_ends_alone_and_the_session_outlives_its_last_service() {
    let mut rig = Rig::up(&[("web", plain()), ("db", plain())]);
    assert!(rig.ended("web", Exit::Code(3)).is_empty());
    assert!(rig.ended("db", Exit::Code(0)).is_empty());
    assert_eq!(rig.word("web"), StateWord::Failed);
    assert_eq!(rig.word("db"), StateWord::Exited);
    assert!(!rig.machine.is_ending());
}

#[test]
fn only_a_failure_stops_the_session_where_the_policy_says_so() {
    let policy = || Policy {
        end: EndPolicy::FailureStopsSession,
        ..plain()
    };
    let mut rig = Rig::up(&[("web", policy()), ("db", policy())]);
    assert!(rig.ended("web", Exit::Code(0)).is_empty());
    assert!(rig.ended("db", Exit::Code(1))[0].starts_with("ending"));
}

#[test]
fn a_service_that_ends_while_somebody_is_attached_never_ends_the_session() {
    let mut rig = Rig::up(&[("web", vital()), ("db", vital())]);
    rig.attached("web", 1);
    assert!(rig.ended("web", Exit::Code(1)).is_empty());
    assert_eq!(rig.word("web"), StateWord::Failed);
    rig.attached("web", 0);
    assert!(!rig.machine.is_ending());
    assert!(rig.ended("db", Exit::Code(1))[0].starts_with("ending"));
}

#[test]
fn what_a_person_stops_or_kills_never_ends_the_session() {
    for verb in [Verb::Stop, Verb::Kill] {
        let mut rig = Rig::up(&[("web", vital())]);
        rig.ask(verb, &["web"]);
        rig.ended("web", Exit::Code(1));
        assert_eq!(rig.word("web"), StateWord::Stopped);
        assert!(!rig.machine.is_ending());
    }
}

#[test]
fn a_vital_service_that_cannot_be_started_stops_the_session() {
    let mut rig = Rig::begun(&[("web", vital()), ("db", plain())]);
    let words = rig.spawn_failed("web");
    assert_eq!(words[0], "ending CouldNotStart { instance: InstanceId(0) }");
    assert_eq!(words[1], "stop db 1");
}

#[test]
fn nothing_is_started_any_more_in_a_session_that_ends() {
    let left_out = Policy {
        autostart: false,
        ..plain()
    };
    let mut rig = Rig::new(&[("slow", plain()), ("web", plain()), ("out", left_out)]);
    rig.tell(Event::Begin);
    rig.window_ready("web");
    rig.spawned("web");
    rig.ask(Verb::Start, &["slow"]);
    let words = rig.quit(CTRL_C);
    assert_eq!(words[1..], ["slow: SessionEnds", "done", "stop web 1"]);
    assert!(rig.window_ready("slow").is_empty());
    for verb in [Verb::Start, Verb::Restart, Verb::Signal(Signal::HUP)] {
        assert_eq!(rig.ask(verb, &["out"]), ["out: SessionEnds", "done"]);
    }
    let instance = rig.id("out");
    assert!(rig.tell(Event::Enter { instance }).is_empty());
    assert!(rig.ask(Verb::Stop, &["web"]).is_empty());
    let words = rig.obeys("web");
    assert!(words[0].starts_with("web: Stopped"), "{words:?}");
    assert!(words[2].starts_with("finish"), "{words:?}");
    assert_eq!(rig.ask(Verb::Stop, &["web"]), ["web: AlreadyStopped", "done"]);
    assert_eq!(rig.ask(Verb::Start, &["web"]), ["web: SessionEnds", "done"]);
}

#[test]
fn a_second_ctrl_c_kills_every_tree_at_once() {
    let mut rig = Rig::up(&[
        ("db", plain()),
        ("web", needing(plain(), "db", Condition::Started)),
    ]);
    assert_eq!(rig.quit(CTRL_C)[1..], ["stop web 1"]);
    assert_eq!(rig.quit(CTRL_C), ["kill db 1", "kill web 1"]);
    assert!(rig.quit(CTRL_C).is_empty());
    rig.ended("db", Exit::Signal(Signal::KILL));
    assert!(rig.ended("web", Exit::Signal(Signal::KILL))[0].starts_with("finish"));
}

#[test]
fn the_first_ctrl_c_of_a_session_that_ends_by_itself_already_kills() {
    let mut rig = Rig::up(&[("web", vital()), ("db", plain())]);
    rig.ended("web", Exit::Code(1));
    assert_eq!(rig.quit(CTRL_C), ["kill db 1"]);
}

#[test]
fn a_closing_terminal_that_hangs_up_twice_still_stops_gracefully() {
    let mut rig = Rig::up(&[("web", plain())]);
    let hang_up = QuitWhy::Signal(Signal::HUP);
    rig.quit(hang_up);
    assert!(rig.quit(hang_up).is_empty());
    assert_eq!(rig.quit(QuitWhy::Signal(Signal::TERM)), ["kill web 1"]);
}

#[test]
fn a_quit_is_done_when_everything_is_down_and_for_all_who_asked() {
    let mut rig = Rig::up(&[("web", plain())]);
    let quit = |ask| Event::Quit {
        why: QuitWhy::Asked,
        ask: Some(AskId(ask)),
    };
    rig.tell(quit(100));
    rig.tell(quit(101));
    let words = rig.ended("web", Exit::Signal(Signal::KILL));
    assert_eq!(words, ["done", "done", "finish Quit(Asked)"]);
    assert_eq!(rig.tell(quit(102)), ["done"]);
}

#[test]
fn a_quit_with_nothing_alive_is_over_at_once() {
    let mut rig = Rig::new(&[("web", plain())]);
    rig.tell(Event::Begin);
    let words = rig.quit(QuitWhy::Asked);
    assert_eq!(words, ["ending Quit(Asked)", "finish Quit(Asked)"]);
    assert_eq!(rig.machine.next_deadline(), None);
}

#[test]
fn a_restart_asked_for_while_the_window_closes_waits_for_a_new_one() {
    let mut rig = Rig::up(&[("web", plain())]);
    let instance = rig.id("web");
    assert!(rig.tell(Event::WindowClosing { instance }).is_empty());
    rig.ended("web", Exit::Code(1));
    assert!(rig.ask(Verb::Restart, &["web"]).is_empty());
    assert_eq!(rig.word("web"), StateWord::Pending);
    assert_eq!(rig.window_lost("web"), ["open web"]);
    assert_eq!(rig.window_ready("web"), ["spawn web 2"]);
}

#[test]
fn a_run_whose_window_closes_is_restarted_once_for_its_one_end() {
    let mut rig = Rig::up(&[("web", restarted())]);
    let instance = rig.id("web");
    rig.tell(Event::WindowClosing { instance });
    assert!(rig.ended("web", Exit::Code(1)).is_empty());
    assert_eq!(rig.window_lost("web"), ["open web"]);
    assert_eq!(rig.window_ready("web"), ["spawn web 2"]);
}

#[test]
fn who_waits_for_the_end_of_what_cannot_be_ended_is_told_and_its_end_still_counts() {
    let mut rig = Rig::up(&[("web", plain())]);
    rig.ask(Verb::Stop, &["web"]);
    let (instance, run) = (rig.id("web"), rig.run("web"));
    let event = Event::Unstoppable {
        instance,
        run,
        message: "7 sleep is left".to_owned(),
    };
    assert_eq!(
        rig.tell(event.clone()),
        ["web: Failed { message: \"7 sleep is left\" }", "done"]
    );
    assert_eq!(rig.word("web"), StateWord::Stopping);
    assert_eq!(rig.why("web"), "got SIGKILL");
    // Who asks again has it tried again.
    assert_eq!(rig.ask(Verb::Stop, &["web"]), ["kill web 1"]);
    assert_eq!(rig.ask(Verb::Stop, &["web"]), [""; 0]);
    rig.tell(event.clone());
    assert_eq!(rig.quit(QuitWhy::Asked)[1..], ["kill web 1"]);
    assert!(rig.obeys("web")[0].starts_with("finish"));
}
