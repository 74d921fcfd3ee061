//! Publishing to a real NATS server that is killed meanwhile, and what is asked over it.

use crate::adoption::kill_controller;
use crate::harness::{NatsServer, Project};
use ovr::api::messages::events::{Event, EventKind};
use ovr::api::messages::{ErrorBody, Results, Status};
use std::net::TcpListener;

/// The events that the server has, each with its subject.
fn kept(server: &NatsServer) -> Vec<(String, Event)> {
    let kept = server.kept().into_iter();
    kept.map(|(subject, text)| (subject, serde_json::from_str(&text).unwrap()))
        .collect()
}

fn last(project: &Project) -> u64 {
    let told = project.ovr(&["events", "--json", "-n", "1"]);
    serde_json::from_str::<Event>(&told.success().stdout).unwrap().seq
}

#[track_caller]
fn wait_until_kept(project: &Project, server: &NatsServer) {
    let seq = last(project);
    project.wait_until("all events to be published", || {
        let text = server.last_kept().unwrap_or_default();
        serde_json::from_str(&text).is_ok_and(|event: Event| event.seq >= seq)
    });
}

#[track_caller]
fn are_all_there(events: &[(String, Event)]) {
    let numbers: Vec<u64> = events.iter().map(|(_, event)| event.seq).collect();
    let all: Vec<u64> = (1..=u64::try_from(events.len()).unwrap()).collect();
    assert_eq!(numbers, all, "{events:?}");
}

#[test]
fn every_event_arrives_once_though_the_server_is_killed_and_away_for_a_while() {
    let Some(mut server) = NatsServer::start(&[]) else {
        return;
    };
    server.keep_events();
    let project = Project::with("my.web: exec sleep 1000\n");
    let console = project.start_piped(&["--publish", &server.url()]);
    project.wait_running(["my.web"]);
    wait_until_kept(&project, &server);
    server.kill();
    project.ovr(&["restart", "my.web"]).success();
    console.wait_for_output("events cannot be published to nats://127.0.0.1");
    project.ovr(&["restart", "my.web"]).success();
    server.run();
    console.wait_for_output("again");
    wait_until_kept(&project, &server);
    project.ovr(&["quit"]).success();
    console.wait_exit();
    let events = kept(&server);
    are_all_there(&events);
    let (subject, end) = events.last().unwrap();
    assert_eq!(
        (subject.as_str(), end.event),
        ("ovr.shop._session.session_ended", EventKind::SessionEnded)
    );
    let running: Vec<_> = events
        .iter()
        .filter(|(_, event)| event.event == EventKind::Running)
        .collect();
    assert_eq!(running.len(), 3);
    assert!(
        running
            .iter()
            .all(|(subject, _)| subject == "ovr.shop.my%2Eweb.running")
    );
}

#[test]
fn what_is_more_than_can_wait_is_published_as_a_counted_gap_when_the_server_is_back() {
    let Some(mut server) = NatsServer::start(&[]) else {
        return;
    };
    server.keep_events();
    let project = Project::new().file(
        "ovr.yaml",
        "processes:\n  web:\n    command: 'until [ -e $OUT/go ]; do sleep 0.02; done; \
         for i in $(seq 9); do for j in $(seq 1000); do echo up; echo down; done; sleep 0.1; done; exec sleep 1000'\n    \
         ready_log_line: up\n    failure_log_line: down\n",
    );
    project.start_detached(&["--publish", &server.url()]);
    wait_until_kept(&project, &server);
    server.kill();
    std::fs::write(project.path("out").join("go"), "").unwrap();
    project.wait_until("all to be told", || last(&project) >= 18_000);
    server.run();
    wait_until_kept(&project, &server);
    let events = kept(&server);
    let gaps: Vec<_> = events
        .iter()
        .filter(|(_, event)| event.event == EventKind::Gap)
        .collect();
    assert!(!gaps.is_empty());
    assert!(gaps.iter().all(|(subject, _)| subject == "ovr.shop._session.gap"));
    let missed: u64 = gaps.iter().map(|(_, gap)| gap.missed.unwrap()).sum();
    let told = u64::try_from(events.len() - gaps.len()).unwrap();
    assert_eq!(told + missed, events.last().unwrap().1.seq);
}

#[test]
fn a_server_that_takes_connections_and_says_nothing_holds_nobody_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("nats://{}", silent.local_addr().unwrap());
    let project = Project::with("web: exec sleep 1000\n");
    project.start_detached(&["--publish", &url]);
    let _held = silent.accept().unwrap();
    project.ovr(&["restart", "web"]).success();
    project.ovr(&["quit"]).success();
}

#[test]
fn a_controller_that_takes_over_publishes_what_the_killed_one_could_not() {
    let Some(mut server) = NatsServer::start(&[]) else {
        return;
    };
    server.keep_events();
    let project = Project::with("web: exec sleep 1000\n").env("OVR_PUBLISH", &server.url());
    project.start_detached(&[]);
    wait_until_kept(&project, &server);
    server.kill();
    project.ovr(&["restart", "web"]).success();
    kill_controller(&project);
    project.start_detached(&[]);
    server.run();
    wait_until_kept(&project, &server);
    let events = kept(&server);
    are_all_there(&events);
    assert!(
        events
            .iter()
            .any(|(_, event)| event.event == EventKind::SessionAdopted)
    );
}

#[test]
fn requests_are_carried_out_and_answered_with_results_or_with_errors_that_have_codes() {
    let Some(server) = NatsServer::start(&[]) else {
        return;
    };
    let project = Project::with("web: exec sleep 1000\napi: exec sleep 1000\n");
    project.start_detached(&["--publish", &server.url(), "-w", "my shop"]);
    let [old, _] = project.wait_running(["web", "api"]);
    let ask = |request: &str| server.ask("ovr.my%20shop.cmd", request);
    project.wait_until("requests to be served", || {
        ask(r#"{"verb":"status"}"#).is_some_and(|answer| answer.contains("\"services\""))
    });
    let restarted: Results =
        serde_json::from_str(&ask(r#"{"verb":"restart","names":["web"]}"#).unwrap()).unwrap();
    assert_eq!(restarted.results[0].old_pid, Some(old));
    let waited: Results =
        serde_json::from_str(&ask(r#"{"verb":"wait","names":["web"],"timeout_ms":60000}"#).unwrap()).unwrap();
    assert_eq!(waited.results.len(), 1);
    let status: Status = serde_json::from_str(&ask(r#"{"verb":"status"}"#).unwrap()).unwrap();
    assert_eq!(status.services[0].pid, restarted.results[0].pid);
    for (request, code) in [
        (r#"{"verb":"restart","names":["wbe"]}"#, "no_such_service"),
        (r#"{"verb":"restart","name":["web"]}"#, "usage"),
        (r#"{"verb":"explode"}"#, "usage"),
        ("no json", "usage"),
    ] {
        let error: ErrorBody = serde_json::from_str(&ask(request).unwrap()).unwrap();
        assert_eq!(error.error.code, code, "{request}");
    }
    let stopped: Results = serde_json::from_str(&ask(r#"{"verb":"quit"}"#).unwrap()).unwrap();
    assert_eq!(stopped.results.len(), 2);
    project.wait_gone();
}

#[test]
fn a_password_is_used_and_shown_nowhere() {
    let Some(server) = NatsServer::start(&["--user", "me", "--pass", "secret"]) else {
        return;
    };
    server.keep_events();
    let project = Project::with("web: exec sleep 1000\n");
    let url = format!("nats://me:secret@127.0.0.1:{}", server.port);
    let console = project.start_piped(&["--publish", &url]);
    project.wait_running(["web"]);
    wait_until_kept(&project, &server);
    project.ovr(&["status", "-v"]).success().never_says(&["secret"]);
    project
        .ovr(&["status", "--json"])
        .success()
        .never_says(&["secret"]);
    let dir = project.status().session.runtime_dir;
    let info = std::fs::read_to_string(format!("{dir}/session.json")).unwrap();
    assert!(info.contains("--publish") && !info.contains("secret"), "{info}");
    project.ovr(&["quit"]).success();
    console.wait_exit();
    assert!(!console.plain().contains("secret"));
    project
        .ovr(&["start", "--publish", "nats://me:secret@host:no"])
        .code(64)
        .says(&["--publish", "port"])
        .never_says(&["secret"]);
}

#[test]
fn a_server_that_refuses_or_is_not_there_is_told_once_and_starts_and_stops_go_on() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let project = Project::with("web: exec sleep 1000\n");
    let console = project.start_piped(&["--publish", &format!("nats://{nobody}")]);
    console.wait_for_output("connection refused");
    project.ovr(&["restart", "web"]).success();
    project.ovr(&["quit"]).success();
    console.wait_exit();
    assert_eq!(
        console.plain().matches("cannot be published").count(),
        1,
        "{}",
        console.plain()
    );
    let Some(server) = NatsServer::start(&["--user", "you", "--pass", "other"]) else {
        return;
    };
    let console = project.start_piped(&["--publish", &server.url()]);
    console.wait_for_output("it refuses: Authorization Violation");
    project.ovr(&["quit"]).success();
    console.wait_exit();
}

#[test]
fn over_tls_the_certificate_has_to_be_trusted() {
    let pem = concat!(env!("CARGO_MANIFEST_DIR"), "/src/probes/tests/localhost.pem");
    let Some(server) = NatsServer::start(&["--tls", "--tlscert", pem, "--tlskey", pem]) else {
        return;
    };
    let address = format!("tls://localhost:{}", server.port);
    let project = Project::with("web: exec sleep 1000\n");
    let console = project.start_piped(&["--publish", &address]);
    console.wait_for_output("its certificate is not trusted");
    project.ovr(&["quit"]).success();
    console.wait_exit();
    // What the system trusts can be said by a variable.
    let console = project
        .cmd(&["start", "--publish", &address])
        .env("SSL_CERT_FILE", pem)
        .piped();
    project.wait_running(["web"]);
    project.wait_until("all to be published", || {
        let dir = project.status().session.runtime_dir;
        let journal = std::fs::read_to_string(format!("{dir}/events.jsonl")).unwrap_or_default();
        journal.contains("{\"published\":")
    });
    project.ovr(&["quit"]).success();
    console.wait_exit();
    assert!(
        !console.plain().contains("cannot be published"),
        "{}",
        console.plain()
    );
    assert!(server.dir().exists());
}

#[test]
fn the_file_says_where_to_publish_and_the_flag_wins() {
    let file =
        |address: &str| format!("publish: {address}\nprocesses:\n  web:\n    command: exec sleep 1000\n");
    for (address, place, shown) in [
        ("http://localhost", "ovr.yaml:1:10", true),
        ("nats://me:secret@:99", "ovr.yaml:1:10", false),
        ("nats://localhost:0", "ovr.yaml:1:10", true),
    ] {
        let project = Project::new().file("ovr.yaml", &file(address));
        let told = project.ovr(&["check"]);
        told.code(78).says(&[place, "publish", "such as nats://"]);
        assert_eq!(told.stderr.contains(address), shown, "{told}");
        told.never_says(&["secret"]);
    }
    let Some(server) = NatsServer::start(&[]) else {
        return;
    };
    server.keep_events();
    // What is put in may come from elsewhere, as everywhere in the file.
    let project = Project::new()
        .file("ovr.yaml", &file("'${WHERE}'"))
        .file(".env", &format!("WHERE={}\n", server.url()));
    project.start_detached(&[]);
    wait_until_kept(&project, &server);
    project.ovr(&["quit"]).success();
    let before = kept(&server).len();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = format!("nats://{}", silent.local_addr().unwrap());
    project.start_detached(&["--publish", &other]);
    project.wait_running(["web"]);
    drop(silent.accept().unwrap());
    project.ovr(&["quit"]).success();
    assert_eq!(kept(&server).len(), before);
}
