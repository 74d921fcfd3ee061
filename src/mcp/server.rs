//! The conversation with a client: reads a message a line, answers what can be answered at once, gives each call
//! of a tool a thread, and takes calls back when the client does. Ends with its input.

use super::catalog::{self, tools};
use super::lines::{Line, next_line};
use super::message::{Code, Id, Incoming, read, refusal, result};
use super::panics;
use crate::api::HangUp;
use serde_json::{Map, Value, json};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::thread;

/// The revisions of the protocol that are spoken, newest first.
pub const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// No message is longer.
pub const MAX_LINE: usize = 1 << 20;
/// So many calls may be at work at the same time.
pub const MAX_CALLS: usize = 64;

/// What a tool has to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// For the model.
    pub text: String,
    /// The same for programs: an object.
    pub structured: Value,
    /// It did not do what was asked.
    pub is_error: bool,
}

/// What the tools do.
pub trait Toolbox: Send + Sync + 'static {
    /// What a model should know before it uses any of them.
    fn instructions(&self) -> String;
    /// Carries out a call, on a thread of its own. Once somebody hangs up, it is to return soon, and its answer
    /// goes nowhere.
    fn call(&self, tool: &str, arguments: Map<String, Value>, hang_up: &HangUp) -> Answer;
}

/// Talks to the client until the input ends. What is waited for by then is taken back; what is answered at once
/// still is.
pub fn serve(mut input: impl BufRead, output: impl Write + Send + 'static, toolbox: impl Toolbox) {
    let (working, all_done) = mpsc::channel();
    let server = Server {
        toolbox: Arc::new(toolbox),
        output: Arc::new(Mutex::new(Box::new(output))),
        calls: Arc::default(),
        working,
    };
    // An input that cannot be read is over.
    while let Ok(Some(line)) = next_line(&mut input, MAX_LINE) {
        match line {
            Line::Text(text) if text.trim_ascii().is_empty() => {}
            Line::Text(text) => server.take(read(&text)),
            Line::TooLong => {
                let why = format!("a message of more than {MAX_LINE} bytes");
                server.say(&refusal(None, Code::Invalid, &why));
            }
        }
    }
    server.hang_up_all();
    drop(server);
    // Every call holds the other end and sends nothing: this ends with the last of them.
    all_done.recv().unwrap_or_default();
}

/// A call that is at work.
struct Call {
    hang_up: HangUp,
    waits: bool,
}

type Output = Arc<Mutex<Box<dyn Write + Send>>>;
type Calls = Arc<Mutex<BTreeMap<String, Call>>>;

struct Server<T> {
    toolbox: Arc<T>,
    output: Output,
    calls: Calls,
    working: mpsc::Sender<()>,
}

impl<T: Toolbox> Server<T> {
    fn take(&self, incoming: Incoming) {
        match incoming {
            Incoming::Request { id, method, params } => match self.answer(&id, &method, params) {
                Ok(Some(answer)) => self.say(&result(&id, &answer)),
                // A thread will.
                Ok(None) => {}
                Err((code, why)) => self.say(&refusal(Some(&id), code, &why)),
            },
            Incoming::Notification { method, params } => {
                if method == "notifications/cancelled"
                    && let Some(id) = params.get("requestId").and_then(Id::read)
                    && let Some(call) = lock(&self.calls).remove(&id.key())
                {
                    call.hang_up.hang_up();
                }
            }
            Incoming::Answer => {}
            Incoming::Wrong { id, code, why } => self.say(&refusal(id.as_ref(), code, &why)),
        }
    }

    fn answer(
        &self,
        id: &Id,
        method: &str,
        params: Map<String, Value>,
    ) -> Result<Option<Value>, (Code, String)> {
        match method {
            "initialize" => Ok(Some(self.introduction(&params))),
            "ping" => Ok(Some(json!({}))),
            "tools/list" => Ok(Some(json!({ "tools": catalog::listed() }))),
            "tools/call" => self.call(id, params).map(|()| None),
            _ => Err((
                Code::NoSuchMethod,
                format!("no method {method:?}; this server has tools"),
            )),
        }
    }

    fn introduction(&self, params: &Map<String, Value>) -> Value {
        let asked = params.get("protocolVersion").and_then(Value::as_str);
        let version = VERSIONS.into_iter().find(|version| Some(*version) == asked);
        json!({
            "protocolVersion": version.unwrap_or(VERSIONS[0]),
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "ovr", "title": "ovr", "version": crate::api::VERSION },
            "instructions": self.toolbox.instructions(),
        })
    }

    /// Begins a call; its thread answers.
    fn call(&self, id: &Id, mut params: Map<String, Value>) -> Result<(), (Code, String)> {
        let Some(Value::String(name)) = params.remove("name") else {
            return Err((Code::Params, "`name` has to be a tool's name".to_owned()));
        };
        let Some(tool) = tools().iter().find(|tool| tool.name == name) else {
            let names: Vec<&str> = tools().iter().map(|tool| tool.name).collect();
            return Err((
                Code::Params,
                format!("no tool {name:?}; there are {}", names.join(", ")),
            ));
        };
        let arguments = match params.remove("arguments") {
            Some(Value::Object(arguments)) => arguments,
            None | Some(Value::Null) => Map::new(),
            Some(_) => return Err((Code::Params, "`arguments` has to be an object".to_owned())),
        };
        let hang_up = HangUp::default();
        {
            let mut calls = lock(&self.calls);
            if calls.len() >= MAX_CALLS {
                return Err((Code::Invalid, format!("{MAX_CALLS} calls are at work already")));
            }
            if calls.contains_key(&id.key()) {
                return Err((Code::Invalid, "a call with this id is at work already".to_owned()));
            }
            let (hang_up, waits) = (hang_up.clone(), tool.waits);
            calls.insert(id.key(), Call { hang_up, waits });
        }
        let toolbox = self.toolbox.clone();
        let work = Work {
            id: id.clone(),
            hang_up: hang_up.clone(),
            output: self.output.clone(),
            calls: self.calls.clone(),
            working: self.working.clone(),
        };
        thread::spawn(move || {
            // Whoever has to end it takes it: a thread that has panicked keeps all that is still its own.
            let work = Rc::new(Cell::new(Some(work)));
            let broken = Rc::clone(&work);
            let fail = move |why: &str| {
                if let Some(work) = broken.take() {
                    work.fail(tool.name, why);
                }
            };
            let answer = panics::told_of(fail, || toolbox.call(tool.name, arguments, &hang_up));
            if let Some(work) = work.take() {
                work.end(|id| result(id, &content(&answer)));
            }
        });
        Ok(())
    }

    fn say(&self, line: &str) {
        write(&self.output, line);
    }

    fn hang_up_all(&self) {
        let waiting: Vec<HangUp> = lock(&self.calls)
            .values()
            .filter(|call| call.waits)
            .map(|call| call.hang_up.clone())
            .collect();
        waiting.iter().for_each(HangUp::hang_up);
    }
}

/// What it takes to answer a call from its thread.
struct Work {
    id: Id,
    hang_up: HangUp,
    output: Output,
    calls: Calls,
    working: mpsc::Sender<()>,
}

impl Work {
    fn end(self, answer: impl FnOnce(&Id) -> String) {
        lock(&self.calls).remove(&self.id.key());
        // Nobody waits for the answer to what was taken back.
        if !self.hang_up.is_asked() {
            write(&self.output, &answer(&self.id));
        }
        drop(self.working);
    }

    fn fail(self, tool: &str, why: &str) {
        let why = format!("{tool:?} has a fault in this version of ovr, and was not finished: {why}");
        self.end(|id| refusal(Some(id), Code::Internal, &why));
    }
}

fn content(answer: &Answer) -> Value {
    json!({
        "content": [{ "type": "text", "text": answer.text }],
        "structuredContent": answer.structured,
        "isError": answer.is_error,
    })
}

/// A client that has gone away closes the input too, and that ends us.
fn write(output: &Output, line: &str) {
    let mut output = lock(output);
    output
        .write_all(line.as_bytes())
        .and_then(|()| output.flush())
        .unwrap_or_default();
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().expect("nobody panics while holding this")
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
