//! Reaction times: to a death, to `restart`, to `status`, to Ctrl-C.

use super::arena::{Arena, Beacon, send, wait_for_ends, watch};
use super::manager::Manager;
use super::raw::{Children, spawn};
use super::session::{Session, idlers, project};
use super::table::{Attempt, Row, in_turn, milliseconds};
use super::tmux::Server;
use rustix::process::Signal;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// The automatic restarts that come at once; more in one session would measure the back-off.
const AT_ONCE: usize = 3;

/// What has not come back by then never will: bare tmux sometimes loses a death.
const NEVER: Duration = Duration::from_secs(3);

pub(crate) fn respawn(arena: &Arena) -> Vec<Row> {
    let cells = in_turn(
        &arena.managers,
        7,
        milliseconds,
        &mut |manager| {
            manager.has_commands()?;
            let mut beacon = arena.beacon();
            let dir = project(arena, &idlers(1, &beacon.idle_command()));
            let session = Session::start(arena, manager, dir, &["-r", "all"])?;
            let attempt = worst_of(AT_ONCE, &mut beacon, Some(&session.child), |_| Ok(()));
            session.end(attempt)
        },
        &mut [
            &mut || {
                let mut beacon = arena.beacon();
                let setup = [
                    "set-option",
                    "-g",
                    "remain-on-exit",
                    "on",
                    ";",
                    "set-hook",
                    "-g",
                    "pane-died",
                    "respawn-pane",
                    ";",
                ];
                let server = Server::start_with(arena, &setup, &[beacon.idle_command()], |_| {})?;
                let attempt = worst_of(AT_ONCE, &mut beacon, Some(&server.client), |_| Ok(()));
                server.end(attempt)
            },
            &mut || {
                let mut beacon = arena.beacon();
                let command = beacon.idle_command();
                let (mut child, mut _master) = spawn(arena, &command)?;
                let attempt = worst_of(AT_ONCE, &mut beacon, None, |_| {
                    child.wait().map_err(|error| error.to_string())?;
                    (child, _master) = spawn(arena, &command)?;
                    Ok(())
                });
                child.kill().ok();
                child.wait().ok();
                attempt
            },
        ],
    );
    vec![Row {
        what: format!("death → restarted (the slowest of {AT_ONCE})"),
        budget: "≤ 5 ms, every time",
        cells,
    }]
}

/// Kills the process that reported last, and waits for the next report: the slowest of `times`. `revive` does what
/// nobody else does.
fn worst_of(
    times: usize,
    beacon: &mut Beacon,
    keeper: Option<&Child>,
    mut revive: impl FnMut(u32) -> Result<(), String>,
) -> Attempt {
    let mut worst = 0.0_f64;
    let mut pid = beacon.wait(1, keeper)?[0];
    for _ in 0..times {
        let begin = Instant::now();
        send(pid, Signal::KILL);
        revive(pid)?;
        pid = beacon
            .wait_within(NEVER, 1, keeper)
            .map_err(|_| "never".to_owned())?[0];
        worst = worst.max(begin.elapsed().as_secs_f64());
    }
    Ok(worst)
}

pub(crate) fn restart(arena: &Arena) -> Vec<Row> {
    let cells = in_turn(
        &arena.managers,
        9,
        milliseconds,
        &mut |manager| {
            manager.has_commands()?;
            let mut beacon = arena.beacon();
            let dir = project(arena, &idlers(4, &beacon.idle_command()));
            let session = Session::start(arena, manager, dir, &[])?;
            let attempt = beacon.wait(4, Some(&session.child)).and_then(|_| {
                let begin = Instant::now();
                let mut typed = session
                    .command(&["restart", "s1"])
                    .spawn()
                    .map_err(|error| error.to_string())?;
                beacon.wait(1, Some(&session.child))?;
                let time = begin.elapsed();
                typed.wait().map_err(|error| error.to_string())?;
                Ok(time.as_secs_f64())
            });
            session.end(attempt)
        },
        &mut [
            &mut || {
                let mut beacon = arena.beacon();
                let server = Server::start(arena, &vec![beacon.idle_command(); 4])?;
                let attempt = beacon.wait(4, Some(&server.client)).and_then(|_| {
                    let begin = Instant::now();
                    let args = ["respawn-pane", "-k", "-t", "%1"];
                    let mut typed = server.command(&args).spawn().map_err(|error| error.to_string())?;
                    beacon.wait(1, Some(&server.client))?;
                    let time = begin.elapsed();
                    typed.wait().map_err(|error| error.to_string())?;
                    Ok(time.as_secs_f64())
                });
                server.end(attempt)
            },
            &mut || {
                let mut beacon = arena.beacon();
                let command = beacon.idle_command();
                let (mut child, _master) = spawn(arena, &command)?;
                let pid = beacon.wait(1, None)?[0];
                let begin = Instant::now();
                send(pid, Signal::INT);
                child.wait().map_err(|error| error.to_string())?;
                let (mut child, _master) = spawn(arena, &command)?;
                let attempt = beacon.wait(1, None).map(|_| begin.elapsed().as_secs_f64());
                child.kill().ok();
                child.wait().ok();
                attempt
            },
        ],
    );
    vec![Row {
        what: "`restart` typed → new process".to_owned(),
        budget: "≤ 8 ms, every time",
        cells,
    }]
}

pub(crate) fn status(arena: &Arena) -> Vec<Row> {
    vec![status_row(arena, 20, 15, "≤ 2.5 ms")]
}

/// `status` (`list-panes`, `true`) from spawn to end, everything read, with so many services.
pub(crate) fn status_row(arena: &Arena, count: usize, rounds: usize, budget: &'static str) -> Row {
    let what = format!("`status` typed → printed, {count} services");
    let mut beacon = arena.beacon();
    let commands = vec![beacon.idle_command(); count];
    let sessions: Vec<_> = arena
        .managers
        .iter()
        .map(|manager| (manager.name, up(arena, manager, count, &mut beacon)))
        .collect();
    let server = Server::start(arena, &commands);
    let server_came_up = server
        .as_ref()
        .map_err(String::clone)
        .and_then(|server| beacon.wait(count, Some(&server.client)).map(drop));
    let cells = in_turn(
        &arena.managers,
        rounds,
        milliseconds,
        &mut |manager| {
            let session = sessions.iter().find(|(name, _)| *name == manager.name);
            let (_, session) = session.ok_or("it was not started")?;
            let session = session.as_ref().map_err(String::clone)?;
            timed(&mut session.command(&["status"]))
        },
        &mut [
            &mut || {
                let server = server.as_ref().map_err(String::clone)?;
                server_came_up.clone()?;
                timed(&mut server.command(&["list-panes", "-a"]))
            },
            &mut || timed(&mut arena.command("/bin/true")),
        ],
    );
    for session in sessions.into_iter().filter_map(|(_, session)| session.ok()) {
        session.end(Ok(())).ok();
    }
    if let Ok(server) = server {
        server.end(server_came_up).ok();
    }
    Row { what, budget, cells }
}

/// A session of which every service runs.
fn up<'a>(
    arena: &'a Arena,
    manager: &'a Manager,
    count: usize,
    beacon: &mut Beacon,
) -> Result<Session<'a>, String> {
    manager.has_commands()?;
    let dir = project(arena, &idlers(count, &beacon.idle_command()));
    let session = Session::start(arena, manager, dir, &[])?;
    match beacon.wait(count, Some(&session.child)) {
        Ok(_) => Ok(session),
        Err(reason) => session.end(Err(reason)),
    }
}

/// From spawn to the end of everything it prints.
fn timed(command: &mut std::process::Command) -> Attempt {
    let begin = Instant::now();
    let output = command
        .stdout(Stdio::piped())
        .output()
        .map_err(|error| error.to_string())?;
    let time = begin.elapsed();
    if output.status.success() {
        Ok(time.as_secs_f64())
    } else {
        Err(output.status.to_string())
    }
}

pub(crate) fn ctrl_c(arena: &Arena) -> Vec<Row> {
    let cells = in_turn(
        &arena.managers,
        9,
        milliseconds,
        &mut |manager| {
            let mut beacon = arena.beacon();
            let dir = project(arena, &idlers(10, &beacon.idle_command()));
            let mut session = Session::start(arena, manager, dir, &[])?;
            let attempt = beacon.wait(10, Some(&session.child)).and_then(|pids| {
                let watched = watch(&pids)?;
                let begin = Instant::now();
                session.interrupt();
                session.wait()?;
                wait_for_ends(&watched)?;
                Ok(begin.elapsed().as_secs_f64())
            });
            session.end(attempt)
        },
        &mut [
            &mut || {
                let mut beacon = arena.beacon();
                let server = Server::start(arena, &vec![beacon.idle_command(); 10])?;
                let attempt = beacon.wait(10, Some(&server.client)).and_then(|pids| {
                    let watched = watch(&pids)?;
                    let begin = Instant::now();
                    server
                        .command(&["kill-server"])
                        .status()
                        .map_err(|error| error.to_string())?;
                    wait_for_ends(&watched)?;
                    Ok(begin.elapsed().as_secs_f64())
                });
                server.end(attempt)
            },
            &mut || {
                let mut beacon = arena.beacon();
                let mut children = Children::start(arena, &vec![beacon.idle_command(); 10])?;
                let attempt = beacon.wait(10, None).and_then(|_| {
                    let begin = Instant::now();
                    children.signal(Signal::INT);
                    children.wait()?;
                    Ok(begin.elapsed().as_secs_f64())
                });
                children.end(attempt)
            },
        ],
    );
    vec![Row {
        what: "Ctrl-C → gone, 10 services that obey".to_owned(),
        budget: "≤ 25 ms",
        cells,
    }]
}
