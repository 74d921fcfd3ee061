//! Tests of the port rule: where the base comes from, which ports follow, what is refused.

use super::{Base, BaseVariable, PortPlan, Rule, Wanted, Wish};
use crate::diag::{Diagnostic, Kind};
use crate::model::PortSource;
use proptest::prelude::{prop, proptest};
use proptest::{prop_assert, prop_assert_eq};
use std::collections::BTreeSet;

fn wanted(counts: &[u32]) -> Vec<Wanted> {
    let numbered = counts.iter().enumerate();
    numbered
        .map(|(index, instances)| Wanted {
            name: format!("s{index}").parse().unwrap(),
            instances: *instances,
            wish: Wish::Rule,
        })
        .collect()
}

fn fixed(mut service: Wanted, port: &str) -> Wanted {
    service.wish = Wish::Fixed(BaseVariable {
        value: port.to_owned(),
        source: "ovr.yaml:7".to_owned(),
    });
    service
}

fn rule(port: u16, step: u16, instance_step: u16) -> Rule {
    let source = "-p".to_owned();
    Rule {
        base: Base { port, source },
        step,
        instance_step,
    }
}

fn ports(plan: &PortPlan) -> Vec<Vec<u16>> {
    plan.services
        .iter()
        .map(|service| service.instances.clone())
        .collect()
}

fn message(rule: &Rule, wanted: &[Wanted]) -> String {
    let errors = PortPlan::new(rule, wanted).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].kind, Kind::Config);
    errors[0].message.clone()
}

#[test]
fn a_service_that_gets_no_port_moves_nobody() {
    let mut wanted = wanted(&[1, 40, 1]);
    wanted[1].wish = Wish::None;
    let plan = PortPlan::new(&Rule::default(), &wanted).unwrap();
    assert_eq!(plan.port(1, 0), None);
    assert_eq!(plan.port(2, 0).unwrap().0, 5200);
    assert_eq!(plan.all().collect::<Vec<_>>(), [5000, 5200]);
}

#[test]
fn each_service_is_a_step_behind_the_one_before_it() {
    let plan = PortPlan::new(&Rule::default(), &wanted(&[1, 1, 1])).unwrap();
    assert_eq!(ports(&plan), [[5000], [5100], [5200]]);
    let base = "default".to_owned();
    assert_eq!(plan.port(1, 0), Some((5100, PortSource::Rule { base })));
    assert_eq!(plan.port(1, 1), None);
    assert_eq!(plan.port(3, 0), None);
}

#[test]
fn scaling_or_removing_a_service_moves_no_other_port() {
    let plan = PortPlan::new(&Rule::default(), &wanted(&[3, 0, 1])).unwrap();
    assert_eq!(ports(&plan), [&[5000, 5010, 5020][..], &[], &[5200]]);
    assert_eq!(plan.port(1, 0).unwrap().0, 5100);
    assert_eq!(plan.all().collect::<Vec<_>>(), [5000, 5010, 5020, 5200]);
}

#[test]
fn the_base_comes_from_the_highest_that_says_one() {
    let all = [("OVR_PORT", "1000"), ("OVERMIND_PORT", "2000"), ("PORT", "3000")];
    for first in 0..=all.len() {
        let known = &all[first..];
        let variable = |name: &str| {
            let found = known.iter().find(|(known, _)| *known == name)?;
            let value = found.1.to_owned();
            let source = name.to_owned();
            Some(BaseVariable { value, source })
        };
        let flagged = Base::choose(Some(77), variable).unwrap();
        assert_eq!((flagged.port, flagged.source.as_str()), (77, "-p"));
        let chosen = Base::choose(None, variable).unwrap();
        let expected = known
            .first()
            .map_or((5000, "default"), |(n, v)| (v.parse().unwrap(), n));
        assert_eq!((chosen.port, chosen.source.as_str()), expected);
    }
}

#[test]
fn an_empty_variable_is_not_set_and_a_wrong_one_is_named() {
    let of = |value: &str| {
        let value = value.to_owned();
        let source = ".env:3".to_owned();
        Base::choose(None, move |name| {
            let (value, source) = (value.clone(), source.clone());
            (name == "PORT").then_some(BaseVariable { value, source })
        })
    };
    assert_eq!(of("").unwrap(), Base::default());
    assert_eq!(of("3000").unwrap().source, ".env:3");
    for wrong in ["abc", "0", "-1", "65536", "80 90"] {
        let error = of(wrong).unwrap_err();
        assert_eq!(
            error.message,
            format!("{wrong:?} (.env:3) is no port; a port is a number from 1 to 65535")
        );
    }
    assert!(Base::choose(Some(0), |_| None).is_err());
}

#[test]
fn a_port_beyond_the_last_is_refused() {
    let far = wanted(&[1; 607]);
    assert_eq!(
        message(&Rule::default(), &far),
        "s606 would get port 65600 (5000 + 100 × 606); the highest is 65535"
    );
    assert!(PortPlan::new(&Rule::default(), &far[..606]).is_ok());
    assert_eq!(
        message(&rule(65_530, 100, 10), &wanted(&[2])),
        "s0 would get port 65540 (65530 + 100 × 0); the highest is 65535"
    );
    // A service without instances needs none.
    let plan = PortPlan::new(&rule(65_500, 100, 10), &wanted(&[1, 0])).unwrap();
    assert_eq!(plan.port(1, 0), None);
}

#[test]
fn what_stands_against_many_services_is_told_once_with_what_has_room_for_all() {
    let refused = |rule: &Rule, wanted: &[Wanted]| {
        let errors = PortPlan::new(rule, wanted).unwrap_err();
        let told = |error: &Diagnostic| (error.message.clone(), error.hints.join("; "));
        errors.iter().map(told).collect::<Vec<_>>()
    };
    let told = refused(&Rule::default(), &wanted(&[1; 3000]));
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        told[0].0,
        "s606 would get port 65600 (5000 + 100 × 606); the highest is 65535; so it is with 2393 more services"
    );
    assert_eq!(
        told[0].1,
        "take a smaller step (-P 20 has room for all) or a lower base (-p), or no ports at all (-N)"
    );
    assert!(PortPlan::new(&rule(5000, 20, 10), &wanted(&[1; 3000])).is_ok());
    assert!(PortPlan::new(&rule(5000, 21, 10), &wanted(&[1; 3000])).is_err());
    // No step is wide enough for the instances of one and narrow enough for the number of all.
    let mut many = wanted(&[1; 3000]);
    many[0].instances = 5;
    assert!(!refused(&Rule::default(), &many)[0].1.contains("room for all"));
    let told = refused(&Rule::default(), &wanted(&[11, 12, 1]));
    assert_eq!(
        told[0].0,
        "s0 has 11 instances, 10 ports apart, but only 100 ports up to the next service; so it is with 1 more service"
    );
    assert_eq!(told.len(), 1, "{told:?}");
    // Of ports that were written each is a mistake of its own.
    let written = wanted(&[2, 2]).into_iter().map(|service| fixed(service, "65530"));
    assert_eq!(refused(&Rule::default(), &written.collect::<Vec<_>>()).len(), 2);
}

#[test]
fn instances_that_would_reach_into_the_next_block_are_refused() {
    assert!(PortPlan::new(&Rule::default(), &wanted(&[10, 1])).is_ok());
    assert_eq!(
        message(&Rule::default(), &wanted(&[11, 1])),
        "s0 has 11 instances, 10 ports apart, but only 100 ports up to the next service"
    );
    assert!(message(&rule(5000, 100, 0), &wanted(&[2])).contains("0 ports apart"));
    // One instance cannot reach anywhere.
    assert!(PortPlan::new(&rule(5000, 5, 10), &wanted(&[1, 1])).is_ok());
    assert_eq!(
        ports(&PortPlan::new(&rule(5000, 0, 10), &wanted(&[1, 1])).unwrap()),
        [[5000], [5000]]
    );
}

#[test]
fn a_fixed_port_wins_over_the_rule_and_moves_nobody() {
    let mut services = wanted(&[1, 2, 1]);
    services[1] = fixed(services[1].clone(), "8080");
    let plan = PortPlan::new(&Rule::default(), &services).unwrap();
    assert_eq!(ports(&plan), [&[5000][..], &[8080, 8090], &[5200]]);
    let origin = "ovr.yaml:7".to_owned();
    assert_eq!(plan.port(1, 1), Some((8090, PortSource::Fixed { origin })));
    services[1] = fixed(services[1].clone(), "5190");
    assert_eq!(
        message(&Rule::default(), &services),
        "s1 and s2 would both get port 5200"
    );
    services[1] = fixed(services[1].clone(), "x");
    assert!(message(&Rule::default(), &services).contains("(ovr.yaml:7) is no port"));
}

#[test]
fn all_errors_are_reported_at_once() {
    let errors = PortPlan::new(&rule(65_400, 100, 10), &wanted(&[11, 1, 1])).unwrap_err();
    assert_eq!(errors.len(), 2);
}

#[test]
fn without_ports_nobody_has_one() {
    assert_eq!(PortPlan::none().port(0, 0), None);
    assert_eq!(PortPlan::none().all().count(), 0);
}

proptest! {
    #[test]
    fn no_two_instances_share_a_port_and_every_port_follows_the_rule(
        counts in prop::collection::vec(0u32..12, 1..40),
        base in 1u16..,
        step in 1u16..300,
        instance_step in 0u16..30,
    ) {
        let rule = rule(base, step, instance_step);
        if let Ok(plan) = PortPlan::new(&rule, &wanted(&counts)) {
            let all: Vec<_> = plan.all().collect();
            let distinct: BTreeSet<_> = all.iter().copied().collect();
            prop_assert_eq!(all.len(), distinct.len());
            for (position, count) in (0u32..).zip(&counts) {
                for number in 0..*count {
                    let expected =
                        u32::from(base) + u32::from(step) * position + u32::from(instance_step) * number;
                    prop_assert_eq!(u32::from(plan.port(position, number).unwrap().0), expected);
                }
                prop_assert!(plan.port(position, (*count).max(1)).is_none());
            }
        }
    }
}
