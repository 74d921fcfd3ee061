//! Random sessions: services with policies and dependencies, and what people do to them.

use super::dice::Dice;
use crate::model::{
    Condition, Dependency, EndPolicy, InstanceId, InstanceName, Moment, Policy, Probe, ProbeSchedule,
    Readiness, RestartPolicy, RestartWhen, ServiceName, Signal, StopPlan,
};
use crate::supervisor::{Machine, QuitWhy, Trigger, Verb};
use std::time::Duration;

/// What happens from outside, besides what the processes do.
#[derive(Clone, Debug)]
pub(super) enum Command {
    Ask {
        verb: Verb,
        targets: Vec<InstanceId>,
        no_deps: bool,
    },
    Enter(InstanceId),
    Due(InstanceId, Trigger),
    Attach(InstanceId, u32),
    Quit(QuitWhy),
    KillWindow(InstanceId),
    KillTmux {
        recover: bool,
    },
    KillController,
    /// The configuration is another one now.
    Reload,
}

/// One session to play.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) instances: Vec<(InstanceName, Policy)>,
    pub(super) commands: Vec<(Moment, Command)>,
    /// The session is over when everything in it has ended.
    pub(super) ends_when_done: bool,
    /// Nobody's stop waits for another's when the session ends.
    pub(super) ends_at_once: bool,
}

impl Scenario {
    pub(super) fn machine(&self, now: Moment) -> Machine {
        let mut machine = Machine::new(self.instances.clone(), now).expect("a good graph");
        if self.ends_when_done {
            machine.end_when_done();
        }
        if self.ends_at_once {
            machine.end_at_once();
        }
        machine
    }

    pub(super) fn roll(dice: &mut Dice) -> Self {
        let instances = roll_instances(dice);
        let commands = roll_commands(dice, u32::try_from(instances.len()).expect("a few"));
        let ends_when_done = dice.percent(30);
        Self {
            instances,
            commands,
            ends_when_done,
            ends_at_once: dice.percent(15),
        }
    }
}

fn millis(dice: &mut Dice, below: u64) -> Duration {
    Duration::from_millis(dice.within(0..below))
}

fn roll_instances(dice: &mut Dice) -> Vec<(InstanceName, Policy)> {
    let services = dice.within(1..7);
    // In most sessions no end stops the whole, so that there is time for everything else.
    let calm = dice.percent(70);
    let mut instances = Vec::new();
    for index in 0..services {
        let policy = roll_policy(dice, index, calm);
        let count = if dice.percent(15) { 2 } else { 1 };
        for number in 1..=count {
            let name = InstanceName {
                service: service(index),
                number: (count > 1).then_some(number),
            };
            instances.push((name, policy.clone()));
        }
    }
    // The order of the file says nothing about who needs whom.
    dice.shuffle(&mut instances);
    instances
}

pub(super) fn service(index: u64) -> ServiceName {
    format!("s{index}").parse().expect("a good name")
}

pub(super) fn roll_policy(dice: &mut Dice, index: u64, calm: bool) -> Policy {
    let depends_on: Vec<u64> = (0..index).filter(|_| dice.percent(35)).collect();
    Policy {
        autostart: dice.percent(90),
        stop: StopPlan {
            signal: Signal::INT,
            grace: millis(dice, 5000),
            ..StopPlan::default()
        },
        restart: roll_restart(dice),
        end: match dice.within(0..10) {
            0..=3 if !calm => EndPolicy::StopsSession,
            4..=5 if !calm => EndPolicy::FailureStopsSession,
            _ => EndPolicy::MayEnd,
        },
        depends_on: depends_on
            .into_iter()
            .map(|on| Dependency {
                on: service(on),
                condition: *dice.pick(&[
                    Condition::Started,
                    Condition::Ready,
                    Condition::Ready,
                    Condition::Ended,
                    Condition::EndedWell,
                ]),
            })
            .collect(),
        startup: dice.percent(20).then(|| roll_probe(dice)),
        readiness: match dice.within(0..10) {
            0..=4 => Readiness::Unknown,
            5..=7 => Readiness::Probe(roll_probe(dice)),
            _ => Readiness::Told,
        },
        liveness: dice.percent(20).then(|| roll_probe(dice)),
        optional: dice.percent(15),
        exit_on_skipped: !calm && dice.percent(15),
        launch_timeout: dice
            .percent(10)
            .then(|| millis(dice, 5000) + Duration::from_millis(1)),
        scheduled: dice.percent(15),
        success_codes: if dice.percent(20) { vec![1] } else { Vec::new() },
    }
}

fn roll_restart(dice: &mut Dice) -> RestartPolicy {
    RestartPolicy {
        when: *dice.pick(&[
            RestartWhen::Never,
            RestartWhen::Never,
            RestartWhen::OnFailure,
            RestartWhen::Always,
        ]),
        delay: dice
            .percent(30)
            .then(|| millis(dice, 3000) + Duration::from_millis(1)),
        max: dice.percent(30).then(|| dice.below(5)),
        give_up_after: dice.percent(30).then(|| dice.below(5)),
    }
}

fn roll_probe(dice: &mut Dice) -> Probe {
    Probe {
        schedule: ProbeSchedule {
            initial_delay: millis(dice, 500),
            period: millis(dice, 2000) + Duration::from_millis(50),
            timeout: millis(dice, 1000) + Duration::from_millis(1),
            success_threshold: dice.below(3),
            failure_threshold: dice.below(4),
        },
    }
}

fn roll_commands(dice: &mut Dice, instances: u32) -> Vec<(Moment, Command)> {
    let mut at = Moment::START;
    let mut commands = Vec::new();
    for _ in 0..dice.within(3..40) {
        at = at
            + match dice.within(0..10) {
                // Several at once, as from parallel clients.
                0..=3 => Duration::ZERO,
                4..=7 => millis(dice, 300),
                _ => millis(dice, 8000),
            };
        commands.push((at, roll_command(dice, instances)));
    }
    // Every session is ended at last, some of them impatiently.
    at = at + millis(dice, 20_000);
    commands.push((at, Command::Quit(QuitWhy::Signal(Signal::INT))));
    if dice.percent(30) {
        at = at + millis(dice, 2000);
        commands.push((at, Command::Quit(QuitWhy::Signal(Signal::INT))));
    }
    commands
}

fn roll_command(dice: &mut Dice, instances: u32) -> Command {
    let one = InstanceId(dice.below(instances));
    match dice.within(0..100) {
        0..=64 => {
            let verb = *dice.pick(&[
                Verb::Start,
                Verb::Start,
                Verb::Restart,
                Verb::Restart,
                Verb::Stop,
                Verb::Stop,
                Verb::Kill,
                Verb::Signal(Signal::TERM),
            ]);
            let chance = *dice.pick(&[0, 30, 30, 100]);
            let mut targets: Vec<_> = (0..instances)
                .map(InstanceId)
                .filter(|_| dice.percent(chance))
                .collect();
            if targets.is_empty() && dice.percent(90) {
                targets.push(one);
            }
            let no_deps = dice.percent(15);
            Command::Ask {
                verb,
                targets,
                no_deps,
            }
        }
        65..=74 => {
            let cascade = dice.percent(50);
            Command::Due(one, *dice.pick(&[Trigger::Schedule, Trigger::Change { cascade }]))
        }
        75..=79 => Command::Enter(one),
        80..=85 => Command::Attach(one, dice.below(2)),
        86..=90 => Command::KillWindow(one),
        91..=93 => Command::KillTmux {
            recover: dice.percent(90),
        },
        94..=95 => Command::KillController,
        96..=98 => Command::Reload,
        _ => Command::Quit(*dice.pick(&[
            QuitWhy::Asked,
            QuitWhy::Signal(Signal::HUP),
            QuitWhy::Signal(Signal::TERM),
        ])),
    }
}
