//! This terminal: its size, what is typed in it, and how it was, which is taken down before a program draws on it and
//! given back if that program cannot do so itself. A tmux client's screen is drawn by its server; when either is killed, nobody tidies up.

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, Read, Write};
use tokio::sync::mpsc;

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

    /// Puts the settings back, after a program that has put its screen away.
    pub fn restore_settings(&self) {
        if let Some(settings) = &self.settings {
            // A terminal that is gone needs none.
            tcsetattr(io::stdin(), OptionalActions::Now, settings).ok();
        }
    }

    /// Puts settings and screen back, after a program that did not end by itself.
    pub fn restore(&self) {
        if self.settings.is_none() {
            return;
        }
        self.restore_settings();
        let mut out = io::stdout().lock();
        out.write_all(PLAIN).and_then(|()| out.flush()).ok();
    }
}

/// No session has a terminal with more columns or rows.
const LARGEST: u16 = 2000;

/// Columns and rows of the terminal that is written to.
pub fn size() -> (u16, u16) {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            (size.ws_col.min(LARGEST), size.ws_row.min(LARGEST))
        }
        Ok(_) | Err(_) => (80, 24),
    }
}

/// What is typed, or comes through a pipe, to its end. It is read by a thread of its own, which ends with this process.
pub fn typed() -> io::Result<mpsc::Receiver<Vec<u8>>> {
    let (send, typed) = mpsc::channel(16);
    std::thread::Builder::new().spawn(move || {
        let mut buffer = [0; 4096];
        let mut keyboard = io::stdin().lock();
        loop {
            match keyboard.read(&mut buffer) {
                Ok(length @ 1..) => {
                    if send.blocking_send(buffer[..length].to_vec()).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return,
            }
        }
    })?;
    Ok(typed)
}
