//! Who is let in on TCP, with which token, and where a session that goes on is served.

use crate::harness::Served;
use crate::harness::{Project, processes};
use ovr::model::StateWord;
use rustix::process::Signal;
use std::os::unix::fs::PermissionsExt;

#[test]
fn on_tcp_the_api_is_neither_for_web_pages_nor_for_whoever_lacks_the_token() {
    let served = Served::start("web: sleep 1000\n");
    let port = served.address.rsplit(':').next().unwrap();
    let (host, bearer) = (served.host(), served.bearer());
    let wrong = format!("authorization: Bearer {}", "0".repeat(64));
    let origin = |origin: &str| format!("origin: {origin}");
    let status = |headers: &[String]| served.ask("GET /v1/status", headers, "").0;
    for (headers, expected) in [
        (vec![host.clone(), bearer.clone()], 200),
        (vec![format!("host: localhost:{port}"), bearer.clone()], 200),
        (
            vec![
                host.clone(),
                bearer.clone(),
                origin(&format!("http://{}", served.address)),
            ],
            200,
        ),
        (vec![host.clone()], 401),
        (vec![host.clone(), wrong], 401),
        (
            vec![host.clone(), format!("authorization: Basic {}", served.token)],
            401,
        ),
        (vec![bearer.clone()], 400),
        (
            vec![host.clone(), "host: evil.example".to_owned(), bearer.clone()],
            400,
        ),
        (vec!["host: evil.example".to_owned(), bearer.clone()], 403),
        (
            vec![format!("host: 127.0.0.1.evil.example:{port}"), bearer.clone()],
            403,
        ),
        (
            vec![host.clone(), bearer.clone(), origin("http://evil.example")],
            403,
        ),
        (vec![host.clone(), bearer.clone(), origin("null")], 403),
        (
            vec![
                host.clone(),
                bearer.clone(),
                origin(&format!("https://{}", served.address)),
            ],
            403,
        ),
    ] {
        assert_eq!(status(&headers), expected, "{headers:?}");
    }
    // A form of a page can send this, and nothing of it is taken, token or not.
    for route in [
        "quit",
        "reload",
        "detach",
        "services/stop",
        "scale",
        "wait",
        "logs/sync",
        "clean",
    ] {
        let form = "content-type: application/x-www-form-urlencoded".to_owned();
        let (code, _) = served.ask(
            &format!("POST /v1/{route}"),
            &[host.clone(), bearer.clone(), form],
            "a=b",
        );
        assert_eq!(code, 415, "{route}");
    }
    // In the address a token counts only where a browser has no other place for it.
    let in_query = format!("GET /v1/status?token={}", served.token);
    assert_eq!(served.ask(&in_query, std::slice::from_ref(&host), "").0, 401);
    let streamed = format!("GET /v1/output?token={}", served.token);
    let accept = "accept: text/event-stream".to_owned();
    assert_eq!(served.ask(&streamed, &[host.clone(), accept.clone()], "").0, 200);
    assert_eq!(
        served
            .ask("GET /v1/output?token=0", &[host.clone(), accept], "")
            .0,
        401
    );
    // What tells nothing of the session is for everybody who may ask.
    for page in [
        "/docs",
        "/docs/start.js",
        "/docs/swagger-ui.css",
        "/docs/swagger-ui-bundle.js",
        "/v1/openapi.json",
    ] {
        assert_eq!(
            served
                .ask(&format!("GET {page}"), std::slice::from_ref(&host), "")
                .0,
            200
        );
        assert_eq!(
            served
                .ask(&format!("GET {page}"), &["host: evil.example".to_owned()], "")
                .0,
            403
        );
    }
    assert_eq!(served.project.service("web").state, StateWord::Running);
}

#[test]
fn an_address_that_others_can_reach_has_to_be_asked_for() {
    let project = Project::with("web: sleep 1000\n");
    let refused = project.ovr(&["start", "-D", "-s", "tcp://0.0.0.0:0"]);
    refused
        .code(64)
        .says(&["can be reached from other machines", "--listen-public"]);
    let served = project.ovr(&["start", "-D", "-s", "tcp://0.0.0.0:0", "--listen-public"]);
    served.success().says(&["tcp://0.0.0.0:"]);
}

#[test]
fn the_token_is_shown_once_and_kept_for_its_owner_alone() {
    let served = Served::start("web: sleep 1000\n");
    let dir = served.project.status().session.runtime_dir;
    let file = std::path::Path::new(&dir).join("token");
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), served.token);
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    for command in ["status", "ls", "logs"] {
        served.project.ovr(&[command]).never_says(&[&served.token]);
    }
    let wrong = served
        .project
        .cmd(&["status", "-S", "tcp", "-s", &served.address])
        .output();
    wrong.code(77).says(&["OVR_TOKEN", "--token-file"]);
    let path = file.to_str().unwrap();
    let by_file = ["status", "-S", "tcp", "-s", &served.address, "--token-file", path];
    served.project.cmd(&by_file).output().success();
    served.project.ovr(&["quit"]).success();
    assert!(!file.exists());
}

#[test]
fn a_token_whose_file_was_removed_is_written_again_and_goes_on_to_the_next_controller() {
    let served = Served::start("web: sleep 1000\n");
    let dir = served.project.status().session.runtime_dir;
    let file = std::path::Path::new(&dir).join("token");
    let written = || std::fs::read_to_string(&file).unwrap_or_default();
    for what in [&file, std::path::Path::new(&dir)] {
        if what.is_dir() {
            std::fs::remove_dir_all(what).ok();
        } else {
            std::fs::remove_file(what).unwrap();
        }
        served
            .project
            .wait_until("the token to be back", || written().trim() == served.token);
    }
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    processes::kill(served.project.status().session.pid, Signal::KILL);
    served.project.ovr(&["start", "-D"]).success();
    served.ovr(&["status"]).success();
}

#[test]
fn whoever_takes_the_session_over_serves_at_the_same_address_with_the_same_token() {
    let served = Served::start("web: sleep 1000\n");
    let [before] = served.project.wait_running(["web"]);
    let controller = served.project.status().session.pid;
    processes::kill(controller, Signal::KILL);
    let adopted = served.project.ovr(&["start", "-D"]);
    adopted
        .success()
        .says(&[&served.address])
        .never_says(&[&served.token]);
    let status = served.ovr(&["status", "--json"]);
    assert_eq!(status.success().json()["services"][0]["pid"], before);
    // And a new session has a new one.
    served.ovr(&["quit"]).success();
    served
        .project
        .start_detached(&["-S", "tcp", "-s", &served.address]);
    served.ovr(&["status"]).code(77);
}

#[test]
fn a_detached_session_keeps_its_port() {
    let (served, console) = Served::in_foreground("web: sleep 1000\n");
    served.project.wait_running(["web"]);
    served.ovr(&["detach"]).success();
    assert_eq!(console.wait_exit(), 0);
    served.ovr(&["status"]).success().says(&["in the background"]);
}
