//! Starts that are nobody's request: schedules, and files that changed.

use super::{Rig, needing, plain, probed, restarted, vital};
use crate::model::{Condition, Exit, Policy, RestartPolicy, StateWord};
use crate::supervisor::{Event, Intent, QuitWhy, Trigger, Verb};

const CHANGE: Trigger = Trigger::Change { cascade: false };
const CASCADE: Trigger = Trigger::Change { cascade: true };

fn scheduled() -> Policy {
    Policy {
        scheduled: true,
        ..plain()
    }
}

impl Rig {
    fn due(&mut self, name: &str, by: Trigger) -> Vec<String> {
        let instance = self.id(name);
        self.tell(Event::Due { instance, by })
    }

    /// It comes up for the first time, with its window.
    fn first_due(&mut self, name: &str) {
        assert_eq!(
            self.due(name, Trigger::Schedule),
            [format!("{name} Starts"), format!("open {name}")]
        );
        assert_eq!(self.window_ready(name), [format!("spawn {name} 1")]);
        self.spawned(name);
    }
}

#[test]
fn what_has_a_schedule_does_not_start_with_the_session() {
    let mut rig = Rig::up(&[("backup", scheduled()), ("web", plain())]);
    assert_eq!(rig.word("backup"), StateWord::Scheduled);
    assert_eq!(rig.why("backup"), "waits for its schedule");
    rig.first_due("backup");
    assert_eq!(rig.word("backup"), StateWord::Running);
    rig.ended("backup", Exit::Code(0));
    assert_eq!(rig.word("backup"), StateWord::Scheduled);
    assert_eq!(
        rig.due("backup", Trigger::Schedule),
        ["backup Starts", "spawn backup 2"]
    );
}

#[test]
fn a_scheduled_run_that_failed_shows_so_until_the_next_one() {
    let mut rig = Rig::up(&[("backup", scheduled())]);
    rig.first_due("backup");
    rig.ended("backup", Exit::Code(3));
    assert_eq!(rig.word("backup"), StateWord::Failed);
    assert_eq!(
        rig.due("backup", Trigger::Schedule),
        ["backup Starts", "spawn backup 2"]
    );
}

#[test]
fn a_run_that_is_due_while_the_last_one_is_at_work_is_left_out() {
    let mut rig = Rig::up(&[("backup", scheduled())]);
    rig.first_due("backup");
    assert_eq!(rig.due("backup", Trigger::Schedule), ["backup Busy"]);
    assert_eq!(rig.ended("backup", Exit::Code(0)), [""; 0]);
    assert_eq!(rig.word("backup"), StateWord::Scheduled);
}

#[test]
fn a_stop_pauses_the_schedule_and_a_start_runs_now_and_resumes_it() {
    let mut rig = Rig::up(&[("backup", scheduled())]);
    let id = rig.id("backup");
    assert_eq!(
        rig.ask(Verb::Stop, &["backup"]),
        [
            "backup: Stopped { old_pid: None, exit: None, killed: false }",
            "done"
        ]
    );
    assert_eq!(rig.word("backup"), StateWord::Stopped);
    assert!(!rig.machine.is_on_schedule(id));
    assert_eq!(rig.due("backup", Trigger::Schedule), [""; 0]);
    assert_eq!(rig.ask(Verb::Start, &["backup"]), ["open backup"]);
    rig.window_ready("backup");
    rig.spawned("backup");
    assert!(rig.machine.is_on_schedule(id));
    rig.ended("backup", Exit::Code(0));
    assert_eq!(rig.word("backup"), StateWord::Scheduled);
    // Between two runs it is the schedule that is stopped.
    assert!(rig.ask(Verb::Stop, &["backup"])[0].starts_with("backup: Stopped"));
    assert_eq!(rig.word("backup"), StateWord::Exited);
    assert_eq!(rig.due("backup", Trigger::Schedule), [""; 0]);
    assert_eq!(
        rig.ask(Verb::Stop, &["backup"]),
        ["backup: AlreadyStopped", "done"]
    );
}

#[test]
fn each_scheduled_run_has_its_restart_policy_anew() {
    let policy = Policy {
        restart: RestartPolicy {
            max: Some(1),
            ..RestartPolicy::ALWAYS
        },
        ..scheduled()
    };
    let mut rig = Rig::up(&[("backup", policy)]);
    rig.first_due("backup");
    assert_eq!(rig.ended("backup", Exit::Code(1)), ["spawn backup 2"]);
    rig.spawned("backup");
    assert_eq!(rig.ended("backup", Exit::Code(1)), [""; 0]);
    rig.due("backup", Trigger::Schedule);
    rig.spawned("backup");
    assert_eq!(rig.ended("backup", Exit::Code(1)), ["spawn backup 4"]);
}

#[test]
fn a_scheduled_run_waits_for_what_it_needs_and_starts_nothing_that_a_person_stopped() {
    let policy = needing(scheduled(), "db", Condition::Ready);
    let mut rig = Rig::up(&[("db", probed()), ("backup", policy)]);
    assert_eq!(
        rig.due("backup", Trigger::Schedule),
        ["backup Starts", "open backup"]
    );
    assert_eq!(rig.word("backup"), StateWord::Pending);
    assert_eq!(rig.due("backup", Trigger::Schedule), ["backup Busy"]);
    rig.ask(Verb::Stop, &["db"]);
    assert_eq!(rig.word("backup"), StateWord::Skipped);
    assert_ne!(rig.word("db"), StateWord::Starting);
}

#[test]
fn a_dependent_waits_for_a_schedule_unless_that_is_paused() {
    let mut rig = Rig::up(&[
        ("import", scheduled()),
        ("report", needing(plain(), "import", Condition::EndedWell)),
    ]);
    assert_eq!(
        rig.why("report"),
        "waits for import: ended well (import is scheduled)"
    );
    rig.ask(Verb::Stop, &["import"]);
    assert_eq!(rig.word("report"), StateWord::Skipped);
}

#[test]
fn a_scheduled_run_ends_the_session_only_if_its_policy_says_so() {
    for (policy, ends) in [
        (scheduled(), false),
        (
            Policy {
                scheduled: true,
                ..vital()
            },
            true,
        ),
    ] {
        let mut rig = Rig::up(&[("backup", policy), ("web", plain())]);
        rig.first_due("backup");
        rig.ended("backup", Exit::Code(0));
        assert_eq!(rig.machine.is_ending(), ends);
    }
}

#[test]
fn a_change_restarts_what_runs_and_starts_what_has_ended_or_failed() {
    let mut rig = Rig::up(&[("web", plain())]);
    assert_eq!(rig.due("web", CHANGE), ["web Restarts", "stop web 1"]);
    // One more before the new run is ordered shares it.
    assert_eq!(rig.due("web", CHANGE), [""; 0]);
    assert_eq!(rig.obeys("web"), ["spawn web 2"]);
    rig.spawned("web");
    for exit in [Exit::Code(0), Exit::Code(1)] {
        rig.ended("web", exit);
        let words = rig.due("web", CHANGE);
        assert_eq!(words[0], "web Starts");
        assert!(words[1].starts_with("spawn web"), "{words:?}");
        rig.spawned("web");
    }
}

#[test]
fn a_change_does_not_start_what_a_person_stopped_or_nobody_started() {
    let left_out = Policy {
        autostart: false,
        ..plain()
    };
    let mut rig = Rig::up(&[("web", plain()), ("extra", left_out)]);
    assert_eq!(rig.due("extra", CHANGE), [""; 0]);
    rig.ask(Verb::Stop, &["web"]);
    assert_eq!(rig.due("web", CHANGE), [""; 0]);
    rig.obeys("web");
    assert_eq!(rig.due("web", CHANGE), [""; 0]);
    assert_eq!(rig.word("web"), StateWord::Stopped);
    assert_eq!(rig.ask(Verb::Start, &["web"]), ["spawn web 2"]);
    rig.spawned("web");
    assert_eq!(rig.due("web", CHANGE), ["web Restarts", "stop web 2"]);
}

#[test]
fn a_change_cuts_a_back_off_short_and_clears_its_count() {
    let mut rig = Rig::up(&[("web", restarted())]);
    for _ in 0..3 {
        rig.ended("web", Exit::Code(1));
        rig.spawned("web");
    }
    assert_eq!(rig.ended("web", Exit::Code(1)), [""; 0]);
    assert_eq!(rig.word("web"), StateWord::Backoff);
    assert_eq!(rig.due("web", CHANGE), ["web Restarts", "spawn web 5"]);
    rig.spawned("web");
    assert_eq!(rig.ended("web", Exit::Code(1)), ["spawn web 6"]);
}

#[test]
fn a_file_that_is_saved_broken_does_not_end_the_session() {
    let mut rig = Rig::up(&[("web", vital()), ("db", plain())]);
    rig.due("web", CHANGE);
    rig.obeys("web");
    rig.spawned("web");
    rig.ended("web", Exit::Code(1));
    assert!(!rig.machine.is_ending());
    rig.due("web", CHANGE);
    rig.spawn_failed("web");
    assert!(!rig.machine.is_ending());
    rig.ask(Verb::Start, &["web"]);
    rig.spawned("web");
    rig.ended("web", Exit::Code(1));
    assert!(
        rig.machine.is_ending(),
        "a person's start is under the policy again"
    );
}

#[test]
fn a_cascade_restarts_dependents_after_what_they_need_and_leaves_needs_alone() {
    let mut rig = Rig::up(&[
        ("db", plain()),
        ("api", needing(plain(), "db", Condition::Started)),
        ("web", needing(plain(), "api", Condition::Started)),
        ("task", needing(plain(), "api", Condition::Started)),
    ]);
    rig.ended("task", Exit::Code(0));
    // The dependent goes first, then what it needs; they come back the other way round.
    assert_eq!(rig.due("api", CASCADE), ["api Restarts", "stop web 1"]);
    assert_eq!(rig.obeys("web"), ["stop api 1"]);
    assert_eq!(rig.obeys("api"), ["spawn api 2"]);
    assert_eq!(rig.spawned("api"), ["spawn web 2"]);
    rig.spawned("web");
    assert_eq!(rig.word("task"), StateWord::Exited);
    assert_eq!(rig.run("db").0, 1);
}

#[test]
fn ten_restarts_a_minute_suspend_a_watch_until_a_person_starts_it() {
    for verb in [Verb::Start, Verb::Restart] {
        let mut rig = Rig::up(&[("web", plain())]);
        let id = rig.id("web");
        for _ in 0..10 {
            rig.pass(1000);
            assert_eq!(rig.due("web", CHANGE)[0], "web Restarts");
            rig.obeys("web");
            rig.spawned("web");
        }
        assert_eq!(rig.due("web", CHANGE), ["web Suspended"]);
        assert!(rig.machine.is_watch_suspended(id));
        rig.pass(3_600_000);
        assert_eq!(rig.due("web", CHANGE), [""; 0]);
        rig.ask(verb, &["web"]);
        assert!(!rig.machine.is_watch_suspended(id));
        if verb == Verb::Restart {
            rig.obeys("web");
            rig.spawned("web");
        }
        assert_eq!(rig.due("web", CHANGE)[0], "web Restarts");
    }
}

#[test]
fn changes_at_a_person_s_pace_never_suspend_a_watch() {
    let mut rig = Rig::up(&[("web", plain())]);
    for _ in 0..100 {
        rig.pass(6000);
        assert_eq!(rig.due("web", CHANGE)[0], "web Restarts");
        rig.obeys("web");
        rig.spawned("web");
    }
}

#[test]
fn triggers_do_nothing_before_adoption_is_over_and_in_a_session_that_ends() {
    let mut rig = Rig::new(&[("web", plain()), ("backup", scheduled())]);
    assert_eq!(rig.due("backup", Trigger::Schedule), [""; 0]);
    assert_eq!(rig.due("web", CHANGE), [""; 0]);
    let mut rig = Rig::up(&[("web", plain()), ("backup", scheduled())]);
    rig.quit(QuitWhy::Asked);
    assert_eq!(rig.due("backup", Trigger::Schedule), [""; 0]);
    assert_eq!(rig.due("web", CHANGE), [""; 0]);
    assert!(!rig.machine.is_on_schedule(rig.id("backup")));
}

#[test]
fn a_stop_asked_before_an_adoption_still_pauses_the_triggers_after_it() {
    for asked in [true, false] {
        let mut rig = Rig::new(&[("backup", scheduled())]);
        let instance = rig.id("backup");
        rig.tell(Event::AdoptedEnded {
            instance,
            run: crate::model::RunId(4),
            exit: Exit::Code(0),
            intent: asked.then_some(Intent::Down),
        });
        rig.tell(Event::Begin);
        assert_eq!(rig.machine.is_on_schedule(instance), !asked);
        let words = rig.due("backup", Trigger::Schedule);
        assert_eq!(words.is_empty(), asked, "{words:?}");
    }
}

#[test]
fn what_ended_unasked_and_was_stopped_in_its_back_off_stays_so_under_another_controller() {
    let again = Policy {
        restart: RestartPolicy::ALWAYS,
        ..scheduled()
    };
    let mut rig = Rig::new(&[("backup", again)]);
    let instance = rig.id("backup");
    rig.tell(Event::AdoptedEnded {
        instance,
        run: crate::model::RunId(4),
        exit: Exit::Code(1),
        intent: None,
    });
    rig.machine.pause(instance);
    assert_eq!(rig.tell(Event::Begin), [""; 0]);
    assert_eq!(rig.word("backup"), StateWord::Stopped);
}

#[test]
fn a_disabled_schedule_that_was_resumed_before_an_adoption_goes_on() {
    let off = Policy {
        autostart: false,
        ..scheduled()
    };
    let mut rig = Rig::new(&[("backup", off)]);
    let instance = rig.id("backup");
    assert!(!rig.machine.is_on_schedule(instance));
    rig.machine.resume(instance);
    rig.tell(Event::Begin);
    rig.first_due("backup");
}

#[test]
fn a_schedule_that_was_paused_before_an_adoption_stays_so_until_a_person_starts_it() {
    let mut rig = Rig::new(&[("backup", scheduled()), ("web", plain())]);
    let instance = rig.id("backup");
    rig.machine.pause(instance);
    rig.tell(Event::Begin);
    assert_eq!(rig.word("backup"), StateWord::Stopped);
    assert!(!rig.machine.is_on_schedule(instance));
    assert_eq!(rig.due("backup", Trigger::Schedule), [""; 0]);
    rig.ask(Verb::Start, &["backup"]);
    assert!(rig.machine.is_on_schedule(instance));
}
