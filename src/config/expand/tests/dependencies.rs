//! Who waits for whom.

use super::{at, depends, drafts, http, replicas, service, text, told};
use crate::config::project::{RestartDef, ServiceDef};
use crate::diag::Severity;
use crate::model::{Condition, RestartWhen};

fn dependencies(services: Vec<ServiceDef>) -> Vec<(String, Condition)> {
    let last = drafts(services).pop().unwrap();
    let depends_on = last.policy.depends_on.into_iter();
    depends_on
        .map(|dependency| (dependency.on.to_string(), dependency.condition))
        .collect()
}

#[test]
fn a_dependency_without_a_condition_waits_for_readiness_where_there_is_a_word_for_it() {
    let api = || service("api", |service| service.depends_on = vec![depends("db", None)]);
    let plain = service("db", |_| ());
    let probed = service("db", |service| service.readiness_probe = Some(http(Some("80"))));
    let booting = service("db", |service| service.startup_probe = Some(http(Some("80"))));
    let logged = service("db", |service| service.ready_log_line = Some(text("ready")));
    let notifying = service("db", |service| service.notify = true);
    for (db, condition) in [
        (plain, Condition::Started),
        (probed, Condition::Ready),
        (booting, Condition::Ready),
        (logged, Condition::Ready),
        (notifying, Condition::Ready),
    ] {
        assert_eq!(dependencies(vec![db, api()]), [("db".to_owned(), condition)]);
    }
}

#[test]
fn a_dependency_on_a_service_is_one_on_all_its_replicas_but_for_those_that_are_named() {
    let api = service("api", |service| {
        service.depends_on = vec![
            depends("db", Some(Condition::Started)),
            depends("db-1", Some(Condition::EndedWell)),
        ];
    });
    assert_eq!(
        dependencies(vec![replicas("db", 3), api]),
        [
            ("db-1".to_owned(), Condition::EndedWell),
            ("db-0".to_owned(), Condition::Started),
            ("db-2".to_owned(), Condition::Started),
        ]
    );
}

#[test]
fn a_dependency_on_nobody_and_one_on_an_end_that_never_comes_are_told() {
    let api = service("api", |service| service.depends_on = vec![depends("db-3", None)]);
    let unknown = told(vec![replicas("db", 3), api]);
    assert_eq!(unknown[0].severity, Severity::Error);
    assert!(unknown[0].hints[0].contains("db-"), "{}", unknown[0]);
    let api = service("api", |service| {
        service.depends_on = vec![depends("db", Some(Condition::Ended))];
    });
    let db = service("db", |service| {
        service.availability.restart = Some(at(RestartDef::When(RestartWhen::Always), "always"));
    });
    let endless = told(vec![db, api]);
    assert_eq!(endless[0].severity, Severity::Warning);
    assert!(endless[0].message.contains("always started again"));
}

#[test]
fn tiers_are_in_the_order_of_their_numbers_or_of_the_file() {
    let order = |tiers: &[&str]| -> Vec<Option<usize>> {
        let services = (0..).zip(tiers).map(|(index, tier)| {
            service(&format!("s{index}"), |service| {
                service.tier = (!tier.is_empty()).then(|| text(tier));
            })
        });
        drafts(services.collect())
            .into_iter()
            .map(|draft| draft.tier)
            .collect()
    };
    assert_eq!(order(&["10", "2", "", "2"]), [Some(1), Some(0), None, Some(0)]);
    assert_eq!(
        order(&["data", "app", "data", "edge"]),
        [Some(0), Some(1), Some(0), Some(2)]
    );
    assert_eq!(order(&["app", "1"]), [Some(1), Some(0)]);
}
