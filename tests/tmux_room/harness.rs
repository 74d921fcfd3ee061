//! One tmux server of its own for each test: private socket, own HOME and TERM, ended with the test.

use ovr::platform::process_end::ProcessEnd;
use ovr::tmux::client::{Client, Drained};
use ovr::tmux::command::Command;
use ovr::tmux::locate;
use ovr::tmux::outset::Outset;
use ovr::tmux::server::{Server, ServerProcess};
use ovr::tmux::setup::{Setup, Size};
use ovr::tmux::{ClientEvent, CommandNumber, Gone, Greeting, PaneId, Reply};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// No condition takes this long, whatever else the machine does.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);

/// What came from tmux, gathered.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) greeting: Option<Greeting>,
    pub(crate) output: BTreeMap<PaneId, Vec<u8>>,
    pub(crate) replies: BTreeMap<CommandNumber, Reply>,
    pub(crate) notices: Vec<String>,
    pub(crate) gone: Option<Gone>,
}

impl Seen {
    pub(crate) fn take(&mut self, event: ClientEvent<'_>) {
        match event {
            ClientEvent::Ready(greeting) => self.greeting = Some(greeting),
            ClientEvent::Output { pane, data } => {
                self.output.entry(pane).or_default().extend_from_slice(data);
            }
            ClientEvent::Reply(reply) => assert!(self.replies.insert(reply.number, reply).is_none()),
            ClientEvent::Notice(notice) => self.notices.push(format!("{notice:?}")),
            ClientEvent::Gone(gone) => assert!(self.gone.replace(gone).is_none()),
        }
    }

    pub(crate) fn text(&self, pane: PaneId) -> String {
        String::from_utf8_lossy(self.output.get(&pane).map_or(&[], Vec::as_slice)).into_owned()
    }
}

/// A server, the client attached to it, and what has come from it.
pub(crate) struct Room {
    pub(crate) dir: TempDir,
    pub(crate) server: Server,
    pub(crate) client: Option<Client>,
    pub(crate) seen: Seen,
    pub(crate) process: Option<ServerProcess>,
}

impl Drop for Room {
    /// Also of a test that failed: nothing is left running.
    fn drop(&mut self) {
        drop(self.client.take());
        if let Some(greeting) = &self.seen.greeting {
            kill(greeting.server_pid, rustix::process::Signal::KILL);
        }
    }
}

pub(crate) fn kill(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    if rustix::process::kill_process(pid, signal).is_err() {
        // It has ended by itself.
    }
}

/// Hold of processes, to wait for their ends; of those that live.
pub(crate) fn watch(pids: &[u32]) -> Vec<AsyncFd<ProcessEnd>> {
    let alive = pids.iter().filter_map(|pid| ProcessEnd::watch(*pid).ok());
    let register = |end| {
        // SAFETY: the end owns its descriptor, so it stays open and the same for as long as it is registered.
        unsafe { AsyncFd::register_with_interest(end, Interest::READABLE) }.unwrap()
    };
    alive.map(register).collect()
}

/// Waits until all these have ended, whoever they are children of.
pub(crate) async fn ended(what: &str, watched: &[AsyncFd<ProcessEnd>]) {
    for end in watched {
        let in_time = tokio::time::timeout(PATIENCE, end.readable()).await.is_ok();
        assert!(in_time, "waited for: {what}");
    }
}

/// Runs an async test on the runtime that the controller uses.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test)
}

pub(crate) fn server_in(dir: &Path) -> Server {
    Server {
        binary: locate::locate().unwrap(),
        socket: dir.join("tmux.sock"),
        config: dir.join("tmux.conf"),
    }
}

pub(crate) fn setup() -> Setup {
    Setup::for_size(Some(Size {
        columns: 80,
        rows: 24,
    }))
}

pub(crate) fn sh(script: &str) -> Vec<String> {
    vec!["-c".into(), script.into()]
}

/// A first window that is called `first` and runs this shell script.
pub(crate) fn outset(root: &Path, script: &str) -> Outset {
    Outset::window("first", "/bin/sh", &sh(script), root, setup().size)
}

impl Room {
    /// A session whose first window is called `first` and runs this shell script.
    pub(crate) async fn open(script: &str) -> Self {
        let mut room = Self::opening(script);
        room.until("the greeting", |seen| seen.greeting.is_some()).await;
        let greeting = room.greeting();
        locate::check(&greeting.version, &room.server.binary).unwrap();
        room.process = Some(ServerProcess::open(greeting.server_pid).unwrap());
        room
    }

    /// As [`Room::open`], not waiting for anything.
    pub(crate) fn opening(script: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("ovr").tempdir().unwrap();
        let server = server_in(dir.path());
        let client = Client::start(&server, &setup(), &outset(dir.path(), script)).unwrap();
        Self {
            server,
            client: Some(client),
            seen: Seen::default(),
            process: None,
            dir,
        }
    }

    pub(crate) fn greeting(&self) -> Greeting {
        self.seen.greeting.clone().unwrap()
    }

    pub(crate) fn client(&mut self) -> &mut Client {
        self.client.as_mut().unwrap()
    }

    /// Reads until the condition holds.
    pub(crate) async fn until(&mut self, what: &str, condition: impl Fn(&Seen) -> bool) {
        let client = self.client.as_mut().unwrap();
        let seen = &mut self.seen;
        let reading = async {
            while !condition(seen) {
                client.readable().await;
                if client.drain(&mut |event| seen.take(event)) == Drained::Gone {
                    break;
                }
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, reading).await.is_ok();
        assert!(
            in_time && condition(&self.seen),
            "waited for {what}; seen: {:.4000}",
            format!("{:?}", self.seen)
        );
    }

    /// Sends a command and waits for its answer.
    pub(crate) async fn ask(&mut self, command: &Command) -> Reply {
        let number = self.client().send(command);
        self.until(&format!("the answer to {command:?}"), |seen| {
            seen.replies.contains_key(&number)
        })
        .await;
        self.seen.replies[&number].clone()
    }

    /// [`Room::ask`] for a command that succeeds; gives its text.
    pub(crate) async fn tell(&mut self, command: &Command) -> String {
        let reply = self.ask(command).await;
        assert!(reply.ok, "{command:?}: {}", reply.text());
        reply.text()
    }

    /// Asks again, whenever tmux has said something, until this is the answer.
    pub(crate) async fn tell_until(&mut self, command: &Command, answer: &str) {
        loop {
            let text = self.tell(command).await;
            if text == answer {
                return;
            }
            let what = format!("{answer:?} as the answer to {command:?}, which is {text:?}");
            self.hear(&what).await;
        }
    }

    /// Waits until tmux says something.
    pub(crate) async fn hear(&mut self, what: &str) {
        let client = self.client.as_mut().unwrap();
        let in_time = tokio::time::timeout(PATIENCE, client.readable()).await.is_ok();
        assert!(in_time, "waited for {what}");
        let seen = &mut self.seen;
        client.drain(&mut |event| seen.take(event));
    }

    /// Another client in place of the one that has gone.
    pub(crate) async fn attach_again(&mut self) {
        drop(self.client.take());
        let old = std::mem::take(&mut self.seen);
        self.seen.greeting = old.greeting;
        let again = Client::attach(&self.server).unwrap();
        self.client = Some(again);
        let before = self.seen.greeting.take().unwrap();
        self.until("the second greeting", |seen| seen.greeting.is_some())
            .await;
        assert_eq!(self.greeting().server_pid, before.server_pid);
    }

    /// Ends the server and checks that its processes are gone.
    pub(crate) async fn close(mut self) {
        let mut pids: Vec<u32> = Vec::new();
        if self.seen.gone.is_none() {
            let list = self.tell(&Command::list_panes()).await;
            pids.extend(
                ovr::tmux::panes::panes(&list)
                    .unwrap_or_default()
                    .iter()
                    .map(|p| p.pid),
            );
        }
        pids.push(self.greeting().server_pid);
        let watched = watch(&pids);
        let process = self.process.take().unwrap();
        process.end(&self.server, PATIENCE).await.unwrap();
        assert!(!self.server.socket.exists(), "the socket is removed");
        ended("the panes' processes to go", &watched).await;
    }
}
