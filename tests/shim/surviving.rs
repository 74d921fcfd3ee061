//! What happens when controller, window or shim go away.

use crate::harness::{Pane, patient};
use crate::output::fill_terminal;
use crate::processes::{is_alive, state, suspend, wait_gone, wait_until};
use ovr::model::{Exit, RunId, Signal, StopPlan};
use ovr::shim::protocol::{Order, Report};
use ovr::shim::tree;
use std::time::Duration;

#[test]
fn a_lost_controller_changes_nothing_and_the_next_one_is_told_all() {
    let mut pane = Pane::open();
    pane.run(1, "exit 4");
    pane.ended(1);
    let pid = pane.run(2, "echo up; exec sleep 60");
    pane.wait_for("up");
    pane.lose_controller();
    assert!(is_alive(pid));
    pane.take_over();
    let live = pane.hello.live.clone().unwrap();
    assert_eq!((live.run, live.pid, live.stopping), (RunId(2), pid, false));
    assert!(live.daemons.is_empty());
    assert_eq!(
        live.launch,
        pane.launch(&["/bin/sh", "-c", "echo up; exec sleep 60"])
    );
    assert_eq!(
        pane.hello.last.as_ref().map(|last| last.exit),
        Some(Exit::Code(4))
    );
    pane.close();
}

#[test]
fn a_stop_completes_without_the_controller() {
    let mut pane = Pane::open();
    let pid = pane.run(1, "trap '' INT; echo up; while :; do sleep 60; done");
    pane.wait_for("up");
    pane.stop(
        1,
        StopPlan {
            grace: Duration::from_millis(100),
            ..patient()
        },
    );
    pane.lose_controller();
    wait_gone(pid);
    pane.wait_for("web stopped (by SIGKILL)");
    assert!(pane.leftovers().is_empty());
    pane.take_over();
    let last = pane.hello.last.clone().unwrap();
    assert_eq!(
        (last.exit, last.asked, last.killed.is_empty()),
        (Exit::Signal(Signal::KILL), true, false)
    );
    pane.close();
}

#[test]
fn a_shim_that_found_nobody_waits_to_be_called() {
    let mut pane = Pane::open_with(|_| {}, false);
    // In its wait: nothing but a signal can have made it connect.
    wait_until(|| state(pane.shim_pid()) == Some('S') && handles_usr1(pane.shim_pid()));
    pane.take_over();
    assert_eq!(pane.hello.instance.to_string(), "web");
    pane.close();
}

fn handles_usr1(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let caught = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))
        .unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() >> (libc::SIGUSR1 - 1) & 1 == 1
}

#[test]
fn a_controller_that_reads_nothing_holds_up_nothing() {
    let mut pane = Pane::open();
    pane.run(
        1,
        "trap 'echo bye; exit 0' INT; echo up; while :; do sleep 0.01; done",
    );
    pane.wait_for("up");
    // Each of these is answered with a refusal, more than any socket buffer holds.
    for run in 2..10_000 {
        pane.run_argv(run, &["/bin/true"], StopPlan::default());
    }
    pane.stop(1, patient());
    pane.wait_for("bye");
    pane.wait_for("web stopped");
    // It reads on, and nothing is missing.
    for run in 2..10_000 {
        assert!(matches!(pane.report(), Report::SpawnFailed { run: refused, .. } if refused == RunId(run)));
    }
    assert_eq!(pane.ended(1).exit, Exit::Code(0));
    pane.close();
}

#[test]
fn a_closed_window_ends_the_service_and_then_the_shim() {
    let mut pane = Pane::open();
    let obedient = pane.run_with(
        1,
        "trap 'exit 0' INT; echo up; while :; do sleep 0.01; done",
        patient(),
    );
    pane.wait_for("up");
    pane.hang_up();
    assert_eq!(pane.report(), Report::Hangup);
    assert_eq!(pane.ended(1).exit, Exit::Code(0));
    assert!(pane.wait_for_shim().success());
    assert!(!is_alive(obedient));
    assert!(pane.leftovers().is_empty());
}

#[test]
fn a_closed_window_leaves_nothing_that_ignores_signals() {
    let mut pane = Pane::open();
    pane.run_with(
        1,
        "trap '' INT HUP TERM; setsid sleep 61 & echo up; while :; do sleep 60; done",
        patient(),
    );
    pane.wait_for("up");
    pane.hang_up();
    assert_eq!(pane.report(), Report::Hangup);
    assert_eq!(pane.ended(1).exit, Exit::Signal(Signal::KILL));
    assert!(pane.wait_for_shim().success());
    assert!(pane.leftovers().is_empty());
}

#[test]
fn a_closed_idle_window_ends_the_shim() {
    let mut pane = Pane::open();
    pane.hang_up();
    assert_eq!(pane.report(), Report::Hangup);
    assert!(pane.wait_for_shim().success());
}

#[test]
fn sigterm_to_the_shim_is_a_close() {
    let mut pane = Pane::open();
    pane.run_with(
        1,
        "trap 'exit 9' INT; echo up; while :; do sleep 0.01; done",
        patient(),
    );
    pane.wait_for("up");
    for harmless in [
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGTSTP,
        libc::SIGUSR2,
        libc::SIGPIPE,
    ] {
        pane.signal_shim(Signal::from_number(harmless).unwrap());
    }
    pane.signal_shim(Signal::TERM);
    assert_eq!(pane.ended(1).exit, Exit::Code(9));
    assert!(pane.wait_for_shim().success());
    assert!(pane.leftovers().is_empty());
}

#[test]
fn a_killed_shim_takes_its_service_along_and_the_rest_is_found() {
    let mut pane = Pane::open();
    let main = pane.run(
        1,
        "trap '' HUP INT TERM; setsid sh -c 'trap \"\" HUP; echo up; sleep 61; :' & sleep 60; :",
    );
    pane.wait_for("up");
    pane.signal_shim(Signal::KILL);
    pane.wait_for_shim();
    wait_gone(main);
    let killed = tree::end_all(&pane.hello.nonce.clone(), pane.shim_pid());
    assert!(
        killed.named.iter().any(|name| name.contains("sleep 61")),
        "{killed:?}"
    );
    assert!(pane.leftovers().is_empty());
    assert!(tree::session_members(pane.shim_pid()).is_empty());
}

#[test]
fn an_order_of_a_later_build_is_passed_over() {
    let mut pane = Pane::open();
    pane.send_raw(b"{\"do\":\"dance\",\"how\":\"well\"}\nnot json\n");
    pane.order(&Order::Hello {
        version: 99,
        program: "9.9.9".into(),
    });
    pane.run(1, "exit 2");
    assert_eq!(pane.ended(1).exit, Exit::Code(2));
    assert!(pane.is_quiet());
    pane.close();
}

#[test]
fn a_shim_that_is_called_by_the_controller_it_has_stays_with_it() {
    let mut pane = Pane::open();
    pane.run(1, "sleep 60");
    pane.call();
    // The answer to an order that comes behind the signal comes over the same connection, and no other was made.
    pane.run_argv(2, &["/bin/true"], StopPlan::default());
    assert!(matches!(pane.report(), Report::SpawnFailed { .. }));
    assert!(!pane.is_called());
    pane.kill(1);
    pane.ended(1);
    pane.close();
}

#[test]
fn a_shim_stays_with_the_controller_that_it_has_where_that_listens_anew() {
    let mut pane = Pane::open();
    pane.run(1, "sleep 60");
    pane.listen_anew();
    for run in 2..4 {
        pane.call();
        pane.run_argv(run, &["/bin/true"], StopPlan::default());
        assert!(matches!(pane.report(), Report::SpawnFailed { .. }));
    }
    pane.kill(1);
    pane.ended(1);
    pane.close();
}

#[test]
fn keys_that_come_with_the_order_to_run_do_not_cost_the_window() {
    let mut pane = Pane::open();
    // Both are there when the shim looks again.
    suspend(pane.shim_pid());
    pane.type_keys(b"\r");
    pane.run_argv(1, &["/bin/sleep", "60"], StopPlan::default());
    pane.signal_shim(Signal::CONT);
    assert!(matches!(pane.report(), Report::Spawned { .. }));
    pane.kill(1);
    pane.ended(1);
    pane.close();
}

#[test]
fn a_run_that_waits_for_the_terminal_is_the_next_controllers_when_that_orders_it() {
    let mut pane = Pane::open();
    fill_terminal(&mut pane);
    pane.run_argv(2, &["/bin/echo", "for the first"], StopPlan::default());
    pane.run_argv(3, &["/bin/true"], StopPlan::default());
    assert!(matches!(pane.report(), Report::SpawnFailed { run: RunId(3), .. }));
    pane.lose_controller();
    pane.take_over();
    assert!(pane.hello.live.is_none());
    pane.run_argv(2, &["/bin/echo", "for the second"], StopPlan::default());
    pane.go_on_reading();
    assert!(matches!(pane.report(), Report::Spawned { .. }));
    pane.ended(2);
    assert_eq!(pane.output_of(2), "for the second\r\n");
    pane.close();
}

#[test]
fn who_reads_the_terminal_from_behind_gets_it_when_nobody_has_it_any_more() {
    let mut pane = Pane::open();
    // With job control the one in the background has a group of its own; it reads when the shim is its parent.
    let wait = "while kill -0 $$ 2>/dev/null; do sleep 0.02; done";
    pane.run(
        1,
        &format!("set -m; (echo begun; {wait}; read line; echo got $line) & exit 0"),
    );
    pane.wait_for("begun");
    assert!(matches!(pane.report(), Report::Daemonized { .. }));
    pane.type_keys(b"it\n");
    pane.wait_for("got it");
    pane.ended(1);
    pane.close();
}
