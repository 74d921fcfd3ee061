//! What Process Compose's documentation promises of its conditions and policies, row by row, where its code
//! waits for ever, starts anyway or counts the wrong end. See `docs/process-compose.md`.

use super::{Rig, needing, plain, probed, restarted};
use crate::model::{Condition, EndPolicy, Exit, Policy, StateWord};
use crate::supervisor::{EndCause, Event, ProbeKind, Verb};
use std::time::Duration;

fn left_out() -> Policy {
    Policy {
        autostart: false,
        ..plain()
    }
}

fn optional(policy: Policy) -> Policy {
    Policy {
        optional: true,
        ..policy
    }
}

fn launcher() -> Policy {
    Policy {
        launch_timeout: Some(Duration::from_secs(5)),
        ..plain()
    }
}

fn ready(rig: &mut Rig, name: &str) -> Vec<String> {
    let (instance, run) = (rig.id(name), rig.run(name));
    rig.tell(Event::ProbeDone {
        instance,
        run,
        probe: ProbeKind::Readiness,
        ok: true,
    })
}

#[test]
fn process_started_on_what_is_skipped_or_cannot_start_skips_at_once_instead_of_waiting_for_ever() {
    let api = needing(plain(), "task", Condition::EndedWell);
    let web = needing(plain(), "api", Condition::Started);
    let mut rig = Rig::up(&[("task", plain()), ("api", api), ("web", web.clone())]);
    rig.ended("task", Exit::Code(1));
    assert_eq!(rig.word("web"), StateWord::Skipped);

    let mut rig = Rig::begun(&[("api", plain()), ("web", web)]);
    rig.spawn_failed("api");
    assert_eq!(rig.why("web"), "needs api: started, but api is failed");
}

#[test]
fn process_completed_comes_after_the_last_restart_and_with_any_code() {
    let task = Policy {
        restart: crate::model::RestartPolicy {
            max: Some(1),
            delay: Some(Duration::from_secs(1)),
            ..restarted().restart
        },
        ..plain()
    };
    let web = needing(plain(), "task", Condition::Ended);
    let mut rig = Rig::up(&[("task", task), ("web", web)]);
    assert!(rig.ended("task", Exit::Code(4)).is_empty());
    assert_eq!(rig.why("web"), "waits for task: ended (task is backoff)");
    rig.pass(1000);
    rig.spawned("task");
    assert_eq!(rig.ended("task", Exit::Code(4)), ["spawn web 1"]);
}

#[test]
fn process_completed_successfully_takes_the_codes_that_count_as_success() {
    let task = Policy {
        success_codes: vec![3],
        ..plain()
    };
    let web = needing(plain(), "task", Condition::EndedWell);
    let mut rig = Rig::up(&[("task", task), ("web", web)]);
    assert_eq!(rig.ended("task", Exit::Code(3)), ["spawn web 1"]);
}

#[test]
fn process_healthy_waits_for_a_restart_of_what_ended_before_it_was_ready_and_skips_if_none_comes() {
    let db = Policy {
        restart: restarted().restart,
        ..probed()
    };
    let web = needing(plain(), "db", Condition::Ready);
    let mut rig = Rig::up(&[("db", db), ("web", web.clone())]);
    rig.ended("db", Exit::Code(1));
    assert_eq!(rig.word("web"), StateWord::Pending);
    rig.spawned("db");
    rig.pass(0);
    assert_eq!(ready(&mut rig, "db"), ["spawn web 1"]);

    let mut rig = Rig::up(&[("db", probed()), ("web", web)]);
    rig.ended("db", Exit::Code(1));
    assert_eq!(rig.why("web"), "needs db: ready, but db is failed");
}

#[test]
fn a_dependency_that_is_disabled_does_not_let_its_dependent_start_anyway() {
    for condition in [
        Condition::Started,
        Condition::Ready,
        Condition::Ended,
        Condition::EndedWell,
    ] {
        let rig = Rig::begun(&[("db", left_out()), ("web", needing(plain(), "db", condition))]);
        assert_eq!(rig.word("web"), StateWord::Skipped, "{condition}");
    }
}

#[test]
fn starting_what_was_skipped_starts_what_it_was_skipped_for() {
    let web = needing(plain(), "db", Condition::Started);
    let mut rig = Rig::begun(&[("db", left_out()), ("web", web)]);
    assert_eq!(rig.ask(Verb::Start, &["web"]), ["open db"]);
}

#[test]
fn a_stop_releases_what_waits_and_it_stays_down_when_its_dependency_comes() {
    let mut rig = Rig::up(&[
        ("db", probed()),
        ("web", needing(plain(), "db", Condition::Ready)),
    ]);
    let words = rig.ask(Verb::Stop, &["web"]);
    assert!(words[0].starts_with("web: Stopped"), "{words:?}");
    rig.pass(0);
    assert!(ready(&mut rig, "db").is_empty());
    assert_eq!(rig.word("web"), StateWord::Stopped);
}

#[test]
fn what_is_optional_is_waited_for_until_it_fails_and_then_done_without() {
    let web = || needing(plain(), "cache", Condition::Ready);
    let mut rig = Rig::up(&[("cache", optional(probed())), ("web", web())]);
    assert_eq!(rig.word("web"), StateWord::Pending);
    rig.pass(0);
    assert_eq!(ready(&mut rig, "cache"), ["spawn web 1"]);
    assert!(rig.machine.without(rig.id("web")).is_empty());

    let mut rig = Rig::up(&[("cache", optional(probed())), ("web", web())]);
    assert_eq!(rig.ended("cache", Exit::Code(1)), ["spawn web 1"]);
    assert_eq!(rig.machine.without(rig.id("web")), [rig.id("cache")]);

    let rig = Rig::begun(&[("cache", optional(left_out())), ("web", web())]);
    assert_eq!(rig.word("web"), StateWord::Starting);
}

#[test]
fn an_optional_service_in_a_crash_loop_holds_nobody_up() {
    let cache = Policy {
        restart: restarted().restart,
        ..optional(probed())
    };
    let web = needing(
        needing(plain(), "cache", Condition::Ready),
        "task",
        Condition::EndedWell,
    );
    let mut rig = Rig::up(&[("cache", cache), ("task", plain()), ("web", web)]);
    rig.ended("cache", Exit::Code(1));
    rig.spawned("cache");
    assert_eq!(rig.why("web"), "waits for task: ended well (task is running)");
    assert_eq!(rig.ended("task", Exit::Code(0)), ["spawn web 1"]);
}

#[test]
fn a_persons_start_gives_an_optional_dependency_another_chance() {
    let web = needing(plain(), "cache", Condition::Ready);
    let mut rig = Rig::up(&[("cache", optional(probed())), ("web", web)]);
    rig.ended("cache", Exit::Code(1));
    rig.spawned("web");
    rig.ask(Verb::Stop, &["web"]);
    rig.obeys("web");
    assert_eq!(rig.ask(Verb::Start, &["web"]), ["spawn cache 2"]);
    assert_eq!(rig.why("web"), "waits for cache: ready (cache is starting)");
    let words = rig.spawn_failed("cache");
    assert_eq!(words, ["spawn web 2"]);
}

#[test]
fn no_deps_starts_exactly_the_named_and_restarts_keep_to_it() {
    let web = Policy {
        restart: restarted().restart,
        ..needing(left_out(), "db", Condition::Ready)
    };
    let mut rig = Rig::begun(&[("db", left_out()), ("web", web)]);
    assert_eq!(rig.ask_alone(Verb::Start, &["web"]), ["open web"]);
    assert_eq!(rig.window_ready("web"), ["spawn web 1"]);
    rig.spawned("web");
    assert_eq!(rig.ended("web", Exit::Code(1)), ["spawn web 2"]);
    rig.spawned("web");
    assert_eq!(rig.ask_alone(Verb::Restart, &["web"]), ["stop web 2"]);
    assert_eq!(rig.obeys("web"), ["spawn web 3"]);
    assert_eq!(rig.word("db"), StateWord::Disabled);
    // Asked for as usual, it needs what it needs.
    rig.spawned("web");
    assert_eq!(rig.ask(Verb::Restart, &["web"]), ["open db", "stop web 3"]);
}

#[test]
fn no_deps_lets_go_what_waits_already() {
    let mut rig = Rig::up(&[
        ("db", probed()),
        ("web", needing(plain(), "db", Condition::Ready)),
    ]);
    assert_eq!(rig.ask_alone(Verb::Start, &["web"]), ["spawn web 1"]);
}

#[test]
fn being_skipped_ends_the_session_where_the_policy_says_so() {
    let policy = Policy {
        exit_on_skipped: true,
        ..needing(plain(), "api", Condition::Started)
    };
    let api = needing(plain(), "task", Condition::EndedWell);
    let mut rig = Rig::up(&[
        ("task", plain()),
        ("api", api),
        ("web", policy),
        ("other", plain()),
    ]);
    let words = rig.ended("task", Exit::Code(2));
    let cause = EndCause::Skipped {
        instance: rig.id("web"),
        root: rig.id("task"),
    };
    assert_eq!(words, [format!("ending {cause:?}"), "stop other 1".to_owned()]);
}

#[test]
fn a_persons_stop_of_a_dependency_ends_no_session_by_skipping() {
    let policy = Policy {
        exit_on_skipped: true,
        ..needing(plain(), "db", Condition::Ready)
    };
    let mut rig = Rig::up(&[("db", probed()), ("web", policy)]);
    rig.ask(Verb::Stop, &["db"]);
    assert_eq!(rig.word("web"), StateWord::Skipped);
    assert!(!rig.machine.is_ending());
}

#[test]
fn a_restart_request_never_ends_the_session_whatever_the_old_run_ends_with() {
    for end in [EndPolicy::StopsSession, EndPolicy::FailureStopsSession] {
        let mut rig = Rig::up(&[("web", Policy { end, ..plain() })]);
        rig.ask(Verb::Restart, &["web"]);
        assert_eq!(rig.ended("web", Exit::Code(9)), ["spawn web 2"]);
    }
}

#[test]
fn a_launcher_that_leaves_its_daemon_in_time_has_succeeded() {
    let mut rig = Rig::up(&[("db", launcher())]);
    rig.pass(4999);
    let (instance, run) = (rig.id("db"), rig.run("db"));
    let pids = vec![77];
    rig.tell(Event::Daemonized { instance, run, pids });
    assert!(rig.pass(60_000).is_empty());
    assert_eq!(rig.word("db"), StateWord::Daemonized);
    assert_eq!(rig.machine.next_deadline(), None);
}

#[test]
fn a_launcher_still_at_work_after_its_time_is_stopped_and_has_failed_whatever_it_ends_with() {
    let web = needing(plain(), "db", Condition::EndedWell);
    let mut rig = Rig::up(&[("db", launcher()), ("web", web)]);
    assert_eq!(rig.pass(5000), ["stop db 1"]);
    rig.ended("db", Exit::Code(0));
    assert_eq!(rig.why("db"), "its command left no daemon behind within 5 s");
    assert_eq!(rig.word("web"), StateWord::Skipped);

    let again = Policy {
        restart: restarted().restart,
        ..launcher()
    };
    let mut rig = Rig::up(&[("db", again)]);
    rig.pass(5000);
    assert_eq!(rig.ended("db", Exit::Code(0)), ["spawn db 2"]);
}

#[test]
fn a_session_of_tasks_is_over_with_the_last_of_them_however_it_ended() {
    let mut rig = Rig::new(&[
        ("a", plain()),
        ("b", needing(plain(), "a", Condition::EndedWell)),
        ("idle", left_out()),
    ]);
    rig.machine.end_when_done();
    rig.tell(Event::Begin);
    rig.window_ready("a");
    rig.window_ready("b");
    rig.spawned("a");
    let words = rig.ended("a", Exit::Code(1));
    assert_eq!(words, ["ending Completed", "finish Completed"]);
}

#[test]
fn a_session_in_which_nothing_starts_by_itself_stays_before_and_after_what_is_asked_for() {
    let mut rig = Rig::new(&[("idle", left_out())]);
    rig.machine.end_when_done();
    assert_eq!(rig.tell(Event::Begin), [""; 0]);
    rig.ask(Verb::Start, &["idle"]);
    rig.window_ready("idle");
    rig.spawned("idle");
    rig.ended("idle", Exit::Code(0));
    assert!(!rig.machine.is_ending());
}

#[test]
fn a_session_is_not_done_while_a_person_is_at_work_in_it() {
    let begun = || {
        let mut rig = Rig::new(&[("a", plain()), ("b", plain())]);
        rig.machine.end_when_done();
        rig.tell(Event::Begin);
        for name in ["a", "b"] {
            rig.window_ready(name);
            rig.spawned(name);
        }
        rig
    };
    let mut rig = begun();
    rig.ask(Verb::Stop, &["a"]);
    rig.obeys("a");
    rig.ended("b", Exit::Code(0));
    assert!(!rig.machine.is_ending(), "a is stopped, and may be started again");

    let mut rig = begun();
    rig.attached("a", 1);
    rig.ended("a", Exit::Code(0));
    rig.ended("b", Exit::Code(0));
    assert!(!rig.machine.is_ending(), "somebody looks at a");
    rig.attached("a", 0);
    assert!(rig.machine.is_ending());
}

#[test]
fn a_schedule_keeps_a_session_that_has_nothing_to_do() {
    let nightly = Policy {
        scheduled: true,
        ..left_out()
    };
    let mut rig = Rig::new(&[("nightly", nightly), ("task", plain())]);
    rig.machine.end_when_done();
    rig.tell(Event::Begin);
    rig.window_ready("task");
    rig.spawned("task");
    rig.ended("task", Exit::Code(0));
    assert!(!rig.machine.is_ending());
}
