//! A conversation with a command over its standard input and output, a JSON message a line. Knows the framing and
//! nothing of what is said.

use super::sandbox::Sandbox;
use super::wait::{deadline, holds_within};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

/// A command that is talked to.
pub(crate) struct Talk {
    sandbox: Arc<Sandbox>,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    asked: u64,
}

impl Talk {
    pub(super) fn begin(sandbox: &Arc<Sandbox>, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the command can be run");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("it was piped"));
        let (told, lines) = channel();
        std::thread::spawn(move || {
            // Whoever no longer listens has ended the test.
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| told.send(line).ok())
        });
        Self {
            sandbox: sandbox.clone(),
            child,
            input,
            lines,
            asked: 0,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Says a line as it is.
    pub(crate) fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is open");
        input
            .write_all(line.as_bytes())
            .and_then(|()| input.write_all(b"\n"))
            .and_then(|()| input.flush())
            .expect("the other side reads");
    }

    /// The next message.
    #[track_caller]
    pub(crate) fn hear(&self) -> Value {
        let line = self.lines.recv_timeout(deadline());
        let line = line.unwrap_or_else(|_| panic!("nothing is said\n{}", self.sandbox.report()));
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"))
    }

    /// Sends a request without waiting for the answer; its id.
    pub(crate) fn ask(&mut self, method: &str, params: impl Into<Value>) -> u64 {
        self.asked += 1;
        let params: Value = params.into();
        let request = json!({ "jsonrpc": "2.0", "id": self.asked, "method": method, "params": params });
        self.say(&request.to_string());
        self.asked
    }

    /// Sends a request; its answer, which must be the next message.
    #[track_caller]
    pub(crate) fn call(&mut self, method: &str, params: impl Into<Value>) -> Value {
        let id = self.ask(method, params);
        let answer = self.hear();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// Closes the input, and waits for the end; what was said meanwhile, and how it ended.
    #[track_caller]
    pub(crate) fn close(mut self) -> (Vec<String>, ExitStatus) {
        drop(self.input.take());
        let mut status = None;
        let ended = holds_within(deadline(), || {
            status = self.child.try_wait().expect("it is our child");
            status.is_some()
        });
        assert!(ended, "it does not end with its input\n{}", self.sandbox.report());
        (self.lines.iter().collect(), status.expect("it has ended"))
    }

    /// Kills it.
    pub(crate) fn kill(mut self) {
        super::processes::kill(self.child.id(), Signal::KILL);
        self.child.wait().expect("it is our child");
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // After a failure; else it has ended.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}
