//! What tmux can say in control mode, and how one line of it is read. No state: which line belongs to a reply
//! is for `wire` to know.

use super::{PaneId, SessionId, WindowId};
use memchr::memchr;

/// The identity of one reply: what `%begin` says and `%end` or `%error` repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Seconds since the Unix epoch.
    pub time: u64,
    /// tmux's number of the command.
    pub number: u64,
    /// 1 for a command that this client sent, 0 for the one on its command line.
    pub flags: u32,
}

/// One thing that tmux says. Texts are as tmux prints them, without a line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notification<'a> {
    /// A pane printed this. A line of the protocol may come as several of these.
    Output {
        pane: PaneId,
        data: &'a [u8],
    },
    /// A reply begins.
    Begin(Block),
    /// A piece of the open reply; `ends` if its line ends here.
    Body {
        text: &'a [u8],
        ends: bool,
    },
    /// The open reply is complete; not `ok`: its body is the error's text.
    End {
        block: Block,
        ok: bool,
    },
    /// This client is being sent away.
    Exit {
        reason: &'a [u8],
    },
    WindowAdded(WindowId),
    /// The window is gone, from our session or from all.
    WindowClosed(WindowId),
    WindowRenamed {
        window: WindowId,
        name: &'a [u8],
    },
    LayoutChanged(WindowId),
    WindowPaneChanged {
        window: WindowId,
        pane: PaneId,
    },
    PaneModeChanged(PaneId),
    /// This client now looks at another session.
    SessionChanged {
        session: SessionId,
        name: &'a [u8],
    },
    SessionRenamed,
    SessionsChanged,
    /// A session has another current window.
    SessionWindowChanged {
        session: SessionId,
        window: WindowId,
    },
    /// Another client attached, or changed its session.
    ClientSessionChanged {
        client: &'a [u8],
        session: SessionId,
    },
    ClientDetached {
        client: &'a [u8],
    },
    /// tmux holds the pane's output back (`pause-after` is on).
    Paused(PaneId),
    Continued(PaneId),
    /// An error in a configuration file.
    ConfigError(&'a [u8]),
    /// A text that a terminal would show in its status line.
    Message(&'a [u8]),
}

fn number(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// `TIME NUMBER FLAGS`
pub(super) fn block(arguments: &[u8]) -> Option<Block> {
    let mut words = arguments.split(|b| *b == b' ');
    let found = Block {
        time: number(words.next()?)?,
        number: number(words.next()?)?,
        flags: u32::try_from(number(words.next()?)?).ok()?,
    };
    words.next().is_none().then_some(found)
}

/// Splits at the first space; the second part is empty if there is none.
fn split_word(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr(b' ', bytes) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[]),
    }
}

/// Reads a line that is neither output nor part of a reply; `None` for what this version does not know.
pub(super) fn notification(line: &[u8]) -> Option<Notification<'_>> {
    let (word, arguments) = split_word(line);
    let (first, others) = split_word(arguments);
    Some(match word {
        b"%exit" => Notification::Exit { reason: arguments },
        b"%window-add" => Notification::WindowAdded(WindowId::from_bytes(first)?),
        // Which of the two it says for a window of ours depends on the moment it looks.
        b"%window-close" | b"%unlinked-window-close" => {
            Notification::WindowClosed(WindowId::from_bytes(first)?)
        }
        b"%window-renamed" | b"%unlinked-window-renamed" => Notification::WindowRenamed {
            window: WindowId::from_bytes(first)?,
            name: others,
        },
        b"%layout-change" => Notification::LayoutChanged(WindowId::from_bytes(first)?),
        b"%window-pane-changed" => Notification::WindowPaneChanged {
            window: WindowId::from_bytes(first)?,
            pane: PaneId::from_bytes(others)?,
        },
        b"%pane-mode-changed" => Notification::PaneModeChanged(PaneId::from_bytes(first)?),
        b"%session-changed" => Notification::SessionChanged {
            session: SessionId::from_bytes(first)?,
            name: others,
        },
        b"%session-renamed" => Notification::SessionRenamed,
        b"%sessions-changed" => Notification::SessionsChanged,
        b"%session-window-changed" => Notification::SessionWindowChanged {
            session: SessionId::from_bytes(first)?,
            window: WindowId::from_bytes(others)?,
        },
        b"%client-session-changed" => Notification::ClientSessionChanged {
            client: first,
            session: SessionId::from_bytes(split_word(others).0)?,
        },
        b"%client-detached" => Notification::ClientDetached { client: arguments },
        b"%pause" => Notification::Paused(PaneId::from_bytes(first)?),
        b"%continue" => Notification::Continued(PaneId::from_bytes(first)?),
        b"%config-error" => Notification::ConfigError(arguments),
        b"%message" => Notification::Message(arguments),
        _ => return None,
    })
}
