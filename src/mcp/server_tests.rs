//! The server against scripted clients, with tools that do nothing.

use super::{Answer, MAX_LINE, Toolbox, serve};
use crate::api::HangUp;
use serde_json::{Map, Value, json};
use std::io::{BufReader, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// `logs` gives back its arguments, `wait` waits until somebody hangs up, `list` is broken.
struct Echo {
    waits: Mutex<Sender<()>>,
}

impl Toolbox for Echo {
    fn instructions(&self) -> String {
        "be kind".to_owned()
    }

    fn call(&self, tool: &str, arguments: Map<String, Value>, hang_up: &HangUp) -> Answer {
        assert_ne!(tool, "list", "a fault");
        if tool == "wait" {
            let (over, until) = channel();
            hang_up.hold(move || over.send(()).expect("the call waits"));
            self.waits.lock().unwrap().send(()).expect("the test listens");
            until.recv().expect("somebody hangs up");
        }
        Answer {
            text: tool.to_owned(),
            structured: Value::Object(arguments),
            is_error: false,
        }
    }
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is answered to these lines, by the time the server has ended.
fn talk(lines: impl Read) -> Vec<Value> {
    let (waits, _waiting) = channel();
    talk_with(lines, waits)
}

fn talk_with(lines: impl Read, waits: Sender<()>) -> Vec<Value> {
    let sink = Sink::default();
    serve(
        BufReader::new(lines),
        sink.clone(),
        Echo {
            waits: Mutex::new(waits),
        },
    );
    let bytes = sink.0.lock().unwrap().clone();
    let text = String::from_utf8(bytes).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn request(id: u32, method: &str, params: &Value) -> String {
    format!(
        "{}\n",
        json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
    )
}

#[test]
fn a_client_gets_the_revision_that_it_asks_for_or_the_newest_one() {
    for (asked, given) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-06-18", "2025-06-18"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let line = request(1, "initialize", &json!({ "protocolVersion": asked }));
        let answers = talk(line.as_bytes());
        assert_eq!(answers[0]["result"]["protocolVersion"], given);
        assert_eq!(answers[0]["result"]["instructions"], "be kind");
    }
}

#[test]
fn answers_carry_the_id_of_their_request_and_both_forms_of_what_is_said() {
    let lines = [
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n\n".to_owned(),
        request(
            7,
            "tools/call",
            &json!({ "name": "logs", "arguments": { "lines": 3 } }),
        ),
    ];
    let answers = talk(lines.concat().as_bytes());
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0]["id"], 7);
    assert_eq!(
        answers[0]["result"]["content"][0],
        json!({ "type": "text", "text": "logs" })
    );
    assert_eq!(answers[0]["result"]["structuredContent"], json!({ "lines": 3 }));
}

#[test]
fn hostile_lines_are_refused_one_by_one_and_the_next_one_is_answered() {
    let long = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{}\"}}\n",
        "x".repeat(MAX_LINE)
    );
    let lines = [
        "not json\n".to_owned(),
        long,
        request(1, "no/such", &json!({})),
        request(2, "tools/call", &json!({})),
        request(3, "tools/call", &json!({ "name": "rm" })),
        request(4, "tools/call", &json!({ "name": "logs", "arguments": [] })),
        "{\"jsonrpc\":\"2.0\",\"id\":9,\"error\":{}}\n".to_owned(),
        request(5, "ping", &json!({})),
    ];
    let answers = talk(lines.concat().as_bytes());
    let codes: Vec<_> = answers
        .iter()
        .map(|answer| answer["error"]["code"].as_i64())
        .collect();
    let expected = [-32700, -32600, -32601, -32602, -32602, -32602].map(Some);
    assert_eq!(codes[..6], expected);
    assert_eq!(answers[6..], [json!({ "jsonrpc": "2.0", "id": 5, "result": {} })]);
}

/// An input that goes on once a call waits, and then ends.
struct Script {
    parts: Vec<String>,
    waiting: Receiver<()>,
}

impl Read for Script {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.parts.is_empty() {
            return Ok(0);
        }
        let part = self.parts.remove(0);
        if part.is_empty() {
            self.waiting.recv().expect("a call waits");
            return self.read(into);
        }
        into[..part.len()].copy_from_slice(part.as_bytes());
        Ok(part.len())
    }
}

#[test]
fn a_call_that_is_taken_back_ends_without_an_answer_and_so_does_one_at_the_end_of_the_input() {
    let call = request(1, "tools/call", &json!({ "name": "wait" }));
    let cancel =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
    let (waits, waiting) = channel();
    let parts = vec![
        call.clone(),
        String::new(),
        format!("{cancel}\n"),
        request(2, "ping", &json!({})),
    ];
    let answers = talk_with(Script { parts, waiting }, waits);
    assert_eq!(answers, [json!({ "jsonrpc": "2.0", "id": 2, "result": {} })]);
    let (waits, waiting) = channel();
    let again = call.clone();
    let answers = talk_with(
        Script {
            parts: vec![call, String::new(), again],
            waiting,
        },
        waits,
    );
    assert_eq!(
        answers.len(),
        1,
        "only that the id is at work already: {answers:?}"
    );
    assert_eq!(answers[0]["error"]["code"], -32600);
}

#[test]
fn a_tool_that_panics_is_an_internal_error_and_the_server_goes_on() {
    let call = |id, tool: &str| request(id, "tools/call", &json!({ "name": tool }));
    let lines = [call(1, "list"), call(2, "list"), call(3, "logs")];
    let mut answers = talk(lines.concat().as_bytes());
    answers.sort_by_key(|answer| answer["id"].as_u64());
    assert_eq!(answers.len(), 3, "{answers:?}");
    for answer in &answers[..2] {
        assert_eq!(answer["error"]["code"], -32603);
        let why = answer["error"]["message"].as_str().unwrap();
        assert!(
            why.starts_with("\"list\"") && why.contains("server_tests.rs") && why.contains("a fault"),
            "{why}"
        );
    }
    assert_eq!(answers[2]["result"]["isError"], false);
}
