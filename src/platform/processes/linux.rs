//! The process table of Linux: `/proc`.

use super::{Process, Usage, in_brackets, presentable};
use rustix::param::{clock_ticks_per_second, page_size};
use std::fs::{self, File};
use std::io::Read;
use std::thread;
use std::time::Duration;

/// Every process alive, in no certain order. A process that starts or ends meanwhile may be missing.
pub fn all() -> impl Iterator<Item = Process> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(one)
}

/// The process with this number, if it is alive.
pub fn one(pid: u32) -> Option<Process> {
    let mut buffer = [0; STAT];
    parse(pid, stat(pid, &mut buffer)?)
}

/// What it uses. `None` if it is gone.
pub fn usage(pid: u32) -> Option<Usage> {
    let mut buffer = [0; STAT];
    let cpu = in_ticks(stat(pid, &mut buffer)?, clock_ticks_per_second())?;
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let resident = resident(&statm)?.saturating_mul(page_size() as u64);
    Some(Usage { cpu, resident })
}

/// In pages.
fn resident(statm: &str) -> Option<u64> {
    statm.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The fields from the third on, behind the name: that is in parentheses, and may hold anything.
fn fields(stat: &[u8]) -> Option<impl Iterator<Item = &str>> {
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let behind_name = std::str::from_utf8(&stat[name_end + 1..]).ok()?;
    Some(behind_name.split_ascii_whitespace())
}

/// The times are the 14th to the 17th field.
fn in_ticks(stat: &[u8], ticks_per_second: u64) -> Option<Duration> {
    let times = fields(stat)?.skip(11).take(4);
    let mut ticks: u64 = 0;
    for time in times {
        // Those of children are signed.
        let time: i64 = time.parse().ok()?;
        ticks = ticks.saturating_add(u64::try_from(time).unwrap_or(0));
    }
    Some(Duration::from_millis(
        ticks.saturating_mul(1000) / ticks_per_second.max(1),
    ))
}

/// The part of `/proc/PID/stat` up to the last field used here stays far below this; a command name has 15 bytes at
/// most.
const STAT: usize = 512;

/// That part; more would be more calls of the system.
fn stat(pid: u32, buffer: &mut [u8; STAT]) -> Option<&[u8]> {
    let read = File::open(format!("/proc/{pid}/stat")).ok()?.read(buffer).ok()?;
    Some(&buffer[..read])
}

/// Its command line; in brackets its name where it has none.
pub fn command(pid: u32) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(format!("/proc/{pid}/cmdline"))
        && file.take(4096).read_to_end(&mut bytes).is_ok()
        && !bytes.is_empty()
    {
        return presentable(&String::from_utf8_lossy(&bytes));
    }
    in_brackets(name(pid))
}

/// The arguments that it was started with, or has written in their place; a zombie has none. `None` if it is gone.
pub fn arguments(pid: u32) -> Option<Vec<String>> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let Some(line) = line.strip_suffix(b"\0") else {
        return Some(Vec::new());
    };
    let text = |argument: &[u8]| String::from_utf8_lossy(argument).into_owned();
    Some(line.split(|byte| *byte == 0).map(text).collect())
}

/// The short name of its program; `None` if it is gone.
pub fn name(pid: u32) -> Option<String> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim_end_matches('\n').to_owned())
}

/// Whether it is stopped (Ctrl-Z, SIGSTOP).
pub fn is_stopped(pid: u32) -> bool {
    let mut buffer = [0; STAT];
    // The name in parentheses may contain anything; the state is behind the last one.
    stat(pid, &mut buffer).is_some_and(|stat| {
        let name_end = stat.iter().rposition(|byte| *byte == b')');
        name_end.is_some_and(|end| stat[end..].starts_with(b") T"))
    })
}

/// Whether it has a handler of its own for the signal; `None` if it is gone.
pub fn catches(pid: u32, signal: i32) -> Option<bool> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
    let caught = u64::from_str_radix(caught.trim(), 16).ok()?;
    Some(caught >> (signal - 1) & 1 == 1)
}

/// Whether the environment it was started with holds exactly `NAME=value`. `false` for other users'
/// processes, and for those that have overwritten it (to set their title).
pub fn has_variable(pid: u32, assignment: &str) -> bool {
    has_entry(pid, |entry| entry == assignment.as_bytes())
}

/// The same with any entry that `wanted` picks.
pub fn has_entry(pid: u32, wanted: impl Fn(&[u8]) -> bool) -> bool {
    environment(pid).is_some_and(|environment| environment.split(|byte| *byte == 0).any(wanted))
}

/// The environment that it was started with; `None` if it has none, is another user's, or is gone.
///
/// In the middle of `execve` a process has new memory and nothing in it yet, and a file that is open shows no more of
/// the old. A mark must not be missed for that: so it is looked at again, and read in one piece.
fn environment(pid: u32) -> Option<Vec<u8>> {
    let mut buffer = vec![0; ENVIRONMENT];
    let mut none_seen = 0;
    for _ in 0..MOST_LOOKS {
        let read = File::open(format!("/proc/{pid}/environ"))
            .and_then(|mut file| file.read(&mut buffer))
            .ok()?;
        if read == buffer.len() {
            buffer.resize(2 * read, 0);
            continue;
        }
        if read > 0 {
            buffer.truncate(read);
            return Some(buffer);
        }
        match place_of_environment(pid)? {
            // It comes, or what was read is not what is there now.
            (_, 0) => {}
            (start, end) if start < end => {}
            // It is about to come, or there is none: that does not change.
            _ if none_seen < LOOKS_AT_NONE => none_seen += 1,
            _ => return None,
        }
        thread::yield_now();
    }
    None
}

/// Most environments are smaller.
const ENVIRONMENT: usize = 16 * 1024;

/// Far more than a program takes to be loaded, unless the disk that it is on does not answer.
const MOST_LOOKS: usize = 10_000;

/// Loading a program takes some microseconds from one to the other.
const LOOKS_AT_NONE: usize = 100;

/// Where in the process's memory its environment begins and ends. `None` if it has no memory.
fn place_of_environment(pid: u32) -> Option<(u64, u64)> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = String::from_utf8_lossy(&stat[name_end..]);
    // The parenthesis stands for the second field.
    let field = |number: usize| rest.split_ascii_whitespace().nth(number - 2)?.parse::<u64>().ok();
    let memory = field(23)?;
    (memory > 0).then_some((field(50)?, field(51)?))
}

/// `pid (name) state ppid pgrp session …`: the name may hold anything, so what counts begins after the last
/// parenthesis.
fn parse(pid: u32, stat: &[u8]) -> Option<Process> {
    let mut fields = fields(stat)?;
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let session = fields.next()?.parse().ok()?;
    // 7 tty … 19 nice are skipped: 20 num_threads, 21 itrealvalue, 22 starttime.
    let threads: u32 = fields.nth(13)?.parse().ok()?;
    let started = fields.nth(1)?.parse().ok()?;
    // A process whose first thread has ended looks like a zombie while its other threads run on.
    let dead = matches!(state, "Z" | "X" | "x") && threads <= 1;
    (!dead).then_some(Process {
        pid,
        parent,
        group,
        session,
        started,
    })
}

#[cfg(test)]
mod tests {
    use super::{
        all, arguments, catches, command, environment, has_variable, in_ticks, is_stopped, name, one, parse,
        resident, usage,
    };
    use std::process;
    use std::time::Duration;

    #[test]
    fn the_times_of_a_process_and_of_its_waited_for_children_are_added() {
        let line = b"42 (a) b) S 1 2 3 4 5 6 7 8 9 10 100 20 3 2 20 0 1 0 99";
        assert_eq!(in_ticks(line, 100), Some(Duration::from_millis(1250)));
        assert_eq!(in_ticks(b"42 (x", 100), None);
    }

    #[test]
    fn this_process_uses_memory() {
        assert_eq!(resident("1000 250 3 4 5 6 7"), Some(250));
        assert!(usage(process::id()).unwrap().resident > 100_000);
        assert_eq!(usage(u32::MAX), None);
    }

    #[test]
    fn a_stat_line_is_read_whatever_the_name_holds() {
        let tail = "S 10 11 12 34817 42 4194304 1 2 3 4 5 6 7 8 20 0 1 0 998877 5 6";
        let read = parse(42, format!("42 (a) R 1 (x) {tail}").as_bytes()).unwrap();
        assert_eq!(
            (read.parent, read.group, read.session, read.started),
            (10, 11, 12, 998_877)
        );
    }

    #[test]
    fn a_zombie_is_dead_unless_other_threads_of_it_run() {
        let line = |threads| format!("42 (x) Z 10 11 12 0 -1 4 1 2 3 4 5 6 7 8 20 0 {threads} 0 99 5 6");
        assert_eq!(parse(42, line(1).as_bytes()), None);
        assert!(parse(42, line(2).as_bytes()).is_some());
    }

    #[test]
    fn a_process_that_loads_one_program_after_the_other_never_loses_its_environment() {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("again");
        std::fs::write(&script, "#!/bin/sh\nexec \"$0\"\n").unwrap();
        let mut again = process::Command::new("/bin/sh")
            .args(["-c", "chmod +x \"$0\" && exec \"$0\""])
            .arg(&script)
            // More than is read at first.
            .env("OVR_TEST_LENGTH", "x".repeat(20_000))
            .env("OVR_TEST_MARK", "1")
            .spawn()
            .unwrap();
        let missed = (0..10_000)
            .filter(|_| !has_variable(again.id(), "OVR_TEST_MARK=1"))
            .count();
        again.kill().unwrap();
        again.wait().unwrap();
        assert_eq!(missed, 0);
    }

    #[test]
    fn a_process_without_an_environment_has_no_variable() {
        let mut bare = process::Command::new("/bin/sleep")
            .arg("600")
            .env_clear()
            .spawn()
            .unwrap();
        let found = environment(bare.id());
        bare.kill().unwrap();
        bare.wait().unwrap();
        assert_eq!(found, None);
    }

    #[test]
    fn this_process_is_found_with_its_command_line() {
        let own = process::id();
        assert!(all().any(|found| Some(found) == one(own)));
        assert!(!command(own).is_empty());
        assert_eq!(arguments(own), Some(std::env::args().collect()));
        assert!(!name(own).unwrap().is_empty() && !is_stopped(own));
        assert!(!has_variable(own, "OVR_NO_SUCH_VARIABLE=1"));
        // The standard library's own, for overflowing stacks.
        assert_eq!(catches(own, libc::SIGSEGV), Some(true));
        assert_eq!(catches(own, libc::SIGUSR2), Some(false));
    }
}
