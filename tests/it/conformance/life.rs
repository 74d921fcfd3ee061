//! Dependencies, choices and the states that they lead to: `docs/process-compose.md`, "The life of services".

use super::composed;
use crate::harness::Project;
use crate::harness::processes::kill;
use ovr::model::StateWord;
use rustix::process::Signal;

/// `web` waits for `db` to be as `condition` says; each has written its name when it has started.
fn web_behind_db(db: &str, condition: &str) -> Project {
    composed(&format!(
        "  db:\n{db}\n  web:\n    command: 'echo up > $OUT/web; exec sleep 1000'\n    depends_on:\n      \
         db: {{ condition: {condition} }}\n"
    ))
}

/// Keeps a session alive when all else in it has ended.
const KEEPER: &str = "processes: { keeper: { command: exec sleep 1000 } }";

/// `db` does as `command` says as soon as there is a file `go`.
fn on_go(command: &str) -> String {
    format!("    command: 'while [ ! -e go ]; do sleep 0.05; done; {command}'")
}

#[track_caller]
fn is_pending_behind_db(project: &Project) {
    let web = project.wait_state("web", StateWord::Pending);
    let reason = web.reason.clone().unwrap_or_default();
    assert!(reason.contains("db"), "{web:?}");
    assert_eq!(project.out("web"), "");
}

/// `web` waits until there is a file `go`, which makes `db` what it is to be.
#[track_caller]
fn comes_up_behind_db(db: &str, condition: &str) {
    let project = web_behind_db(db, condition);
    let console = project.start_piped(&[]);
    is_pending_behind_db(&project);
    project.write("go", "");
    assert_eq!(project.wait_out("web"), "up");
    drop(console);
}

#[track_caller]
fn is_skipped(project: &Project, name: &str, because: &str) {
    let service = project.wait_state(name, StateWord::Skipped);
    let reason = service.reason.clone().unwrap_or_default();
    assert!(reason.contains(because), "{service:?}");
    assert_eq!(project.out(name), "");
}

#[test]
fn process_started_is_the_start_of_its_process() {
    let project = web_behind_db("    command: exec sleep 1000", "process_started");
    project.start_detached(&[]);
    project.wait_running(["db", "web"]);
}

#[test]
fn process_healthy_is_the_success_of_its_readiness_probe() {
    let db = "    command: exec sleep 1000\n    readiness_probe: { exec: { command: test -e go }, period_seconds: 0.05 }";
    comes_up_behind_db(db, "process_healthy");
}

#[test]
fn process_log_ready_is_a_line_that_holds_its_text() {
    let db = on_go("printf \"is READY now\"; exec sleep 1000") + "\n    ready_log_line: READY";
    comes_up_behind_db(&db, "process_log_ready");
}

#[test]
fn process_completed_is_an_end_of_any_kind() {
    comes_up_behind_db(&on_go("exit 3"), "process_completed");
}

#[test]
fn process_completed_successfully_is_an_end_with_a_code_of_success() {
    let db = on_go("exit 7") + "\n    success_exit_codes: [7]";
    comes_up_behind_db(&db, "process_completed_successfully");
}

#[test]
fn what_can_no_longer_come_skips_all_dependents_at_once_and_says_why() {
    let project = composed(
        "  migrate: { command: exit 3 }\n  keeper: { command: exec sleep 1000 }\n  \
         web:\n    command: 'echo up > $OUT/web'\n    depends_on:\n      \
         migrate: { condition: process_completed_successfully }\n  \
         front:\n    command: 'echo up > $OUT/front'\n    depends_on:\n      web: { condition: process_started }\n  \
         late:\n    command: 'echo up > $OUT/late'\n    depends_on:\n      front: { condition: process_completed }\n",
    );
    // Whether that is known by then is a matter of luck, and so is its code.
    project.ovr(&["start", "-D"]);
    is_skipped(&project, "web", "migrate");
    is_skipped(&project, "front", "web");
    is_skipped(&project, "late", "front");
}

#[test]
fn a_dependency_that_is_disabled_skips_and_its_start_brings_the_dependent_up() {
    let db = "    command: exec sleep 1000\n    disabled: true";
    let project = web_behind_db(db, "process_started");
    // Something else keeps the session alive.
    project.write("process-compose.override.yaml", KEEPER);
    project
        .ovr(&["start", "-D"])
        .code(74)
        .says(&["web skipped: needs db"]);
    is_skipped(&project, "web", "db");
    project.ovr(&["start", "db"]).success();
    assert_eq!(project.wait_out("web"), "up");
}

#[test]
fn a_dependency_that_ends_before_it_is_ready_skips_its_dependents() {
    for (ready, condition) in [
        ("ready_log_line: never", "process_log_ready"),
        (
            "readiness_probe: { exec: { command: 'false' } }",
            "process_healthy",
        ),
    ] {
        let db = on_go("exit 1") + "\n    " + ready;
        let project = web_behind_db(&db, condition);
        project.write("process-compose.override.yaml", KEEPER);
        project.start_detached(&[]);
        is_pending_behind_db(&project);
        project.write("go", "");
        is_skipped(&project, "web", "db");
    }
}

#[test]
fn a_start_in_the_background_does_not_wait_for_what_may_never_come() {
    let project = web_behind_db("    command: exec sleep 1000", "process_completed");
    let started = project.ovr(&["start", "-D"]);
    started.success().says(&["web pending: waits for db: ended"]);
    // Nor does one that adopts, or that is handed the session.
    let pid = project.status().session.pid;
    kill(pid, Signal::KILL);
    project.wait_until("the controller to be gone", || project.try_status().is_none());
    project.start_detached(&[]);
    is_pending_behind_db(&project);
}

#[test]
fn without_a_condition_it_is_ready_if_something_says_what_that_means_and_else_started() {
    let project = composed(
        "  probed:\n    command: exec sleep 1000\n    readiness_probe: { exec: { command: test -e go }, period_seconds: 0.05 }\n  \
         plain: { command: exec sleep 1000 }\n  \
         one: { command: exec sleep 1000, depends_on: { plain: } }\n  \
         two: { command: exec sleep 1000, depends_on: { probed: {} } }\n",
    );
    let console = project.start_piped(&[]);
    project.wait_running(["probed", "plain", "one"]);
    assert_eq!(project.service("two").state, StateWord::Pending);
    project.write("go", "");
    project.wait_running(["two"]);
    drop(console);
}

#[test]
fn a_condition_that_there_is_not_is_an_error_that_says_what_is_meant() {
    let project = web_behind_db("    command: exec sleep 1000", "service_started");
    project.ovr(&["check"]).code(78).says(&[
        "process-compose.yaml:7:24",
        "service_started",
        "process_started",
    ]);
}

#[test]
fn process_running_is_process_started_with_a_warning_and_in_our_own_file_an_error() {
    let project = web_behind_db("    command: exec sleep 1000", "process_running");
    project.ovr(&["check"]).success().says(&[
        "process-compose.yaml:7:24",
        "`process_running` is read as `process_started`",
    ]);
    project.start_detached(&[]);
    project.wait_running(["web"]);
    let strict = Project::new().file(
        "ovr.yaml",
        "processes:\n  db: { command: date }\n  web: { command: date, depends_on: { db: { condition: process_running } } }\n",
    );
    strict
        .ovr(&["check"])
        .code(78)
        .says(&["ovr.yaml:3:56", "did you mean `process_started`?"]);
}

#[test]
fn cycles_and_unknown_dependencies_are_errors_with_their_place() {
    let project =
        composed("  a: { command: date, depends_on: [b] }\n  b: { command: date, depends_on: [a] }\n");
    project.ovr(&["check"]).code(78).says(&["a → b → a"]);
    let project = composed("  web: { command: date, depends_on: [dbb] }\n  db: { command: date }\n");
    project
        .ovr(&["check"])
        .code(78)
        .says(&["dbb", "did you mean", "db"]);
}

#[test]
fn a_stop_of_what_waits_sticks_and_the_session_goes_on() {
    let project = web_behind_db(&on_go("exec sleep 1000"), "process_completed");
    project.start_detached(&[]);
    is_pending_behind_db(&project);
    project.ovr(&["stop", "web"]).success();
    project.write("go", "");
    let web = project.wait_state("web", StateWord::Stopped);
    assert_eq!(web.pid, None);
    assert_eq!(project.out("web"), "");
}

#[test]
fn a_dependency_on_a_service_is_one_on_all_its_replicas() {
    let project = composed(
        "  api:\n    command: 'exec sleep 1000'\n    replicas: 2\n    readiness_probe: { exec: { command: 'test -e go-{{.PC_REPLICA_NUM}}' }, \
         period_seconds: 0.05 }\n  \
         web: { command: exec sleep 1000, depends_on: { api: { condition: process_healthy } } }\n",
    );
    let console = project.start_piped(&[]);
    project.wait_running(["api-0", "api-1"]);
    project.write("go-0", "");
    project.wait_service("api-0", "to be ready", |api| api.ready == Some(true));
    assert_eq!(project.service("web").state, StateWord::Pending);
    project.write("go-1", "");
    project.wait_running(["web"]);
    drop(console);
}

#[test]
fn a_dependency_that_restarts_is_waited_for() {
    let project = web_behind_db(
        "    command: 'if [ -e go ]; then echo READY; exec sleep 1000; fi; echo run >> $OUT/db; exit 1'\n    \
         ready_log_line: READY\n    availability: { restart: on_failure, backoff_seconds: 0.1 }",
        "process_healthy",
    );
    let console = project.start_piped(&[]);
    project.wait_until("several runs of db", || project.out("db").lines().count() > 2);
    is_pending_behind_db(&project);
    project.write("go", "");
    assert_eq!(project.wait_out("web"), "up");
    drop(console);
}

#[test]
fn a_dependency_that_is_gone_for_a_moment_skips_nobody() {
    let db = "    command: exec sleep 1000\n    readiness_probe: { exec: { command: test -e go }, period_seconds: \
              0.05, failure_threshold: 1 }\n    availability: { restart: always }";
    let project = web_behind_db(db, "process_healthy");
    let console = project.start_piped(&[]);
    project.wait_service("db", "to be found unready", |db| db.ready == Some(false));
    let pid = project.service("db").pid.unwrap();
    kill(pid, Signal::KILL);
    project.wait_service("db", "to run again", |db| db.pid.is_some_and(|new| new != pid));
    is_pending_behind_db(&project);
    project.write("go", "");
    assert_eq!(project.wait_out("web"), "up");
    drop(console);
}

#[test]
fn a_session_in_which_nothing_runs_any_more_ends() {
    let project = composed(
        "  one: { command: 'exit 3' }\n  two: { command: 'true' }\n  \
         three: { command: 'true', depends_on: { one: { condition: process_completed_successfully } } }\n",
    );
    let ended = project.ovr(&["start"]);
    ended.code(0).says(&["one", "exited with code 3", "three"]);
}

#[test]
fn a_session_in_which_nothing_starts_by_itself_waits_for_what_is_started_by_hand() {
    let project = Project::new().file(
        "process-compose.yaml",
        include_str!("../examples/foreground.yaml"),
    );
    project.ovr(&["check"]).success();
    let started = project.ovr(&["start", "-D"]);
    started
        .success()
        .says(&["nothing starts by itself · ovr start interactive"]);
    assert_eq!(project.service("interactive").state, StateWord::Disabled);
    project.ovr(&["start", "interactive"]).success();
    let [pid] = project.wait_running(["interactive"]);
    kill(pid, Signal::KILL);
    project.wait_state("interactive", StateWord::Failed);
    project.ovr(&["start", "interactive"]).success();
    project.ovr(&["quit"]).success();
}

#[test]
fn ordered_shutdown_false_signals_all_at_once() {
    // `db` ends only when it is signalled, and `web` only when `db` has ended.
    let processes = "  db:\n    command: 'trap \"echo gone > $OUT/db; exit 0\" TERM; echo > $OUT/up; while :; do sleep 0.05; done'\n  \
         web:\n    command: 'trap \"until [ -s $OUT/db ]; do sleep 0.05; done; exit 0\" TERM; echo > $OUT/web; while :; do sleep 0.05; done'\n    \
         depends_on: { db: { condition: process_started } }\n    shutdown: { timeout_seconds: 600 }\n";
    let project = Project::new().file(
        "process-compose.yaml",
        &format!("ordered_shutdown: false\nprocesses:\n{processes}"),
    );
    project.start_detached(&[]);
    project.wait_out("up");
    project.wait_out("web");
    project.ovr(&["quit"]).success();
    assert_eq!(project.out("db"), "gone\n");
}

#[test]
fn dependents_are_gone_before_their_dependency_is_signalled() {
    let loops = "while :; do sleep 0.05; done";
    let project = composed(&format!(
        "  db:\n    command: 'trap \"echo db >> $OUT/order; exit 0\" TERM; echo > $OUT/db; {loops}'\n  \
         web:\n    command: 'trap \"sleep 0.3; echo web >> $OUT/order; exit 0\" TERM; echo > $OUT/web; {loops}'\n    \
         depends_on: {{ db: {{ condition: process_started }} }}\n",
    ));
    project.start_detached(&[]);
    project.wait_out("db");
    project.wait_out("web");
    project.ovr(&["quit"]).success();
    assert_eq!(project.out("order"), "web\ndb\n");
}
