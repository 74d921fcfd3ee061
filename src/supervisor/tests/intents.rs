//! What a run is to end for outlives the controller that was asked.

use super::{Rig, needing, plain, restarted};
use crate::model::{Condition, Exit, InstanceId, Policy, RunId, StateWord};
use crate::supervisor::{Event, Intent, ProbeKind, Verb};

const UNHEALTHY: Intent = Intent::Condemned(crate::supervisor::Condemned::Unhealthy);

/// What the shim of `name` has been told since the last call.
fn told(rig: &mut Rig, name: &str) -> Vec<Option<Intent>> {
    let id = rig.id(name);
    let all = std::mem::take(&mut rig.told).into_iter();
    all.filter(|(of, _)| *of == id)
        .map(|(_, intent)| intent)
        .collect()
}

fn ask(rig: &mut Rig, verb: Verb, name: &str) -> Vec<Option<Intent>> {
    rig.told.clear();
    rig.ask(verb, &[name]);
    told(rig, name)
}

fn falls_silent(rig: &mut Rig, name: &str) -> Vec<Option<Intent>> {
    let (instance, run) = (rig.id(name), rig.run(name));
    rig.tell(Event::ProbeDone {
        instance,
        run,
        probe: ProbeKind::Watchdog,
        ok: false,
    });
    told(rig, name)
}

#[test]
fn a_shim_is_told_once_of_each_change_of_what_its_run_is_to_end_for() {
    let mut rig = Rig::up(&[("web", plain())]);
    assert_eq!(falls_silent(&mut rig, "web"), [Some(UNHEALTHY)]);
    assert_eq!(ask(&mut rig, Verb::Stop, "web"), [Some(Intent::Down)]);
    assert_eq!(ask(&mut rig, Verb::Stop, "web"), []);
    assert_eq!(ask(&mut rig, Verb::Start, "web"), [Some(Intent::Again)]);
    assert_eq!(ask(&mut rig, Verb::Kill, "web"), [Some(Intent::Down)]);
    rig.obeys("web");
    assert_eq!(rig.word("web"), StateWord::Stopped);
    // Its next run has nothing to do with that.
    rig.ask(Verb::Start, &["web"]);
    rig.spawned("web");
    assert_eq!(ask(&mut rig, Verb::Restart, "web"), [Some(Intent::Again)]);
}

#[test]
fn a_stop_that_waits_for_dependents_or_comes_in_a_back_off_is_told_and_taken_back() {
    let web = needing(plain(), "db", Condition::Started);
    let mut rig = Rig::up(&[("db", plain()), ("web", web)]);
    rig.ask(Verb::Stop, &["web"]);
    assert_eq!(ask(&mut rig, Verb::Stop, "db"), [Some(Intent::Down)]);
    assert_eq!(ask(&mut rig, Verb::Start, "db"), [None]);

    let slow = Policy {
        restart: crate::model::RestartPolicy {
            delay: Some(std::time::Duration::from_secs(5)),
            ..restarted().restart
        },
        ..plain()
    };
    let mut rig = Rig::up(&[("web", slow)]);
    rig.ended("web", Exit::Code(1));
    assert_eq!(rig.word("web"), StateWord::Backoff);
    assert_eq!(ask(&mut rig, Verb::Stop, "web"), [Some(Intent::Down)]);
}

#[test]
fn a_restart_that_was_under_way_is_carried_on_by_the_next_controller() {
    let left_out = Policy {
        autostart: false,
        ..plain()
    };
    let (instance, run, exit) = (InstanceId(0), RunId(4), Exit::Code(0));
    let intent = Some(Intent::Again);
    let adopted = |stopping| Event::Adopted {
        instance,
        run,
        pid: 900,
        daemons: None,
        told_ready: None,
        stopping,
        intent,
    };
    let mut ended = Rig::new(&[("web", left_out.clone())]);
    ended.tell(Event::AdoptedEnded {
        instance,
        run,
        exit,
        intent,
    });
    assert_eq!(ended.tell(Event::Begin), ["spawn web 5"]);
    let mut stopping = Rig::new(&[("web", left_out.clone())]);
    stopping.tell(adopted(true));
    assert!(stopping.tell(Event::Begin).is_empty());
    assert_eq!(stopping.word("web"), StateWord::Restarting);
    assert_eq!(stopping.ended("web", exit), ["spawn web 5"]);
    let mut untold = Rig::new(&[("web", left_out)]);
    assert!(untold.tell(adopted(false)).is_empty(), "not before all are found");
    assert_eq!(untold.tell(Event::Begin), ["stop web 4"]);
    assert_eq!(untold.ended("web", exit), ["spawn web 5"]);
}

#[test]
fn what_nobody_asked_to_end_goes_by_its_policy_though_what_it_left_is_still_being_ended() {
    let mut rig = Rig::new(&[("web", restarted())]);
    rig.tell(Event::Adopted {
        instance: InstanceId(0),
        run: RunId(4),
        pid: 900,
        daemons: None,
        told_ready: None,
        stopping: true,
        intent: None,
    });
    rig.tell(Event::Begin);
    assert_eq!(rig.ended("web", Exit::Code(1)), ["spawn web 5"]);
}
