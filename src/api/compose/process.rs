//! One process: its state, and what is known of its configuration.

use crate::api::messages::{GraphNode, Service, Session};
use crate::model::{Condition, StateWord, time_text};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// As `GET /process/{name}` gives it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in crate::api) struct ProcessState {
    pub(in crate::api) name: String,
    namespace: Namespace,
    pub(in crate::api) status: &'static str,
    /// How long it has been up, for people; `-` if it is not.
    system_time: String,
    /// The same in nanoseconds.
    age: u64,
    /// Whether it is ready, in words.
    pub(in crate::api) is_ready: &'static str,
    has_ready_probe: bool,
    restarts: u32,
    exit_code: i32,
    pid: u32,
    is_elevated: bool,
    password_provided: bool,
    mem: u64,
    cpu: f64,
    pub(in crate::api) is_running: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_run_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_ready_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_end_time: Option<String>,
}

/// A text if there is one, a list if there are several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Namespace {
    One(String),
    Several(Vec<String>),
}

/// Exit code of what a signal ended, as Go has it.
const SIGNALLED: i32 = -1;
/// Exit code of what was skipped or never came to run.
const NEVER_RAN: i32 = 1;

impl ProcessState {
    pub(in crate::api) fn of(service: &Service, session: &Session) -> Self {
        let running = is_up(service.state);
        let up = Duration::from_millis(if running { service.for_ms } else { 0 });
        let word = word(service);
        let used = service.resources.as_ref();
        let says = service.ready.is_some() && !service.assumed;
        Self {
            name: service.name.clone(),
            namespace: match &service.namespaces[..] {
                [one] => Namespace::One(one.clone()),
                [] => Namespace::One(crate::model::DEFAULT_NAMESPACE.to_owned()),
                several => Namespace::Several(several.to_vec()),
            },
            status: word,
            system_time: if running {
                time_text::age(up)
            } else {
                "-".to_owned()
            },
            age: u64::try_from(up.as_nanos()).unwrap_or(u64::MAX),
            is_ready: match service.ready {
                Some(true) if says => "Ready",
                Some(false) if says => "Not Ready",
                Some(_) | None => "-",
            },
            has_ready_probe: says,
            restarts: service.restarts,
            exit_code: match (service.exit_code, &service.exit_signal) {
                (_, Some(_)) => SIGNALLED,
                (Some(code), None) => code,
                (None, None) if matches!(word, "Skipped" | "Error") => NEVER_RAN,
                (None, None) => 0,
            },
            pid: service.pid.unwrap_or(0),
            is_elevated: false,
            password_provided: false,
            mem: used.and_then(|used| used.rss_bytes).unwrap_or(0),
            cpu: used.and_then(|used| used.cpu_percent).unwrap_or(0.0),
            is_running: running,
            next_run_time: service.next_run.clone(),
            process_start_time: service.started_at.clone(),
            process_ready_time: ready_at(service, session),
            process_end_time: service.ended_at.clone(),
        }
    }
}

impl ProcessState {
    /// Whether it is the same but for what passes with time.
    pub(in crate::api) fn is_as(&self, other: &Self) -> bool {
        let timeless = |state: &Self| Self {
            system_time: String::new(),
            age: 0,
            mem: 0,
            cpu: 0.0,
            ..state.clone()
        };
        timeless(self) == timeless(other)
    }
}

/// Whether Process Compose would say that it runs.
pub(in crate::api) fn is_up(state: StateWord) -> bool {
    matches!(
        state,
        StateWord::Starting | StateWord::Running | StateWord::Daemonized
    )
}

/// Its word for where the service stands: the table in docs/process-compose.md, read from right to left.
fn word(service: &Service) -> &'static str {
    match service.state {
        StateWord::Disabled => "Disabled",
        StateWord::Scheduled => "Scheduled",
        StateWord::Pending => "Pending",
        StateWord::Starting => "Launching",
        StateWord::Running => "Running",
        StateWord::Daemonized => "Launched",
        StateWord::Stopping => "Terminating",
        StateWord::Restarting | StateWord::Backoff => "Restarting",
        StateWord::Stopped | StateWord::Exited => "Completed",
        // It ended as it should not have; what never came to run has no end.
        StateWord::Failed if service.exit_code.is_some() || service.exit_signal.is_some() => "Completed",
        StateWord::Failed => "Error",
        StateWord::Skipped => "Skipped",
    }
}

fn ready_at(service: &Service, session: &Session) -> Option<String> {
    let ready = service.timing.as_ref()?.ready_ms?;
    let began: SystemTime = time_text::parse_rfc3339(&session.started_at)?;
    Some(time_text::rfc3339(began + Duration::from_millis(ready)))
}

/// As `GET /process/info/{name}` gives it; what has its zero value is left out, as there.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct ProcessConfig {
    name: String,
    replica_name: String,
    command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    namespace: Namespace,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    depends_on: BTreeMap<String, DependsOn>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct DependsOn {
    condition: u8,
}

impl ProcessConfig {
    pub(in crate::api) fn of(service: &Service, session: &Session, node: Option<&GraphNode>) -> Self {
        let edges = node.iter().flat_map(|node| &node.depends_on);
        Self {
            name: service.service.clone(),
            replica_name: service.name.clone(),
            command: service.command.clone(),
            description: service.description.clone(),
            namespace: ProcessState::of(service, session).namespace,
            depends_on: edges
                .map(|edge| {
                    (
                        edge.on.clone(),
                        DependsOn {
                            condition: number(edge.condition),
                        },
                    )
                })
                .collect(),
        }
    }
}

/// Its numbers for conditions.
fn number(condition: Condition) -> u8 {
    match condition {
        Condition::Ended => 0,
        Condition::EndedWell => 1,
        Condition::Ready => 2,
        Condition::Started => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::{ProcessConfig, ProcessState};
    use crate::api::messages::golden::STATUS;
    use crate::api::messages::{Service, Status};
    use crate::model::StateWord;
    use serde_json::json;

    fn status() -> Status {
        serde_json::from_str(STATUS).expect("the golden text is one")
    }

    fn shown(change: impl FnOnce(&mut Service)) -> serde_json::Value {
        let mut status = status();
        change(&mut status.services[0]);
        serde_json::to_value(ProcessState::of(&status.services[0], &status.session)).unwrap()
    }

    #[test]
    fn every_state_has_the_word_that_clients_know() {
        let word = |state, code: Option<i32>| {
            let shown = shown(|service| {
                service.state = state;
                service.exit_code = code;
                service.exit_signal = None;
            });
            let text = shown["status"].as_str().unwrap().to_owned();
            (
                text,
                shown["is_running"].as_bool().unwrap(),
                shown["exit_code"].as_i64().unwrap(),
            )
        };
        for (state, code, expected) in [
            (StateWord::Disabled, None, ("Disabled", false, 0)),
            (StateWord::Pending, None, ("Pending", false, 0)),
            (StateWord::Starting, None, ("Launching", true, 0)),
            (StateWord::Running, None, ("Running", true, 0)),
            (StateWord::Daemonized, None, ("Launched", true, 0)),
            (StateWord::Stopping, None, ("Terminating", false, 0)),
            (StateWord::Restarting, None, ("Restarting", false, 0)),
            (StateWord::Backoff, Some(3), ("Restarting", false, 3)),
            (StateWord::Stopped, Some(0), ("Completed", false, 0)),
            (StateWord::Exited, Some(0), ("Completed", false, 0)),
            (StateWord::Failed, Some(3), ("Completed", false, 3)),
            (StateWord::Failed, None, ("Error", false, 1)),
            (StateWord::Skipped, None, ("Skipped", false, 1)),
            (StateWord::Scheduled, None, ("Scheduled", false, 0)),
        ] {
            let (text, running, exit) = word(state, code);
            assert_eq!((text.as_str(), running, exit), expected, "{state}");
        }
    }

    #[test]
    fn a_state_has_the_fields_that_clients_parse_with_their_types() {
        let shown = shown(|service| {
            service.state = StateWord::Running;
            service.ready = Some(true);
            service.assumed = false;
            service.for_ms = 65_000;
            service.exit_code = None;
            service.exit_signal = None;
        });
        for text in [
            "name",
            "namespace",
            "status",
            "system_time",
            "is_ready",
            "process_start_time",
        ] {
            assert!(shown[text].is_string(), "{text}: {shown}");
        }
        for number in ["age", "restarts", "exit_code", "pid", "mem", "cpu"] {
            assert!(shown[number].is_number(), "{number}: {shown}");
        }
        for flag in [
            "has_ready_probe",
            "is_elevated",
            "password_provided",
            "is_running",
        ] {
            assert!(shown[flag].is_boolean(), "{flag}: {shown}");
        }
        assert_eq!(
            (&shown["is_ready"], &shown["age"]),
            (&json!("Ready"), &json!(65_000_000_000_u64))
        );
    }

    #[test]
    fn several_namespaces_are_a_list_and_a_signal_is_minus_one() {
        let shown = shown(|service| {
            service.namespaces = vec!["a".into(), "b".into()];
            service.exit_signal = Some("SIGKILL".into());
        });
        assert_eq!(shown["namespace"], json!(["a", "b"]));
        assert_eq!(shown["exit_code"], -1);
    }

    #[test]
    fn a_configuration_leaves_out_what_is_not_there() {
        let status = status();
        let config = ProcessConfig::of(&status.services[0], &status.session, None);
        let shown = serde_json::to_value(config).unwrap();
        assert_eq!(shown["replicaName"], status.services[0].name.as_str());
        assert!(
            shown.get("dependsOn").is_none() && shown.get("description").is_none(),
            "{shown}"
        );
    }
}
