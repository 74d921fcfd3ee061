//! Who listens, as `lsof` tells it: macOS has it, and no documented call that says the same. Running and reading it;
//! what an answer means is `holder.rs`'s.

#[cfg(not(target_os = "linux"))]
pub(super) use run::listeners;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A listening socket and the process that holds it.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    pid: u32,
    /// The program's short name.
    program: String,
    address: IpAddr,
    port: u16,
}

/// Reads the output of `lsof -F pctn`: each field on a line of its own behind its letter, what concerns a process
/// before what concerns its files.
fn parse(output: &str) -> Vec<Held> {
    let mut held = Vec::new();
    let (mut pid, mut program, mut is_v6) = (None, String::new(), false);
    for line in output.lines() {
        let mut letters = line.chars();
        let kind = letters.next();
        let value = letters.as_str();
        match kind {
            Some('p') => pid = value.parse().ok(),
            Some('c') => value.clone_into(&mut program),
            Some('t') => is_v6 = value == "IPv6",
            Some('n') => {
                if let (Some(pid), Some((address, port))) = (pid, parse_name(value, is_v6)) {
                    let program = program.clone();
                    held.push(Held {
                        pid,
                        program,
                        address,
                        port,
                    });
                }
            }
            Some(_) | None => {}
        }
    }
    held
}

/// `127.0.0.1:5000`, `[::1]:5000`, `*:5000`.
fn parse_name(name: &str, is_v6: bool) -> Option<(IpAddr, u16)> {
    let (host, port) = name.rsplit_once(':')?;
    let address = match host.trim_start_matches('[').trim_end_matches(']') {
        "*" if is_v6 => Ipv6Addr::UNSPECIFIED.into(),
        "*" => Ipv4Addr::UNSPECIFIED.into(),
        host => host.parse().ok()?,
    };
    Some((address, port.parse().ok()?))
}

#[cfg(not(target_os = "linux"))]
mod run {
    use super::super::holder::{Holder, Listener};
    use super::{Held, parse};
    use crate::platform::{open_files, processes};
    use std::collections::BTreeSet;
    use std::io;
    use std::process::{Command, Stdio};
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    /// Every listener of this user on these ports. Another user's are not told.
    pub(in crate::ports) fn listeners(ports: &BTreeSet<u16>) -> io::Result<Vec<Listener>> {
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        // It fails where it finds nothing: what it says counts.
        let mut command = Command::new("/usr/sbin/lsof");
        // Its time grows with the limit of open files.
        open_files::give_back(&mut command);
        let output = command
            .args(["-nPw", "+c0", "-sTCP:LISTEN", "-Fpctn"])
            .arg(format!("-iTCP:{}", ports.join(",")))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()?;
        let held = parse(&String::from_utf8_lossy(&output.stdout));
        Ok(held.into_iter().map(listener).collect())
    }

    fn listener(held: Held) -> Listener {
        Listener {
            port: held.port,
            address: held.address,
            holder: Some(Holder {
                pid: held.pid,
                program: held.program,
                command: processes::command(held.pid),
                cwd: None,
                age: age(held.pid),
                project: None,
            }),
        }
    }

    fn age(pid: u32) -> Option<Duration> {
        let started = processes::one(pid)?.started;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        now.checked_sub(Duration::from_micros(started))
            .filter(|_| started > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Held, parse};

    fn held(pid: u32, program: &str, address: &str, port: u16) -> Held {
        Held {
            pid,
            program: program.to_owned(),
            address: address.parse().unwrap(),
            port,
        }
    }

    #[test]
    fn each_listener_is_read_with_its_process() {
        let output = "p401\ncControlCenter\nf9\ntIPv4\nn*:5000\nf10\ntIPv6\nn*:5000\n\
                      p9710\ncpython3.12\nf3\ntIPv4\nn127.0.0.1:8000\nf4\ntIPv6\nn[::1]:8000\n";
        assert_eq!(
            parse(output),
            [
                held(401, "ControlCenter", "0.0.0.0", 5000),
                held(401, "ControlCenter", "::", 5000),
                held(9710, "python3.12", "127.0.0.1", 8000),
                held(9710, "python3.12", "::1", 8000),
            ]
        );
    }

    #[test]
    fn what_is_none_of_that_is_passed_over() {
        assert_eq!(parse(""), []);
        assert_eq!(parse("n*:80\np12\ncx\nf1\ntIPv4\nn*:http\nnwhat\n\n"), []);
    }
}
