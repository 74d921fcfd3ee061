//! A real `nats-server` on a port of its own, that can be killed and started again, and as much of a client as a
//! test needs. Where there is no such program, the tests that need one say so and check nothing.

use super::wait::{deadline, holds_within};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// The messages of sessions, kept in order: events, and not what is asked.
const STREAM: &str = r#"{"name":"OVR","subjects":["ovr.*.*.*"],"storage":"file"}"#;

pub(crate) struct NatsServer {
    program: PathBuf,
    dir: TempDir,
    pub(crate) port: u16,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl NatsServer {
    /// A server that keeps what is published. `None`, and loud words, where the program is not installed.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/bin"].map(PathBuf::from));
        let Some(program) = places
            .map(|dir| dir.join("nats-server"))
            .find(|program| program.is_file())
        else {
            eprintln!(
                "SKIPPED, NOTHING WAS CHECKED: nats-server is not installed (`make tools` installs it)"
            );
            return None;
        };
        let free = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = free.local_addr().expect("it was just bound").port();
        drop(free);
        let mut server = Self {
            program,
            dir: tempfile::tempdir().expect("the disk is writable"),
            port,
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            child: None,
        };
        server.run();
        Some(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Starts it (again), and waits until it answers.
    pub(crate) fn run(&mut self) {
        let child = Command::new(&self.program)
            .args(["-a", "127.0.0.1", "-p", &self.port.to_string(), "-js", "-sd"])
            .arg(self.dir.path())
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server can be run");
        self.child = Some(child);
        let answers = holds_within(deadline(), || {
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
        assert!(answers, "nats-server does not answer");
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is ours");
            child.wait().expect("it is ours");
        }
    }

    /// Has events kept from here on.
    #[track_caller]
    pub(crate) fn keep_events(&self) {
        let made = self.ask("$JS.API.STREAM.CREATE.OVR", STREAM).expect("it answers");
        assert!(made.contains("\"config\""), "{made}");
    }

    /// The subjects and texts of all events that are kept, in order.
    pub(crate) fn kept(&self) -> Vec<(String, String)> {
        let mut kept = Vec::new();
        for number in 1.. {
            let wanted = format!("{{\"seq\":{number}}}");
            let answer = self
                .ask("$JS.API.STREAM.MSG.GET.OVR", &wanted)
                .unwrap_or_default();
            let answer: serde_json::Value = serde_json::from_str(&answer).unwrap_or_default();
            let Some(message) = answer.get("message") else {
                break;
            };
            let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
            kept.push((text("subject"), unbase64(&text("data"))));
        }
        kept
    }

    /// The text of the event that was kept last.
    pub(crate) fn last_kept(&self) -> Option<String> {
        let info = self.ask("$JS.API.STREAM.INFO.OVR", "")?;
        let info: serde_json::Value = serde_json::from_str(&info).ok()?;
        let wanted = format!("{{\"seq\":{}}}", info["state"]["last_seq"]);
        let answer = self.ask("$JS.API.STREAM.MSG.GET.OVR", &wanted)?;
        let answer: serde_json::Value = serde_json::from_str(&answer).ok()?;
        answer["message"]["data"].as_str().map(unbase64)
    }

    /// The answer to a request; `None` where nobody gives one.
    pub(crate) fn ask(&self, subject: &str, payload: &str) -> Option<String> {
        let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", self.port)).ok()?);
        stream.get_ref().set_read_timeout(Some(deadline())).ok()?;
        let text = format!(
            "CONNECT {{\"verbose\":false,\"user\":\"me\",\"pass\":\"secret\"}}\r\nSUB _INBOX.test 1\r\n\
             PUB {subject} _INBOX.test {}\r\n{payload}\r\n",
            payload.len()
        );
        stream.get_mut().write_all(text.as_bytes()).ok()?;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(head) = line.strip_prefix("MSG ") {
                let size: usize = head.split_whitespace().next_back()?.parse().ok()?;
                let mut body = vec![0; size];
                stream.read_exact(&mut body).ok()?;
                return String::from_utf8(body).ok();
            }
        }
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn unbase64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for digit in text
        .bytes()
        .filter_map(|byte| DIGITS.iter().position(|digit| *digit == byte))
    {
        bits = bits << 6 | u32::try_from(digit).expect("below 64");
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).expect("eight bits"));
        }
    }
    String::from_utf8(bytes).expect("events are text")
}
