//! Output: how fast many lines arrive, that each of them does, and the last words of a service that ends.

use super::arena::Arena;
use super::manager::Manager;
use super::raw::spawn;
use super::session::{project, start_command};
use super::table::{Attempt, Row, in_turn, millions_a_second, none};
use super::tmux::Server;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::ExitStatus;
use std::sync::mpsc;
use std::time::Instant;

const MANY: u64 = 1_000_000;
const LAST: &str = "LAST-WORDS";
/// What a service does that has said everything and does not end.
const STAY: &str = "; echo LAST-WORDS; exec sleep 1000";

pub(crate) fn lines(arena: &Arena) -> Vec<Row> {
    let command = format!("seq {MANY}");
    // Without an end: tmux, and so a manager whose panes die, loses the tail of a pane that dies. That is another row.
    let staying = format!("{command}{STAY}");
    let managed = |manager: &Manager, command: &str, args: &[&str]| {
        let begin = Instant::now();
        let seen = run_managed(arena, manager, command, args)?;
        rate(&seen, seen.last_at.map(|at| at - begin))
    };
    let cells = in_turn(
        &arena.managers,
        5,
        millions_a_second,
        &mut |manager| match manager.name {
            "ovr" => managed(manager, &command, &[]),
            _ => managed(manager, &staying, &[]),
        },
        &mut [
            &mut || {
                let begin = Instant::now();
                let seen = run_tmux(arena, &staying)?;
                rate(&seen, seen.last_at.map(|at| at - begin))
            },
            &mut || {
                let begin = Instant::now();
                let seen = run_raw(arena, &command)?;
                rate(&seen, seen.last_at.map(|at| at - begin))
            },
        ],
    );
    // What keeping them on disk costs: the same again with and without, in turn.
    let ovr = &arena.managers[0];
    let with_and_without = in_turn(
        &arena.managers[..1],
        5,
        millions_a_second,
        &mut |ovr| managed(ovr, &command, &[]),
        &mut [&mut || managed(ovr, &command, &["--logs=off"]), &mut none],
    );
    vec![
        Row {
            what: "1 M short lines to the console, launch included".to_owned(),
            budget: "≥ 1.2 × tmux (elsewhere: ≥ 1.9 M/s), every line",
            cells,
        },
        Row {
            what: "the same; in tmux's column with `--logs=off`".to_owned(),
            budget: "≥ 0.9 of that",
            cells: with_and_without,
        },
    ]
}

fn rate(seen: &Numbers, time: Option<std::time::Duration>) -> Attempt {
    match time {
        Some(time) if seen.next == MANY + 1 => {
            let lines = u32::try_from(MANY).map_err(|error| error.to_string())?;
            Ok(f64::from(lines) / time.as_secs_f64())
        }
        _ => Err(format!("line {} is missing", seen.next)),
    }
}

pub(crate) fn last_words(arena: &Arena) -> Vec<Row> {
    let command = format!("seq 300000; echo {LAST}; exit 3");
    let runs = 5;
    let [ovr, peers @ ..] = arena.managers.as_slice() else {
        return Vec::new();
    };
    let mut kept = vec![0; peers.len() + 3];
    let mut reason = vec![String::new(); kept.len()];
    for _ in 0..runs {
        let mut seen = vec![
            run_managed(arena, ovr, &command, &[]),
            run_tmux(arena, &command),
            run_raw(arena, &command),
        ];
        seen.extend(peers.iter().map(|peer| run_managed(arena, peer, &command, &[])));
        for (place, seen) in seen.into_iter().enumerate() {
            match seen {
                Ok(seen)
                    if seen.next == 300_001 && seen.last_words && seen.code.is_none_or(|code| code == 3) =>
                {
                    kept[place] += 1;
                }
                Ok(seen) => {
                    let words = if seen.last_words { "" } else { ", no last words" };
                    reason[place] = format!(" (lines up to {}{words}, code {:?})", seen.next - 1, seen.code);
                }
                Err(error) => reason[place] = format!(" ({error})"),
            }
        }
    }
    let cell = |place: usize| format!("{} of {runs}{}", kept[place], reason[place]);
    vec![Row {
        what: "300 000 lines, then exit 3: last words kept".to_owned(),
        budget: "always",
        cells: (0..kept.len()).map(|place| cell(place).into()).collect(),
    }]
}

/// Follows a stream in which the numbers 1, 2, 3 … stand at the ends of lines, each once and in order.
pub(crate) struct Numbers {
    /// The number that has not come yet.
    pub(crate) next: u64,
    pub(crate) last_words: bool,
    last_at: Option<Instant>,
    code: Option<i32>,
    line: Vec<u8>,
}

impl Numbers {
    fn new() -> Self {
        Self {
            next: 1,
            last_words: false,
            last_at: None,
            code: None,
            line: Vec::new(),
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&rest[..end]);
            self.end_line();
            rest = &rest[end + 1..];
        }
        self.line.extend_from_slice(rest);
    }

    fn end_line(&mut self) {
        let line = self.line.trim_ascii_end();
        let digits = line.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let number = line[line.len() - digits..]
            .iter()
            .try_fold(0_u64, |number, digit| {
                number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
            });
        if digits > 0 && number == Some(self.next) {
            self.next += 1;
            self.last_at = Some(Instant::now());
        }
        self.last_words |= line.ends_with(LAST.as_bytes());
        self.line.clear();
    }
}

/// Reads until the manager ends, as it does when its only service has. If that stays, its last words are the end.
pub(crate) fn run_managed(
    arena: &Arena,
    manager: &Manager,
    command: &str,
    args: &[&str],
) -> Result<Numbers, String> {
    let dir = project(arena, &[("web".to_owned(), command.to_owned())]);
    let mut child = start_command(arena, manager, &dir, args)
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut stdout = child.stdout.take().ok_or("no pipe")?;
    let mut stderr = child.stderr.take().ok_or("no pipe")?;
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).ok();
        text
    });
    let mut numbers = Numbers::new();
    let mut buffer = vec![0; 1 << 17];
    while let Ok(count @ 1..) = stdout.read(&mut buffer) {
        numbers.push(&buffer[..count]);
        if numbers.last_words && command.ends_with(STAY) {
            // All is measured, and a peer that is asked to end does not always do so.
            arena.kill_all();
            break;
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let text = errors.join().unwrap_or_default();
    if numbers.next == 1 {
        return Err(format!(
            "nothing came; said {:?}",
            text.lines().last().unwrap_or_default()
        ));
    }
    numbers.code = Some(shell_code(status));
    Ok(numbers)
}

/// The window ends with its command, as in managers without a shim; another one keeps the session alive.
fn run_tmux(arena: &Arena, command: &str) -> Result<Numbers, String> {
    let (send, receive) = mpsc::channel();
    let mut decoder = Decoder {
        numbers: Some(Numbers::new()),
        line: Vec::new(),
        done: send,
    };
    let commands = ["exec sleep 1000".to_owned(), command.to_owned()];
    let server = Server::start_with(arena, &[], &commands, move |bytes| decoder.push(bytes))?;
    let numbers = receive
        .recv_timeout(super::arena::PATIENCE)
        .map_err(|error| error.to_string());
    server.end(numbers)
}

/// Takes the output of the second pane out of a control client's lines, up to its last words or its window's end.
struct Decoder {
    numbers: Option<Numbers>,
    line: Vec<u8>,
    done: mpsc::Sender<Numbers>,
}

impl Decoder {
    fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&rest[..end]);
            let line = std::mem::take(&mut self.line);
            self.on_line(&line);
            self.line = line;
            self.line.clear();
            rest = &rest[end + 1..];
        }
        self.line.extend_from_slice(rest);
    }

    fn on_line(&mut self, line: &[u8]) {
        if let Some(text) = line.strip_prefix(b"%output %1 ") {
            if let Some(numbers) = &mut self.numbers {
                numbers.push(&unescaped(text));
            }
            if self.numbers.as_ref().is_some_and(|numbers| numbers.last_words) {
                self.finish();
            }
        } else if line.starts_with(b"%window-close") || line.starts_with(b"%unlinked-window-close") {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if let Some(numbers) = self.numbers.take() {
            self.done.send(numbers).ok();
        }
    }
}

/// Control mode writes bytes below a blank, and the backslash, as three octal digits.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if let [b'\\', a, b, c, ..] = text[at..] {
            let digit = |c: u8| c.wrapping_sub(b'0') & 7;
            bytes.push(digit(a) << 6 | digit(b) << 3 | digit(c));
            at += 4;
        } else {
            bytes.push(text[at]);
            at += 1;
        }
    }
    bytes
}

fn run_raw(arena: &Arena, command: &str) -> Result<Numbers, String> {
    let (mut child, master) = spawn(arena, command)?;
    let mut numbers = Numbers::new();
    read_to_end(&master, &mut numbers);
    let status = child.wait().map_err(|error| error.to_string())?;
    numbers.code = Some(shell_code(status));
    Ok(numbers)
}

fn read_to_end(master: &OwnedFd, numbers: &mut Numbers) {
    let mut buffer = vec![0; 1 << 17];
    // The end of a terminal is an error (EIO).
    while let Ok(count @ 1..) = rustix::io::read(master, &mut buffer) {
        numbers.push(&buffer[..count]);
    }
}

/// The code that a shell would show for this end.
pub(crate) fn shell_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}
