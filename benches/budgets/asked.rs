//! A session that is asked for its status at a fixed rate while a service prints as fast as it can: how long the
//! answers take, counted from when each question was due, whether the rate is reached, and that no line is lost.

use super::arena::{Arena, PATIENCE};
use super::output::{Numbers, run_managed};
use super::table::{Cell, Row, milliseconds};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// So many questions a second,
const RATE: u32 = 1000;
/// for so long,
const SECONDS: u32 = 10;
/// over so many connections: one whose answer is late must not hold up the next question.
const CONNECTIONS: u32 = 4;
/// The service prints so many lines, looks whether it is to end, and goes on.
const AT_ONCE: u64 = 100_000;

/// How the questions went.
struct Asked {
    /// From when each was due to its answer, in order of length.
    took: Vec<Duration>,
    /// From the first question to the last answer.
    lasted: Duration,
}

pub(crate) fn asked(arena: &Arena) -> Vec<Row> {
    let Some(ovr) = arena.managers.first() else {
        return Vec::new();
    };
    let done = arena.fresh_dir().join("done");
    let runtime = arena.dir.join("run");
    let command = format!(
        "i=0; until [ -e {} ]; do seq $((i+1)) $((i+{AT_ONCE})); i=$((i+{AT_ONCE})); done; echo LAST-WORDS; exit 3",
        done.display()
    );
    let (printed, asked) = thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let asked = ask_at_rate(&runtime);
            // The session ends with the service, in any case.
            fs::write(&done, "").map_err(|error| error.to_string())?;
            asked
        });
        let printed = run_managed(arena, ovr, &command, &[]);
        let asked = asking
            .join()
            .unwrap_or_else(|_| Err("the asking thread died".to_owned()));
        (printed, asked)
    });
    let row = |what: &str, budget, cell: Result<String, String>| Row {
        what: what.to_owned(),
        budget,
        cells: std::iter::once(cell.unwrap_or_else(|reason| format!("– ({reason})")))
            .chain((0..=arena.managers.len()).map(|_| "–".to_owned()))
            .map(Cell::from)
            .collect(),
    };
    let lines = printed.and_then(|printed| lines(&printed));
    let rate = |asked: &Asked| f64::from(RATE * SECONDS) / asked.lasted.as_secs_f64();
    vec![
        row(
            "status 1 000 times a second, a service printing: p50 / p99 / longest",
            "–",
            asked.as_ref().map_err(Clone::clone).map(times),
        ),
        row(
            "the rate reached",
            "1 000/s",
            asked.map(|asked| format!("{:.0}/s", rate(&asked))),
        ),
        row("lines meanwhile, and those lost", "0 lost", lines),
    ]
}

fn times(asked: &Asked) -> String {
    let at = |percent: usize| {
        let index = (asked.took.len() * percent / 100).min(asked.took.len() - 1);
        milliseconds(asked.took[index].as_secs_f64())
    };
    format!("**{}** / {} / {}", at(50), at(99), at(100))
}

/// Every line has come, in its order, with the last one behind them.
fn lines(printed: &Numbers) -> Result<String, String> {
    let came = printed.next - 1;
    if printed.last_words && came.is_multiple_of(AT_ONCE) {
        let thousands = u32::try_from(came / 1000).map_err(|error| error.to_string())?;
        let rate = f64::from(thousands) / 1e3 / f64::from(SECONDS);
        Ok(format!("{came} ({rate:.2} M/s), **0** lost"))
    } else {
        Err(format!("line {} is missing", printed.next))
    }
}

fn ask_at_rate(runtime: &Path) -> Result<Asked, String> {
    let socket = wait_for_socket(runtime)?;
    let begin = Instant::now();
    let each = Duration::from_secs(1) / RATE;
    let answers = thread::scope(|scope| {
        let askers: Vec<_> = (0..CONNECTIONS)
            .map(|first| {
                let socket = &socket;
                let due = (first..RATE * SECONDS)
                    .step_by(CONNECTIONS as usize)
                    .map(move |number| begin + each * number);
                scope.spawn(move || ask(socket, due))
            })
            .collect();
        let answers = askers
            .into_iter()
            .map(|asker| asker.join().unwrap_or_else(|_| Err("an asker died".to_owned())));
        answers.collect::<Result<Vec<_>, _>>()
    })?;
    let mut took = answers.concat();
    took.sort_unstable();
    Ok(Asked {
        took,
        lasted: begin.elapsed(),
    })
}

/// The session's socket, as soon as it takes connections.
fn wait_for_socket(runtime: &Path) -> Result<PathBuf, String> {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let sessions = fs::read_dir(runtime).into_iter().flatten().flatten();
        let mut sockets = sessions.map(|session| session.path().join("api.sock"));
        if let Some(socket) = sockets.find(|socket| UnixStream::connect(socket).is_ok()) {
            return Ok(socket);
        }
        thread::sleep(Duration::from_millis(1));
    }
    Err("no session has come up".to_owned())
}

/// Asks whenever it is due, one after the other, on one connection.
fn ask(socket: &Path, due: impl Iterator<Item = Instant>) -> Result<Vec<Duration>, String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut connection = UnixStream::connect(socket).map_err(failed)?;
    connection.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    let mut answers = BufReader::new(connection.try_clone().map_err(failed)?);
    let mut took = Vec::new();
    for due in due {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        connection
            .write_all(b"GET /v1/status HTTP/1.1\r\nhost: ovr\r\n\r\n")
            .map_err(failed)?;
        read_answer(&mut answers)?;
        took.push(due.elapsed());
    }
    Ok(took)
}

fn read_answer(answers: &mut impl BufRead) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    let (mut line, mut length) = (String::new(), 0);
    answers.read_line(&mut line).map_err(failed)?;
    if !line.starts_with("HTTP/1.1 200") {
        return Err(format!("the answer is {line:?}"));
    }
    while line != "\r\n" {
        line.clear();
        answers.read_line(&mut line).map_err(failed)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().map_err(|_| format!("no length: {line:?}"))?;
        }
    }
    let mut body = vec![0; length];
    answers.read_exact(&mut body).map_err(failed)
}
