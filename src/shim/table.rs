//! The system's process table, read. On Linux from `/proc`; elsewhere from `ps`, which knows less. Nothing is
//! signalled here, and nothing is remembered.

/// One process that is alive. A zombie is not: it runs no more and holds nothing but its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    pub parent: u32,
    /// Its process group.
    pub group: u32,
    /// Its session; 0 where the platform does not tell.
    pub session: u32,
    /// When it started, in the system's own unit; together with the pid this names a process for good. 0 where
    /// the platform does not tell.
    pub started: u64,
}

#[cfg(target_os = "linux")]
pub use linux::{all, command, has_entry, has_variable, one};
#[cfg(not(target_os = "linux"))]
pub use other::{all, command, has_entry, has_variable, one};

/// A command line fit for a message: control characters replaced, cut after 120 characters.
fn presentable(text: &str) -> String {
    let mut shown: String = text
        .trim_end_matches('\0')
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(121)
        .collect();
    if let Some((at, _)) = shown.char_indices().nth(120) {
        shown.truncate(at);
        shown.push('…');
    }
    shown.trim().to_owned()
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{Process, presentable};
    use std::fs::{self, File};
    use std::io::Read;

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
        // The part up to the last field used here stays far below this; a command name has 15 bytes at most.
        let mut buffer = [0; 512];
        let read = File::open(format!("/proc/{pid}/stat"))
            .ok()?
            .read(&mut buffer)
            .ok()?;
        parse(pid, &buffer[..read])
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
        match fs::read_to_string(format!("/proc/{pid}/comm")) {
            Ok(name) => format!("[{}]", presentable(&name)),
            Err(_) => "?".to_owned(),
        }
    }

    /// Whether the environment it was started with holds exactly `NAME=value`. `false` for other users'
    /// processes, and for those that have overwritten it (to set their title).
    pub fn has_variable(pid: u32, assignment: &str) -> bool {
        has_entry(pid, |entry| entry == assignment.as_bytes())
    }

    /// The same with any entry that `wanted` picks.
    pub fn has_entry(pid: u32, wanted: impl Fn(&[u8]) -> bool) -> bool {
        fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(wanted))
    }

    /// `pid (name) state ppid pgrp session …`: the name may hold anything, so what counts begins after the last
    /// parenthesis.
    fn parse(pid: u32, stat: &[u8]) -> Option<Process> {
        let name_end = stat.iter().rposition(|byte| *byte == b')')?;
        let rest = std::str::from_utf8(&stat[name_end + 1..]).ok()?;
        let mut fields = rest.split_ascii_whitespace();
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
        use super::{all, command, has_variable, one, parse};
        use std::process;

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
        fn this_process_is_found_with_its_command_line() {
            let own = process::id();
            assert!(all().any(|found| Some(found) == one(own)));
            assert!(!command(own).is_empty());
            assert!(!has_variable(own, "OVR_NO_SUCH_VARIABLE=1"));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use super::{Process, presentable};
    use std::process::Command;

    /// Every process alive.
    pub fn all() -> impl Iterator<Item = Process> {
        table(&["-A"]).into_iter()
    }

    /// The process with this number, if it is alive.
    pub fn one(pid: u32) -> Option<Process> {
        table(&["-p", &pid.to_string()]).pop()
    }

    /// Its command line.
    pub fn command(pid: u32) -> String {
        presentable(&ps(&["-p", &pid.to_string(), "-o", "command="]))
    }

    /// Always `false`: another process's environment cannot be read here.
    pub fn has_variable(_pid: u32, _assignment: &str) -> bool {
        false
    }

    /// Always `false`, as above.
    pub fn has_entry(_pid: u32, _wanted: impl Fn(&[u8]) -> bool) -> bool {
        false
    }

    fn ps(args: &[&str]) -> String {
        Command::new("ps")
            .args(args)
            .output()
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default()
    }

    fn table(which: &[&str]) -> Vec<Process> {
        let text = ps(&[which, &["-o", "pid=,ppid=,pgid=,stat="]].concat());
        text.lines()
            .filter_map(|line| {
                let mut fields = line.split_ascii_whitespace();
                let mut number = || fields.next()?.parse().ok();
                let (pid, parent, group) = (number()?, number()?, number()?);
                let state = fields.next()?;
                (!state.starts_with('Z')).then_some(Process {
                    pid,
                    parent,
                    group,
                    session: 0,
                    started: 0,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::presentable;

    #[test]
    fn a_long_command_line_is_cut() {
        assert_eq!(presentable("sh\0-c\0echo\0"), "sh -c echo");
        let long = presentable(&"x".repeat(500));
        assert_eq!(long.chars().count(), 121);
        assert!(long.ends_with('…'));
    }
}
