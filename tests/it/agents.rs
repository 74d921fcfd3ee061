//! What coding agents use: the tools of `ovr mcp`; `ovr hook` and docs/agents.md are in files of their own.

mod documentation;
mod hook;

use crate::harness::{Project, Talk};
use ovr::model::StateWord;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs;

/// Two services that live, one of which fails when it is told to.
const SHOP: &str = "web: echo listening on $PORT; exec sleep 1000\n\
                    worker: echo job 1; until [ -e $OUT/fail ]; do sleep 0.02; done; echo \"KeyError: 'user_id'\"; exit 3\n";
/// A service that never becomes ready.
const NEVER: &str = "processes:\n  slow:\n    command: sleep 1000\n    ready_log_line: never said\n  web:\n    command: sleep 1000\n";

fn shop() -> Project {
    Project::with(SHOP).env("OVR_ANY_CAN_DIE", "1")
}

fn agent(project: &Project) -> Talk {
    let mut agent = project.cmd(&["mcp"]).talk();
    let answer = agent.call(
        "initialize",
        json!({ "protocolVersion": "2025-06-18", "capabilities": {} }),
    );
    assert_eq!(answer["result"]["protocolVersion"], "2025-06-18", "{answer}");
    agent.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    agent
}

/// What a tool says: for the model, for programs, and whether it is an error.
#[track_caller]
fn tool(agent: &mut Talk, name: &str, arguments: impl Into<Value>) -> (String, Value, bool) {
    let arguments: Value = arguments.into();
    let answer = agent.call("tools/call", json!({ "name": name, "arguments": arguments }));
    let result = &answer["result"];
    let text = result["content"][0]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"));
    let is_error = result["isError"].as_bool().expect("it is always told");
    (text.to_owned(), result["structuredContent"].clone(), is_error)
}

/// The same, which must go well.
#[track_caller]
fn done(agent: &mut Talk, name: &str, arguments: impl Into<Value>) -> (String, Value) {
    let (text, structured, is_error) = tool(agent, name, arguments);
    assert!(!is_error, "{name}: {text}");
    (text, structured)
}

#[test]
fn an_agent_brings_a_project_up_reads_on_from_a_cursor_restarts_finds_a_failure_and_stops() {
    let project = shop();
    let mut agent = agent(&project);
    let listed = agent.call("tools/list", json!({}));
    let names: Vec<&str> = listed["result"]["tools"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|tool| tool["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "list", "status", "explain", "logs", "wait", "start", "restart", "stop"
        ]
    );
    let (text, list) = done(&mut agent, "list", json!({}));
    assert_eq!(list["running"], false, "{text}");
    assert_eq!(list["services"][1]["name"], "worker");

    let (text, started) = done(&mut agent, "start", json!({}));
    assert_eq!(started["reached"], true, "{text}");
    let (_, list) = done(&mut agent, "list", json!({}));
    assert_eq!(
        (&list["running"], &list["services"][0]["state"]),
        (&json!(true), &json!("running"))
    );
    let old = list["services"][0]["pid"].clone();
    assert_eq!(list["services"][0]["port"], 5000);
    assert!(
        done(&mut agent, "wait", json!({ "names": ["web"] }))
            .0
            .contains("all ready")
    );

    let (text, read) = done(&mut agent, "logs", json!({}));
    assert!(
        text.contains("web | listening on 5000") && text.contains("worker | job 1"),
        "{text}"
    );
    let cursor = read["cursor"].clone();
    let (_, read) = done(&mut agent, "logs", json!({ "cursor": cursor }));
    assert_eq!(read["lines"], json!([]));
    fs::write(project.path("out").join("fail"), "").unwrap();
    project.wait_state("worker", StateWord::Failed);
    let (text, read) = done(&mut agent, "logs", json!({ "cursor": cursor }));
    assert!(text.contains("KeyError") && !text.contains("job 1"), "{text}");
    assert_eq!(read["cut"], 0);

    let (text, explained) = done(&mut agent, "explain", json!({ "name": "worker" }));
    assert!(
        text.contains("exited with code 3") && text.contains("KeyError"),
        "{text}"
    );
    assert_eq!(
        (
            &explained["service"]["exit_code"],
            &explained["last_exit"]["exit_code"]
        ),
        (&json!(3), &json!(3))
    );
    assert!(explained["next"].is_string());
    let (text, _, is_error) = tool(
        &mut agent,
        "wait",
        json!({ "names": ["worker"], "for": "exited" }),
    );
    assert!(is_error && text.ends_with("failed: worker"), "{text}");
    assert!(
        done(&mut agent, "wait", json!({ "names": ["web"], "for": "running" }))
            .0
            .ends_with("all running")
    );
    let (text, _) = done(&mut agent, "status", json!({ "names": ["worker"] }));
    assert!(
        text.contains("Procfile:2") && !text.contains("listening"),
        "{text}"
    );
    let (text, failed, is_error) = tool(&mut agent, "restart", json!({ "names": ["worker"] }));
    assert!(
        is_error && text.contains("  | KeyError") && text.ends_with("failed: worker"),
        "{text}"
    );
    assert_eq!(failed["reached"], false);
    done(&mut agent, "restart", json!({ "names": ["web"] }));
    assert_ne!(done(&mut agent, "list", json!({})).1["services"][0]["pid"], old);

    let (text, _) = done(&mut agent, "stop", json!({ "names": ["web"] }));
    assert!(text.contains("stopped web"), "{text}");
    project.wait_state("web", StateWord::Stopped);
    done(&mut agent, "start", json!({ "names": ["web"], "wait": false }));
    project.wait_running(["web"]);
    let (rest, status) = agent.close();
    assert!(rest.is_empty() && status.success(), "{rest:?} {status}");
    project.wait_running(["web"]);
}

#[test]
fn what_an_agent_does_wrong_is_told_with_what_to_do_and_changes_nothing() {
    let project = shop();
    let mut agent = agent(&project);
    for (name, arguments, words) in [
        ("status", json!({}), vec!["not running", "start tool"]),
        ("logs", json!({ "grep": "[" }), vec!["no regular expression"]),
        ("logs", json!({ "cursor": "x" }), vec!["no cursor"]),
        ("restart", json!({ "names": ["web"] }), vec!["not running"]),
    ] {
        let (text, structured, is_error) = tool(&mut agent, name, arguments);
        assert!(
            is_error && words.iter().all(|word| text.contains(word)),
            "{name}: {text}"
        );
        assert!(structured["error"]["code"].is_string(), "{structured}");
    }
    done(&mut agent, "start", json!({}));
    let pids = project.wait_running(["web", "worker"]);
    for (name, arguments, words) in [
        (
            "restart",
            json!({ "names": ["wbe"] }),
            vec!["wbe", "did you mean \"web\"?"],
        ),
        ("restart", json!({ "names": ["web", "wrker"] }), vec!["wrker"]),
        (
            "stop",
            json!({ "names": [] }),
            vec!["`names` is empty", "[\"*\"]"],
        ),
        ("stop", json!({ "nmaes": ["web"] }), vec!["nmaes", "names"]),
        ("stop", json!({}), vec!["names"]),
        ("wait", json!({ "timeout_s": -1 }), vec!["timeout_s"]),
        ("explain", json!({ "name": "w*" }), vec!["w*"]),
    ] {
        let (text, _, is_error) = tool(&mut agent, name, arguments);
        assert!(
            is_error && words.iter().all(|word| text.contains(word)),
            "{name}: {text}"
        );
    }
    assert_eq!(project.wait_running(["web", "worker"]), pids);
    agent.close();
}

#[test]
fn hostile_input_is_refused_message_by_message_and_only_the_protocol_is_said() {
    let project = shop();
    let mut agent = agent(&project);
    for (line, code) in [
        ("not json".to_owned(), -32700),
        ("\u{0}\u{1}".to_owned(), -32700),
        ("[".repeat(500_000), -32700),
        ("x".repeat(3_000_000), -32600),
        (
            "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]".to_owned(),
            -32600,
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}".to_owned(),
            -32600,
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":77,\"method\":\"resources/list\"}".to_owned(),
            -32601,
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":78,\"method\":\"tools/call\",\"params\":{\"name\":\"rm\"}}"
                .to_owned(),
            -32602,
        ),
    ] {
        agent.say(&line);
        let answer = agent.hear();
        assert_eq!(answer["error"]["code"], code, "{line:.60}: {answer}");
    }
    assert_eq!(agent.call("ping", json!({}))["result"], json!({}));
    let (rest, status) = agent.close();
    assert!(rest.is_empty() && status.success(), "{rest:?}");
}

#[test]
fn a_wait_that_is_cancelled_is_not_answered_and_the_end_of_the_input_ends_one_at_once() {
    let project = Project::new().file("process-compose.yaml", NEVER);
    let mut agent = agent(&project);
    done(&mut agent, "start", json!({ "wait": false }));
    project.wait_running(["web", "slow"]);
    let wait = json!({ "name": "wait", "arguments": { "names": ["slow"], "timeout_s": 3600 } });
    let id = agent.ask("tools/call", wait.clone());
    assert_eq!(agent.call("ping", json!({}))["result"], json!({}));
    let cancel =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } });
    agent.say(&cancel.to_string());
    assert_eq!(agent.call("ping", json!({}))["result"], json!({}));
    agent.ask("tools/call", wait);
    let pid = agent.pid();
    let (rest, status) = agent.close();
    assert!(rest.is_empty() && status.success(), "{rest:?} {status}");
    assert!(project.processes().iter().all(|process| process.pid != pid));
    project.wait_running(["web", "slow"]);
}

#[test]
fn a_wait_ends_with_its_time_and_says_where_the_service_stands() {
    let project = Project::new().file("process-compose.yaml", NEVER);
    let mut agent = agent(&project);
    let (text, waited, is_error) = tool(&mut agent, "start", json!({ "timeout_s": 0.2 }));
    assert!(
        is_error
            && text.contains("slow: running: not ready yet, pid")
            && text.contains("not ready yet: slow"),
        "{text}"
    );
    assert_eq!(waited["reached"], false);
    agent.close();
}

#[test]
fn the_services_outlive_an_agent_that_is_killed_and_the_next_one_finds_them() {
    let project = shop();
    let mut first = agent(&project);
    done(&mut first, "start", json!({}));
    let pids = project.wait_running(["web", "worker"]);
    first.kill();
    let mut second = agent(&project);
    let (text, _) = done(&mut second, "start", json!({}));
    assert!(text.contains("all ready"), "{text}");
    assert_eq!(project.wait_running(["web", "worker"]), pids);
    // And it adopts what a killed controller has left.
    let controller = i32::try_from(project.status().session.pid).unwrap();
    kill_process(Pid::from_raw(controller).unwrap(), Signal::KILL).unwrap();
    done(&mut second, "start", json!({}));
    assert_eq!(project.wait_running(["web", "worker"]), pids);
    second.close();
}

#[test]
fn a_project_that_cannot_come_up_is_told_with_the_place_of_the_mistake() {
    let project = Project::new().file("ovr.yaml", "processes:\n  web:\n    comand: sleep 1\n");
    let mut agent = agent(&project);
    let (text, structured, is_error) = tool(&mut agent, "start", json!({}));
    assert!(
        is_error && text.contains("ovr.yaml:3:5") && text.contains("command"),
        "{text}"
    );
    assert_eq!(structured["error"]["code"], "config");
    agent.close();
    project.wait_gone();
}

#[test]
fn logs_keep_to_their_bounds_and_mark_what_they_leave_out() {
    let project = Project::with("web: seq 1 5000; head -c 5000 /dev/zero | tr '\\0' x; echo; sleep 1000\n");
    let mut agent = agent(&project);
    done(&mut agent, "start", json!({}));
    project.wait_service("web", "its last line", |service| {
        service
            .last_line
            .as_deref()
            .is_some_and(|line| line.starts_with('x'))
    });
    let (text, read) = done(
        &mut agent,
        "logs",
        json!({ "names": ["web"], "lines": 2000, "max_bytes": 4096 }),
    );
    assert!(text.len() < 4096 + 300, "{}", text.len());
    assert!(
        text.starts_with("… ") && text.contains(" or more older lines are left out"),
        "{text:.100}"
    );
    assert!(read["cut"].as_u64().expect("a number") > 1000);
    assert!(text.contains("x [… 3000 bytes more]"), "{text}");
    let (_, read) = done(&mut agent, "logs", json!({ "grep": "^49.[78]$" }));
    assert_eq!(read["lines"].as_array().map(Vec::len), Some(20), "{read}");
    agent.close();
}

#[test]
fn another_directory_can_be_named_for_agents_that_start_elsewhere() {
    let project = shop();
    let root = project.root.to_str().unwrap().to_owned();
    let mut agent = project.cmd(&["mcp", "-d", &root]).dir("/").talk();
    let (_, list) = done(&mut agent, "list", json!({}));
    assert_eq!(list["services"][0]["name"], "web");
    agent.close();
    let mut agent = project.cmd(&["mcp"]).dir("/").talk();
    let (text, _, is_error) = tool(&mut agent, "list", json!({}));
    assert!(is_error && text.contains("ovr mcp -d DIR"), "{text}");
    agent.close();
}
