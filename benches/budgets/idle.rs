//! What a session costs while nothing happens: context switches and memory of everything but the services.

use super::arena::Arena;
use super::manager::Manager;
use super::session::{Session, idlers, project};
use super::table::{Attempt, Row, in_turn, none};
use super::tmux::Server;
use std::fs;
use std::time::{Duration, Instant};

/// For how long switches are counted.
const WINDOW: Duration = Duration::from_secs(4);
/// From "all run" to the first count: whatever a start leaves to be done is done, and who counts as ready after a
/// second does.
const SETTLE: Duration = Duration::from_millis(1500);

pub(crate) fn idle(arena: &Arena) -> Vec<Row> {
    let [ovr, peers @ ..] = arena.managers.as_slice() else {
        return Vec::new();
    };
    let ovr = managed(arena, ovr, 20, WINDOW);
    let tmux = tmux(arena, 20, WINDOW);
    let peers = peers.iter().map(|peer| managed(arena, peer, 20, WINDOW));
    let peers: Vec<Result<Costs, String>> = peers.collect();
    let cell = |of: fn(&Costs) -> String, costs: &Result<Costs, String>| match costs {
        Ok(costs) => of(costs).into(),
        Err(reason) => format!("– ({reason})").into(),
    };
    let row = |what: &str, budget, of: fn(&Costs) -> String| Row {
        what: what.to_owned(),
        budget,
        cells: [cell(of, &ovr), cell(of, &tmux), "–".to_owned().into()]
            .into_iter()
            .chain(peers.iter().map(|peer| cell(of, peer)))
            .collect(),
    };
    vec![
        row("idle, 20 services: context switches", "0 /s", |costs| {
            format!("{:.1} /s", costs.switches)
        }),
        row("idle, 20 services: memory (PSS)", "≤ 12 MB", |costs| {
            format!("{:.1} MB in {} processes", costs.pss / 1e3, costs.processes)
        }),
    ]
}

/// Memory with so many services.
pub(crate) fn memory_row(arena: &Arena, count: usize, budget: &'static str) -> Row {
    let pss = |costs: Result<Costs, String>| -> Attempt { costs.map(|costs| costs.pss) };
    Row {
        what: format!("memory (PSS), {count} services"),
        budget,
        cells: in_turn(
            &arena.managers,
            1,
            |kilobytes| format!("{:.1} MB", kilobytes / 1e3),
            &mut |manager| pss(managed(arena, manager, count, Duration::ZERO)),
            &mut [&mut || pss(tmux(arena, count, Duration::ZERO)), &mut none],
        ),
    }
}

struct Costs {
    /// A second, of all threads of all processes.
    switches: f64,
    /// Kilobytes.
    pss: f64,
    processes: usize,
}

/// Of what runs now in this arena.
fn costs(arena: &Arena, window: Duration) -> Costs {
    std::thread::sleep(SETTLE);
    let pids: Vec<u32> = own_processes(arena);
    let before = switches(&pids);
    let begin = Instant::now();
    std::thread::sleep(window);
    let after = switches(&pids);
    let pss = pids.iter().filter_map(|pid| pss_kb(*pid)).sum();
    Costs {
        switches: (after - before) / begin.elapsed().as_secs_f64().max(1.0),
        pss,
        processes: pids.len(),
    }
}

/// Everything of this run that is no service.
fn own_processes(arena: &Arena) -> Vec<u32> {
    let processes = arena.processes();
    processes
        .into_iter()
        .filter(|(_, name)| name != "sleep")
        .map(|(pid, _)| pid)
        .collect()
}

fn managed(arena: &Arena, manager: &Manager, count: usize, window: Duration) -> Result<Costs, String> {
    let mut beacon = arena.beacon();
    let dir = project(arena, &idlers(count, &beacon.idle_command()));
    let session = Session::start(arena, manager, dir, &[])?;
    let up = beacon.wait(count, Some(&session.child));
    session.end(up.map(|_| costs(arena, window)))
}

fn tmux(arena: &Arena, count: usize, window: Duration) -> Result<Costs, String> {
    let mut beacon = arena.beacon();
    let server = Server::start(arena, &vec![beacon.idle_command(); count])?;
    let up = beacon.wait(count, Some(&server.client));
    server.end(up.map(|_| costs(arena, window)))
}

fn switches(pids: &[u32]) -> f64 {
    let mut sum = 0.0;
    for pid in pids {
        for task in fs::read_dir(format!("/proc/{pid}/task"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            sum += status
                .lines()
                .filter(|line| line.contains("voluntary_ctxt_switches:"))
                .filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok())
                .sum::<f64>();
        }
    }
    sum
}

fn pss_kb(pid: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find(|line| line.starts_with("Pss:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
