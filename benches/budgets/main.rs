//! The budgets, measured: `ovr` beside bare tmux (a control client with the same windows) and bare
//! pseudoterminals (fork and exec, no manager at all), in one run on one machine, round by round in turn. Prints a
//! Markdown table of medians. Asserts no time; what must not be on any machine (memory that grows with the output)
//! ends it with an error. Where `OVR_BENCH_OVERMIND` or `OVR_BENCH_HIVEMIND` names such a program, it takes its turn
//! as well.
//!
//! `cargo bench --bench budgets` measures everything; `cargo bench --bench budgets -- start10 lines` these rows.

mod arena;
mod asked;
mod followers;
mod idle;
mod manager;
mod output;
#[path = "../../tests/it/harness/pty.rs"]
mod pty;
mod raw;
mod react;
mod session;
mod start;
mod table;
mod tmux;

use arena::Arena;
use table::Row;

/// Measures one subject, which may give several rows.
type Measure = fn(&Arena) -> Vec<Row>;

/// Every subject by the name that the command line knows.
const ROWS: &[(&str, Measure)] = &[
    ("start10", start::ten),
    ("start100", start::hundred),
    ("respawn", react::respawn),
    ("restart", react::restart),
    ("status", react::status),
    ("ctrlc", react::ctrl_c),
    ("lines", output::lines),
    ("lastwords", output::last_words),
    ("asked", asked::asked),
    ("followers", followers::followers),
    ("idle", idle::idle),
    ("growth", start::growth),
];

fn main() {
    if cfg!(not(target_os = "linux")) {
        eprintln!("the budgets are measured on Linux: what a process uses is read from its /proc");
        std::process::exit(69);
    }
    if let [_, flag, beacon] = std::env::args().collect::<Vec<_>>().as_slice()
        && flag == arena::IDLE
    {
        arena::idle(beacon);
    }
    // Cargo adds flags of its own (`--bench`); rows have none.
    let chosen: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let unknown: Vec<&String> = chosen
        .iter()
        .filter(|name| ROWS.iter().all(|(row, _)| row != name))
        .collect();
    if !unknown.is_empty() {
        let names: Vec<&str> = ROWS.iter().map(|(name, _)| *name).collect();
        eprintln!("no such row: {unknown:?}; there are {}", names.join(" "));
        std::process::exit(64);
    }
    let arena = Arena::new();
    println!("{}\n", arena.describe());
    println!("{}", table::heading(&arena.managers));
    for (name, measure) in ROWS {
        if chosen.is_empty() || chosen.iter().any(|wanted| wanted == name) {
            for row in measure(&arena) {
                println!("{row}");
            }
        }
    }
    let left = arena.processes();
    if !left.is_empty() {
        eprintln!("left over: {left:?}");
        arena.kill_all();
        std::process::exit(1);
    }
    let faults = arena.faults();
    if !faults.is_empty() {
        for fault in faults {
            eprintln!("FAULT: {fault}");
        }
        std::process::exit(1);
    }
}
