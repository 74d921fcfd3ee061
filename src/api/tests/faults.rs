//! What goes wrong between client and server, and how it is told.

use super::{DEADLINE, Session, encode_line, output_line, status};
use crate::api::{Call, Client, OutputRequest};
use crate::diag::{Diagnostic, Kind};
use std::cell::Cell;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::rc::Rc;
use std::sync::mpsc as std_mpsc;
use tokio::sync::mpsc;

#[test]
fn a_cut_stream_is_an_error_and_not_an_end() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("api.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let controller = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let line = encode_line(&output_line("last"));
        let head = format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n",
            line.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&line).unwrap();
        stream.write_all(b"\r\n").unwrap();
        // Killed here.
        read_request(&mut stream);
    });
    let mut lines = Client::new(&socket).output(&OutputRequest::default()).unwrap();
    controller.join().unwrap();
    assert_eq!(lines.next().unwrap().unwrap().text, "last");
    assert_eq!(lines.next().unwrap().unwrap_err().kind, Kind::NotRunning);
    assert!(lines.next().is_none());
}

#[test]
fn a_client_that_hangs_up_is_noticed_at_once() {
    let (tell, told) = std_mpsc::channel();
    let session = Session::answering(move |call| {
        let tell = tell.clone();
        match call {
            Call::Action { mut reply, .. } => {
                tell.send("waiting").unwrap();
                tokio::spawn(async move {
                    reply.closed().await;
                    tell.send("hung up").unwrap();
                });
            }
            Call::Output { reply, .. } => {
                let (send, lines) = mpsc::channel(8);
                assert!(reply.send(Ok(lines)).is_ok());
                tokio::spawn(async move {
                    send.send(encode_line(&output_line("first"))).await.unwrap();
                    send.closed().await;
                    tell.send("hung up").unwrap();
                });
            }
            Call::Status { .. }
            | Call::Why { .. }
            | Call::Quit { .. }
            | Call::Reload { .. }
            | Call::Scale { .. }
            | Call::Wait { .. }
            | Call::Detach { .. }
            | Call::Graph { .. }
            | Call::Events { .. }
            | Call::Logs { .. }
            | Call::SyncLogs { .. }
            | Call::Terminal { .. }
            | Call::Check { .. }
            | Call::Config { .. }
            | Call::Environment { .. }
            | Call::Sessions { .. }
            | Call::Leftovers { .. }
            | Call::Clean { .. }
            | Call::Run { .. }
            | Call::Window { .. } => {}
        }
    });
    let mut stream = UnixStream::connect(session.socket()).unwrap();
    stream
        .write_all(b"POST /v1/services/restart HTTP/1.1\r\nhost: ovr\r\ncontent-length: 0\r\n\r\n")
        .unwrap();
    assert_eq!(told.recv_timeout(DEADLINE).unwrap(), "waiting");
    drop(stream);
    assert_eq!(told.recv_timeout(DEADLINE).unwrap(), "hung up");

    let mut lines = session.client().output(&OutputRequest::default()).unwrap();
    assert_eq!(lines.next().unwrap().unwrap().text, "first");
    drop(lines);
    assert_eq!(told.recv_timeout(DEADLINE).unwrap(), "hung up");
}

#[test]
fn what_makes_no_sense_is_refused_in_json_and_asks_nothing() {
    let session = Session::answering(|call| panic!("{call:?} came from nonsense"));
    let post = |path: &str, headers: &str, body: &str| {
        let length = body.len();
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
        )
    };
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let json = "content-type: application/json\r\n";
    let huge = format!("{{\"names\":[\"{}\"]}}", "x".repeat(70_000));
    let stop = "/v1/services/stop";
    for (request, status) in [
        (get("/"), "404"),
        (get("/v2/status"), "404"),
        (get("/v1/status/"), "404"),
        (post("/v1/services/explode", "", ""), "404"),
        (get(stop), "405"),
        (get("/v1/quit"), "405"),
        (post("/v1/status", "", ""), "405"),
        (post(stop, "", "{}"), "415"),
        (post(stop, "content-type: text/plain\r\n", "{}"), "415"),
        (post(stop, json, "{"), "400"),
        (post(stop, json, "[]"), "400"),
        (post(stop, json, r#"[["web"],null,false]"#), "400"),
        (post(stop, json, "null"), "400"),
        (post(stop, json, r#"{"nmaes":["web"]}"#), "400"),
        (post(stop, json, r#"{"names":"web"}"#), "400"),
        (post(stop, json, r#"{"signal":"TERM"}"#), "400"),
        (post(stop, json, &huge), "413"),
        (post("/v1/services/signal", json, "{}"), "400"),
        (post("/v1/services/signal", json, r#"{"signal":"BOGUS"}"#), "400"),
        (get("/v1/output?line=3"), "400"),
        (get("/v1/output?lines=many"), "400"),
        (get("/v1/output?lines=-1"), "400"),
        (get("/v1/window?names=web"), "400"),
    ] {
        let expected = (status.to_owned(), Some("usage".to_owned()));
        assert_eq!(session.raw(&request), expected, "{request:.120}");
    }
    // What is not even HTTP is refused below the routes, without a body.
    for bytes in ["hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\0\0\0\0\r\n\r\n"] {
        assert_eq!(session.raw(bytes).0, "400", "{bytes:?}");
    }
}

#[test]
fn the_server_survives_whatever_comes() {
    let session = Session::answering(|call| {
        if let Call::Status { request: _, reply } = call {
            reply.send(Ok(status())).unwrap();
        }
    });
    let endless = format!("GET /v1/status HTTP/1.1\r\na: {}\r\n\r\n", "x".repeat(1 << 20));
    let mut state: u32 = 7;
    let noise: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        char::from(u8::try_from(state >> 24).unwrap() & 0x7f)
    })
    .take(4096)
    .collect();
    for bytes in ["", "GET", "GET /v1/status HTTP/1.1\r\n", &endless, &noise] {
        let mut stream = UnixStream::connect(session.socket()).unwrap();
        let _refused = stream.write_all(bytes.as_bytes());
    }
    assert_eq!(session.client().status().unwrap(), status());
}

#[test]
fn a_controller_that_is_gone_is_a_session_that_has_ended() {
    let unanswering = Session::answering(drop);
    let ended = Session::new(|called, _| async move { drop(called) });
    for session in [unanswering, ended] {
        let error = session.client().status().unwrap_err();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (Kind::NotRunning, "the session has ended")
        );
    }
}

#[test]
fn nobody_at_the_socket_is_not_running_or_asks_the_fallback() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("api.sock");
    assert_eq!(Client::new(&socket).status().unwrap_err().kind, Kind::NotRunning);
    // A socket file that a killed controller left behind.
    drop(UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    assert_eq!(Client::new(&socket).status().unwrap_err().kind, Kind::NotRunning);

    let session = Session::answering(|call| {
        if let Call::Status { request: _, reply } = call {
            reply.send(Ok(status())).unwrap();
        }
    });
    let (asked, elsewhere) = (Rc::new(Cell::new(0)), session.socket());
    let counter = Rc::clone(&asked);
    let client = Client::new(&socket).or_else(move || {
        counter.set(counter.get() + 1);
        Ok(UnixStream::connect(&elsewhere).unwrap())
    });
    assert_eq!(client.status().unwrap(), status());
    assert_eq!(asked.get(), 1);
}

#[test]
fn a_failure_between_two_versions_names_both() {
    for answer in [
        "HTTP/1.1 404 Not Found\r\nx-ovr-version: 9.9.9\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx-ovr-version: 9.9.9\r\ncontent-length: 2\r\n\r\n{}",
    ] {
        let text = stranger(answer).to_string();
        assert!(
            text.contains("the session runs ovr 9.9.9, and this is ovr"),
            "{text}"
        );
    }
    let same = stranger("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(same.kind, Kind::System);
    assert!(!same.to_string().contains("this is ovr"), "{same}");
    assert_eq!(stranger("").kind, Kind::NotRunning);
    assert_eq!(stranger("SSH-2.0-OpenSSH\r\n").kind, Kind::System);
}

/// The answer of a session of another build, to whatever it is asked.
fn stranger(answer: &'static str) -> Diagnostic {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("api.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let error = Client::new(&socket).status().unwrap_err();
    server.join().unwrap();
    error
}

/// Reads a request without a body, so that closing afterwards is no reset.
fn read_request(stream: &mut UnixStream) {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        read.push(byte[0]);
    }
}
