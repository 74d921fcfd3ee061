//! Clients of Process Compose against a session: each documented route, in the shapes that they parse.

mod socket;
mod tcp;

use crate::harness::Project;
use ovr::model::StateWord;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

const SHOP: &str = "\
processes:
  web:
    command: for i in 1 2 3; do echo line $i; done; exec sleep 1000
    description: the shop
    namespace: front
    depends_on:
      db: {condition: process_healthy}
  db:
    command: echo up; exec sleep 1000
    ready_log_line: up
  job:
    command: exit 3
  idle:
    command: sleep 1000
    disabled: true
";

/// A project with a session, all of it as it will be.
fn shop() -> Project {
    let project = Project::new().file("process-compose.yaml", SHOP);
    project.start_detached(&[]);
    project.wait_running(["web", "db"]);
    project.wait_service("web", "its lines", |service| {
        service.last_line.as_deref() == Some("line 3")
    });
    project.wait_state("job", StateWord::Failed);
    project
}

fn connect(project: &Project) -> UnixStream {
    let dir = project.status().session.runtime_dir;
    UnixStream::connect(format!("{dir}/api.sock")).expect("the session listens")
}

/// Status and body of an answer.
#[track_caller]
fn send(project: &Project, method: &str, target: &str, headers: &str, body: &str) -> (u16, Value) {
    let mut stream = connect(project);
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("the session reads");
    // Who is refused by the head alone may have the answer before the body is sent.
    match stream.write_all(body.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => panic!("{error}"),
        Ok(()) | Err(_) => {}
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers in text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head has an end");
    let code = head
        .split(' ')
        .nth(1)
        .expect("a status")
        .parse()
        .expect("a number");
    let body = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
    (code, body)
}

/// As Process Compose's clients call: no body, no content type.
#[track_caller]
fn call(project: &Project, method: &str, target: &str) -> Value {
    let (code, body) = send(project, method, target, "", "");
    assert_eq!(code, 200, "{method} {target}: {body}");
    body
}

#[track_caller]
fn refused(project: &Project, method: &str, target: &str, word: &str) {
    let (code, body) = send(project, method, target, "", "");
    assert_eq!(code, 400, "{method} {target}: {body}");
    assert!(
        body["error"].as_str().is_some_and(|text| text.contains(word)),
        "{body}"
    );
}

#[test]
fn live_and_the_projects_name_and_state_are_told() {
    let project = shop();
    assert_eq!(call(&project, "GET", "/live"), json!({ "status": "alive" }));
    let name = call(&project, "GET", "/project/name")["projectName"].clone();
    assert!(
        name.as_str().is_some_and(|name| name.ends_with("/shop")),
        "{name}"
    );
    let state = call(&project, "GET", "/project/state?withMemory=false");
    assert_eq!(
        (&state["processNum"], &state["runningProcessNum"]),
        (&json!(4), &json!(2)),
        "{state}"
    );
    assert!(state["upTime"].is_u64() && state["startTime"].is_string() && state["version"].is_string());
    assert!(
        state["fileNames"][0]
            .as_str()
            .is_some_and(|file| file.ends_with("shop/process-compose.yaml"))
    );
    assert_eq!(state["userName"], "tester");
}

#[test]
fn processes_are_listed_and_shown_one_by_one() {
    let project = shop();
    let list = call(&project, "GET", "/processes");
    let all = list["data"].as_array().expect("a list");
    let words: Vec<_> = all
        .iter()
        .map(|one| (one["name"].as_str(), one["status"].as_str()))
        .collect();
    let expected = [
        ("web", "Running"),
        ("db", "Running"),
        ("job", "Completed"),
        ("idle", "Disabled"),
    ];
    assert_eq!(words, expected.map(|(name, word)| (Some(name), Some(word))));
    let db = call(&project, "GET", "/process/db");
    assert_eq!(
        (&db["is_ready"], &db["has_ready_probe"]),
        (&json!("Ready"), &json!(true))
    );
    assert_eq!(db["pid"], project.service("db").pid.expect("it runs"));
    assert!(
        db["process_ready_time"].is_string() && db["age"].as_u64().is_some_and(|age| age > 0),
        "{db}"
    );
    assert!(
        db["mem"].as_u64().is_some_and(|bytes| bytes > 0) && db["cpu"].is_number(),
        "{db}"
    );
    let job = call(&project, "GET", "/process/job");
    assert_eq!(
        (&job["exit_code"], &job["is_running"], &job["is_ready"]),
        (&json!(3), &json!(false), &json!("-"))
    );
    assert!(job["process_end_time"].is_string());
    let info = call(&project, "GET", "/process/info/web");
    assert_eq!(info["description"], "the shop");
    assert_eq!(info["dependsOn"], json!({ "db": { "condition": 2 } }));
    let ports = call(&project, "GET", "/process/ports/job");
    assert_eq!(ports, json!({ "name": "job", "tcp_ports": [], "udp_ports": [] }));
    refused(&project, "GET", "/process/wbe", "no such process: wbe");
    assert_eq!(call(&project, "GET", "/namespaces"), json!(["default", "front"]));
}

#[test]
fn processes_are_started_stopped_restarted_and_signalled() {
    let project = shop();
    let [web, db] = project.wait_running(["web", "db"]);
    refused(&project, "POST", "/process/start/web", "already running");
    assert_eq!(
        call(&project, "POST", "/process/start/idle"),
        json!({ "name": "idle" })
    );
    project.wait_running(["idle"]);
    assert_eq!(
        call(&project, "PATCH", "/process/stop/idle"),
        json!({ "name": "idle" })
    );
    assert_eq!(project.service("idle").state, StateWord::Stopped);
    assert_eq!(call(&project, "GET", "/process/idle")["status"], "Completed");
    assert_eq!(
        call(&project, "POST", "/process/restart/web"),
        json!({ "name": "web" })
    );
    project.wait_replaced("web", web);
    refused(&project, "PATCH", "/process/signal/idle/1", "not running");
    refused(&project, "PATCH", "/process/signal/db/99", "no signal");
    assert_eq!(project.wait_running(["db"]), [db]);
    assert_eq!(
        call(&project, "PATCH", "/process/signal/db/9"),
        json!({ "name": "db" })
    );
    project.wait_service("db", "to be killed", |service| service.pid != Some(db));
    for (method, target) in [
        ("POST", "/process/start/wbe"),
        ("POST", "/process/restart/wbe"),
        ("PATCH", "/process/stop/wbe"),
    ] {
        refused(&project, method, target, "no such process");
    }
}

#[test]
fn several_are_stopped_at_once_each_with_its_word() {
    let project = shop();
    let (code, body) = send(&project, "PATCH", "/processes/stop", "", r#"["web","wbe"]"#);
    assert_eq!((code, &body["web"]), (207, &json!("ok")), "{body}");
    assert!(
        body["wbe"]
            .as_str()
            .is_some_and(|text| text.contains("no such process"))
    );
    let json = "content-type: application/json\r\n";
    let (code, body) = send(&project, "PATCH", "/processes/stop", json, r#"["web","db"]"#);
    assert_eq!((code, body), (200, json!({ "web": "ok", "db": "ok" })));
    assert_eq!(send(&project, "PATCH", "/processes/stop", "", "{}").0, 400);
}

#[test]
fn a_namespace_is_stopped_and_started_as_one() {
    let project = shop();
    assert_eq!(
        call(&project, "POST", "/namespace/stop/front"),
        json!({ "name": "front" })
    );
    assert_eq!(project.service("web").state, StateWord::Stopped);
    project.wait_running(["db"]);
    call(&project, "POST", "/namespace/start/front");
    let [web] = project.wait_running(["web"]);
    call(&project, "POST", "/namespace/restart/front");
    project.wait_service("web", "to be another process", |service| {
        service.pid.is_some_and(|pid| pid != web)
    });
    refused(&project, "POST", "/namespace/stop/nope", "nope");
}

#[test]
fn a_process_is_scaled_and_its_replicas_are_addressed_by_their_names() {
    let project = shop();
    assert_eq!(
        call(&project, "PATCH", "/process/scale/web/2"),
        json!({ "name": "web" })
    );
    let list = call(&project, "GET", "/processes");
    let names: Vec<&str> = list["data"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    let webs: Vec<&&str> = names.iter().filter(|name| name.starts_with("web")).collect();
    assert_eq!(webs.len(), 2, "{names:?}");
    let second = webs[1].replace('#', "%23");
    assert_eq!(
        call(&project, "GET", &format!("/process/{second}"))["name"],
        *webs[1]
    );
    refused(&project, "PATCH", "/process/scale/web/0", "replicas");
    refused(&project, "PATCH", "/process/scale/web/many", "replicas");
}

#[test]
fn logs_are_given_by_their_distance_from_the_end() {
    let project = shop();
    let logs = |range: &str| call(&project, "GET", &format!("/process/logs/web/{range}"))["logs"].clone();
    assert_eq!(logs("0/2"), json!(["line 2", "line 3"]));
    assert_eq!(logs("1/2"), json!(["line 1", "line 2"]));
    assert_eq!(logs("0/0"), json!(["line 1", "line 2", "line 3"]));
    assert_eq!(logs("2/100"), json!(["line 1"]));
    assert_eq!(logs("100/100"), json!([]));
    refused(&project, "GET", "/process/logs/wbe/0/1", "no such process");
    refused(&project, "GET", "/process/logs/web/x/1", "no number");
    refused(&project, "DELETE", "/process/logs/web", "kept");
}

#[test]
fn a_reload_tells_what_became_of_each_process() {
    let project = shop();
    assert_eq!(call(&project, "POST", "/project/configuration"), json!({}));
    project.write(
        "process-compose.yaml",
        &SHOP
            .replace("  idle:", "  more:\n    command: sleep 1000\n  idle:")
            .replace("exit 3", "exit 4"),
    );
    let changes = call(&project, "POST", "/project/configuration");
    assert_eq!(
        (&changes["more"], &changes["job"]),
        (&json!("added"), &json!("updated")),
        "{changes}"
    );
    project.write("process-compose.yaml", "processes: 7\n");
    refused(&project, "POST", "/project/configuration", "process-compose.yaml");
    project.write("process-compose.yaml", SHOP);
}

#[test]
fn the_project_is_stopped_and_the_answer_comes_when_it_is() {
    let project = shop();
    assert_eq!(
        call(&project, "POST", "/project/stop"),
        json!({ "status": "stopped" })
    );
    project.wait_gone();
}

#[test]
fn pages_from_elsewhere_and_their_forms_are_refused_on_every_route_that_changes_something() {
    let project = shop();
    let pids = project.wait_running(["web", "db"]);
    for (method, target) in [
        ("POST", "/process/restart/web"),
        ("PATCH", "/process/stop/web"),
        ("POST", "/namespace/stop/front"),
        ("POST", "/project/configuration"),
        ("POST", "/project/stop"),
    ] {
        let page = send(&project, method, target, "origin: http://evil.example\r\n", "");
        assert_eq!(page.0, 403, "{target}: {}", page.1);
        let form = send(
            &project,
            method,
            target,
            "content-type: application/x-www-form-urlencoded\r\n",
            "a=b",
        );
        assert_eq!(form.0, 415, "{target}: {}", form.1);
        assert!(page.1["error"].is_string() && form.1["error"].is_string());
    }
    assert_eq!(
        send(
            &project,
            "GET",
            "/processes",
            "origin: http://evil.example\r\n",
            ""
        )
        .0,
        403
    );
    assert_eq!(project.wait_running(["web", "db"]), pids);
}

#[test]
fn the_graph_is_a_tree_below_each_process_that_nobody_depends_on() {
    let project = shop();
    let graph = call(&project, "GET", "/graph");
    assert_eq!(
        graph,
        json!({ "nodes": { "web": {
            "name": "web", "process_status": "Running", "is_ready": graph["nodes"]["web"]["is_ready"],
            "depends_on": { "db": {
                "name": "db", "process_status": "Running", "is_ready": "Ready", "dependency_type": "healthy",
            } },
        } } })
    );
}

#[test]
fn a_posted_project_of_the_same_processes_is_a_reload_and_another_one_is_refused() {
    let project = shop();
    let json_body = "content-type: application/json\r\n";
    let post = |body: &Value| send(&project, "POST", "/project", json_body, &body.to_string());
    let names = |names: &[&str]| {
        let named = names
            .iter()
            .map(|name| ((*name).to_owned(), json!({ "Name": name })));
        json!({ "Processes": Value::Object(named.collect()) })
    };
    let (code, refused) = post(&names(&["web", "new"]));
    assert_eq!(code, 400);
    assert!(
        refused["error"].as_str().unwrap().contains("no process new"),
        "{refused}"
    );
    assert_eq!(post(&json!({ "Environment": [] })).0, 400);
    assert_eq!(post(&names(&["web", "db", "job", "idle"])), (200, json!({})));
    project.write("process-compose.yaml", &SHOP.replace("exit 3", "exit 4"));
    let (code, changed) = post(&names(&["web", "db", "job", "idle"]));
    assert_eq!((code, &changed["job"]), (200, &json!("updated")), "{changed}");
}
