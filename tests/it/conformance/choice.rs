//! What is started, by which name, and what is told about keys that have no effect here:
//! `docs/process-compose.md`, "The life of services".

use super::composed;
use crate::harness::Project;
use ovr::model::StateWord;

/// Two services in `back`, one of them in `data` as well, and one in `front`.
fn grouped() -> Project {
    composed(
        "  web: { command: exec sleep 1000, namespace: front, depends_on: [api] }\n  \
         api: { command: exec sleep 1000, namespace: back }\n  \
         db: { command: exec sleep 1000, namespaces: [back, data] }\n  \
         tool: { command: exec sleep 1000, disabled: true }\n",
    )
}

#[track_caller]
fn are(project: &Project, states: [(&str, StateWord); 4]) {
    for (name, state) in states {
        project.wait_state(name, state);
    }
}

#[test]
fn a_namespace_is_started_with_what_it_needs_and_stopped_as_one() {
    use StateWord::{Disabled, Running, Stopped};
    let project = grouped();
    project.start_detached(&["-n", "front"]);
    are(
        &project,
        [
            ("web", Running),
            ("api", Running),
            ("db", Disabled),
            ("tool", Disabled),
        ],
    );
    project.ovr(&["start", "-n", "data"]).success();
    project
        .ovr(&["stop", "-n", "back"])
        .success()
        .says(&["stopped api", "stopped db"]);
    are(
        &project,
        [
            ("web", Running),
            ("api", Stopped),
            ("db", Stopped),
            ("tool", Disabled),
        ],
    );
    project.ovr(&["restart", "-n", "back"]).success();
    are(
        &project,
        [
            ("web", Running),
            ("api", Running),
            ("db", Running),
            ("tool", Disabled),
        ],
    );
    project.ovr(&["stop", "-n", "bakc"]).code(65).says(&["back"]);
}

#[test]
fn what_is_named_is_started_with_what_it_needs_also_if_it_is_disabled() {
    use StateWord::{Disabled, Running};
    let project = grouped();
    project.start_detached(&["web", "tool"]);
    are(
        &project,
        [
            ("web", Running),
            ("api", Running),
            ("db", Disabled),
            ("tool", Running),
        ],
    );
}

#[test]
fn process_composes_variables_choose_too() {
    use StateWord::{Disabled, Running};
    let project = grouped()
        .env("PC_NAMESPACES", "back")
        .env("PC_DISABLED_PROCESSES", "db");
    project.start_detached(&[]);
    are(
        &project,
        [
            ("web", Disabled),
            ("api", Running),
            ("db", Disabled),
            ("tool", Disabled),
        ],
    );
}

#[test]
fn healthy_without_anything_that_says_so_is_an_error() {
    for probe in ["", ", liveness_probe: { exec: { command: 'true' } }"] {
        let project = composed(&format!(
            "  db: {{ command: exec sleep 1000{probe} }}\n  \
             web: {{ command: date, depends_on: {{ db: {{ condition: process_healthy }} }} }}\n"
        ));
        project.ovr(&["check"]).code(78).says(&[
            "process-compose.yaml:3",
            "nothing says when db is ready",
            "readiness_probe",
        ]);
    }
}

#[test]
fn who_waits_for_the_end_of_what_never_ends_is_warned_and_told() {
    let project = composed(
        "  db: { command: exec sleep 1000, availability: { restart: always } }\n  \
         web: { command: date, depends_on: { db: { condition: process_completed } } }\n",
    );
    project
        .ovr(&["check"])
        .code(0)
        .says(&["process-compose.yaml:3", "db", "always"]);
    project.start_detached(&[]);
    let web = project.wait_state("web", StateWord::Pending);
    assert!(web.reason.unwrap_or_default().contains("db"));
}

#[test]
fn keys_about_terminals_and_screens_are_taken_and_it_is_told_once_that_they_say_nothing() {
    let project = composed(
        "  web: { command: 'test -t 0 && echo yes > $OUT/tty; exec sleep 1000', is_tty: true, is_interactive: true, \
         disable_ansi_colors: true, monitor_for: silence, monitor_silence_threshold: 3s }\n",
    );
    project.ovr(&["check"]).code(0).says(&[
        "is_tty",
        "is_interactive",
        "every service has a terminal here",
        "disable_ansi_colors",
        "monitor_for",
        "monitor_silence_threshold",
    ]);
    project.start_detached(&[]);
    assert_eq!(project.wait_out("tty"), "yes");
}

#[test]
fn keys_of_schedules_and_watches_that_say_nothing_here_are_told_with_the_reason() {
    let project = composed(
        "  job: { command: date, schedule: { interval: 1h, max_concurrent: 3 } }\n  \
         web: { command: date, watch: { paths: [{ path: . }], max_entries: 9, buffer_size: 9999 } }\n",
    );
    project.ovr(&["check"]).code(0).says(&[
        "max_concurrent",
        "a run never begins before the one before has ended",
        "max_entries",
        "buffer_size",
    ]);
}

#[test]
fn each_state_of_process_compose_has_its_word() {
    use StateWord::{
        Backoff, Daemonized, Disabled, Exited, Failed, Pending, Running, Scheduled, Skipped, Stopped,
    };
    let project = composed(
        "  disabled: { command: date, disabled: true }\n  foreground: { command: date, is_foreground: true }\n  \
         running: { command: exec sleep 1000 }\n  stopped: { command: exec sleep 1000 }\n  \
         pending: { command: date, depends_on: { running: { condition: process_completed } } }\n  \
         launched: { command: 'true', is_daemon: true }\n  completed: { command: 'true' }\n  failed: { command: exit 3 }\n  \
         error: { command: 'true', working_dir: nowhere }\n  \
         restarting: { command: exit 3, availability: { restart: always, backoff_seconds: 600 } }\n  \
         skipped: { command: date, depends_on: { failed: { condition: process_completed_successfully } } }\n  \
         scheduled: { command: date, schedule: { interval: 10h } }\n",
    );
    project.ovr(&["start", "-D"]).code(74);
    project.wait_running(["stopped"]);
    project.ovr(&["stop", "stopped"]).success();
    for (name, state) in [
        ("disabled", Disabled),
        ("foreground", Disabled),
        ("running", Running),
        ("stopped", Stopped),
        ("pending", Pending),
        ("launched", Daemonized),
        ("completed", Exited),
        ("failed", Failed),
        ("error", Failed),
        ("restarting", Backoff),
        ("skipped", Skipped),
        ("scheduled", Scheduled),
    ] {
        project.wait_state(name, state);
    }
}
