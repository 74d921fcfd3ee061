//! Services of another user, as `sudo` makes them: signalled through `sudo`, and named where that does not help.
//! Needs root, which alone can become somebody else; the shim is root without the right to signal whom it likes.

use crate::harness::{Pane, impatient, patient};
use crate::processes::{send, wait_until, with_token};
use ovr::model::{Exit, Launch, Signal, StopPlan};
use ovr::shim::protocol::Report;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::time::Duration;

/// The right to signal other users' processes.
const CAP_KILL: libc::c_ulong = 5;

/// What becomes another user and then runs the rest.
const AS_ANOTHER: &str = "exec setpriv --reuid=65534 --clear-groups";

/// A window whose shim may not signal other users' processes; `None` where this test cannot make one.
fn restricted() -> Option<Pane> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let pane = Pane::open_with(
        |command| {
            // SAFETY: one system call, which is async-signal-safe.
            unsafe {
                command.pre_exec(|| {
                    libc::prctl(libc::PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0);
                    Ok(())
                });
            }
        },
        true,
    );
    Some(pane)
}

/// A service that runs as another user, says `up` and does this on SIGINT; with a `sudo` of this text.
fn service(pane: &Pane, sudo: &str, trap: &str, up: &str) -> Launch {
    let dir = pane.dir.path();
    fs::write(dir.join("sudo"), format!("#!/bin/sh\n{sudo}\n")).unwrap();
    fs::set_permissions(dir.join("sudo"), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(dir, Permissions::from_mode(0o755)).unwrap();
    let script = format!("trap '{trap}' INT; echo {up}; while :; do sleep 0.05; done");
    let mut launch = pane.launch(&["/bin/sh", "-c", &format!("{AS_ANOTHER} sh -c \"{script}\"")]);
    let path = format!("{}:/usr/bin:/bin", dir.display());
    launch.env = [("PATH".into(), path)].into_iter().collect();
    launch
}

/// As `sudo -n` with the password known: becomes the one who may.
fn knowing() -> String {
    format!("test \"$1\" = -n || exit 1; shift; {AS_ANOTHER} \"$@\"")
}

#[test]
fn another_users_service_is_stopped_and_killed_through_sudo() {
    let Some(mut pane) = restricted() else { return };
    let launch = service(&pane, &knowing(), "exit 7", "up");
    pane.run_launch(1, launch, patient());
    pane.wait_for("up");
    pane.stop(1, patient());
    assert_eq!(pane.ended(1).exit, Exit::Code(7));
    let launch = service(&pane, &knowing(), "echo ignored", "up again");
    pane.run_launch(2, launch, patient());
    pane.wait_for("up again");
    // Long enough for the first signal to come through `sudo` on a busy machine.
    let plan = StopPlan {
        grace: Duration::from_secs(2),
        ..StopPlan::default()
    };
    pane.stop(2, plan);
    assert_eq!(pane.ended(2).exit, Exit::Signal(Signal::KILL));
    assert!(pane.output_of(2).contains("ignored"));
    pane.close();
}

#[test]
fn what_cannot_be_ended_is_named_and_does_not_keep_a_closed_window() {
    let Some(mut pane) = restricted() else { return };
    let launch = service(
        &pane,
        "echo sudo: a password is required >&2; exit 1",
        "exit 7",
        "up",
    );
    let pid = pane.run_launch(1, launch, patient());
    pane.wait_for("up");
    pane.stop(1, impatient());
    let Report::Caution {
        text, stuck: true, ..
    } = pane.report()
    else {
        panic!("it is told what is left")
    };
    assert!(text.contains(&format!("{pid} sh -c trap")), "{text}");
    assert!(text.contains(&format!(" · sudo kill -9 {pid}")), "{text}");
    pane.wait_for("ovr: another user's processes are left");
    pane.hang_up();
    assert_eq!(pane.report(), Report::Hangup);
    assert!(pane.wait_for_shim().success());
    for left in with_token(&pane.hello.nonce) {
        send(left, libc::SIGKILL);
    }
    wait_until(|| with_token(&pane.hello.nonce).is_empty());
}
