//! What a run says of its being alive and of the time that it needs, and what its silence is told as.

use crate::harness::{Pane, patient};
use crate::supplies::{python, says};
use ovr::model::{Exit, Launch, RunId, StopPlan};
use ovr::shim::protocol::Report;
use std::time::Duration;

#[test]
fn a_run_that_is_silent_for_too_long_is_told_once_and_a_new_controller_is_told_again() {
    let mut pane = Pane::open();
    let script = format!(
        "{}assert os.environ['WATCHDOG_PID'] == str(os.getpid())\n\
         assert os.environ['WATCHDOG_USEC'] == '50000'\ninput()\n{}{}input()",
        says("STATUS=up"),
        says("WATCHDOG=1"),
        says("WATCHDOG=1\nSTATUS=spoke"),
    );
    let launch = Launch {
        watchdog: Some(Duration::from_millis(50)),
        ..python(&pane, &script)
    };
    let run = RunId(1);
    pane.run_launch(1, launch, patient());
    let said = |text: &str| Report::Notify {
        run,
        text: text.to_owned(),
    };
    let silent = |text: &str| Report::Silent {
        run,
        text: text.to_owned(),
    };
    // Its interpreter may need longer to begin than it has.
    let mut first = [pane.report(), pane.report()];
    first.sort_by_key(|report| matches!(report, Report::Silent { .. }));
    assert_eq!(
        first,
        [said("STATUS=up"), silent("no WATCHDOG=1 at all in 50 ms")]
    );
    pane.take_over();
    let live = pane.hello.live.as_ref().unwrap();
    assert_eq!(live.silent.as_deref(), Some("no WATCHDOG=1 at all in 50 ms"));
    assert_eq!(live.told_status.as_deref(), Some("up"));
    pane.type_keys(b"\n");
    assert_eq!(
        pane.report(),
        said("WATCHDOG=1\nSTATUS=spoke"),
        "no more than that"
    );
    assert_eq!(pane.report(), silent("no WATCHDOG=1 for 50 ms"));
    pane.stop(1, patient());
    let ended = pane.ended_cleanly_or_not(1);
    assert_eq!(ended.silent.as_deref(), Some("no WATCHDOG=1 for 50 ms"));
    pane.close();
}

#[test]
fn what_stops_may_ask_for_more_time_than_its_plan_gives_it() {
    let mut pane = Pane::open();
    let script = format!(
        "{}import signal, sys, time\ndef stop(*_):\n \
         s.sendto(b'EXTEND_TIMEOUT_USEC=60000000', os.environ['NOTIFY_SOCKET'])\n time.sleep(2.2)\n sys.exit(7)\n\
         signal.signal(signal.SIGINT, stop)\nprint('may', 'stop')\n\
         while True: time.sleep(0.02)",
        says("STATUS=up"),
    );
    let launch = Launch {
        notify: true,
        ..python(&pane, &script)
    };
    pane.run_launch(1, launch, patient());
    let run = RunId(1);
    let said = |text: &str| Report::Notify {
        run,
        text: text.to_owned(),
    };
    assert_eq!(pane.report(), said("STATUS=up"));
    pane.wait_for("may stop");
    // Less than it takes to stop, and more than a busy machine takes to let it ask.
    let plan = StopPlan {
        grace: Duration::from_secs(2),
        ..StopPlan::default()
    };
    pane.stop(1, plan);
    assert_eq!(pane.report(), said("EXTEND_TIMEOUT_USEC=60000000"));
    let ended = pane.ended_cleanly_or_not(1);
    assert_eq!((ended.exit, ended.killed), (Exit::Code(7), Vec::new()));
    pane.close();
}
