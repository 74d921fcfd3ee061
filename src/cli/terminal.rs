//! This terminal as it was: taken down before a program draws on it, and given back if that program cannot do so
//! itself. A tmux client's screen is drawn by its server; when either is killed, nobody tidies up.

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, Write};

/// Off with all that a full-screen program turns on: alternate screen, hidden cursor, colours, application keys,
/// mouse reports, focus reports, bracketed paste.
const PLAIN: &[u8] =
    b"\x1b[?1049l\x1b[?25h\x1b[0m\x1b[?1l\x1b>\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\r";

/// The settings of the terminal on standard input.
#[derive(Debug)]
pub struct Terminal {
    settings: Option<Termios>,
}

impl Terminal {
    /// Takes the settings down; without a terminal there is nothing to give back.
    pub fn note() -> Self {
        Self {
            settings: tcgetattr(io::stdin()).ok(),
        }
    }

    /// Passes every key on as it is typed, Ctrl-C too, and leaves what is printed alone.
    pub fn make_raw(&self) -> io::Result<()> {
        let Some(settings) = &self.settings else {
            return Ok(());
        };
        let mut raw = settings.clone();
        raw.make_raw();
        Ok(tcsetattr(io::stdin(), OptionalActions::Now, &raw)?)
    }

    /// Puts settings and screen back, after a program that did not end by itself.
    pub fn restore(&self) {
        let Some(settings) = &self.settings else {
            return;
        };
        // A terminal that is gone needs neither.
        tcsetattr(io::stdin(), OptionalActions::Now, settings).ok();
        let mut out = io::stdout().lock();
        out.write_all(PLAIN).and_then(|()| out.flush()).ok();
    }
}
