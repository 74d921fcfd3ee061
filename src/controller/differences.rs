//! What two versions of an instance's configuration differ in, and whether a process of the one has to be
//! replaced by one of the other. Pure.

use crate::model::{InstanceSpec, Launch, ServiceName, Variables};
use std::collections::BTreeSet;

/// What an instance is told of its own name, which changes when a service gets a second instance.
const NAMES: [&str; 2] = ["PS", "OVR_INSTANCE"];

/// What tells where a person sits: it is another with each login, and no reason to replace a process.
const OF_A_LOGIN: [&str; 8] = [
    "COLORTERM",
    "GPG_TTY",
    "ITERM_SESSION_ID",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "SSH_TTY",
    "TERM_SESSION_ID",
    "XDG_SESSION_ID",
];

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
    found.extend(variables(&old.env, &new.env));
    found
}

/// The variables that differ. That another service is there, or is no longer, is no difference.
fn variables(old: &Variables, new: &Variables) -> Vec<String> {
    let names: BTreeSet<&str> = old.iter().chain(new.iter()).map(|(name, _)| name).collect();
    let differs = |name: &&str| {
        let is_port = PORTS.iter().any(|prefix| name.starts_with(prefix));
        let (was, is) = (old.get(name), new.get(name));
        let is_told = NAMES.contains(name) || OF_A_LOGIN.contains(name);
        was != is && !is_told && !(is_port && (was.is_none() || is.is_none()))
    };
    names.into_iter().filter(differs).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::is_same_start;
    use crate::model::Launch;

    fn launch(env: &[(&str, &str)]) -> Launch {
        let pairs = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Launch {
            argv: vec!["sh".to_owned(), "-c".to_owned(), "true".to_owned()],
            env: pairs.collect(),
            ..Launch::default()
        }
    }

    #[test]
    fn only_what_a_process_would_notice_is_a_difference() {
        let base = launch(&[("A", "1"), ("PS", "web"), ("OVR_PROCESS_db_PORT", "5100")]);
        let same = [
            launch(&[("A", "1"), ("PS", "web#1"), ("OVR_PROCESS_db_PORT", "5100")]),
            launch(&[("A", "1"), ("PS", "web")]),
            launch(&[("A", "1"), ("PS", "web"), ("SSH_TTY", "/dev/pts/7")]),
            launch(&[
                ("A", "1"),
                ("PS", "web"),
                ("OVR_PROCESS_db_PORT", "5100"),
                ("OVR_PROCESS_new_PORT", "5200"),
            ]),
        ];
        for other in &same {
            assert!(is_same_start(&base, other), "{other:?}");
        }
        let different = [
            launch(&[("A", "2"), ("PS", "web"), ("OVR_PROCESS_db_PORT", "5100")]),
            launch(&[("PS", "web"), ("OVR_PROCESS_db_PORT", "5100")]),
            launch(&[("A", "1"), ("PS", "web"), ("OVR_PROCESS_db_PORT", "5300")]),
        ];
        for other in &different {
            assert!(!is_same_start(&base, other), "{other:?}");
        }
    }
}
