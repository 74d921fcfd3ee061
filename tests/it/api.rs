//! The API as programs elsewhere use it: on TCP with its token, as server-sent events, as a live terminal, and
//! whatever nonsense is sent to it.

mod commands;
mod door;
mod elsewhere;
mod ending;
mod hostile;
mod logs;
mod run;
mod streams;
mod takeover;
mod terminal;

use crate::harness::Served;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Nothing here takes long; what hangs ends with this.
const DEADLINE: Duration = Duration::from_secs(60);

impl Served {
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
