//! Client and server over a real socket, with a made-up controller between them.

use super::messages::{
    ActionResult, Change, ChangeKind, Detached, ErrorBody, Goal, Graph, LineKind, Outcome, OutputLine,
    Reloaded, Request, Results, SCHEMA, Scale, Status, Synced, Wait, Window,
};
use super::server::{bind, encode, serve};
use super::{Call, Client, Framing, OutputRequest, StatusRequest, Verb};
use crate::diag::{Diagnostic, Kind};
use crate::model::{Signal, StateWord};
use bytes::{Bytes, BytesMut};
use std::future::Future;
use std::io::{Read, Write};

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc as std_mpsc;
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

/// Nothing here takes long; a test that hangs ends with this.
const DEADLINE: Duration = Duration::from_secs(20);

/// A served API whose calls a made-up controller answers, until this is dropped.
struct Session {
    dir: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Session {
    fn new<F, Work>(controller: F) -> Self
    where
        F: FnOnce(mpsc::UnboundedReceiver<Call>, mpsc::UnboundedSender<Call>) -> Work + Send + 'static,
        Work: Future<Output = ()>,
    {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("api.sock");
        let (stop, stopped) = oneshot::channel();
        let (up, is_up) = std_mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let (calls, called) = mpsc::unbounded_channel();
                let server = serve(bind(&socket).unwrap(), calls.clone());
                up.send(()).unwrap();
                controller(called, calls).await;
                let _dropped = stopped.await;
                server.finish().await;
            });
        });
        is_up.recv_timeout(DEADLINE).unwrap();
        Self {
            dir,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// A session whose controller gives each call to `answer`, as many as come.
    fn answering(mut answer: impl FnMut(Call) + Send + 'static) -> Self {
        Self::new(move |mut called, _| async move {
            tokio::spawn(async move {
                while let Some(call) = called.recv().await {
                    answer(call);
                }
            });
        })
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("api.sock")
    }

    fn client(&self) -> Client {
        Client::new(self.socket())
    }

    /// Sends these bytes and returns all that comes back: the status, and the error's code if it is one.
    fn raw(&self, bytes: &str) -> (String, Option<String>) {
        let mut stream = UnixStream::connect(self.socket()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        // The server may refuse and close before it has read everything.
        let _refused = stream.write_all(bytes.as_bytes());
        let mut answer = String::new();
        let _reset = stream.read_to_string(&mut answer);
        let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let code = serde_json::from_str::<ErrorBody>(body).ok();
        (status, code.map(|body| body.error.code))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

fn status() -> Status {
    serde_json::from_str(super::messages::golden::STATUS).unwrap()
}

fn results(name: &str) -> Results {
    Results {
        schema: 1,
        results: vec![ActionResult {
            name: name.to_owned(),
            outcome: Outcome::Restarted,
            old_pid: Some(1),
            pid: Some(2),
            exit_code: None,
            exit_signal: None,
            elapsed_ms: 12,
            message: None,
            last_lines: vec![],
            not_yet: false,
        }],
    }
}

fn output_line(text: &str) -> OutputLine {
    OutputLine {
        at: "2026-01-31T08:15:30.000Z".into(),
        name: "web".into(),
        position: 0,
        run: 1,
        kind: LineKind::Output,
        text: text.into(),
        group: None,
        nth: None,
    }
}

/// A line as the controller sends it.
fn encode_line(line: &OutputLine) -> Bytes {
    let mut text = BytesMut::new();
    encode(
        Framing::Lines,
        None,
        &serde_json::to_vec(line).unwrap(),
        &mut text,
    );
    text.freeze()
}

fn names(names: &[&str]) -> Request {
    Request {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Request::default()
    }
}

fn reloaded(name: &str) -> Reloaded {
    Reloaded {
        schema: 1,
        changes: vec![Change {
            name: name.to_owned(),
            kind: ChangeKind::Added,
            why: None,
            result: None,
        }],
        kept: 2,
    }
}

fn graph() -> Graph {
    Graph {
        schema: SCHEMA,
        services: Vec::new(),
    }
}

#[test]
fn every_short_route_takes_its_question_and_brings_its_answer() {
    let session = Session::answering(|call| match call {
        Call::Status { request, reply } => {
            let mut status = status();
            status.session.project = format!("{request:?}");
            reply.send(Ok(status)).unwrap();
        }
        Call::Action { verb, request, reply } => {
            let name = format!("{verb:?} {:?} {}", request.names, request.no_wait);
            reply.send(Ok(results(&name))).unwrap();
        }
        Call::Why { name, reply } => {
            let why = super::messages::golden::why().replacen("api is failed", &name, 1);
            reply.send(Ok(serde_json::from_str(&why).unwrap())).unwrap();
        }
        Call::Graph { reply } => reply.send(Ok(graph())).unwrap(),
        Call::Quit { reply } => reply.send(Ok(results("quit"))).unwrap(),
        Call::Reload { reply } => reply.send(Ok(reloaded("reload"))).unwrap(),
        Call::Scale { counts, reply } => reply.send(Ok(reloaded(&format!("{counts:?}")))).unwrap(),
        Call::Wait { request, reply } => {
            let name = format!("{:?} {:?}", request.names, request.timeout_ms);
            reply.send(Ok(results(&name))).unwrap();
        }
        Call::Detach { reply } => reply.send(Ok(Detached { pid: 7 })).unwrap(),
        Call::Window { name, reply } => {
            let window = Window {
                name: format!("{name:?}"),
                tmux_binary: "tmux".into(),
                tmux_socket: "/t".into(),
                window: "@3".into(),
                pane: "%4".into(),
                state: StateWord::Running,
            };
            reply.send(Ok(window)).unwrap();
        }
        Call::SyncLogs { reply } => {
            let dir = Some("/logs".into());
            reply.send(Ok(Synced { schema: 1, dir })).unwrap();
        }
        Call::Output { .. }
        | Call::Logs { .. }
        | Call::Events { .. }
        | Call::Terminal { .. }
        | Call::Run { .. } => panic!("nobody asked for a stream"),
        Call::Check { .. }
        | Call::Config { .. }
        | Call::Environment { .. }
        | Call::Sessions { .. }
        | Call::Leftovers { .. }
        | Call::Clean { .. } => panic!("`elsewhere.rs` asks these"),
    });
    let client = session.client();
    let project = |request: &StatusRequest| client.status_as(request).unwrap().session.project;
    let all = StatusRequest {
        resources: true,
        after: Some(7),
    };
    for request in [all, StatusRequest::default()] {
        assert_eq!(project(&request), format!("{request:?}"));
    }
    assert_eq!(client.status().unwrap().services, status().services);
    assert_eq!(client.why("c++ é#2").unwrap().summary, "c++ é#2");
    assert_eq!(client.sync_logs().unwrap().dir.as_deref(), Some("/logs"));
    assert_eq!(client.graph().unwrap(), graph());
    assert_eq!(client.quit().unwrap(), results("quit"));
    assert_eq!(client.detach().unwrap().pid, 7);
    assert_eq!(client.reload().unwrap(), reloaded("reload"));
    let counts = [("web".to_owned(), 3)].into();
    assert_eq!(client.scale(&Scale { counts }).unwrap(), reloaded("{\"web\": 3}"));
    let wait = Wait {
        names: vec!["web".into()],
        timeout_ms: Some(5),
        goal: Goal::Exited,
    };
    assert_eq!(client.wait(&wait).unwrap(), results("[\"web\"] Some(5)"));
    assert_eq!(client.window(None).unwrap().name, "None");
    assert_eq!(client.window(Some("c++ é#2")).unwrap().name, "Some(\"c++ é#2\")");
    let usr1 = Signal::from_number(10).unwrap();
    for verb in [
        Verb::Start,
        Verb::Stop,
        Verb::Restart,
        Verb::Kill,
        Verb::Signal(usr1),
    ] {
        let request = Request {
            no_wait: true,
            ..names(&["web#2", "side*"])
        };
        let name = client.action(verb, &request).unwrap().results[0].name.clone();
        assert_eq!(name, format!("{verb:?} [\"web#2\", \"side*\"] true"));
    }
}

#[test]
fn every_kind_of_error_arrives_with_its_words() {
    const KINDS: [Kind; 11] = [
        Kind::Usage,
        Kind::NoSuchService,
        Kind::NoConfig,
        Kind::Config,
        Kind::NotRunning,
        Kind::AlreadyRunning,
        Kind::Tmux,
        Kind::NoTerminal,
        Kind::ServiceFailed,
        Kind::Timeout,
        Kind::System,
    ];
    let error = |kind| Diagnostic::error(kind, "no").cause("why").hint("do this");
    let mut kinds = KINDS.into_iter();
    let session = Session::answering(move |call| {
        if let Call::Action { reply, .. } = call {
            reply.send(Err(error(kinds.next().unwrap()))).unwrap();
        }
    });
    for kind in KINDS {
        let arrived = session.client().action(Verb::Stop, &names(&["web"]));
        assert_eq!(arrived.unwrap_err(), error(kind));
    }
}

#[test]
fn output_streams_until_the_controller_ends_it() {
    let session = Session::answering(|call| {
        let Call::Output { request, reply } = call else {
            panic!("only output was asked for");
        };
        let (send, lines) = mpsc::channel(8);
        assert!(reply.send(Ok(lines)).is_ok());
        tokio::spawn(async move {
            send.send(encode_line(&output_line(&format!("{request:?}"))))
                .await
                .unwrap();
            for number in 0..1000 {
                let line = output_line(&format!("\u{1b}[1m{number}\u{1b}[m \"é\"\t\u{0}"));
                send.send(encode_line(&line)).await.unwrap();
            }
        });
    });
    let request = OutputRequest {
        names: vec!["web#2".into(), "side*".into()],
        lines: 20,
        follow: true,
        color: true,
        ..OutputRequest::default()
    };
    let lines: Result<Vec<OutputLine>, _> = session.client().output(&request).unwrap().collect();
    let lines = lines.unwrap();
    assert_eq!(lines.len(), 1001);
    assert_eq!(lines[0].text, format!("{request:?}"));
    assert_eq!(lines[1000].text, "\u{1b}[1m999\u{1b}[m \"é\"\t\u{0}");
}

#[test]
fn two_hundred_clients_at_once_all_get_their_own_answer() {
    let session = Session::answering(|call| {
        if let Call::Action { request, reply, .. } = call {
            reply.send(Ok(results(&request.names[0]))).unwrap();
        }
    });
    let socket = session.socket();
    std::thread::scope(|scope| {
        for number in 0..200 {
            let socket = &socket;
            scope.spawn(move || {
                let name = format!("service{number}");
                let answer = Client::new(socket)
                    .action(Verb::Restart, &names(&[&name]))
                    .unwrap();
                assert_eq!(answer, results(&name));
            });
        }
    });
}

#[test]
fn an_action_without_a_body_means_all_services() {
    let session = Session::answering(|call| {
        if let Call::Action { verb, request, reply } = call {
            assert_eq!((verb, request), (Verb::Stop, Request::default()));
            reply.send(Ok(results("all"))).unwrap();
        }
    });
    let request = "POST /v1/services/stop HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(session.raw(request).0, "200");
}

mod elsewhere;
mod faults;
mod run;
mod sockets;
mod terminal;
