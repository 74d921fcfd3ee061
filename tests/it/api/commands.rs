//! The commands of `ovr` against an address, and `ovr api`.

use crate::harness::Served;
use ovr::model::StateWord;
use serde_json::json;

#[test]
fn commands_reach_a_session_on_tcp() {
    let served = Served::start("web: sleep 1000\napi: echo here is api; sleep 1000\n");
    served.ovr(&["status"]).success().says(&["web", "api", "running"]);
    served.ovr(&["restart", "web"]).success().says(&["restarted web"]);
    served.ovr(&["signal", "CONT", "web"]).success();
    served.ovr(&["stop", "api"]).success().says(&["stopped api"]);
    served.ovr(&["start", "api"]).success().says(&["started api"]);
    served.ovr(&["graph"]).success().says(&["web"]);
    served.ovr(&["scale", "web=2"]).success().says(&["web#2"]);
    served.ovr(&["reload"]).success();
    served.ovr(&["up", "--wait"]).success();
    served.ovr(&["kill", "api"]).success();
    served.ovr(&["stop", "nobody"]).code(65);
    let taken = served.ovr(&["start"]);
    taken
        .code(73)
        .says(&["is the address of a session that runs", "ovr start NAME"]);
    served.ovr(&["quit"]).success().says(&["ended"]);
    served.ovr(&["status"]).code(69);
}

#[test]
fn api_asks_anything_and_exits_by_the_answer() {
    let served = Served::start("web: echo hello; sleep 1000\n");
    served.project.wait_running(["web"]);
    for (args, code, text) in [
        (&["api", "/v1/status"][..], 0, "\"web\""),
        (
            &["api", "GET", "/v1/status", "-i"],
            0,
            "content-type: application/json",
        ),
        (
            &["api", "/v1/services/restart", "--data", r#"{"names":["web"]}"#],
            0,
            "restarted",
        ),
        (
            &[
                "api",
                "POST",
                "/v1/services/stop",
                "--data",
                r#"{"names":["wbe"]}"#,
            ],
            65,
            "did you mean \"web\"?",
        ),
        (
            &["api", "POST", "/v1/services/stop", "--data", "{"],
            64,
            "makes no sense",
        ),
        (&["api", "/v1/nothing"], 64, "no route"),
        (&["api", "GRAB", "/v1/status"], 64, "no method"),
    ] {
        served.ovr(args).code(code).says(&[text]);
        served.project.ovr(args).code(code).says(&[text]);
    }
    served.project.write("body.json", r#"{"counts":{"web":1}}"#);
    served
        .project
        .ovr(&["api", "/v1/scale", "--data", "@body.json"])
        .success();
    let follower = served
        .project
        .cmd(&["api", "/v1/output?follow=true&lines=5"])
        .piped();
    follower.wait_for_output("hello");
    served.project.ovr(&["quit"]).success();
    assert_eq!(follower.wait_exit(), 0);
}

#[test]
fn what_looks_waits_and_follows_works_over_tcp_too() {
    let served = Served::start_with(
        "web: echo here is web; sleep 1000\nbad: echo boom; exit 3\n",
        &["--any-can-die"],
    );
    served.project.wait_state("bad", StateWord::Failed);
    for (args, code, text) in [
        (&["wait", "web"][..], 0, "web"),
        (&["wait", "bad", "--for", "exited"], 74, "boom"),
        (&["why", "bad"], 74, "exited with code 3"),
        (&["events", "-n", "all", "bad"], 0, "bad"),
        (&["events", "--json", "-n", "all"], 0, "session_started"),
        (&["logs", "web"], 0, "here is web"),
    ] {
        served.ovr(args).code(code).says(&[text]);
    }
    let echo = served.cmd(&["echo"]).piped();
    echo.wait_for_output("here is web");
    let events = served.cmd(&["events", "-f", "--json", "web"]).piped();
    let watching = served.cmd(&["status", "--watch", "--json"]).piped();
    watching.wait_for_output("\"web\"");
    served.ovr(&["stop", "web"]).success();
    echo.wait_for_output("stopped (SIGINT)");
    events.wait_for_output("\"stopped\"");
    watching.wait_for_output("\"stopped\"");
    served.ovr(&["quit"]).success();
    for follower in [&echo, &events] {
        assert_eq!(follower.wait_exit(), 0, "{}", follower.stderr());
    }
    // What it shows is gone, as on the session's own machine.
    assert_eq!(watching.wait_exit(), 69, "{}", watching.stderr());
}

#[test]
fn the_tools_of_mcp_work_over_tcp_too() {
    let served = Served::start("web: echo here is web; sleep 1000\n");
    served.project.wait_running(["web"]);
    let mut agent = served.cmd(&["mcp"]).talk();
    agent.call(
        "initialize",
        json!({ "protocolVersion": "2025-06-18", "capabilities": {} }),
    );
    agent.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    for (tool, arguments, text) in [
        ("list", json!({}), "web"),
        ("status", json!({ "names": ["web"] }), "running"),
        ("explain", json!({ "name": "web" }), "web"),
        ("wait", json!({ "names": ["web"] }), "all ready"),
        ("logs", json!({ "names": ["web"], "grep": "here" }), "here is web"),
        ("restart", json!({ "names": ["web"] }), "web"),
        ("stop", json!({ "names": ["web"] }), "web"),
        ("start", json!({ "names": ["web"] }), "all ready"),
        ("stop", json!({ "names": ["web"] }), "web"),
        ("start", json!({ "wait": false }), "web"),
    ] {
        let answer = agent.call("tools/call", json!({ "name": tool, "arguments": arguments }));
        let result = &answer["result"];
        assert_eq!(result["isError"], false, "{tool}: {answer}");
        let said = result["content"][0]["text"].as_str().unwrap();
        assert!(said.contains(text), "{tool}: {said}");
    }
    // Elsewhere nothing can be begun, and here it would be another session.
    served.ovr(&["quit"]).success();
    let answer = agent.call("tools/call", json!({ "name": "start", "arguments": {} }));
    let said = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    assert!(said.contains("has to be started on its own machine"), "{said}");
    agent.close();
    served
        .ovr(&["hook", "session-start"])
        .success()
        .says(&["the session"])
        .never_says(&["was started"]);
}
