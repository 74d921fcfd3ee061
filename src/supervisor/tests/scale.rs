//! Many instances: what one event costs does not grow with their number, counted in actions, not in time.

use super::{Rig, needing, plain};
use crate::model::{Condition, Exit, Policy, StateWord};
use crate::supervisor::{Event, QuitWhy};

fn many(count: usize, policy: impl Fn(usize) -> Policy) -> Vec<(String, Policy)> {
    (0..count)
        .map(|index| (format!("s{index}"), policy(index)))
        .collect()
}

fn rig(instances: &[(String, Policy)]) -> Rig {
    let borrowed: Vec<(&str, Policy)> = instances
        .iter()
        .map(|(name, policy)| (name.as_str(), policy.clone()))
        .collect();
    Rig::new(&borrowed)
}

#[test]
fn five_hundred_services_come_up_and_go_down_with_a_bounded_number_of_actions() {
    let instances = many(500, |_| plain());
    let mut rig = rig(&instances);
    assert_eq!(rig.tell(Event::Begin).len(), 500);
    for (name, _) in &instances {
        assert_eq!(rig.window_ready(name).len(), 1);
        assert!(rig.spawned(name).is_empty());
    }
    assert_eq!(rig.quit(QuitWhy::Asked).len(), 501);
    for (name, _) in &instances {
        rig.obeys(name);
    }
    // pending → starting → running → stopping → stopped
    assert_eq!(rig.changes.len(), 4 * 500);
}

#[test]
fn a_chain_of_two_hundred_comes_up_and_goes_down_one_by_one() {
    let instances = many(200, |index| match index {
        0 => plain(),
        _ => needing(plain(), &format!("s{}", index - 1), Condition::Ready),
    });
    let mut rig = rig(&instances);
    rig.tell(Event::Begin);
    for (name, _) in &instances {
        rig.window_ready(name);
    }
    for (name, _) in &instances {
        assert_eq!(rig.word(name), StateWord::Starting);
        rig.spawned(name);
        rig.pass(1000);
    }
    assert_eq!(rig.quit(QuitWhy::Asked).len(), 2);
    for (name, _) in instances.iter().rev() {
        assert_eq!(rig.obeys(name).len(), 1);
    }
}

#[test]
fn a_failure_at_the_root_skips_a_wide_tree_in_one_go() {
    let mut instances = many(300, |_| needing(plain(), "root", Condition::EndedWell));
    instances.push(("root".to_owned(), plain()));
    let mut rig = rig(&instances);
    rig.tell(Event::Begin);
    for (name, _) in &instances {
        rig.window_ready(name);
    }
    rig.spawned("root");
    rig.ended("root", Exit::Code(1));
    assert!(
        instances[..300]
            .iter()
            .all(|(name, _)| rig.word(name) == StateWord::Skipped)
    );
}
