//! The harness itself, tried without `ovr`: what it would report if something were wrong.

use super::wait::{holds_within, stays_true_for};
use super::{Project, processes};
use rustix::process::Signal;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

#[test]
fn a_shell_on_a_terminal_shows_its_screen_and_takes_keys() {
    let project = Project::new();
    let shell = project.shell();
    shell.wait_for_screen_text("$ ");
    shell.type_keys("tput cols; printf 'a\\033[31mred\\033[0m\\n'\r");
    shell.wait_for_output("80");
    shell.wait_for_output("\nared\n");
    shell.resize(30, 120);
    shell.type_keys("stty size\r");
    shell.wait_for_output("30 120");
    shell.type_keys("sh -c 'trap \"echo got it; exit\" INT; echo trapped; sleep 9'\r");
    shell.wait_for_output("\ntrapped");
    shell.ctrl_c();
    // What is typed before the signal has been taken is thrown away with it.
    shell.wait_for_output("\n^Cgot it\n");
    shell.type_keys("exit 7\r");
    assert_eq!(shell.wait_exit(), 7);
}

#[test]
fn a_terminal_that_is_closed_hangs_up_its_session() {
    let project = Project::new();
    let mut terminal = project
        .cmd(&[
            "-c",
            "trap 'echo hup >$OUT/end; exit 3' HUP; echo up; read x; sleep 9",
        ])
        .program("/bin/sh")
        .terminal();
    terminal.wait_for_output("up");
    terminal.hang_up();
    assert_eq!(terminal.wait_exit(), 3);
    assert_eq!(project.wait_out("end"), "hup");
}

#[test]
fn a_terminal_that_nobody_reads_blocks_its_writer_until_it_is_read_again() {
    let project = Project::new();
    let terminal = project
        .cmd(&["-c", "read go; seq 200000; echo done"])
        .program("/bin/sh")
        .blind()
        .terminal();
    terminal.stop_reading();
    terminal.type_keys("\r");
    assert!(stays_true_for(Duration::from_millis(200), || !terminal.has_ended()));
    terminal.go_on_reading();
    terminal.wait_for_output("\n200000\ndone");
    assert_eq!(terminal.wait_exit(), 0);
}

#[test]
fn output_keeps_the_streams_apart_and_a_signal_shows_as_128_more() {
    let project = Project::new().env("COLOUR", "blue");
    let call = |text: &str| project.cmd(&["-c", text]).program("/bin/sh").output();
    let output = call("echo $COLOUR; echo err >&2; exit 4");
    output.code(4).failure().says(&["blue"]);
    assert_eq!(
        (output.stdout.as_str(), output.stderr.as_str()),
        ("blue\n", "err\n")
    );
    assert_eq!(call("kill -9 $$").code, 137);
    assert_eq!(call("echo \"${CARGO-none}\"").stdout, "none\n");
}

#[test]
fn a_process_that_is_left_over_fails_the_test_and_is_killed() {
    let project = Project::new();
    project
        .cmd(&[
            "-c",
            "trap '' HUP TERM; (setsid sleep 4711 >/dev/null 2>&1 </dev/null &) ; exit 0",
        ])
        .program("/bin/sh")
        .output()
        .success();
    let left = project.processes_with("sleep 4711");
    assert_eq!(left.len(), 1, "{left:?}");
    // Without the wait for its end: that is what is tried here.
    let failure = catch_unwind(AssertUnwindSafe(|| project.finish())).unwrap_err();
    let message = failure.downcast_ref::<String>().unwrap();
    assert!(message.contains("sleep 4711"), "{message}");
    assert!(holds_within(Duration::from_secs(5), || !processes::is_alive(
        left[0].pid
    )));
}

#[test]
fn a_file_that_is_left_over_fails_the_test() {
    for place in ["stray", "../home/stray", "../tmp/stray", "../run/x.sock"] {
        let project = Project::new().file("kept", "").file("~/kept", "");
        project
            .cmd(&["-c", "touch \"$0\" ../out/fine", place])
            .program("/bin/sh")
            .output()
            .success();
        project.write("later", "");
        let failure = catch_unwind(AssertUnwindSafe(|| project.finish())).unwrap_err();
        let message = failure.downcast_ref::<String>().unwrap();
        assert!(message.contains("was left behind"), "{message}");
        assert!(
            !message.contains("kept") && !message.contains("later"),
            "{message}"
        );
    }
}

#[test]
fn a_zombie_counts_as_dead_and_a_tree_is_seen_whole() {
    let project = Project::new();
    let shell = project
        .cmd(&["-c", "sh -c 'sleep 4712 & wait'; true"])
        .program("/bin/sh")
        .terminal();
    project.wait_until("the innermost process", || {
        !project.processes_with("sleep 4712").is_empty() && processes::tree(shell.pid).len() == 3
    });
    for pid in processes::tree(shell.pid) {
        processes::kill(pid, Signal::KILL);
    }
    assert_eq!(shell.wait_exit(), 137);
    project.wait_gone();
}

#[test]
fn a_wait_in_vain_names_what_it_waited_for_and_shows_the_screen() {
    let project = Project::new();
    let terminal = project
        .cmd(&["-c", "echo what is here; exit 0"])
        .program("/bin/sh")
        .terminal();
    terminal.wait_for_output("what is here");
    let report = project.report();
    assert!(report.contains("what is here"), "{report}");
    assert!(report.contains("── processes"), "{report}");
}
