//! Ends, restarts and stops: `docs/process-compose.md`, "The life of services".

use super::{composed, configured};
use crate::harness::Project;
use crate::harness::wait::stays_true_for;
use ovr::model::StateWord;
use std::time::Duration;

fn runs(project: &Project, name: &str) -> usize {
    project.out(name).lines().count()
}

#[test]
fn max_restarts_n_makes_n_plus_1_runs_and_then_it_has_failed() {
    let project = composed(
        "  web:\n    command: 'echo run >> $OUT/web; exit 3'\n    availability: { restart: on_failure, \
         backoff_seconds: 0.05, max_restarts: 2 }\n  keeper: { command: exec sleep 1000 }\n",
    );
    project.start_detached(&[]);
    let web = project.wait_state("web", StateWord::Failed);
    assert_eq!((web.exit_code, web.restarts), (Some(3), 2), "{web:?}");
    assert!(stays_true_for(Duration::from_millis(500), || runs(
        &project, "web"
    ) == 3));
}

#[test]
fn always_restarts_after_every_end_and_on_failure_not_after_success() {
    let project = composed(
        "  always:\n    command: 'echo run >> $OUT/always'\n    availability: { restart: always, backoff_seconds: \
         0.05 }\n  once:\n    command: 'echo run >> $OUT/once'\n    availability: { restart: on_failure, \
         backoff_seconds: 0.05 }\n  fine:\n    command: 'echo run >> $OUT/fine; exit 4'\n    success_exit_codes: [4]\n    \
         availability: { restart: on_failure, backoff_seconds: 0.05 }\n",
    );
    project.start_detached(&[]);
    project.wait_until("many runs", || runs(&project, "always") > 4);
    project.wait_state("once", StateWord::Exited);
    let fine = project.wait_state("fine", StateWord::Exited);
    assert_eq!(
        (runs(&project, "once"), runs(&project, "fine")),
        (1, 1),
        "{fine:?}"
    );
}

#[test]
fn backoff_seconds_is_the_wait_between_runs() {
    let project = composed(
        "  web:\n    command: 'date +%s%N >> $OUT/web; exit 1'\n    availability: { restart: always, backoff_seconds: 1, max_restarts: 2 }\n",
    );
    project.ovr(&["start"]).code(0);
    let at: Vec<u64> = project
        .out("web")
        .lines()
        .map(|line| line.parse().unwrap())
        .collect();
    assert_eq!(at.len(), 3);
    for pair in at.windows(2) {
        assert!(pair[1] - pair[0] >= 1_000_000_000, "{at:?}");
    }
}

#[test]
fn exit_on_failure_ends_the_session_with_its_code_and_an_end_that_is_none_does_not() {
    let project = composed(
        "  good: { command: 'exit 0', availability: { restart: exit_on_failure } }\n  \
         fine: { command: 'exit 5', success_exit_codes: [5], availability: { restart: exit_on_failure } }\n  \
         web: { command: 'while [ ! -e go ]; do sleep 0.05; done; exit 7', availability: { restart: exit_on_failure } }\n  \
         keeper: { command: exec sleep 1000 }\n",
    );
    let console = project.start_piped(&[]);
    project.wait_state("good", StateWord::Exited);
    project.wait_state("fine", StateWord::Exited);
    project.write("go", "");
    assert_eq!(console.wait_exit(), 7);
    project.wait_gone();
}

#[test]
fn exit_on_end_ends_the_session_with_its_code_and_with_0_for_a_code_of_success() {
    for (command, code) in [
        ("exit 6", 6),
        ("exit 5", 0),
        ("true", 0),
        ("kill -TERM $$$$", 143),
    ] {
        let project = composed(&format!(
            "  web: {{ command: '{command}', success_exit_codes: [5], availability: {{ exit_on_end: true }} }}\n  \
             keeper: {{ command: exec sleep 1000 }}\n"
        ));
        project.ovr(&["start"]).code(code);
    }
}

#[test]
fn exit_on_end_comes_after_the_last_restart() {
    let project = composed(
        "  web: { command: 'echo run >> $OUT/web; exit 6', availability: { restart: on_failure, max_restarts: 1, \
         backoff_seconds: 0.05, exit_on_end: true } }\n  keeper: { command: exec sleep 1000 }\n",
    );
    project.ovr(&["start"]).code(6);
    assert_eq!(runs(&project, "web"), 2);
}

#[test]
fn exit_on_skipped_ends_the_session_with_1() {
    let project = composed(
        "  migrate: { command: exit 3 }\n  keeper: { command: exec sleep 1000 }\n  \
         web:\n    command: 'true'\n    availability: { exit_on_skipped: true }\n    depends_on:\n      \
         migrate: { condition: process_completed_successfully }\n",
    );
    project.ovr(&["start"]).code(1).says(&["web", "migrate"]);
}

#[test]
fn what_cannot_be_spawned_is_told_and_not_tried_again() {
    let project = composed(
        "  web: { command: 'true', working_dir: nowhere, availability: { restart: always } }\n  \
         gone: { entrypoint: [there-is-no-such-program], availability: { restart: always } }\n  \
         keeper: { command: exec sleep 1000 }\n",
    );
    let started = project.ovr(&["start", "-D"]);
    started.code(74).says(&["nowhere", "there-is-no-such-program"]);
    for (name, word) in [("web", "nowhere"), ("gone", "there-is-no-such-program")] {
        let service = project.wait_state(name, StateWord::Failed);
        let reason = service.reason.clone().unwrap_or_default();
        assert!(reason.contains(word), "{service:?}");
    }
}

#[test]
fn a_persons_start_gives_a_spent_budget_back() {
    let project = composed(
        "  web:\n    command: 'echo run >> $OUT/web; exit 3'\n    availability: { restart: on_failure, \
         backoff_seconds: 0.05, max_restarts: 1 }\n  keeper: { command: exec sleep 1000 }\n",
    );
    project.start_detached(&[]);
    project.wait_state("web", StateWord::Failed);
    assert_eq!(runs(&project, "web"), 2);
    project.ovr(&["start", "web"]);
    project.wait_until("two more runs", || runs(&project, "web") == 4);
}

/// Ends with what it was asked by in `$OUT/name`.
fn told(name: &str, extra: &str) -> String {
    let traps: String = ["HUP", "INT", "QUIT", "USR1", "TERM"]
        .map(|signal| format!("trap \"echo {signal} > $OUT/{name}; exit 0\" {signal}; "))
        .concat();
    format!(
        "  {name}:\n    command: '{traps} echo ready > $OUT/{name}-up; while :; do sleep 0.05; done'\n{extra}"
    )
}

#[test]
fn a_stop_is_sigterm_or_the_signal_that_is_written_as_number_or_name() {
    let project = composed(
        &[
            told("usual", ""),
            told("number", "    shutdown: { signal: 1 }\n"),
            told("name", "    shutdown: { signal: SIGUSR1 }\n"),
        ]
        .concat(),
    );
    project.start_detached(&[]);
    for name in ["usual", "number", "name"] {
        project.wait_out(&format!("{name}-up"));
    }
    project.ovr(&["stop", "usual", "number", "name"]).success();
    for (name, signal) in [("usual", "TERM"), ("number", "HUP"), ("name", "USR1")] {
        assert_eq!(project.out(name).trim(), signal, "{name}");
    }
}

#[test]
fn a_shutdown_command_runs_in_the_services_surroundings_before_any_signal() {
    let project = composed(
        "  web:\n    command: 'trap \"echo signal >> $OUT/web\" TERM INT; echo > $OUT/up; while [ ! -e stop-$COLOUR ]; do sleep 0.05; done; echo end >> $OUT/web'\n    \
         environment: [COLOUR=red]\n    shutdown: { command: 'echo stop >> $OUT/web; touch stop-$COLOUR', timeout_seconds: 30 }\n",
    );
    project.write("stop-none", "");
    project.start_detached(&[]);
    project.wait_out("up");
    project.ovr(&["stop", "web"]).success();
    assert_eq!(project.out("web"), "stop\nend\n");
    std::fs::remove_file(project.root.join("stop-red")).unwrap();
}

#[test]
fn a_shutdown_command_that_fails_is_named_and_the_signal_follows() {
    let project = composed(&told("web", "    shutdown: { command: 'echo no >&2; exit 3' }\n"));
    project.start_detached(&[]);
    project.wait_out("web-up");
    project.ovr(&["stop", "web"]);
    assert_eq!(project.out("web").trim(), "TERM");
    project.wait_state("web", StateWord::Stopped);
}

#[test]
fn timeout_seconds_is_the_time_to_the_kill_and_parent_only_spares_the_children_the_signal() {
    let project = composed(
        "  web:\n    command: stubborn\n    shutdown: { timeout_seconds: 0.2 }\n  \
         pair:\n    command: 'sh -c \"trap \\\"echo child > \\$OUT/pair\\\" TERM; echo > \\$OUT/up; while :; do sleep 0.05; done\" & \
         trap \"kill -KILL $!; exit 0\" TERM; wait'\n    shutdown: { parent_only: true }\n",
    );
    project.start_detached(&["-t", "600"]);
    project.wait_out("up");
    project.wait_running(["web", "pair"]);
    project.ovr(&["stop", "web"]).says(&["SIGKILL"]);
    project.ovr(&["stop", "pair"]).success();
    assert_eq!(project.out("pair"), "");
}

#[test]
fn send_keys_are_typed_into_its_terminal() {
    let project = composed(
        "  web:\n    command: 'trap \"echo signal >> $OUT/web\" TERM INT; echo > $OUT/up; while read -r line; do echo \"$line\" >> $OUT/web; [ \"$line\" = quit ] && exit 0; done'\n    \
         is_tty: true\n    shutdown: { send_keys: 'quit\\n', timeout_seconds: 30 }\n",
    );
    project.start_detached(&[]);
    project.wait_out("up");
    project.ovr(&["stop", "web"]).success();
    assert_eq!(project.out("web"), "quit\n");
}

#[test]
fn a_failed_startup_probe_never_ends_the_session_with_0() {
    let project = configured(
        "  web:\n    command: 'trap \"exit 0\" TERM; while :; do sleep 0.02; done'\n    startup_probe: { exec: { command: \
         'false' }, period_seconds: 0.02 }\n    availability: { restart: exit_on_failure }\n  \
         keeper: { command: exec sleep 1000 }\n",
    );
    project.ovr(&["start"]).code(1).says(&["web", "startup probe"]);
}
