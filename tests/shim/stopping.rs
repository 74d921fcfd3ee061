//! The stop plan, and that a tree is gone after it: by the process table, not by what the shim says.

use crate::harness::{Pane, fair, impatient, patient};
use crate::processes::{is_alive, state, wait_gone, wait_until};
use ovr::model::{Exit, RunId, Signal, StopPlan};
use ovr::shim::protocol::{Order, Report};

#[test]
fn an_obedient_service_ends_by_its_stop_signal() {
    let mut pane = Pane::open();
    let pid = pane.run(1, "exec sleep 60");
    pane.stop(1, patient());
    let ended = pane.ended(1);
    assert_eq!((ended.exit, ended.asked), (Exit::Signal(Signal::INT), true));
    assert!(ended.killed.is_empty());
    assert!(!is_alive(pid));
    pane.wait_for("web stopped · Enter starts it");
    pane.close();
}

#[test]
fn grandchildren_pipelines_and_chains_of_shells_are_gone() {
    let mut pane = Pane::open();
    for (run, script) in [
        (1, "echo up 1; sleep 60 | sleep 61 | sleep 62"),
        (2, "sh -c 'sh -c \"echo up 2; sleep 60; :\"; :'; :"),
        (3, "sleep 60 & sleep 61 & echo up 3; wait"),
        (4, "(trap '' INT; sleep 60; :) & echo up 4; wait"),
    ] {
        pane.run(run, script);
        pane.wait_for(format!("up {run}\r\n"));
        pane.stop(
            run,
            StopPlan {
                signal: Signal::TERM,
                ..patient()
            },
        );
        while let Report::Cleaning { .. } = pane.report() {}
        assert!(pane.leftovers().is_empty(), "{script}");
    }
    pane.close();
}

#[test]
fn what_ignores_every_signal_is_killed_after_the_grace_and_named() {
    let mut pane = Pane::open();
    let pid = pane.run(1, "trap '' HUP INT TERM; echo up; while :; do sleep 60; done");
    pane.wait_for("up");
    pane.stop(1, impatient());
    let ended = pane.ended(1);
    assert_eq!((ended.exit, ended.asked), (Exit::Signal(Signal::KILL), true));
    assert!(
        ended
            .killed
            .iter()
            .any(|k| k.starts_with(&format!("{pid} /bin/sh -c trap"))),
        "{ended:?}"
    );
    assert!(pane.leftovers().is_empty());
    pane.close();
}

#[test]
fn processes_that_left_the_session_are_gone_too() {
    let mut pane = Pane::open();
    let main = pane.run(
        1,
        "setsid sh -c 'trap \"\" HUP INT TERM; echo up; sleep 60; :' & exec sleep 61",
    );
    pane.wait_for("up");
    pane.stop(1, patient());
    wait_gone(main);
    // The main process has obeyed; what is left does not.
    pane.stop(1, patient());
    let ended = pane.ended(1);
    assert_eq!((ended.exit, ended.asked), (Exit::Signal(Signal::INT), true));
    assert!(
        ended.killed.iter().any(|k| k.contains(" sh -c trap")),
        "{ended:?}"
    );
    assert!(pane.leftovers().is_empty());
    pane.close();
}

#[test]
fn a_daemon_is_reported_goes_on_and_is_stopped_in_its_own_group() {
    let mut pane = Pane::open();
    let daemon = "setsid sh -c 'trap \"echo bye; exit\" TERM; echo up; while :; do sleep 0.01; done' &";
    let main = pane.run(1, &format!("sh -c \"{}\"; exit 0", daemon.replace('"', "\\\"")));
    let Report::Daemonized { run: RunId(1), pids } = pane.report() else {
        panic!()
    };
    assert!(!pids.contains(&main) && !pids.is_empty());
    pane.wait_for("up");
    assert!(pids.iter().any(|pid| is_alive(*pid)));
    pane.take_over();
    let live = pane.hello.live.clone().unwrap();
    assert_eq!((live.run, live.pid, live.stopping), (RunId(1), main, false));
    assert!(!live.daemons.is_empty());
    pane.stop(
        1,
        StopPlan {
            signal: Signal::TERM,
            ..patient()
        },
    );
    let ended = pane.ended(1);
    assert_eq!((ended.exit, ended.asked), (Exit::Code(0), true));
    assert!(ended.killed.is_empty(), "it obeyed: {ended:?}");
    assert!(pane.output_of(1).contains("bye"));
    assert!(pane.leftovers().is_empty());
    pane.close();
}

#[test]
fn a_daemon_that_ends_by_itself_ends_the_run() {
    let mut pane = Pane::open();
    pane.run(1, "(read line) <&- & mkfifo hold; cat hold & exit 0");
    assert!(matches!(pane.report(), Report::Daemonized { .. }));
    std::fs::write(pane.dir.path().join("hold"), "x").unwrap();
    let ended = pane.ended(1);
    assert_eq!((ended.exit, ended.asked), (Exit::Code(0), false));
    pane.close();
}

#[test]
fn what_a_crash_leaves_behind_is_cleaned_up() {
    let mut pane = Pane::open();
    pane.run_with(
        1,
        "setsid sh -c 'trap \"\" HUP INT TERM; echo up; sleep 60; :' & read x; exit 7",
        impatient(),
    );
    pane.wait_for("up");
    pane.type_keys(b"\n");
    let Report::Cleaning { exit, left, .. } = pane.report() else {
        panic!()
    };
    assert_eq!(exit, Exit::Code(7));
    assert!(left >= 1);
    let ended = pane.ended(1);
    assert_eq!((ended.exit, ended.asked), (Exit::Code(7), false));
    assert!(pane.leftovers().is_empty());
    pane.close();
}

#[test]
fn a_second_stop_cuts_the_grace_short() {
    let mut pane = Pane::open();
    pane.run(1, "trap 'echo asked' INT; echo up; while :; do sleep 0.01; done");
    pane.wait_for("up");
    pane.stop(1, patient());
    pane.wait_for("asked");
    pane.stop(1, patient());
    assert_eq!(pane.ended(1).exit, Exit::Signal(Signal::KILL));
    assert!(pane.leftovers().is_empty());
    pane.close();
}

#[test]
fn kill_asks_nobody() {
    let mut pane = Pane::open();
    pane.run(
        1,
        "trap 'echo asked' INT TERM HUP; echo up; while :; do sleep 60; done",
    );
    pane.wait_for("up");
    pane.kill(1);
    assert_eq!(pane.ended(1).exit, Exit::Signal(Signal::KILL));
    assert!(!pane.output_of(1).contains("asked"));
    assert!(pane.leftovers().is_empty());
    pane.close();
}

#[test]
fn a_stopped_process_gets_to_see_the_signal() {
    let mut pane = Pane::open();
    let pid = pane.run(
        1,
        "trap 'echo bye; exit 5' INT; echo up; kill -STOP $$; while :; do sleep 0.01; done",
    );
    wait_until(|| state(pid) == Some('T'));
    pane.stop(1, patient());
    assert_eq!(pane.ended(1).exit, Exit::Code(5));
    pane.close();
}

fn by_command(script: &str, plan: StopPlan) -> StopPlan {
    StopPlan {
        command: Some(["/bin/sh", "-c", script].map(Into::into).to_vec()),
        ..plan
    }
}

#[test]
fn a_stop_command_runs_in_the_services_surroundings_and_spares_it_the_signal() {
    let mut pane = Pane::open();
    pane.run(
        1,
        "trap 'exit 1' INT; echo up; until test -e told; do sleep 0.01; done; exit 6",
    );
    pane.wait_for("up");
    let command = "test -n \"$OVR_RUN_TOKEN\" && echo stopping && pwd > told";
    pane.stop(1, by_command(command, patient()));
    pane.wait_for("stopping");
    assert_eq!(pane.ended(1).exit, Exit::Code(6));
    assert!(!pane.output_of(1).contains("ovr:"));
    pane.close();
}

#[test]
fn a_stop_command_without_effect_is_followed_by_the_signal_after_the_grace() {
    let mut pane = Pane::open();
    pane.run(
        1,
        "trap 'test -e told && exit 6; exit 1' INT; echo up; while :; do sleep 0.01; done",
    );
    pane.wait_for("up");
    pane.stop(1, by_command("echo > told", fair()));
    assert_eq!(pane.ended(1).exit, Exit::Code(6));
    pane.close();
}

#[test]
fn a_stop_command_that_fails_or_hangs_is_named_and_the_signal_goes_out() {
    let mut pane = Pane::open();
    let script = "trap 'exit 6' INT; echo up; while :; do sleep 0.01; done";
    for (run, plan, named) in [
        (
            1,
            by_command("exit 3", patient()),
            "ovr: stop command failed: code 3",
        ),
        (
            2,
            StopPlan {
                command: Some(vec!["no-such-stopper".into()]),
                ..patient()
            },
            "ovr: stop command could not start: no-such-stopper: not found",
        ),
        (
            3,
            by_command("trap '' INT; sleep 60; :", fair()),
            "ovr: stop command takes too long",
        ),
    ] {
        pane.run(run, &script.replace("up", &format!("up {run}")));
        pane.wait_for(format!("up {run}"));
        pane.stop(run, plan);
        assert_eq!(pane.ended(run).exit, Exit::Code(6), "{named}");
        let output = pane.output_of(run);
        assert!(output.contains(named), "{output}");
        assert!(pane.leftovers().is_empty());
    }
    pane.close();
}

#[test]
fn keys_take_the_place_of_the_signal_until_the_grace_is_over() {
    let mut pane = Pane::open();
    let script = "trap 'echo signalled' INT; echo up; read line; exit 4";
    let by_keys = |plan| StopPlan {
        keys: Some("q\n".into()),
        ..plan
    };
    pane.run(1, script);
    pane.wait_for("up");
    pane.stop(1, by_keys(patient()));
    pane.type_keys(b"q\n");
    assert_eq!(pane.ended(1).exit, Exit::Code(4));
    pane.run(2, script);
    pane.stop(2, by_keys(impatient()));
    assert_eq!(pane.ended(2).exit, Exit::Signal(Signal::KILL));
    assert!(!pane.output_of(2).contains("signalled"));
    // Without anybody who types them, it is the signal that has to do.
    pane.run_with(
        3,
        "trap 'exit 5' INT; echo up 3; while :; do sleep 0.01; done",
        by_keys(patient()),
    );
    pane.wait_for("up 3");
    pane.signal_shim(Signal::TERM);
    assert_eq!(pane.ended(3).exit, Exit::Code(5));
    assert!(pane.wait_for_shim().success());
}

#[test]
fn a_signal_for_the_parent_only_leaves_its_children_to_it() {
    let mut pane = Pane::open();
    let parent_only = |plan| StopPlan {
        parent_only: true,
        signal: Signal::TERM,
        ..plan
    };
    pane.run(
        1,
        "trap 'echo parent; kill -9 $!; wait; exit 3' TERM; \
         sh -c 'trap \"echo child signalled\" TERM; echo up; while :; do sleep 0.01; done' & \
         while :; do sleep 0.01; done",
    );
    pane.wait_for("up");
    pane.stop(1, parent_only(patient()));
    let ended = pane.ended_cleanly_or_not(1);
    assert_eq!((ended.exit, ended.killed.len()), (Exit::Code(3), 0));
    let output = pane.output_of(1);
    assert!(
        output.contains("parent") && !output.contains("child signalled"),
        "{output}"
    );
    // What it leaves to nobody gets the signal once it is gone.
    pane.run(
        2,
        "trap 'exit 3' TERM; \
         sh -c 'trap \"echo child signalled; exit\" TERM; echo up 2; while :; do sleep 0.01; done' & \
         while :; do sleep 0.01; done",
    );
    pane.wait_for("up 2");
    pane.stop(2, parent_only(patient()));
    assert_eq!(pane.ended_cleanly_or_not(2).exit, Exit::Code(3));
    assert!(pane.output_of(2).contains("child signalled"));
    assert!(pane.leftovers().is_empty());
    pane.close();
}

#[test]
fn a_tree_that_forks_without_end_is_ended() {
    let mut pane = Pane::open();
    pane.run(
        1,
        "trap '' INT TERM HUP; n=0; while :; do sleep 60 & n=$((n+1)); test $n = 300 && echo many; done",
    );
    pane.wait_for("many");
    pane.kill(1);
    let ended = pane.ended(1);
    assert_eq!(ended.killed.len(), 16, "the report stays small");
    assert!(pane.leftovers().is_empty());
    pane.close();
}

#[test]
fn a_process_that_lives_on_by_forking_is_ended() {
    let mut pane = Pane::open();
    std::fs::write(pane.dir.path().join("hop"), "trap '' INT\nsh ./hop &\nexit 0\n").unwrap();
    pane.run(1, "echo up; sh ./hop; sleep 60");
    pane.wait_for("up");
    pane.kill(1);
    assert_eq!(pane.ended(1).exit, Exit::Signal(Signal::KILL));
    assert!(pane.leftovers().is_empty());
    pane.close();
}

#[test]
fn close_stops_what_runs_and_ends_the_window() {
    let mut pane = Pane::open();
    pane.run_with(
        1,
        "trap 'echo bye; exit 0' INT; echo up; while :; do sleep 0.01; done",
        patient(),
    );
    pane.wait_for("up");
    pane.order(&Order::Close);
    assert_eq!(pane.ended(1).exit, Exit::Code(0));
    assert!(pane.wait_for_shim().success());
    assert!(pane.leftovers().is_empty());
}

#[test]
fn stop_and_then_close_leaves_the_service_its_grace() {
    let mut pane = Pane::open();
    pane.run(
        1,
        "trap 'read line; exit 8' INT; echo up; while :; do sleep 0.01; done",
    );
    pane.wait_for("up");
    pane.stop(1, patient());
    pane.order(&Order::Close);
    pane.type_keys(b"\n");
    assert_eq!(pane.ended(1).exit, Exit::Code(8));
    assert!(pane.wait_for_shim().success());
}
