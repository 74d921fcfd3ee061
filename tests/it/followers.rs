//! Many who follow, one of them stopped, and a flood: nobody waits for anybody.

use super::output::dropped;
use crate::harness::{Project, Terminal, processes};
use rustix::process::Signal;

/// How much the service prints; `OVR_TEST_FLOOD_MB=1000` is the gigabyte. A build that is not optimised takes a
/// minute for what the other prints in seconds.
fn flood_mb() -> usize {
    let asked = std::env::var("OVR_TEST_FLOOD_MB").ok();
    let usual = if cfg!(debug_assertions) { 40 } else { 200 };
    asked.map_or(usual, |text| text.parse().expect("OVR_TEST_FLOOD_MB is a number"))
}

/// With its end.
const LINE: usize = 200;

#[test]
fn fifty_followers_one_of_them_stopped_and_a_flood_delay_nobody() {
    let lines = flood_mb() * 1_000_000 / LINE;
    let project = Project::with(&format!(
        "loud: echo begun; until [ -e $OUT/go ]; do sleep 0.02; done; yes {} | head -n {lines}; echo all said; touch $OUT/done; sleep 1000\n\
         quiet: echo still; until [ -e $OUT/done ]; do sleep 0.05; done; echo calm; sleep 1000\n",
        "x".repeat(LINE - 1)
    ));
    project.start_detached(&[]);
    project.wait_running(["loud", "quiet"]);
    let follow = |args: &[&str]| {
        let follower = project.cmd(&[&["logs", "-f"], args].concat()).piped();
        follower.wait_for_output(if args[0] == "quiet" { "still" } else { "begun" });
        follower
    };
    let slow = follow(&["loud"]);
    let quick = follow(&["loud"]);
    let searching = follow(&["loud", "--since", "1h", "--grep", "^begun|said$"]);
    let others: Vec<Terminal> = (0..47).map(|_| follow(&["quiet"])).collect();
    slow.signal(Signal::STOP);
    let controller = project.status().session.pid;
    let before = processes::resident_kib(controller).unwrap();
    std::fs::write(project.path("out").join("go"), "").unwrap();
    let mut highest = before;
    project.wait_until("the service to finish", || {
        highest = highest.max(processes::resident_kib(controller).unwrap_or(0));
        project.path("out").join("done").exists()
    });
    quick.wait_for_output("all said");
    searching.wait_for_output("all said");
    for other in &others {
        other.wait_for_output("calm");
    }
    highest = highest.max(processes::resident_kib(controller).unwrap());
    project
        .ovr(&["logs", "loud", "--since", "1h", "-n", "1", "--plain"])
        .success()
        .says(&["all said"]);
    slow.signal(Signal::CONT);
    slow.wait_for_output("all said");
    for follower in [&slow, &quick] {
        let text = follower.plain();
        let shown = text.lines().filter(|line| line.ends_with('x')).count();
        let missed = dropped(&text);
        assert_eq!(shown + missed, lines, "{shown} shown, {missed} missed");
    }
    assert!(dropped(&slow.plain()) > 0);
    eprintln!(
        "{} MB; resident {before} KiB before, {highest} KiB at the most",
        flood_mb()
    );
    // What waits for the disk (32 MiB) and for the slow one (4 MiB), and the buffers of those who read.
    assert!(
        highest < before + 96 * 1024,
        "{before} KiB before, {highest} KiB in the flood"
    );
}
