//! What starts, when again, how it stops, what its end means.

use super::{at, drafts, drafts_with, http, options, replicas, service, text};
use crate::config::draft::Draft;
use crate::config::formation::{Names, StopSignals};
use crate::config::project::{RestartDef, ServiceDef};
use crate::model::{EndPolicy, RestartPolicy, RestartWhen, ServiceName, Signal};
use std::time::Duration;

#[test]
fn what_starts_by_itself() {
    let mut options = options();
    options.disabled = vec!["named".to_owned(), "many-1".to_owned()];
    let drafts = drafts_with(
        vec![
            service("plain", |_| ()),
            service("disabled", |service| service.disabled = true),
            service("foreground", |service| service.is_foreground = true),
            service("named", |_| ()),
            replicas("many", 2),
        ],
        &options,
    );
    let starting: Vec<&Draft> = drafts.iter().filter(|draft| draft.policy.autostart).collect();
    let starting: Vec<String> = starting.iter().map(|draft| draft.name.to_string()).collect();
    assert_eq!(starting, ["plain", "many-0"]);
}

#[test]
fn availability_decides_on_restarts_and_on_what_an_end_means() {
    let seconds = Duration::from_secs;
    let when = RestartDef::When;
    let policy = |when, delay, max, give_up_after| RestartPolicy {
        when,
        delay,
        max,
        give_up_after,
    };
    let never = RestartPolicy::NEVER;
    for (restart, backoff, max, exit_on_end, expected, end) in [
        (None, None, None, false, never.clone(), EndPolicy::MayEnd),
        (None, None, None, true, never.clone(), EndPolicy::StopsSession),
        (
            Some(RestartDef::ExitOnFailure),
            None,
            None,
            false,
            never,
            EndPolicy::FailureStopsSession,
        ),
        (
            Some(when(RestartWhen::Always)),
            None,
            None,
            false,
            policy(RestartWhen::Always, None, None, Some(10)),
            EndPolicy::MayEnd,
        ),
        (
            Some(when(RestartWhen::OnFailure)),
            Some(seconds(2)),
            Some(3),
            false,
            policy(RestartWhen::OnFailure, Some(seconds(2)), Some(3), None),
            EndPolicy::MayEnd,
        ),
        (
            Some(when(RestartWhen::Always)),
            Some(seconds(2)),
            Some(0),
            true,
            policy(RestartWhen::Always, Some(seconds(2)), None, None),
            EndPolicy::StopsSession,
        ),
    ] {
        let def = service("a", |service| {
            service.availability.restart = restart.map(|restart| at(restart, "restart"));
            service.availability.backoff = backoff;
            service.availability.max_restarts = max;
            service.availability.exit_on_end = exit_on_end;
        });
        let policy = drafts(vec![def]).remove(0).policy;
        assert_eq!((policy.restart, policy.end), (expected, end));
    }
}

#[test]
fn a_flag_goes_before_what_is_written() {
    let known: ServiceName = "a".parse().unwrap();
    let known = [known];
    let mut options = options();
    options.stop_signals = StopSignals::parse("a=QUIT", "-i", &known).unwrap();
    options.auto_restart = Names::parse("a", "-r", &known).unwrap();
    options.can_die = Names::parse("a", "-c", &known).unwrap();
    options.shell = Some("fish".to_owned());
    let def = service("a", |service| {
        service.shutdown.signal = Some(Signal::HUP);
        service.availability.exit_on_end = true;
        service.shell.command = Some(text("zsh"));
    });
    let draft = drafts_with(vec![def], &options).remove(0);
    assert_eq!(draft.policy.stop.signal, "QUIT".parse().unwrap());
    assert_eq!(draft.policy.restart, RestartPolicy::ALWAYS);
    assert_eq!(draft.policy.end, EndPolicy::MayEnd);
    assert_eq!(draft.argv[0], "fish");
}

#[test]
fn a_stop_is_a_signal_a_command_or_keys_and_has_its_time() {
    let stops: Vec<_> = drafts(vec![
        service("a", |_| ()),
        service("b", |service| {
            service.shutdown.timeout = Some(Duration::from_secs(7));
            service.shutdown.signal = Some(Signal::INT);
            service.shutdown.parent_only = true;
        }),
        service("c", |service| {
            service.shutdown.command = Some(text("docker stop x"));
        }),
        service("d", |service| service.is_elevated = true),
        service("e", |service| {
            service.is_elevated = true;
            service.shutdown.signal = Some(Signal::TERM);
        }),
    ])
    .into_iter()
    .map(|draft| draft.policy.stop)
    .collect();
    assert_eq!(
        (stops[0].signal, stops[0].grace),
        (Signal::TERM, Duration::from_secs(5))
    );
    assert_eq!(
        (stops[1].signal, stops[1].grace),
        (Signal::INT, Duration::from_secs(7))
    );
    assert!(stops[1].parent_only);
    assert_eq!(
        stops[2].command.as_deref().unwrap(),
        ["bash", "-c", "docker stop x"]
    );
    assert_eq!(stops[2].grace, Duration::from_secs(10));
    // What is root's gets no signal of ours; Ctrl-C it always gets.
    let keys: Vec<_> = stops.iter().map(|stop| stop.keys.as_deref()).collect();
    assert_eq!(keys, [None, None, None, Some("\x03"), None]);
}

#[test]
fn a_command_may_launch_what_runs_elsewhere_if_it_is_asked_to_or_a_probe_vouches_for_that() {
    let probed = |service: &mut ServiceDef| service.readiness_probe = Some(http(Some("80")));
    let may: Vec<_> = drafts(vec![
        service("plain", |_| ()),
        service("daemon", |service| service.is_daemon = true),
        service("probed", probed),
        service("told", |service| service.ready_log_line = Some(text("up"))),
        service("again", |service| {
            probed(service);
            service.availability.restart = Some(at(RestartDef::When(RestartWhen::Always), "always"));
        }),
        service("containers", |service| {
            probed(service);
            service.command = Some(text("docker compose up -d db"));
            service.availability.restart = Some(at(RestartDef::When(RestartWhen::Always), "always"));
        }),
        service("failing", |service| {
            probed(service);
            service.availability.restart = Some(at(RestartDef::When(RestartWhen::OnFailure), "on_failure"));
        }),
        service("ending", |service| {
            probed(service);
            service.availability.exit_on_end = true;
        }),
    ])
    .into_iter()
    .filter(Draft::may_launch_elsewhere)
    .map(|draft| draft.name.to_string())
    .collect();
    assert_eq!(may, ["daemon", "probed", "containers", "failing"]);
}
