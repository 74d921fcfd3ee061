//! A gigabyte through a session with fifty followers, one of them stopped: that nobody waits for it, that the
//! controller's memory does not grow with what passes, and that no line is lost without a word.

use super::arena::{Arena, PATIENCE, send};
use super::session::project;
use super::table::{Cell, Row, milliseconds};
use rustix::process::Signal;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// So many bytes has a line, with its end,
const LINE: usize = 200;
/// and so many of them are a gigabyte.
const LINES: u64 = 5_000_000;
/// Those of the service that prints little; with the one that is stopped, the one that reads along and the one that
/// searches there are fifty.
const OTHERS: usize = 47;
/// By so much the controller's own pages may grow from half of the output to its end. Before that its queues fill,
/// some earlier and some later, each up to its bound;
const GROWTH_MB: f64 = 4.0;
/// and with all bounds together (16 MiB for the disk, 4 for each of the two that may be slow, what an idle one has)
/// there may be this much.
const BOUND_MB: f64 = 28.0;
/// A gigabyte takes longer than a start.
const FLOOD: Duration = Duration::from_secs(300);

/// When the memory is looked at: at so many percent.
const LOOKS: [u64; 3] = [10, 50, 100];

/// What a follower tells.
enum News {
    Begun,
    /// It has shown or counted so many percent.
    Reached(u64),
    Over(Read),
}

/// What a follower has read.
#[derive(Clone, Copy, Default)]
struct Read {
    shown: u64,
    /// By marks.
    counted: u64,
    marks: u64,
}

/// How it went.
struct Flood {
    took: Duration,
    /// Megabytes, at each of [`LOOKS`].
    own: [f64; 3],
    quick: Read,
    slow: Read,
}

pub(crate) fn followers(arena: &Arena) -> Vec<Row> {
    let Some(ovr) = arena.managers.first() else {
        return Vec::new();
    };
    let flood = flood(arena, &ovr.program);
    if let Err(reason) = &flood {
        arena.fault(format!("followers: {reason}"));
        arena.kill_all();
    }
    let row = |what: &str, budget, of: fn(&Flood) -> String| Row {
        what: what.to_owned(),
        budget,
        cells: std::iter::once(match &flood {
            Ok(flood) => of(flood),
            Err(reason) => format!("– ({reason})"),
        })
        .chain((0..=arena.managers.len()).map(|_| "–".to_owned()))
        .map(Cell::from)
        .collect(),
    };
    if let Ok(flood) = &flood {
        judge(arena, flood);
    }
    vec![
        row("1 GB, 50 followers, one of them stopped", "–", |flood| {
            milliseconds(flood.took.as_secs_f64())
        }),
        row(
            "the controller's own pages at 10 / 50 / 100 %",
            "flat: second half ≤ 4 MB more",
            |flood| {
                let [first, middle, last] = flood.own;
                format!("{first:.1} / {middle:.1} / **{last:.1} MB**")
            },
        ),
        row(
            "lines lost; those that the reading one missed",
            "0 lost",
            |flood| {
                format!(
                    "**{}**; {}",
                    lost(&flood.quick) + lost(&flood.slow),
                    flood.quick.counted
                )
            },
        ),
        row("the mark of the stopped one", "one", |flood| {
            format!("{} lines in {} marks", flood.slow.counted, flood.slow.marks)
        }),
    ]
}

/// Says what must not be.
fn judge(arena: &Arena, flood: &Flood) {
    let [_, middle, last] = flood.own;
    if last > middle + GROWTH_MB || last > BOUND_MB {
        arena.fault(format!(
            "followers: the controller's own pages grew from {middle:.1} MB to {last:.1}"
        ));
    }
    for (who, read) in [("reads along", &flood.quick), ("was stopped", &flood.slow)] {
        if lost(read) != 0 {
            arena.fault(format!(
                "followers: the one that {who} has shown {} lines and counted {} of {LINES}",
                read.shown, read.counted
            ));
        }
    }
    if flood.slow.marks == 0 {
        arena.fault("followers: the one that was stopped got no mark".to_owned());
    }
}

/// Lines neither shown nor counted; more than there are is as wrong.
fn lost(read: &Read) -> u64 {
    LINES.abs_diff(read.shown + read.counted)
}

fn flood(arena: &Arena, ovr: &Path) -> Result<Flood, String> {
    let (go, done) = (arena.fresh_dir().join("go"), arena.fresh_dir().join("done"));
    let loud = format!(
        "echo begun; until [ -e {} ]; do sleep 0.02; done; yes {} | head -n {LINES}; echo all said; touch {}; sleep 1000",
        go.display(),
        "x".repeat(LINE - 1),
        done.display()
    );
    let quiet = format!(
        "echo begun; until [ -e {} ]; do sleep 0.05; done; echo all said; sleep 1000",
        done.display()
    );
    let dir = project(arena, &[("loud".to_owned(), loud), ("quiet".to_owned(), quiet)]);
    let call = |args: &[&str]| {
        let mut command = arena.command(ovr);
        command
            .args(args)
            .current_dir(&dir)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    answer(&mut call(&["start", "-D"]))?;
    let status = answer(&mut call(&["status", "--json"]))?;
    let status: serde_json::Value = serde_json::from_str(&status).map_err(|error| error.to_string())?;
    let controller = status["session"]["pid"].as_u64().ok_or("no pid in the status")?;
    let mut all = Followers::default();
    for args in [
        &["loud"][..],
        &["loud"],
        &["loud", "--since", "1h", "--grep", "begun|said"],
    ] {
        all.add(&mut call(&[&["logs", "-f"], args].concat()))?;
    }
    for _ in 0..OTHERS {
        all.add(&mut call(&["logs", "-f", "quiet"]))?;
    }
    let flood = all.play(controller, &go);
    answer(&mut call(&["quit"]))?;
    flood
}

fn answer(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The places of the first two.
const SLOW: usize = 0;
const QUICK: usize = 1;

struct Followers {
    children: Vec<Child>,
    tell: Sender<(usize, News)>,
    news: Receiver<(usize, News)>,
}

impl Default for Followers {
    fn default() -> Self {
        let (tell, news) = channel();
        Self {
            children: Vec::new(),
            tell,
            news,
        }
    }
}

impl Followers {
    fn add(&mut self, command: &mut Command) -> Result<(), String> {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let stdout = child.stdout.take().ok_or("no pipe")?;
        let (place, tell) = (self.children.len(), self.tell.clone());
        thread::spawn(move || read(place, stdout, &tell));
        self.children.push(child);
        Ok(())
    }

    fn play(&mut self, controller: u64, go: &Path) -> Result<Flood, String> {
        let mut begun = 0;
        while begun < self.children.len() {
            begun += usize::from(matches!(self.next(PATIENCE)?, (_, News::Begun)));
        }
        let slow = self.children[SLOW].id();
        send(slow, Signal::STOP);
        let begin = Instant::now();
        fs::write(go, "").map_err(|error| error.to_string())?;
        let (mut own, mut took, mut quick, mut left) = ([0.0; 3], Duration::ZERO, Read::default(), begun - 1);
        while left > 0 {
            match self.next(FLOOD)? {
                (QUICK, News::Reached(percent)) => {
                    let look = LOOKS.iter().position(|look| *look == percent);
                    own[look.ok_or("nobody looks at that")?] = own_mb(controller)?;
                }
                (place, News::Over(read)) => {
                    left -= 1;
                    if place == QUICK {
                        (took, quick) = (begin.elapsed(), read);
                    }
                }
                (_, News::Begun | News::Reached(_)) => {}
            }
        }
        send(slow, Signal::CONT);
        let slow = loop {
            if let (SLOW, News::Over(read)) = self.next(FLOOD)? {
                break read;
            }
        };
        Ok(Flood {
            took,
            own,
            quick,
            slow,
        })
    }

    fn next(&self, patience: Duration) -> Result<(usize, News), String> {
        let news = self.news.recv_timeout(patience);
        news.map_err(|_| "a follower is silent".to_owned())
    }
}

impl Drop for Followers {
    fn drop(&mut self) {
        for child in &mut self.children {
            send(child.id(), Signal::CONT);
            // One that has seen the session's end is gone already.
            drop((child.kill(), child.wait()));
        }
    }
}

/// Reads what a follower prints, until it says that all is said.
fn read(place: usize, stdout: ChildStdout, tell: &Sender<(usize, News)>) {
    let mut lines = BufReader::with_capacity(1 << 16, stdout);
    let (mut line, mut read, mut looks) = (Vec::new(), Read::default(), LOOKS.iter().peekable());
    // Who asked may have given up.
    let tell = |news| drop(tell.send((place, news)));
    while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
        if line.ends_with(b"x\n") {
            read.shown += 1;
        } else {
            let text = String::from_utf8_lossy(&line);
            if let Some(lines) = dropped(&text) {
                read.counted += lines;
                read.marks += 1;
            } else if text.contains("begun") {
                tell(News::Begun);
            } else if text.contains("all said") {
                break;
            }
        }
        while let Some(look) = looks.next_if(|look| read.shown + read.counted >= LINES * **look / 100) {
            tell(News::Reached(*look));
        }
        line.clear();
    }
    tell(News::Over(read));
    // The pipe stays open until the follower ends: it has nothing to be told by its end.
    while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
        line.clear();
    }
}

/// How many lines a mark counts: `… 74481 lines dropped: this terminal is too slow`.
fn dropped(text: &str) -> Option<u64> {
    let (before, _) = text.split_once(" lines dropped")?;
    before.rsplit(' ').next()?.parse().ok()
}

/// The pages that nothing but the process itself has: what it has allocated.
fn own_mb(pid: u64) -> Result<f64, String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).map_err(|error| error.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.map(|kib| kib / 1024.0).ok_or_else(|| "no RssAnon".to_owned())
}
