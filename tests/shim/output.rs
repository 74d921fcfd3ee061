//! The pane's byte stream: marks, notes, keys, and a terminal that each run finds in order.

use crate::harness::Pane;
use crate::stream::find;
use ovr::model::mark::Mark;
use ovr::model::{Exit, RunId, StopPlan};
use ovr::shim::protocol::{Order, Report};

#[test]
fn marks_enclose_the_output_also_where_no_newline_ends_it() {
    let mut pane = Pane::open();
    for run in 1..=50 {
        pane.run(run, "printf 'no newline'; exit 3");
        assert_eq!(pane.ended(run).exit, Exit::Code(3));
        assert_eq!(pane.output_of(run), "no newline");
    }
    pane.close();
}

#[test]
fn a_late_line_of_a_grandchild_still_comes_before_the_end() {
    let mut pane = Pane::open();
    pane.run(1, "(trap '' HUP INT; sleep 0.2; echo last words) | cat; exit 0");
    assert_eq!(pane.ended(1).exit, Exit::Code(0));
    assert_eq!(pane.output_of(1), "last words\r\n");
    // One that the main process does not wait for: the run goes on until it has spoken.
    pane.run(
        2,
        "(read line; sleep 0.2; echo very last words) < /dev/tty & exit 0",
    );
    assert!(matches!(pane.report(), Report::Daemonized { .. }));
    pane.type_keys(b"\n");
    assert_eq!(pane.ended(2).exit, Exit::Code(0));
    assert_eq!(pane.output_of(2), "\r\nvery last words\r\n");
    pane.close();
}

#[test]
fn the_window_says_how_it_ended_and_enter_is_told() {
    let mut pane = Pane::open();
    pane.run(1, "exit 3");
    pane.ended(1);
    pane.wait_for("web exited with code 3 after 0.");
    let stream = pane.wait_for_mark(Mark::NoteEnds);
    let at = |mark: Mark| find(&stream, &mark.encode(&pane.hello.nonce)).unwrap();
    assert!(at(Mark::RunEnds(RunId(1))) < at(Mark::NoteBegins));
    assert!(find(&stream, "Enter restarts it".as_bytes()).unwrap() < at(Mark::NoteEnds));
    // Keys without a meaning, then Enter.
    pane.type_keys(b"\x03\x04\x1a\x13abc");
    pane.type_keys(b"\r");
    assert_eq!(pane.report(), Report::Enter);
    pane.order(&Order::Note {
        text: "restarting in 4 s".into(),
    });
    pane.wait_for("restarting in 4 s");
    pane.close();
}

#[test]
fn enter_without_a_controller_says_what_to_do() {
    let mut pane = Pane::open();
    pane.run(1, "exit 0");
    pane.ended(1);
    pane.lose_controller();
    pane.type_keys(b"\r");
    pane.wait_for("ovr is not running here; \"ovr start\" takes this service over again");
    pane.take_over();
    assert_eq!(pane.hello.last.as_ref().unwrap().exit, Exit::Code(0));
    pane.close();
}

#[test]
fn keys_typed_for_a_dead_service_restart_nothing() {
    let mut pane = Pane::open();
    pane.run(1, "echo up; sleep 60");
    pane.wait_for("up");
    pane.type_keys(b"yes\nyes\n");
    pane.wait_for("yes\r\nyes");
    pane.kill(1);
    assert!(pane.ended(1).asked);
    pane.wait_for("web stopped");
    pane.run(2, "echo ready; read answer; echo \"answer: $answer\"");
    pane.wait_for("ready");
    pane.type_keys(b"fresh\n");
    pane.wait_for("answer: fresh");
    assert_eq!(pane.ended(2).exit, Exit::Code(0));
    pane.close();
}

#[test]
fn ctrl_c_in_the_window_reaches_the_service_exactly_once() {
    let mut pane = Pane::open();
    pane.run(
        1,
        "n=0; trap 'n=$((n+1)); echo count $n' INT; echo up; while :; do read line && echo total $n; done",
    );
    pane.wait_for("up");
    pane.type_keys(b"\x03");
    pane.wait_for("count 1");
    pane.type_keys(b"now\n");
    pane.wait_for("total 1");
    pane.kill(1);
    pane.ended(1);
    pane.close();
}

#[test]
fn ctrl_z_in_the_window_does_not_freeze_the_service() {
    let mut pane = Pane::open();
    pane.run(1, "echo up; while read line; do echo heard $line; done");
    pane.wait_for("up");
    pane.type_keys(b"\x1a");
    pane.type_keys(b"you\n");
    pane.wait_for("heard you");
    pane.kill(1);
    pane.ended(1);
    pane.close();
}

#[test]
fn ctrl_s_holds_up_neither_the_stop_nor_the_next_run() {
    let mut pane = Pane::open();
    pane.run(1, "echo up; while :; do echo more; done");
    pane.wait_for("up");
    pane.type_keys(b"\x13");
    pane.stop(1, StopPlan::default());
    assert!(pane.ended(1).asked);
    pane.wait_for("web stopped");
    pane.run(2, "echo again");
    pane.ended(2);
    assert_eq!(pane.output_of(2), "again\r\n");
    pane.close();
}

#[test]
fn a_terminal_left_in_disorder_is_put_in_order() {
    let mut pane = Pane::open();
    pane.run(1, "stty -a");
    pane.ended(1);
    let before = pane.output_of(1);
    pane.run(
        2,
        "stty raw -echo tostop; printf '\\033[?1049h\\033[?25l\\033[?1003h\\033[31mfull'; exit 9",
    );
    pane.ended(2);
    let stream = pane.wait_for("web exited with code 9");
    let tail = &stream[find(&stream, b"full").unwrap()..];
    for reset in ["\x1b[?1049l", "\x1b[?25h", "\x1b[?1003l", "\x1b[0m"] {
        assert!(find(tail, reset.as_bytes()).is_some(), "{reset:?}");
    }
    pane.run(3, "stty -a");
    pane.ended(3);
    assert_eq!(pane.output_of(3), before);
    pane.close();
}

#[test]
fn non_blocking_input_left_by_a_run_does_not_reach_the_next() {
    let mut pane = Pane::open();
    let script =
        "import os, fcntl; fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_NONBLOCK)";
    pane.run_argv(1, &["python3", "-c", script], StopPlan::default());
    match pane.report() {
        Report::Spawned { .. } => assert_eq!(pane.ended(1).exit, Exit::Code(0)),
        // Without python3 there is nothing to set the flag with.
        other => assert!(matches!(other, Report::SpawnFailed { .. })),
    }
    pane.run(2, "grep ^flags: /proc/self/fdinfo/0");
    pane.ended(2);
    let flags = pane.output_of(2);
    let flags = u32::from_str_radix(flags.split_whitespace().nth(1).unwrap(), 8).unwrap();
    assert_eq!(flags & u32::try_from(libc::O_NONBLOCK).unwrap(), 0);
    pane.close();
}

/// After run 1, with nobody who reads: notes until the shim holds some back, so that the next run has to wait behind them.
pub(crate) fn fill_terminal(pane: &mut Pane) {
    pane.run(1, "sleep 60");
    pane.stop_reading();
    pane.kill(1);
    pane.ended(1);
    for _ in 0..3000 {
        pane.order(&Order::Note { text: "x".repeat(60) });
    }
}

#[test]
fn a_run_begins_only_when_its_mark_has_gone_through_a_full_terminal() {
    let mut pane = Pane::open();
    fill_terminal(&mut pane);
    pane.run_argv(2, &["/bin/echo", "through"], StopPlan::default());
    pane.go_on_reading();
    assert!(matches!(pane.report(), Report::Spawned { .. }));
    pane.ended(2);
    assert_eq!(pane.output_of(2), "through\r\n");
    pane.close();
}
