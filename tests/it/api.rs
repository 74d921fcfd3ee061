//! The API as programs elsewhere use it: on TCP with its token, as server-sent events, as a live terminal, and
//! whatever nonsense is sent to it.

use crate::harness::{Project, processes};
use ovr::model::StateWord;
use rustix::process::Signal;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// tmux's key to detach.
const DETACH: &str = "\x02d";
/// Nothing here takes long; what hangs ends with this.
const DEADLINE: Duration = Duration::from_secs(60);

/// A session that is served on TCP.
struct Served {
    project: Project,
    /// `127.0.0.1:4321`.
    address: String,
    token: String,
}

impl Served {
    fn start(procfile: &str) -> Self {
        let project = Project::with(procfile);
        let output = project.ovr(&["start", "-D", "-S", "tcp", "-s", "127.0.0.1:0"]);
        let text = output.success().stdout.clone();
        let address = text.split("tcp://").nth(1).unwrap();
        let address = address.split(' ').next().unwrap().to_owned();
        let token = text
            .split_whitespace()
            .find(|word| word.len() == 64)
            .unwrap()
            .to_owned();
        Self {
            project,
            address,
            token,
        }
    }

    /// Runs `ovr` against the address, from a directory that has nothing to do with the project.
    fn ovr(&self, args: &[&str]) -> crate::harness::Output {
        let address = format!("tcp://{}", self.address);
        self.project
            .cmd(&[args, &["-s", &address]].concat())
            .dir("/")
            .env("OVR_TOKEN", &self.token)
            .output()
    }

    /// Sends a request with these header lines; the status and the whole answer.
    fn ask(&self, request: &str, headers: &[String], body: &str) -> (u16, String) {
        let mut head = format!("{request} HTTP/1.1\r\nconnection: close\r\n");
        for header in headers {
            write!(head, "{header}\r\n").unwrap();
        }
        write!(head, "content-length: {}\r\n\r\n{body}", body.len()).unwrap();
        exchange(TcpStream::connect(&self.address).unwrap(), head.as_bytes())
    }

    fn host(&self) -> String {
        format!("host: {}", self.address)
    }

    fn bearer(&self) -> String {
        format!("authorization: Bearer {}", self.token)
    }

    /// The beginning of a stream of events, up to and with the one that contains `text`.
    fn events_until(&self, target: &str, headers: &[String], text: &str) -> Vec<(String, Value)> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut head = format!(
            "GET {target} HTTP/1.1\r\n{}\r\naccept: text/event-stream\r\n",
            self.host()
        );
        for header in headers {
            write!(head, "{header}\r\n").unwrap();
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let (mut events, mut id) = (Vec::new(), String::new());
        for line in BufReader::new(stream).lines() {
            let line = line.unwrap();
            if let Some(new) = line.strip_prefix("id: ") {
                new.clone_into(&mut id);
            } else if let Some(data) = line.strip_prefix("data: ") {
                events.push((id.clone(), serde_json::from_str(data).unwrap()));
                if data.contains(text) {
                    return events;
                }
            }
        }
        panic!("the stream ended without {text:?}: {events:?}");
    }
}

/// Sends bytes, and reads what comes back to its end.
fn exchange(mut stream: impl Read + Write, bytes: &[u8]) -> (u16, String) {
    // Who refuses may close before everything is read.
    let _refused = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    (status.unwrap_or(0), answer)
}

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
    let project = Project::with("web: sleep 1000\n");
    let console = project.start(&["-S", "tcp", "-s", "127.0.0.1:0"]);
    console.wait_for_output("shown once");
    project.wait_running(["web"]);
    let text = console.plain();
    let address = text.split("tcp://").nth(1).unwrap().split(' ').next().unwrap();
    let token = text.split_whitespace().find(|word| word.len() == 64).unwrap();
    let over_tcp = |args: &[&str]| {
        let call = project.cmd(&[args, &["-S", "tcp", "-s", address]].concat());
        call.env("OVR_TOKEN", token).output()
    };
    over_tcp(&["detach"]).success();
    assert_eq!(console.wait_exit(), 0);
    over_tcp(&["status"]).success().says(&["in the background"]);
}

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
    for local in ["ls", "clean"] {
        served.ovr(&[local]).code(64).says(&["this machine"]);
    }
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
fn events_go_on_behind_the_last_one_that_was_seen() {
    let served = Served::start(
        "count: i=0; while :; do i=$((i+1)); echo number $i; [ $i -ge 20 ] && until [ -e $OUT/go ]; do sleep 0.02; done; [ $i = 40 ] && exec sleep 1000; done\n",
    );
    let target = "/v1/output?names=count&lines=1000&follow=true";
    let first = served.events_until(target, &[served.bearer()], "number 20\"");
    std::fs::write(served.project.path("out").join("go"), "").unwrap();
    let last = first.last().unwrap().0.clone();
    let headers = [served.bearer(), format!("last-event-id: {last}")];
    let rest = served.events_until(target, &headers, "number 40\"");
    let texts = |events: &[(String, Value)]| -> Vec<String> {
        let texts = events.iter().filter(|(_, line)| line["kind"] == "output");
        texts
            .map(|(_, line)| line["text"].as_str().unwrap().to_owned())
            .collect()
    };
    let seen = [texts(&first), texts(&rest)].concat();
    let expected: Vec<String> = (1..=40).map(|number| format!("number {number}")).collect();
    assert_eq!(seen, expected);
    // What another controller has numbered is a gap, and then the lines that a newcomer gets.
    let headers = [served.bearer(), "last-event-id: 1-1".to_owned()];
    let anew = served.events_until(target, &headers, "number 40\"");
    assert_eq!(anew[0].1["kind"], "gap");
    assert_eq!(texts(&anew), expected);
    let nonsense = [
        served.host(),
        served.bearer(),
        "last-event-id: x".to_owned(),
        "accept: text/event-stream".to_owned(),
    ];
    assert_eq!(served.ask("GET /v1/output", &nonsense, "").0, 400);
}

#[test]
fn a_terminal_over_tcp_is_typed_into_resized_and_left() {
    let served = Served::start("web: sleep 1000\nask: asker\n");
    served
        .project
        .wait_service("ask", "to wait for input", |service| service.waits_for_input);
    let address = format!("tcp://{}", served.address);
    let connect = |args: &[&str]| {
        let call = served.project.cmd(&[&["connect", "-s", &address], args].concat());
        call.dir("/").env("OVR_TOKEN", &served.token).terminal()
    };
    let view = connect(&["ask"]);
    view.wait_for_screen_text("leave: Ctrl-b d");
    view.resize(30, 100);
    view.wait_for_screen("the status line in the last of 30 rows", |screen| {
        let rows: Vec<String> = screen.rows(0, 100).collect();
        rows.len() == 30 && rows[29].contains("Ctrl-b d")
    });
    let looker = connect(&["-r", "ask"]);
    looker.wait_for_screen_text("read-only");
    looker.type_keys("no\r");
    view.type_keys("yes\r");
    assert_eq!(served.project.wait_out("answer"), "yes");
    looker.wait_for_screen_text("answer: yes");
    view.type_keys(DETACH);
    assert_eq!(view.wait_exit(), 0);
    view.wait_for_output("left ask");
    looker.type_keys(DETACH);
    assert_eq!(looker.wait_exit(), 0);
    connect(&["nobody"]).wait_for_output("no service");
}

#[test]
fn a_terminal_ends_with_its_client_and_with_the_session() {
    let served = Served::start("web: echo here is web; sleep 1000\n");
    let address = format!("tcp://{}", served.address);
    let connect = || {
        let call = served.project.cmd(&["connect", "web", "-s", &address]);
        call.env("OVR_TOKEN", &served.token).terminal()
    };
    let killed = connect();
    killed.wait_for_screen_text("here is web");
    served
        .project
        .wait_service("web", "to be looked at", |service| service.attached == 1);
    processes::kill(killed.pid, Signal::KILL);
    served
        .project
        .wait_service("web", "to be looked at no more", |service| service.attached == 0);
    let views = || served.project.processes_with("ovr-view-");
    served
        .project
        .wait_until("the view's process to be gone", || views().is_empty());
    let last = connect();
    last.wait_for_screen_text("here is web");
    served.project.ovr(&["quit"]).success();
    assert_eq!(last.wait_exit(), 0);
    // It may still be on its way down when the view has gone.
    last.wait_for_output("the session ");
}

#[test]
fn a_client_that_never_reads_its_terminal_delays_nobody() {
    let served = Served::start(
        "web: until [ -e $OUT/go ]; do sleep 0.02; done; seq 200000; echo all >$OUT/done; sleep 1000\n",
    );
    let mut client = TcpStream::connect(&served.address).unwrap();
    let request = format!(
        "GET /v1/terminal?name=web HTTP/1.1\r\n{}\r\n{}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        served.host(),
        served.bearer()
    );
    client.write_all(request.as_bytes()).unwrap();
    let mut head = [0; 12];
    client.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 101");
    served
        .project
        .wait_service("web", "to be looked at", |service| service.attached == 1);
    std::fs::write(served.project.path("out").join("go"), "").unwrap();
    assert_eq!(served.project.wait_out("done"), "all");
    served.project.ovr(&["restart", "web"]).success();
    drop(client);
    served
        .project
        .wait_service("web", "to be looked at no more", |service| service.attached == 0);
}

#[test]
fn whatever_is_sent_to_whatever_route_is_answered_as_the_clients_mistake() {
    let served = Served::start("web: sleep 1000\n");
    let [before] = served.project.wait_running(["web"]);
    let socket = format!("{}/api.sock", served.project.status().session.runtime_dir);
    let document: Value = serde_json::from_str(ovr::api::openapi::DOCUMENT).unwrap();
    let long = "x".repeat(20_000);
    let deep = format!("{}1{}", "[".repeat(30_000), "]".repeat(30_000));
    let nested = format!("{{\"names\":{deep}}}");
    let bodies = [
        "{",
        "[]",
        "null",
        "1e999",
        "\"\"",
        "\u{0}",
        &deep,
        &nested,
        r#"{"names":1}"#,
        r#"{"names":[null]}"#,
        r#"{"names":["\u0000"]}"#,
        r#"{"names":["\ud800"]}"#,
        r#"{"counts":{"web":-1}}"#,
        r#"{"counts":{"web":4294967296}}"#,
        r#"{"counts":{"web":1e99}}"#,
        r#"{"counts":{"":1}}"#,
        r#"{"timeout_ms":-1}"#,
        r#"{"timeout_ms":1e300}"#,
        r#"{"signal":""}"#,
        r#"{"signal":"99999999999999999999"}"#,
        r#"{"signal":{}}"#,
        r#"{"no_wait":"yes"}"#,
        r#"{"what":1}"#,
    ];
    let queries = [
        "name=%00",
        "name=%ff%fe",
        "name=",
        "names=%ff",
        "names=,,,",
        "lines=-1",
        "lines=99999999999999999999999",
        "lines=1e9",
        "follow=maybe",
        "color=%F0%9F%92%A9",
        "cols=0&rows=0",
        "cols=70000",
        "what=1",
        "%",
        "&&&==&",
    ];
    let mut requests = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item
            .as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase())
        {
            if path == "/v1/openapi.json" {
                continue;
            }
            let verbs: &[&str] = if path.contains("{verb}") {
                &["start", "signal", "%00", "%ff", "..%2f..", "\u{e9}", &long]
            } else {
                &[""]
            };
            for verb in verbs {
                let path = path.replace("{verb}", verb);
                for query in queries
                    .iter()
                    .copied()
                    .chain([long.as_str()])
                    .filter(|_| method == "GET")
                {
                    requests.push((format!("{method} {path}?{query}"), ""));
                }
                for body in bodies.iter().filter(|_| method == "POST") {
                    requests.push((format!("{method} {path}"), body));
                }
            }
        }
    }
    assert!(requests.len() > 200, "{}", requests.len());
    for (line, body) in &requests {
        let head = format!(
            "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let stream = UnixStream::connect(&socket).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let (status, answer) = exchange(stream, head.as_bytes());
        assert!(
            (200..500).contains(&status),
            "{line:.200} {body:.200}: {answer:.500}"
        );
    }
    assert_eq!(
        served.project.wait_running(["web"]),
        [before],
        "nothing of it was taken for a request"
    );
}
