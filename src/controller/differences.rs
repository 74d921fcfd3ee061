//! What two versions of an instance's configuration differ in, and whether a process of the one has to be
//! replaced by one of the other. Pure.

use crate::model::{InstanceSpec, Launch, ServiceName};
use std::collections::BTreeSet;

/// What an instance is told of its own name, which changes when a service gets a second instance.
const NAMES: [&str; 2] = ["PS", "OVR_INSTANCE"];

/// What begins the names of the ports of all services, which come and go with these.
const PORTS: [&str; 2] = ["OVERMIND_PROCESS_", "OVR_PROCESS_"];

/// What became of an instance's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    None,
    /// Rules alone: they hold for the run that is there.
    Rules(String),
    /// It is to be started in another way.
    Start(String),
}

/// The service that an instance belongs to, and its number there: by this it is the same one in another version.
pub(super) fn place(spec: &InstanceSpec) -> (ServiceName, u32) {
    (spec.service.clone(), spec.number)
}

pub(super) fn difference(old: &InstanceSpec, new: &InstanceSpec) -> Difference {
    let start = start_differences(old, new);
    if !start.is_empty() {
        return Difference::Start(format!("{} changed", start.join(", ")));
    }
    let rules = old.policy != new.policy
        || old.checks != new.checks
        || old.schedule != new.schedule
        || old.watch != new.watch
        || old.hooks != new.hooks
        || old.log_file != new.log_file
        || old.description != new.description
        || old.namespaces != new.namespaces;
    if rules {
        Difference::Rules("its rules changed".to_owned())
    } else {
        Difference::None
    }
}

/// Whether a process started by `old` is what `new` would start.
pub(super) fn is_same_start(old: &Launch, new: &Launch) -> bool {
    launch_differences(old, new).is_empty()
}

fn start_differences(old: &InstanceSpec, new: &InstanceSpec) -> Vec<String> {
    let mut found = launch_differences(&old.launch, &new.launch);
    let port = |spec: &InstanceSpec| spec.port.as_ref().map(|(port, _)| *port);
    if port(old) != port(new) {
        found.retain(|what| what != "PORT");
        found.push("port".to_owned());
    }
    found
}

fn launch_differences(old: &Launch, new: &Launch) -> Vec<String> {
    let mut found = Vec::new();
    let parts = [
        ("command", old.argv != new.argv),
        ("directory", old.cwd != new.cwd),
        ("limits", old.limits != new.limits),
        ("sockets", old.listen != new.listen || old.notify != new.notify),
        ("watchdog", old.watchdog != new.watchdog),
    ];
    found.extend(
        parts
            .iter()
            .filter(|(_, differs)| *differs)
            .map(|(what, _)| (*what).to_owned()),
    );
    found.extend(variables(old, new));
    found
}

/// The variables that differ. What is as the caller has it is no configuration: it is another in each terminal. That
/// another service is there, or is no longer, is no difference either.
fn variables(old: &Launch, new: &Launch) -> Vec<String> {
    let decided = [&old.decided, &new.decided].into_iter().flatten();
    let decided = decided.flat_map(|names| names.lines());
    let is_port = |name: &str| PORTS.iter().any(|prefix| name.starts_with(prefix));
    let ports = old.env.iter().map(|(name, _)| name).filter(|name| is_port(name));
    let names: BTreeSet<&str> = decided.chain(ports).collect();
    let differs = |name: &&str| {
        let (was, is) = (old.env.get(name), new.env.get(name));
        let comes_or_goes = is_port(name) && (was.is_none() || is.is_none());
        was != is && !NAMES.contains(name) && !comes_or_goes
    };
    names.into_iter().filter(differs).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::is_same_start;
    use crate::model::Launch;

    /// With these variables, of which the project's files decide those named.
    fn launch(env: &str, decided: Option<&str>) -> Launch {
        let pairs = env.split_whitespace().filter_map(|pair| pair.split_once('='));
        Launch {
            argv: vec!["sh".to_owned(), "-c".to_owned(), "true".to_owned()],
            env: pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            decided: decided.map(|names| names.replace(' ', "\n")),
            ..Launch::default()
        }
    }

    #[test]
    fn only_what_the_projects_files_decide_is_a_difference() {
        let base = || launch("A=1 B=1 PS=web OVR_PROCESS_db_PORT=5100", Some("A PS"));
        for same in [
            launch("A=1 B=1 PS=web#1 OVR_PROCESS_db_PORT=5100", Some("A PS")),
            launch("A=1 B=1 PS=web", Some("A PS")),
            launch("A=1 B=2 PATH=/bin PS=web", Some("A PS")),
            launch("A=1 PS=web", Some("A PS")),
            // A file says what the caller said.
            launch("A=1 B=1 PS=web", Some("A B PS")),
            launch(
                "A=1 B=1 PS=web OVR_PROCESS_db_PORT=5100 OVR_PROCESS_new_PORT=5200",
                Some("A PS"),
            ),
        ] {
            assert!(is_same_start(&base(), &same), "{same:?}");
            assert!(is_same_start(&same, &base()), "{same:?}");
        }
        for different in [
            launch("A=2 B=1 PS=web OVR_PROCESS_db_PORT=5100", Some("A PS")),
            launch("B=1 PS=web OVR_PROCESS_db_PORT=5100", Some("PS")),
            launch("A=1 B=2 PS=web OVR_PROCESS_db_PORT=5100", Some("A B PS")),
            launch("A=1 B=1 PS=web OVR_PROCESS_db_PORT=5300", Some("A PS")),
        ] {
            assert!(!is_same_start(&base(), &different), "{different:?}");
            assert!(!is_same_start(&different, &base()), "{different:?}");
        }
    }

    #[test]
    fn of_an_earlier_builds_process_only_what_the_files_decide_now_is_compared() {
        let old = launch("A=1 B=1 C=1", None);
        assert!(is_same_start(&old, &launch("A=1 B=2", Some("A"))));
        assert!(!is_same_start(&old, &launch("A=2 B=1", Some("A"))));
    }
}
