//! The WebSockets of logs and of states, by the bytes that their clients send.

use super::{call, connect, shop};
use crate::harness::Project;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

/// A WebSocket that only listens.
struct Socket(BufReader<UnixStream>);

impl Socket {
    fn open(project: &Project, target: &str) -> Self {
        let mut stream = connect(project);
        write!(
            stream,
            "GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        .expect("the session reads");
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).expect("an answer");
        assert!(line.contains(" 101 "), "{line}");
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).expect("a head has an end");
        }
        Self(reader)
    }

    /// The next text; `None` when the server says that it is over.
    fn next(&mut self) -> Option<Value> {
        let mut head = [0; 2];
        self.0
            .read_exact(&mut head)
            .expect("a frame, or one that says that it is over");
        let mut length = usize::from(head[1] & 0x7f);
        if length == 126 {
            let mut long = [0; 2];
            self.0.read_exact(&mut long).expect("its length");
            length = usize::from(u16::from_be_bytes(long));
        }
        let mut text = vec![0; length];
        self.0.read_exact(&mut text).expect("its text");
        match head[0] & 0x0f {
            1 => Some(serde_json::from_slice(&text).expect("JSON")),
            8 => None,
            other => panic!("a frame of kind {other}"),
        }
    }
}

#[test]
fn the_socket_of_logs_replays_the_tail_of_each_and_follows_over_restarts() {
    let project = shop();
    let mut past = Socket::open(&project, "/process/logs/ws?name=web,db&offset=2");
    let mut told: Vec<(String, String)> = Vec::new();
    while let Some(line) = past.next() {
        let text = |key: &str| line[key].as_str().expect("a text").to_owned();
        told.push((text("process_name"), text("message")));
    }
    let of = |name: &str| -> Vec<&str> {
        told.iter()
            .filter(|(of, _)| of == name)
            .map(|(_, text)| text.as_str())
            .collect()
    };
    assert_eq!(
        (of("web"), of("db")),
        (vec!["line 2", "line 3"], vec!["up"]),
        "{told:?}"
    );

    let mut follower = Socket::open(&project, "/process/logs/ws?name=web&offset=1&follow=true");
    assert_eq!(
        follower.next(),
        Some(json!({ "message": "line 3", "process_name": "web" }))
    );
    call(&project, "POST", "/process/restart/web");
    for line in ["line 1", "line 2", "line 3"] {
        assert_eq!(
            follower.next(),
            Some(json!({ "message": line, "process_name": "web" }))
        );
    }
    project.ovr(&["quit"]).success();
    assert_eq!(follower.next(), None);
    // Both are over before the last look at what is left.
    drop((past, follower));
}

#[test]
fn a_socket_that_asks_for_nothing_sensible_is_refused() {
    let project = shop();
    let upgrade = "upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nconnection: upgrade\r\n";
    for target in [
        "?name=web",
        "?name=web&offset=x",
        "?offset=1",
        "?name=wbe&offset=1",
    ] {
        let mut stream = connect(&project);
        write!(
            stream,
            "GET /process/logs/ws{target} HTTP/1.1\r\nhost: localhost\r\n{upgrade}\r\n"
        )
        .unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        assert!(line.contains(" 400 "), "{target}: {line}");
    }
}

#[test]
fn the_socket_of_states_tells_where_each_stands_and_then_what_changes() {
    let project = shop();
    let mut all = Socket::open(&project, "/process/states/ws");
    let mut snapshot: Vec<(String, String)> = Vec::new();
    for _ in 0..4 {
        let told = all.next().expect("a state");
        assert_eq!(told["snapshot"], true, "{told}");
        let text = |key: &str| told["state"][key].as_str().expect("a text").to_owned();
        snapshot.push((text("name"), text("status")));
    }
    let of = |name: &str| {
        snapshot
            .iter()
            .find(|(of, _)| of == name)
            .map(|(_, word)| word.as_str())
    };
    assert_eq!(
        (of("web"), of("job"), of("idle")),
        (Some("Running"), Some("Completed"), Some("Disabled")),
        "{snapshot:?}"
    );
    let mut one = Socket::open(&project, "/process/states/ws?name=web");
    assert_eq!(one.next().expect("a state")["state"]["name"], "web");
    call(&project, "PATCH", "/process/stop/db");
    call(&project, "PATCH", "/process/stop/web");
    let mut words = Vec::new();
    while words.last().is_none_or(|word| word != "Completed") {
        let told = one.next().expect("another state");
        assert_eq!(
            (&told["state"]["name"], &told["snapshot"]),
            (&json!("web"), &Value::Null)
        );
        words.push(told["state"]["status"].as_str().expect("a text").to_owned());
    }
    let mut names = std::collections::BTreeSet::new();
    while names.len() < 2 {
        let told = all.next().expect("another state");
        names.insert(told["state"]["name"].as_str().expect("a text").to_owned());
    }
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["db", "web"]);
    project.ovr(&["quit"]).success();
    while one.next().is_some() {}
    drop((all, one));
}
