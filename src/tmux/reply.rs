//! What the control client tells its owner, and which reply belongs to which command. Pure.

use super::notification::{Block, Notification};
use super::whole::whole;
use super::{PaneId, SessionId, WindowId};
use crate::diag::{Diagnostic, Kind};
use std::collections::VecDeque;

/// A reply longer than this is cut. The scrollback of a window is far shorter.
const MAX_REPLY: usize = 64 * 1024 * 1024;

/// What each client asks first; see [`Greeting`].
pub(super) const GREETING: &str = "#{version} #{pid} #{session_id} #{window_id} #{pane_id} #{pane_pid} .";

/// A command that was sent: its reply carries the same number. Counted from 1 for each client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandNumber(pub u64);

/// What tmux answered to one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub number: CommandNumber,
    /// Not `ok`: the body says what was wrong.
    pub ok: bool,
    /// The lines of the answer, each with its line end.
    pub body: Vec<u8>,
    /// The answer was too long and is not all here.
    pub cut: bool,
}

impl Reply {
    /// The first line, as text.
    pub fn first_line(&self) -> String {
        let line = self.body.split(|b| *b == b'\n').next().unwrap_or_default();
        String::from_utf8_lossy(line).into_owned()
    }

    /// The whole answer as text, without the last line's end.
    pub fn text(&self) -> String {
        let body = self.body.strip_suffix(b"\n").unwrap_or(&self.body);
        String::from_utf8_lossy(body).into_owned()
    }
}

/// What a server says about itself when our client has come up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// As tmux says it; for [`super::locate::check`].
    pub version: String,
    pub server_pid: u32,
    pub session: SessionId,
    /// Of the session's current window: after [`Client::start`](super::client::Client::start), the first one.
    pub window: WindowId,
    pub pane: PaneId,
    /// The process in that pane.
    pub pane_pid: u32,
}

impl Greeting {
    fn parse(line: &str) -> Option<Self> {
        let mut words = whole(line)?.split(' ');
        Some(Self {
            version: words.next()?.to_owned(),
            server_pid: words.next()?.parse().ok()?,
            session: words.next()?.parse().ok()?,
            window: words.next()?.parse().ok()?,
            pane: words.next()?.parse().ok()?,
            pane_pid: words.next()?.parse().ok()?,
        })
    }
}

/// Why a client ended, as far as tmux told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// What `%exit` said: `detached`, `server exited unexpectedly`; empty for none.
    pub reason: String,
    /// The error of the command it was started with, or what stood on its standard error.
    pub errors: String,
    /// What it was started with had been carried out: its session was there.
    pub begun: bool,
    /// A greeting had come.
    pub greeted: bool,
    /// tmux said goodbye and no reason: the session has ended. A client or server that was killed has not.
    pub session_ended: bool,
}

impl Gone {
    /// The error to show when this was not wanted.
    pub fn diagnostic(&self) -> Diagnostic {
        let message = if self.greeted {
            "tmux has gone away"
        } else {
            "tmux did not come up"
        };
        let mut diagnostic = Diagnostic::error(Kind::Tmux, message);
        for cause in [&self.errors, &self.reason] {
            if !cause.is_empty() {
                diagnostic = diagnostic.cause(cause.clone());
            }
        }
        diagnostic
    }
}

/// What the client tells, in the order in which tmux said it.
#[derive(Debug)]
pub enum ClientEvent<'a> {
    /// The session is there and we are attached.
    Ready(Greeting),
    /// A pane printed this. What it means is for the reader to know; it may be any bytes, cut anywhere.
    Output { pane: PaneId, data: &'a [u8] },
    /// The answer to a command. Answers come in the order of the commands.
    Reply(Reply),
    /// Anything else.
    Notice(Notification<'a>),
    /// The client has ended; the last event. The session may well go on without it.
    Gone(Gone),
}

/// Which reply belongs to which command: they come in order, so a queue is enough.
#[derive(Debug)]
pub(super) struct Pairing {
    waiting: VecDeque<CommandNumber>,
    next: u64,
    open: Option<(Block, Reply)>,
    /// The command that the client was started with has been carried out.
    begun: bool,
    /// The command whose reply is the greeting.
    greeting: Option<CommandNumber>,
    gone: Gone,
}

/// The flag of a reply to a command that this client sent itself.
const SENT_BY_US: u32 = 1;

impl Pairing {
    pub(super) fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            next: 1,
            open: None,
            begun: false,
            greeting: None,
            gone: Gone::default(),
        }
    }

    /// Whether the client has its session. tmux 3.3a reads commands before that, and finds no target for them.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether the greeting is yet to be asked for: at first, and when the last one was cut.
    pub(super) fn wants_greeting(&self) -> bool {
        self.greeting.is_none() && !self.gone.greeted
    }

    pub(super) fn expect_greeting(&mut self, number: CommandNumber) {
        self.greeting = Some(number);
    }

    pub(super) fn expect_reply(&mut self) -> CommandNumber {
        let number = CommandNumber(self.next);
        self.next += 1;
        self.waiting.push_back(number);
        number
    }

    pub(super) fn take(&mut self, notification: Notification<'_>, sink: &mut dyn FnMut(ClientEvent<'_>)) {
        match notification {
            Notification::Output { pane, data } => sink(ClientEvent::Output { pane, data }),
            Notification::Begin(block) => {
                let reply = Reply {
                    number: CommandNumber(0),
                    ok: false,
                    body: Vec::new(),
                    cut: false,
                };
                self.open = Some((block, reply));
            }
            Notification::Body { text, ends } => {
                if let Some((_, reply)) = &mut self.open {
                    if reply.body.len() + text.len() < MAX_REPLY {
                        reply.body.extend_from_slice(text);
                        if ends {
                            reply.body.push(b'\n');
                        }
                    } else {
                        reply.cut = true;
                    }
                }
            }
            Notification::End { ok, .. } => {
                if let Some((block, mut reply)) = self.open.take() {
                    reply.ok = ok;
                    self.replied(block, reply, sink);
                }
            }
            Notification::Exit { reason } => {
                String::from_utf8_lossy(reason)
                    .trim()
                    .clone_into(&mut self.gone.reason);
                self.gone.session_ended = self.gone.reason.is_empty();
            }
            other => sink(ClientEvent::Notice(other)),
        }
    }

    fn replied(&mut self, block: Block, mut reply: Reply, sink: &mut dyn FnMut(ClientEvent<'_>)) {
        if block.flags & SENT_BY_US == 0 {
            // A command on the client's command line. Without the first there is no session; what comes of the others
            // shows by itself.
            if !reply.ok && !self.begun {
                self.gone.errors = reply.text();
            }
            self.gone.begun |= reply.ok && !self.begun;
            self.begun = true;
            return;
        }
        let Some(number) = self.waiting.pop_front() else {
            return;
        };
        reply.number = number;
        if self.greeting == Some(number) {
            self.greeted(&reply, sink);
        } else {
            sink(ClientEvent::Reply(reply));
        }
    }

    fn greeted(&mut self, reply: &Reply, sink: &mut dyn FnMut(ClientEvent<'_>)) {
        let line = reply.first_line();
        match Greeting::parse(&line) {
            Some(greeting) => {
                self.gone.greeted = true;
                sink(ClientEvent::Ready(greeting));
            }
            None if reply.ok && whole(&line).is_none() => self.greeting = None,
            None => self.gone.errors = reply.text(),
        }
    }

    pub(super) fn end(&mut self, errors: &str, sink: &mut dyn FnMut(ClientEvent<'_>)) {
        let mut gone = std::mem::take(&mut self.gone);
        if gone.errors.is_empty() {
            errors.trim().clone_into(&mut gone.errors);
        }
        sink(ClientEvent::Gone(gone));
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientEvent, Pairing};
    use crate::tmux::wire::Wire;

    /// The events for these bytes after `sent` commands, in words.
    fn events(sent: usize, bytes: &[u8]) -> Vec<String> {
        let mut pairing = Pairing::new();
        for _ in 0..sent {
            let number = pairing.expect_reply();
            if pairing.wants_greeting() {
                pairing.expect_greeting(number);
            }
        }
        let mut said = Vec::new();
        let mut sink = |event: ClientEvent<'_>| {
            said.push(match event {
                ClientEvent::Ready(greeting) => format!("ready {} {}", greeting.version, greeting.pane),
                ClientEvent::Output { pane, data } => format!("{pane} {}", data.escape_ascii()),
                ClientEvent::Reply(reply) => {
                    format!("{} {} {:?}", reply.number.0, reply.ok, reply.text())
                }
                ClientEvent::Notice(notice) => format!("{notice:?}"),
                ClientEvent::Gone(gone) => gone.diagnostic().to_string(),
            });
        };
        Wire::new().feed(bytes, &mut |n| pairing.take(n, &mut sink));
        pairing.end("from stderr", &mut sink);
        said
    }

    #[test]
    fn replies_go_to_their_commands_in_order() {
        let said = events(
            3,
            b"%begin 1 1 0\n%end 1 1 0\n%begin 1 2 1\n3.3a 10 $0 @0 %0 11 .\n%end 1 2 1\n%output %0 x\n\
              %begin 1 3 1\nbad\n%error 1 3 1\n%begin 1 4 1\na\n\nb\n%end 1 4 1\n%begin 1 5 1\n%end 1 5 1\n",
        );
        assert_eq!(
            said,
            [
                "ready 3.3a %0",
                "%0 x",
                "2 false \"bad\"",
                "3 true \"a\\n\\nb\"",
                "error: tmux has gone away\n  because: from stderr"
            ]
        );
    }

    #[test]
    fn a_greeting_that_was_cut_is_to_be_asked_for_again() {
        let mut pairing = Pairing::new();
        let mut greeted = false;
        for line in ["", "3.8 10 ", "3.8 10 $0 @0 %0 11 ."] {
            assert!(pairing.wants_greeting(), "before {line:?}");
            let number = pairing.expect_reply();
            pairing.expect_greeting(number);
            let reply = format!("%begin 1 2 1\n{line}\n%end 1 2 1\n");
            let mut sink = |event: ClientEvent<'_>| greeted = matches!(event, ClientEvent::Ready(_));
            Wire::new().feed(reply.as_bytes(), &mut |n| pairing.take(n, &mut sink));
        }
        assert!(greeted && !pairing.wants_greeting());
    }

    #[test]
    fn a_session_that_is_not_there_is_the_reason_given() {
        let said = events(1, b"%begin 1 1 0\ncan't find session: ovr\n%error 1 1 0\n%exit\n");
        assert_eq!(
            said,
            ["error: tmux did not come up\n  because: can't find session: ovr"]
        );
    }
}
