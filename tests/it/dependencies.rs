//! Who waits for whom, who is skipped, what ends a session, and what `graph` and `status --timing` tell of it:
//! the promises of Process Compose's conditions and policies against the real binary.

use crate::harness::{Project, Terminal, processes};
use ovr::model::StateWord;
use rustix::process::Signal;
use std::fs;

fn configured(yaml: &str) -> Project {
    Project::new().file("process-compose.yaml", yaml)
}

/// A database that takes a moment, a task after it, and a server after that; each notes its start.
const SHOP: &str = r"
processes:
  web:
    command: echo web >>$OUT/order; exec sleep 1000
    depends_on: {migrate: {condition: process_completed_successfully}}
  migrate:
    command: echo migrate >>$OUT/order
    namespace: back
    depends_on: {db: {condition: process_healthy}}
  db:
    command: echo db >>$OUT/order; touch $OUT/up; exec sleep 1000
    namespace: back
    readiness_probe: {exec: {command: test -f $OUT/up}, period_seconds: 1}
  mail:
    command: exec sleep 1000
    disabled: true
";

fn order(project: &Project) -> Vec<String> {
    project.out("order").lines().map(str::to_owned).collect()
}

#[track_caller]
fn wait_order(project: &Project, expected: &[&str]) {
    project.wait_until(&format!("{expected:?} to start"), || order(project) == expected);
}

#[test]
fn each_waits_for_what_it_needs_and_the_console_says_so_once() {
    let project = configured(SHOP);
    let console = project.start_piped(&[]);
    project.wait_running(["web", "db"]);
    wait_order(&project, &["db", "migrate", "web"]);
    let text = console.plain();
    for said in ["waits for migrate: ended well", "waits for db: ready"] {
        assert_eq!(text.matches(said).count(), 1, "{said}\n{text}");
    }
}

#[test]
fn a_start_brings_up_what_is_needed_and_nothing_else() {
    let project = configured(&SHOP.replace("  web:\n", "  web:\n    disabled: true\n"));
    project.start_detached(&["mail"]);
    project.wait_running(["mail"]);
    assert_eq!(order(&project), [""; 0]);
    project.ovr(&["start", "web"]).success().says(&["started web"]);
    wait_order(&project, &["db", "migrate", "web"]);
}

#[test]
fn no_deps_starts_exactly_the_named() {
    let project = configured(SHOP);
    project.start_detached(&["mail"]);
    project.ovr(&["start", "web", "--no-deps"]).success();
    wait_order(&project, &["web"]);
    let old = project.wait_running(["web"]);
    project.ovr(&["restart", "web", "--no-deps"]).success();
    assert_ne!(project.wait_running(["web"]), old);
    wait_order(&project, &["web", "web"]);
    project.ovr(&["stop", "web", "--no-deps"]).failure();
}

#[test]
fn the_order_holds_when_the_asking_client_is_killed_and_two_clients_get_one_run() {
    let slow = SHOP.replace(
        "touch $OUT/up;",
        "until test -f $OUT/go; do sleep 0.05; done; touch $OUT/up;",
    );
    let project = configured(&slow);
    project.start_detached(&["mail"]);
    let calls: Vec<Terminal> = (0..3).map(|_| project.cmd(&["start", "web"]).piped()).collect();
    project.wait_state("web", StateWord::Pending);
    project.wait_state("db", StateWord::Running);
    calls[0].signal(Signal::KILL);
    calls[0].wait_exit();
    fs::write(project.path("out").join("go"), "").unwrap();
    for call in &calls[1..] {
        assert_eq!(call.wait_exit(), 0, "{}", call.plain());
    }
    wait_order(&project, &["db", "migrate", "web"]);
}

#[test]
fn what_can_no_longer_come_skips_who_needs_it_with_the_root_of_it_and_a_later_success_brings_them_back() {
    let project = configured(
        r"
processes:
  seed:
    command: test -f $OUT/data
  api:
    command: exec sleep 1000
    depends_on: {seed: {condition: process_completed_successfully}}
  web:
    command: exec sleep 1000
    depends_on: {api: {condition: process_started}}
  other:
    command: exec sleep 1000
",
    );
    let console = project.start_piped(&[]);
    let web = project.wait_state("web", StateWord::Skipped);
    let reason = web.reason.unwrap();
    assert!(
        reason.starts_with("needs api: started, but api is skipped because seed exited with code 1"),
        "{reason}"
    );
    assert!(web.needs_attention);
    console.wait_for_output("skipped: needs seed: ended well, but seed exited with code 1");
    project
        .ovr(&["start", "web"])
        .code(74)
        .says(&["skipped because seed"]);
    fs::write(project.path("out").join("data"), "").unwrap();
    project.ovr(&["restart", "seed"]).success();
    project.wait_running(["api", "web"]);
}

#[test]
fn what_may_fail_holds_nobody_up() {
    let project = Project::new().file(
        "ovr.yaml",
        r"
processes:
  cache:
    command: exit 1
    optional: true
  web:
    command: exec sleep 1000
    depends_on: {cache: {condition: process_completed_successfully}}
",
    );
    let console = project.start_piped(&[]);
    project.wait_running(["web"]);
    console.wait_for_output("starts without cache, which is failed and optional");
}

#[test]
fn dependents_are_gone_before_what_they_need_gets_its_signal() {
    let noting = |name: &str| {
        format!(
            "trap 'echo {name} >>$OUT/ends; exit 0' TERM; echo >>$OUT/{name}; while :; do sleep 0.02; done"
        )
    };
    let project = configured(&format!(
        "processes:\n  db:\n    command: \"{}\"\n  web:\n    command: \"{}\"\n    depends_on: \
         {{db: {{condition: process_started}}}}\n",
        noting("db"),
        noting("web")
    ));
    project.start_detached(&[]);
    project.wait_out("db");
    project.wait_out("web");
    project.ovr(&["quit"]).success();
    assert_eq!(project.out("ends"), "web\ndb\n");
}

#[test]
fn a_session_of_tasks_ends_with_the_last_of_them_and_names_who_failed() {
    let project = configured(
        r"
processes:
  one: {command: 'true'}
  two: {command: exit 4, depends_on: {one: {condition: process_completed_successfully}}}
  three: {command: echo done, depends_on: {two: {condition: process_completed}}}
",
    );
    let console = project.start_piped(&[]);
    assert_eq!(console.wait_exit(), 0);
    let text = console.plain() + &console.stderr();
    assert!(
        text.contains("everything has completed; two exited with code 4"),
        "{text}"
    );
    assert!(text.contains("three │ done"), "{text}");
}

#[test]
fn a_stop_of_the_last_service_keeps_the_session() {
    let project = configured("processes:\n  web: {command: exec sleep 1000}\n  task: {command: 'true'}\n");
    project.start_detached(&[]);
    project.wait_state("task", StateWord::Exited);
    project.ovr(&["stop", "web"]).success();
    project.ovr(&["start", "web"]).success().says(&["started web"]);
}

/// What a session with this service and one that stays exits with, and what it says.
fn exits(service: &str) -> (i32, String) {
    let project = configured(&format!(
        "processes:\n  web: {{{service}}}\n  broken: {{command: exit 9}}\n  other: {{command: exec sleep 1000}}\n"
    ));
    let console = project.start_piped(&[]);
    let code = console.wait_exit();
    (code, console.plain() + &console.stderr())
}

#[test]
fn exit_codes_are_those_of_the_service_that_ended_the_session() {
    for (service, expected) in [
        ("command: exit 3, availability: {restart: exit_on_failure}", 3),
        ("command: exit 5, availability: {exit_on_end: true}", 5),
        ("command: 'true', availability: {exit_on_end: true}", 0),
        (
            "command: exit 3, success_exit_codes: [3], availability: {exit_on_end: true}",
            0,
        ),
        (
            "command: exec sleep 1000, availability: {exit_on_skipped: true}, \
             depends_on: {broken: {condition: process_completed_successfully}}",
            1,
        ),
    ] {
        let (code, text) = exits(service);
        assert_eq!(code, expected, "{service}\n{text}");
    }
}

#[test]
fn a_session_that_a_skipped_service_ends_says_why() {
    let (_, text) = exits(
        "command: exec sleep 1000, availability: {exit_on_skipped: true}, \
         depends_on: {broken: {condition: process_completed_successfully}}",
    );
    let why = "web was skipped: needs broken: ended well, but broken exited with code 9";
    assert!(text.contains(why) && text.contains("exit_on_skipped"), "{text}");
}

#[test]
fn a_restart_that_is_asked_for_triggers_no_end_of_the_session() {
    let project = configured(
        "processes:\n  web: {command: exec sleep 1000, availability: {exit_on_end: true, restart: exit_on_failure}}\n",
    );
    project.start_detached(&[]);
    project.wait_running(["web"]);
    project.ovr(&["restart", "web"]).success();
    project.wait_running(["web"]);
}

#[test]
fn n_restarts_make_n_plus_one_runs_and_ten_failures_give_up_with_the_command_to_try_again() {
    let project = configured(
        r"
processes:
  few:
    command: echo run >>$OUT/few; exit 6
    availability: {restart: on_failure, max_restarts: 2, backoff_seconds: 1}
  many:
    command: echo run >>$OUT/many; exit 7
    availability: {restart: always, backoff_seconds: 0}
  other: {command: exec sleep 1000}
",
    );
    let console = project.start_piped(&[]);
    let few = project.wait_state("few", StateWord::Failed);
    assert_eq!(project.out("few").lines().count(), 3);
    assert_eq!((few.restarts, few.exit_code), (2, Some(6)));
    let many = project.wait_service("many", "to have given up", |s| s.state == StateWord::Failed);
    assert_eq!(project.out("many").lines().count(), 10);
    let reason = many.reason.unwrap();
    for part in [
        "gave up after 10 failures in a row",
        "code 7",
        "ovr start many tries again",
    ] {
        assert!(reason.contains(part), "{reason}");
    }
    console.wait_for_output("gave up after 10 failures in a row");
    project.ovr(&["start", "many"]).success();
}

#[test]
fn a_launcher_that_does_not_end_in_time_has_failed() {
    let project = configured(
        r"
processes:
  db: {command: exec sleep 1000, is_daemon: true, launch_timeout_seconds: 1}
  other: {command: exec sleep 1000}
",
    );
    project.start_detached(&[]);
    let db = project.wait_state("db", StateWord::Failed);
    let reason = db.reason.unwrap();
    assert!(reason.contains("left no daemon behind within 1 s"), "{reason}");
    assert!(db.pid.is_none_or(|pid| !processes::is_alive(pid)));
}

#[test]
fn namespaces_say_who_is_meant_and_an_unknown_one_is_an_error() {
    let project = configured(SHOP);
    project.start_detached(&[]);
    let [web, db] = project.wait_running(["web", "db"]);
    project
        .ovr(&["restart", "-n", "back"])
        .success()
        .says(&["db", "migrate"]);
    assert_eq!(project.service("web").pid, Some(web));
    assert_ne!(project.service("db").pid, Some(db));
    project.ovr(&["stop", "-n", "bakc"]).code(65).says(&[
        "no namespace \"bakc\"",
        "did you mean \"back\"?",
        "namespaces: back, default",
    ]);
    let status = project.ovr(&["status", "-n", "back"]);
    status.success().says(&["db", "migrate"]);
    status.never_says(&["web", "mail"]);
    project.ovr(&["stop", "-n", "back"]).success();
    project
        .ovr(&["start", "-n", "back"])
        .success()
        .says(&["started db"]);
}

#[test]
fn the_graph_shows_states_of_a_session_and_needs_of_a_file() {
    let project = configured(SHOP);
    let tree = project.ovr(&["graph"]);
    let expected = "web\n└─ migrate: ended well\n   └─ db: ready\nmail\n";
    assert_eq!(tree.success().stdout, expected);
    project.start_detached(&[]);
    project.wait_running(["web", "db"]);
    let tree = project.ovr(&["graph"]);
    tree.success().says(&[
        "web                     running",
        "migrate: ended well  exited",
        "db: ready         running, ready",
        "mail                    disabled",
    ]);
    let json = project.ovr(&["graph", "--json"]).success().json();
    assert_eq!(json["services"][0]["depends_on"][0]["on"], "migrate");
    assert_eq!(json["services"][0]["depends_on"][0]["holds"], true);
    project
        .ovr(&["graph", "--dot"])
        .success()
        .says(&["\"web\" -> \"migrate\""]);
    project.ovr(&["graph", "--mermaid"]).success().says(&["graph LR"]);
}

#[test]
fn the_timing_shows_the_chain_that_the_start_waited_for() {
    let project = configured(SHOP);
    project.start_detached(&[]);
    project.wait_running(["web", "db"]);
    let output = project.ovr(&["status", "--timing"]);
    let text = output.success().stdout.clone();
    let (_, chain) = text.split_once("the longest chain").unwrap();
    let places: Vec<usize> = ["web ", "migrate ended well", "db ready"]
        .iter()
        .map(|part| chain.find(part).unwrap_or_else(|| panic!("no {part} in {text}")))
        .collect();
    assert!(places.is_sorted(), "{text}");
    let timing = project.service("web").timing.unwrap();
    assert_eq!(timing.after.unwrap().on, "migrate");
    assert!(timing.started_ms.unwrap() >= timing.asked_ms);
}
