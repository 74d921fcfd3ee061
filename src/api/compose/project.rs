//! The project as a whole: its state, and what a reload did to it.

use super::process::is_up;
use crate::api::VERSION;
use crate::api::messages::{ChangeKind, Reloaded, Status};
use crate::model::time_text;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// As `GET /project/state` gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct ProjectState {
    file_names: Vec<String>,
    /// In nanoseconds.
    up_time: u64,
    start_time: String,
    process_num: usize,
    running_process_num: usize,
    user_name: String,
    version: String,
    project_name: String,
}

impl ProjectState {
    pub(in crate::api) fn of(status: &Status, user: String, now: SystemTime) -> Self {
        let session = &status.session;
        let began = time_text::parse_rfc3339(&session.started_at).unwrap_or(now);
        let up = now.duration_since(began).unwrap_or_default();
        Self {
            file_names: vec![format!("{}/{}", session.root, session.config)],
            up_time: u64::try_from(up.as_nanos()).unwrap_or(u64::MAX),
            start_time: session.started_at.clone(),
            process_num: status.services.len(),
            running_process_num: status
                .services
                .iter()
                .filter(|service| is_up(service.state))
                .count(),
            user_name: user,
            version: VERSION.to_owned(),
            project_name: session.project.clone(),
        }
    }
}

/// What a reload did, by instance.
pub(in crate::api) fn changes(reloaded: &Reloaded) -> BTreeMap<String, &'static str> {
    let word = |kind| match kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Restarted | ChangeKind::Changed => "updated",
    };
    let changes = reloaded.changes.iter();
    changes
        .map(|change| {
            let failed = change
                .result
                .as_ref()
                .is_some_and(|result| !result.outcome.is_success());
            (
                change.name.clone(),
                if failed { "error" } else { word(change.kind) },
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::ProjectState;
    use crate::api::messages::Status;
    use crate::api::messages::golden::STATUS;
    use crate::model::time_text;
    use std::time::Duration;

    #[test]
    fn the_project_tells_how_much_of_it_runs_and_since_when() {
        let status: Status = serde_json::from_str(STATUS).unwrap();
        let began = time_text::parse_rfc3339(&status.session.started_at).unwrap();
        let state = ProjectState::of(&status, "me".into(), began + Duration::from_secs(2));
        let shown = serde_json::to_value(state).unwrap();
        assert_eq!(shown["upTime"], 2_000_000_000_u64);
        assert_eq!(shown["processNum"], status.services.len());
        assert_eq!(shown["startTime"], status.session.started_at.as_str());
    }
}
