//! Commands that launch what runs elsewhere, in a daemon that is no child of theirs.

use crate::harness::{Pane, patient};
use ovr::model::{Exit, Launch, RunId, StopPlan};
use ovr::shim::protocol::Report;

fn launcher(pane: &Pane, script: &str) -> Launch {
    Launch {
        daemon: true,
        ..pane.launch(&["/bin/sh", "-c", script])
    }
}

fn by_command(script: &str) -> StopPlan {
    StopPlan {
        command: Some(["/bin/sh", "-c", script].map(Into::into).to_vec()),
        ..patient()
    }
}

fn held(run: u64) -> Report {
    let (run, pids) = (RunId(run), Vec::new());
    Report::Daemonized { run, pids }
}

#[test]
fn a_launcher_that_leaves_no_process_counts_as_up_until_its_stop_command_has_run() {
    let mut pane = Pane::open();
    let launch = launcher(&pane, "echo > there");
    let pid = pane.run_launch(1, launch, patient());
    assert_eq!(pane.report(), held(1));
    // Nothing is typed to nobody, and no signal ends it.
    pane.type_keys(b"\n");
    pane.take_over();
    let live = pane.hello.live.clone().unwrap();
    assert_eq!((live.run, live.pid, live.held), (RunId(1), pid, true));
    assert!(live.daemons.is_empty() && !live.stopping);
    pane.stop(1, by_command("rm there && echo taken down"));
    let ended = pane.ended(1);
    assert_eq!((ended.exit, ended.asked), (Exit::Code(0), true));
    assert!(pane.output_of(1).contains("taken down"));
    assert!(!pane.dir.path().join("there").exists());
    pane.close();
}

#[test]
fn what_nothing_can_stop_is_let_go_and_that_is_said() {
    let mut pane = Pane::open();
    let said = "ovr: what it launched is not stopped: it runs elsewhere";
    let launch = launcher(&pane, "exit 0");
    pane.run_launch(1, launch.clone(), patient());
    assert_eq!(pane.report(), held(1));
    pane.stop(1, patient());
    assert!(pane.ended(1).asked);
    assert!(pane.output_of(1).contains(said));
    pane.run_launch(2, launch.clone(), by_command("exit 0"));
    assert_eq!(pane.report(), held(2));
    pane.kill(2);
    pane.ended(2);
    assert!(pane.output_of(2).contains(said));
    // A stop command that fails ends it as well, and is named.
    pane.run_launch(3, launch.clone(), patient());
    assert_eq!(pane.report(), held(3));
    pane.stop(3, by_command("exit 9"));
    pane.ended(3);
    assert!(pane.output_of(3).contains("ovr: stop command failed: code 9"));
    // A second request does not wait for one that hangs.
    pane.run_launch(4, launch, patient());
    assert_eq!(pane.report(), held(4));
    pane.stop(4, by_command("echo hanging; sleep 60; :"));
    pane.wait_for("hanging");
    pane.kill(4);
    pane.ended(4);
    assert!(pane.leftovers().is_empty());
    pane.close();
}

#[test]
fn closing_the_window_runs_the_stop_command() {
    let mut pane = Pane::open();
    let launch = launcher(&pane, "echo > there");
    pane.run_launch(1, launch, by_command("rm there"));
    assert_eq!(pane.report(), held(1));
    pane.hang_up();
    assert_eq!(pane.report(), Report::Hangup);
    assert_eq!(pane.ended(1).exit, Exit::Code(0));
    assert!(pane.wait_for_shim().success());
    assert!(!pane.dir.path().join("there").exists());
}

#[test]
fn a_launcher_that_fails_has_launched_nothing() {
    let mut pane = Pane::open();
    let launch = launcher(&pane, "exit 3");
    pane.run_launch(1, launch, patient());
    assert_eq!(pane.ended(1).exit, Exit::Code(3));
    pane.close();
}

#[test]
fn a_helper_that_ends_a_moment_later_is_not_what_was_launched_and_a_daemon_is() {
    let mut pane = Pane::open();
    let launch = launcher(&pane, "mkfifo hold; cat hold & exit 0");
    pane.run_launch(1, launch, patient());
    assert!(matches!(pane.report(), Report::Daemonized { pids, .. } if !pids.is_empty()));
    std::fs::write(pane.dir.path().join("hold"), "x").unwrap();
    assert_eq!(pane.report(), held(1));
    pane.stop(1, patient());
    pane.ended(1);
    let launch = launcher(&pane, "(read line <hold; exit 7) & exit 0");
    pane.run_launch(2, launch, patient());
    assert!(matches!(pane.report(), Report::Daemonized { pids, .. } if !pids.is_empty()));
    std::fs::write(pane.dir.path().join("hold"), "x\n").unwrap();
    assert!(!pane.ended(2).asked);
    pane.close();
}
