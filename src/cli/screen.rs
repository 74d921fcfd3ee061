//! A terminal that is drawn on for a while, and given back as it was. What is drawn is for others to say.

use super::terminal::Terminal;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcgetwinsize, tcsetattr};
use signal_hook::consts::SIGTSTP;
use std::io::Write;

/// The terminal while it is drawn on; given back as it was when this is dropped.
pub(super) struct Screen {
    before: Terminal,
    /// How many rows the last frame had.
    rows: usize,
}

impl Screen {
    pub(super) fn enter() -> Self {
        let screen = Self {
            before: Terminal::note(),
            rows: 0,
        };
        take();
        screen
    }

    /// Gives the terminal back and stops this process, as Ctrl-Z does; takes it again when it goes on.
    pub(super) fn step_aside(&mut self) {
        self.before.restore();
        // It can only fail for signals that have no default.
        signal_hook::low_level::emulate_default_handler(SIGTSTP).unwrap_or_default();
        self.before = Terminal::note();
        take();
    }

    /// Draws `text` in place of what was there.
    pub(super) fn draw(&mut self, text: &str) {
        let size = tcgetwinsize(std::io::stdout());
        let rows = size.map_or(24, |size| usize::from(size.ws_row).max(2));
        // Lines that a terminal has wrapped anew would stay.
        if self.rows != 0 && self.rows != rows {
            write("\x1b[2J");
        }
        self.rows = rows;
        write(&frame(text, rows));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.before.restore();
    }
}

/// No echo and no lines: keys come as they are typed. Ctrl-C stays a signal.
fn take() {
    let stdin = std::io::stdin();
    if let Ok(mut settings) = tcgetattr(&stdin) {
        settings.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
        // A terminal that is gone ends this by its signal.
        tcsetattr(&stdin, OptionalActions::Now, &settings).ok();
    }
    write("\x1b[?1049h\x1b[?25l\x1b[2J");
}

fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).ok();
}

/// The lines of `text`, each at its place, and how to leave at the bottom, for one write: nothing is cleared before it
/// is drawn over, and a terminal that can shows it all at once.
fn frame(text: &str, rows: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let room = rows - 1;
    let (fit, cut) = if lines.len() > room {
        (room.saturating_sub(1), lines.len() - room.saturating_sub(1))
    } else {
        (lines.len(), 0)
    };
    let mut out = String::from("\x1b[?2026h");
    let mut put = |row: usize, text: &str| out.extend([format!("\x1b[{row};1H{text}")]);
    for (at, line) in lines[..fit].iter().enumerate() {
        put(at + 1, &format!("{line}\x1b[0m\x1b[K"));
    }
    if cut > 0 {
        put(fit + 1, &format!("… {cut} more lines\x1b[K"));
    } else {
        put(fit + 1, "\x1b[J");
    }
    put(rows, "\x1b[2mq leaves\x1b[0m\x1b[K\x1b[?2026l");
    out
}

#[cfg(test)]
mod tests {
    use super::frame;

    #[test]
    fn a_frame_is_drawn_in_place_and_cut_to_the_screen() {
        let drawn = frame("one\ntwo\n", 5);
        assert!(
            drawn.contains("\x1b[1;1Hone\x1b[0m\x1b[K\x1b[2;1Htwo"),
            "{drawn:?}"
        );
        assert!(drawn.contains("\x1b[3;1H\x1b[J"), "{drawn:?}");
        assert!(drawn.contains("\x1b[5;1H") && !drawn.contains('\n'), "{drawn:?}");
        assert!(!drawn.contains("\x1b[2J"), "it would flicker: {drawn:?}");
        let drawn = frame("one\ntwo\nthree\nfour\n", 4);
        assert!(drawn.contains("\x1b[3;1H… 2 more lines"), "{drawn:?}");
        assert!(!drawn.contains("three"), "{drawn:?}");
    }
}
