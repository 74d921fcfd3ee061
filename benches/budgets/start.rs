//! How long it takes until everything runs, and how that grows.

use super::arena::Arena;
use super::manager::Manager;
use super::raw::Children;
use super::session::{Session, idlers, project};
use super::table::{Attempt, Row, in_turn, milliseconds};
use super::tmux::Server;
use std::time::Instant;

pub(crate) fn ten(arena: &Arena) -> Vec<Row> {
    vec![row(
        arena,
        10,
        &[],
        9,
        "≤ 1.5 × tmux (elsewhere: ≤ 19 ms, 0.8 × Overmind)",
    )]
}

pub(crate) fn hundred(arena: &Arena) -> Vec<Row> {
    vec![row(
        arena,
        100,
        &[],
        5,
        "≤ 1.6 × tmux (elsewhere: ≤ 115 ms, 0.7 × Overmind)",
    )]
}

/// Start and status with more and more services. Each of them knows the ports of all, which the kernel and the
/// shells copy at every exec and which grows with the square of their number: the contenders' commands get as much.
pub(crate) fn growth(arena: &Arena) -> Vec<Row> {
    [50, 100, 200, 500]
        .into_iter()
        .flat_map(|count| {
            [
                row(arena, count, &ports_of_all(count), 3, "linear"),
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
    count: usize,
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
            &mut |manager| managed(arena, manager, count),
            &mut [&mut || tmux(arena, environment, count), &mut || {
                raw(arena, environment, count)
            }],
        ),
    }
}

fn managed(arena: &Arena, manager: &Manager, count: usize) -> Attempt {
    let mut beacon = arena.beacon();
    let dir = project(arena, &idlers(count, &beacon.idle_command()));
    let begin = Instant::now();
    let session = Session::start(arena, manager, dir, &[])?;
    let attempt = beacon
        .wait(count, Some(&session.child))
        .map(|_| begin.elapsed().as_secs_f64());
    session.end(attempt)
}

fn tmux(arena: &Arena, environment: &[(String, String)], count: usize) -> Attempt {
    let mut beacon = arena.beacon();
    let commands = vec![beacon.idle_command(); count];
    let begin = Instant::now();
    let server = Server::start_in(arena, environment, &commands)?;
    let attempt = beacon
        .wait(count, Some(&server.client))
        .map(|_| begin.elapsed().as_secs_f64());
    server.end(attempt)
}

fn raw(arena: &Arena, environment: &[(String, String)], count: usize) -> Attempt {
    let mut beacon = arena.beacon();
    let commands = vec![beacon.idle_command(); count];
    let begin = Instant::now();
    let children = Children::start_in(arena, environment, &commands)?;
    let attempt = beacon
        .wait(count, Some(&children.children[0]))
        .map(|_| begin.elapsed().as_secs_f64());
    children.end(attempt)
}
