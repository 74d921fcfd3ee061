//! Readiness and liveness: probes, lines of output, assumption; who waits, and what is told meanwhile.

use crate::harness::{Project, processes};
use ovr::api::messages::Service;
use ovr::model::StateWord;
use std::net::TcpListener;

/// A port that nobody holds for now.
fn free_port() -> u16 {
    let socket = TcpListener::bind(("127.0.0.1", 0)).expect("this machine has free ports");
    socket.local_addr().expect("it is bound").port()
}

/// Another test's listener on an assigned port would be told as well.
const NO_PORTS: [&str; 1] = ["-N"];

fn project(yaml: &str) -> Project {
    Project::new().file("ovr.yaml", yaml)
}

fn reason(service: &Service) -> &str {
    service.reason.as_deref().unwrap_or_default()
}

#[test]
fn a_dependent_waits_for_the_probe_of_its_dependency_and_is_told_what_it_finds() {
    let port = free_port();
    let project = project(&format!(
        "processes:
  web:
    command: sleep 1000
    depends_on: {{ db: {{ condition: process_healthy }} }}
  db:
    command: until test -e go; do sleep 0.05; done; exec listener {port}
    readiness_probe: {{ tcp_socket: {{ port: {port} }}, period_seconds: 1 }}
"
    ));
    let terminal = project.start(&NO_PORTS);
    terminal.wait_for_output("waits for db: ready");
    let refused = format!("connection refused on 127.0.0.1:{port} (readiness probe, ");
    let db = project.wait_service("db", "to be refused", |db| reason(db).contains(&refused));
    assert_eq!((db.state, db.ready), (StateWord::Running, Some(false)));
    let web = project.service("web");
    assert_eq!(web.state, StateWord::Pending);
    assert!(reason(&web).contains(&refused), "{web:?}");
    project.write("go", "");
    project.wait_running(["web"]);
    let db = project.service("db");
    assert_eq!((db.ready, db.assumed, reason(&db)), (Some(true), false, ""));
    let failure = db.probe_failure.unwrap();
    assert_eq!((failure.probe.as_str(), failure.failures), ("readiness", 0));
    terminal.wait_for_output("2 services up in");
}

#[test]
fn an_http_probe_tells_the_status_that_it_got() {
    let port = free_port();
    let project = project(&format!(
        "processes:
  web:
    command: python3 -m http.server {port} --bind 127.0.0.1
    readiness_probe: {{ http_get: {{ port: {port}, path: /health }}, period_seconds: 1 }}
"
    ));
    project.start_detached(&NO_PORTS);
    let not_found = "not ready: HTTP 404 (wanted 200 to 399) (readiness probe, ";
    project.wait_service("web", "not to be found", |web| reason(web).starts_with(not_found));
    project.write("health", "yes");
    project.wait_service("web", "to be ready", |web| web.ready == Some(true));
}

#[test]
fn r35_a_listener_that_is_not_the_services_own_is_told_with_its_pid() {
    let held = TcpListener::bind(("127.0.0.1", 0)).expect("this machine has free ports");
    let port = held.local_addr().unwrap().port();
    let project = project(&format!(
        "processes:
  db:
    command: sleep 1000
    readiness_probe: {{ tcp_socket: {{ port: {port} }}, period_seconds: 1 }}
"
    ));
    project.start_detached(&NO_PORTS);
    let taken = format!("not ready: port taken by pid {} (", std::process::id());
    let db = project.wait_service("db", "to be told apart", |db| reason(db).starts_with(&taken));
    assert_eq!(db.ready, Some(false));
}

#[test]
fn lines_of_the_output_make_a_service_ready_and_unready() {
    let project = project(
        "processes:
  web:
    command: sleep 1000
    depends_on: { db: { condition: process_log_ready } }
  db:
    command: until test -e go; do sleep 0.05; done; printf 'now listening'; until test -e bad; do sleep 0.05; done; echo; echo 'panic! out of memory'; sleep 1000
    ready_log_line: listening
    failure_log_line: panic!
",
    );
    let terminal = project.start(&NO_PORTS);
    project.wait_service("db", "to run", |db| db.ready == Some(false));
    assert_eq!(project.service("web").state, StateWord::Pending);
    project.write("go", "");
    let [pid] = project.wait_running(["web"]);
    project.write("bad", "");
    terminal.wait_for_output("not ready: failure line: \"panic! out of memory\"");
    let db = project.service("db");
    assert_eq!((db.state, db.ready), (StateWord::Running, Some(false)));
    assert_eq!(reason(&db), "not ready: failure line: \"panic! out of memory\"");
    assert_eq!(project.service("web").pid, Some(pid));
}

#[test]
fn a_start_that_meets_a_failure_line_fails_with_that_line() {
    let project = project(
        "processes:
  web:
    command: echo 'EADDRINUSE 80'; sleep 1000
    ready_log_line: listening
    failure_log_line: EADDRINUSE
    disabled: true
  other:
    command: sleep 1000
",
    );
    project.start_detached(&NO_PORTS);
    project.wait_running(["other"]);
    let output = project.ovr(&["start", "web"]);
    output.failure().says(&["failure line: \"EADDRINUSE 80\""]);
}

#[test]
fn a_service_that_no_longer_answers_its_liveness_probe_is_restarted_and_the_probe_leaves_nothing() {
    let project = project(
        "processes:
  web:
    command: sleep 1000
    liveness_probe:
      exec: { command: 'sleep 600 & test -e alive' }
      period_seconds: 1
      failure_threshold: 1
",
    );
    project.write("alive", "");
    let terminal = project.start(&NO_PORTS);
    let [pid] = project.wait_running(["web"]);
    std::fs::remove_file(project.root.join("alive")).unwrap();
    terminal.wait_for_output("exit 1 (liveness probe, 1 failure) · ending it");
    project.write("alive", "");
    project.wait_service("web", "to be another process", |web| {
        web.pid.is_some_and(|now| now != pid) && web.restarts > 0
    });
    project.wait_until("what the probe left to be gone", || {
        project.processes_with("sleep 600").is_empty()
    });
    assert!(!processes::is_alive(pid));
}

#[test]
fn a_service_that_never_starts_up_is_ended_and_says_why() {
    let project = project(
        "processes:
  web:
    command: sleep 1000
    startup_probe:
      exec: { command: 'echo no such table >&2; exit 7' }
      period_seconds: 1
      failure_threshold: 2
  other:
    command: sleep 1000
",
    );
    project.start_detached(&NO_PORTS);
    let web = project.wait_state("web", StateWord::Failed);
    let expected = "exit 7: no such table (startup probe, 2 failures), so it was ended";
    assert!(reason(&web).contains(expected), "{web:?}");
}

#[test]
fn a_service_without_any_signal_is_ready_when_it_listens_and_that_is_shown_as_assumed() {
    let project = Project::with("web: listener\n");
    let terminal = project.start(&["-p", &free_port().to_string()]);
    let web = project.wait_service("web", "to be ready", |web| web.ready == Some(true));
    assert!(web.assumed);
    assert!(!terminal.plain().contains("ready"), "{}", terminal.plain());
}
