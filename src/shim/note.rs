//! The words that a window shows while nothing runs in it, and how they are put on the screen. Pure text.

use super::protocol::Ended;
use crate::model::mark::Mark;
use crate::model::{Exit, InstanceName};
use std::borrow::Cow;
use std::time::Duration;

/// Undoes what a service may have left behind on its screen. Entering the alternate screen before leaving it
/// matters: outside it, leaving alone would put the cursor back to where the last full-screen program began.
/// Origin mode and scroll region home the cursor, so they stand between save and restore.
const RESET: &str = concat!(
    "\x1b[?1049h\x1b[?1049l", // main screen
    "\x1b7\x1b[?6l\x1b[r\x1b8",
    "\x1b[0m\x1b(B\x0f",                // colours, character set
    "\x1b[?25h\x1b[?7h\x1b[4l\x1b[0 q", // cursor shown, wrapping, no insert mode, cursor's shape
    "\x1b[?1l\x1b>",                    // cursor keys, keypad
    "\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1004l\x1b[?2004l", // mouse, focus, paste
);

/// How notes look.
const DIM: &str = "\x1b[2m";

/// What Enter does, at the end of each note about a run.
const ENTER: [&str; 3] = [STARTS, RESTARTS, TRIES];
const STARTS: &str = " · Enter starts it";
const RESTARTS: &str = " · Enter restarts it";
const TRIES: &str = " · Enter tries again";

/// Shown when Enter is pressed and no controller is there to hear of it.
pub(super) const NOBODY_THERE: &str = "ovr is not running here; \"ovr start\" takes this service over again";

/// Whether this line of a window's scrollback, with the colours that it is shown in, is a note and none of the
/// service's: there the marks around it are gone.
pub fn is_note(line: &[u8]) -> bool {
    tells_end(line) || dim_text(line).is_some_and(|text| text.contains(NOBODY_THERE))
}

/// Whether it is the note behind a run, of which each has one.
pub fn tells_end(line: &[u8]) -> bool {
    dim_text(line).is_some_and(|text| ENTER.iter().any(|what| text.contains(what)))
}

/// What follows the colours that the line begins with, if it is dim. tmux says a style in its own words, and with
/// what it changes of the one before.
fn dim_text(line: &[u8]) -> Option<Cow<'_, str>> {
    let (mut rest, mut dim) = (line, false);
    while let Some(body) = rest.strip_prefix(b"\x1b[") {
        let length = body.iter().position(|byte| *byte == b'm')?;
        let mut parameters = body[..length].split(|byte| *byte == b';');
        // What follows one of these is a colour.
        let own = parameters
            .by_ref()
            .take_while(|one| !matches!(one, [b'3' | b'4' | b'5', b'8', ..]));
        for one in own {
            dim = match one {
                b"2" => true,
                b"" | b"0" | b"22" => false,
                _ => dim,
            };
        }
        rest = &body[length + 1..];
    }
    dim.then(|| String::from_utf8_lossy(rest))
}

/// A text as terminal bytes, between its marks, on a line of its own.
pub(super) fn plain(text: &str, nonce: &str) -> Vec<u8> {
    dress("", text, nonce)
}

/// The same after a run: the screen is put in order first.
pub(super) fn after_run(text: &str, nonce: &str) -> Vec<u8> {
    dress(RESET, text, nonce)
}

fn dress(before: &str, text: &str, nonce: &str) -> Vec<u8> {
    // Only the shim and the controller write notes, but a name or a path in one may hold anything.
    let mut shown = String::with_capacity(text.len());
    for line in text.lines() {
        shown.extend(line.chars().filter(|c| !c.is_control()));
        shown.push_str("\r\n");
    }
    let shown = shown.trim_end();
    let mut bytes = Mark::NoteBegins.encode(nonce);
    // The last output may have ended anywhere on its line.
    bytes.extend_from_slice(format!("{before}\r\n{DIM}{shown}\x1b[0m\r\n").as_bytes());
    bytes.extend(Mark::NoteEnds.encode(nonce));
    bytes
}

/// How a run ended and what Enter does now.
pub(super) fn ended(name: &InstanceName, ended: &Ended, lasted: Duration) -> String {
    if ended.asked {
        let force = match ended.killed.len() {
            0 => "",
            _ => " (by SIGKILL)",
        };
        return format!("{name} stopped{force}{STARTS}");
    }
    let lasted = in_words(lasted);
    match ended.exit {
        Exit::Code(code) => format!("{name} exited with code {code} after {lasted}{RESTARTS}"),
        Exit::Signal(signal) => format!("{name} was ended by {signal} after {lasted}{RESTARTS}"),
    }
}

/// Why a run did not begin.
pub(super) fn could_not_start(name: &InstanceName, message: &str) -> String {
    format!("{name} could not start: {message}{TRIES}")
}

/// `0.3 s`, `12 s`, `3 min 5 s`, `2 h 4 min`.
fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{}.{} s", seconds, duration.subsec_millis() / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{could_not_start, ended, in_words, is_note, plain};
    use crate::model::{Exit, RunId, Signal};
    use crate::shim::protocol::Ended;
    use std::time::Duration;

    #[test]
    fn a_note_names_service_end_and_what_enter_does() {
        let web = "web#2".parse().unwrap();
        let mut end = Ended {
            run: RunId(1),
            exit: Exit::Code(3),
            at_ms: 0,
            began_ms: None,
            asked: false,
            killed: vec![],
            why: None,
            silent: None,
        };
        let twelve = Duration::from_secs(12);
        assert_eq!(
            ended(&web, &end, twelve),
            "web#2 exited with code 3 after 12 s · Enter restarts it"
        );
        end.exit = Exit::Signal(Signal::KILL);
        assert_eq!(
            ended(&web, &end, twelve),
            "web#2 was ended by SIGKILL after 12 s · Enter restarts it"
        );
        end.asked = true;
        assert_eq!(ended(&web, &end, twelve), "web#2 stopped · Enter starts it");
        assert_eq!(
            could_not_start(&web, "bin/askk: not found"),
            "web#2 could not start: bin/askk: not found · Enter tries again"
        );
    }

    #[test]
    fn durations_read_as_people_say_them() {
        for (millis, words) in [
            (0, "0.0 s"),
            (340, "0.3 s"),
            (9_999, "9.9 s"),
            (12_000, "12 s"),
            (185_000, "3 min 5 s"),
            (7_440_000, "2 h 4 min"),
        ] {
            assert_eq!(in_words(Duration::from_millis(millis)), words);
        }
    }

    #[test]
    fn a_note_carries_no_control_characters_of_its_text() {
        let bytes = plain("a\x1b]0;b\nc\x07", "n");
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("\r\n\x1b[2ma]0;b\r\nc\x1b[0m\r\n"), "{text:?}");
    }

    #[test]
    fn a_note_is_known_again_without_its_marks() {
        let web = "web".parse().unwrap();
        let text = could_not_start(&web, "bin/web: not found");
        let note = plain(&text, "abc");
        let line = note.split(|b| *b == b'\n').find(|line| is_note(line));
        assert!(line.is_some(), "{}", String::from_utf8_lossy(&note));
        assert!(!is_note(text.as_bytes()), "a service's own words are no note");
        assert!(!is_note(b"\x1b[2mdim words of a service"));
    }

    #[test]
    fn a_note_is_known_in_whatever_words_its_style_is_said() {
        let text = "web exited with code 3 after 12 s · Enter restarts it";
        for style in ["2", "0;2", "31m\x1b[0m\x1b[2", "2m\x1b[39", "2;39;49", "1;22;2"] {
            assert!(is_note(format!("\x1b[{style}m{text}").as_bytes()), "{style}");
        }
        for style in ["0", "31", "2m\x1b[0", "2;22", "38;2;1;2;3", "48;5;2"] {
            assert!(!is_note(format!("\x1b[{style}m{text}").as_bytes()), "{style}");
        }
    }
}
