//! How long it takes until everything runs, and how that grows.

use super::arena::{Arena, Beacon};
use super::manager::Manager;
use super::raw::Children;
use super::session::{Session, idlers, project};
use super::table::{Attempt, Row, in_turn, milliseconds};
use super::tmux::Server;
use std::time::Instant;

pub(crate) fn ten(arena: &Arena) -> Vec<Row> {
    both(arena, 10, 25, "≤ 1.5 × tmux")
}

pub(crate) fn hundred(arena: &Arena) -> Vec<Row> {
    both(arena, 100, 9, "≤ 1.6 × tmux")
}

/// What a service is.
#[derive(Clone, Copy)]
enum Kind {
    /// A program and its arguments, as most are.
    Program,
    /// A line that only a shell can read.
    ShellLine,
}

impl Kind {
    fn of(self, beacon: &Beacon) -> String {
        match self {
            Self::Program => beacon.idle_program(),
            Self::ShellLine => beacon.idle_command(),
        }
    }
}

fn both(arena: &Arena, count: usize, rounds: usize, budget: &'static str) -> Vec<Row> {
    [(Kind::Program, "programs"), (Kind::ShellLine, "shell lines")]
        .into_iter()
        .map(|(kind, name)| Row {
            what: format!("{count} {name}, launch to all running"),
            ..row(arena, (count, kind), &[], rounds, budget)
        })
        .collect()
}

/// Start and status with more and more services. Each of them knows the ports of all, which the kernel and the
/// shells copy at every exec and which grows with the square of their number: the contenders' commands get as much.
pub(crate) fn growth(arena: &Arena) -> Vec<Row> {
    [50, 100, 200, 500]
        .into_iter()
        .flat_map(|count| {
            [
                row(arena, (count, Kind::ShellLine), &ports_of_all(count), 3, "linear"),
                super::react::status_row(arena, count, 5, "linear"),
                super::idle::memory_row(arena, count, "linear"),
            ]
        })
        .collect()
}

/// What a service of ours is told about so many others.
fn ports_of_all(count: usize) -> Vec<(String, String)> {
    (0..count)
        .flat_map(|n| {
            let port = (5000 + 100 * n).to_string();
            [
                "OVR_PROCESS_s",
                "OVR_PROCESS_S",
                "OVERMIND_PROCESS_s",
                "OVERMIND_PROCESS_S",
            ]
            .map(|name| (format!("{name}{n}_PORT"), port.clone()))
        })
        .collect()
}

fn row(
    arena: &Arena,
    (count, kind): (usize, Kind),
    environment: &[(String, String)],
    rounds: usize,
    budget: &'static str,
) -> Row {
    Row {
        what: format!("{count} services, launch to all running"),
        budget,
        cells: in_turn(
            &arena.managers,
            rounds,
            milliseconds,
            &mut |manager| managed(arena, manager, count, kind),
            &mut [&mut || tmux(arena, environment, count, kind), &mut || {
                raw(arena, environment, count, kind)
            }],
        ),
    }
}

fn managed(arena: &Arena, manager: &Manager, count: usize, kind: Kind) -> Attempt {
    let mut beacon = arena.beacon();
    let dir = project(arena, &idlers(count, &kind.of(&beacon)));
    let begin = Instant::now();
    let session = Session::start(arena, manager, dir, &[])?;
    let attempt = beacon
        .wait(count, Some(&session.child))
        .map(|_| begin.elapsed().as_secs_f64());
    session.end(attempt)
}

fn tmux(arena: &Arena, environment: &[(String, String)], count: usize, kind: Kind) -> Attempt {
    let mut beacon = arena.beacon();
    let commands = vec![kind.of(&beacon); count];
    let begin = Instant::now();
    let server = Server::start_in(arena, environment, &commands)?;
    let attempt = beacon
        .wait(count, Some(&server.client))
        .map(|_| begin.elapsed().as_secs_f64());
    server.end(attempt)
}

fn raw(arena: &Arena, environment: &[(String, String)], count: usize, kind: Kind) -> Attempt {
    let mut beacon = arena.beacon();
    let commands = vec![kind.of(&beacon); count];
    let begin = Instant::now();
    let children = Children::start_in(arena, environment, &commands)?;
    let attempt = beacon
        .wait(count, Some(&children.children[0]))
        .map(|_| begin.elapsed().as_secs_f64());
    children.end(attempt)
}
