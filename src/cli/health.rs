//! How a session is, as an exit code: what `status` and `why` end with.

use crate::api::messages::Service;
use crate::diag::exit_code;
use crate::model::StateWord;
use std::process::ExitCode;

/// From good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Health {
    /// As it should be: it runs and is ready, has done its work, or is down because somebody wants it so.
    Well,
    /// It is coming up, or is not ready.
    NotYet,
    /// It has failed, or was skipped for another one's failure.
    Failed,
}

impl Health {
    pub(super) fn of(service: &Service) -> Self {
        match service.state {
            StateWord::Failed | StateWord::Skipped => Self::Failed,
            StateWord::Pending | StateWord::Starting | StateWord::Restarting | StateWord::Backoff => {
                Self::NotYet
            }
            // Where nothing says what ready means, one that runs is well.
            StateWord::Running | StateWord::Daemonized if service.ready == Some(false) && says(service) => {
                Self::NotYet
            }
            StateWord::Running
            | StateWord::Daemonized
            | StateWord::Disabled
            | StateWord::Stopping
            | StateWord::Stopped
            | StateWord::Exited
            | StateWord::Scheduled => Self::Well,
        }
    }

    /// The worst of them; well, if there are none.
    pub(super) fn of_all(services: &[Service]) -> Self {
        services.iter().map(Self::of).max().unwrap_or(Self::Well)
    }

    pub(super) fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Well => exit_code::OK,
            Self::NotYet => exit_code::NOT_READY,
            Self::Failed => exit_code::SERVICE_FAILED,
        })
    }
}

/// Whether it is known to be unready, and not only younger than a second.
fn says(service: &Service) -> bool {
    service.ready.is_some() && !service.assumed
}

#[cfg(test)]
mod tests {
    use super::Health;
    use crate::api::messages::{Service, Status, golden};
    use crate::model::StateWord;

    fn service(state: StateWord, ready: Option<bool>) -> Service {
        let status: Status = serde_json::from_str(golden::STATUS).unwrap();
        let mut service = status.services.into_iter().next().unwrap();
        (service.state, service.ready) = (state, ready);
        service
    }

    #[test]
    fn each_state_is_well_or_not_yet_or_failed() {
        use Health::{Failed, NotYet, Well};
        for (state, ready, expected) in [
            (StateWord::Running, None, Well),
            (StateWord::Running, Some(true), Well),
            (StateWord::Running, Some(false), NotYet),
            (StateWord::Daemonized, None, Well),
            (StateWord::Daemonized, Some(false), NotYet),
            (StateWord::Pending, None, NotYet),
            (StateWord::Starting, None, NotYet),
            (StateWord::Restarting, None, NotYet),
            (StateWord::Backoff, None, NotYet),
            (StateWord::Failed, None, Failed),
            (StateWord::Skipped, None, Failed),
            (StateWord::Disabled, None, Well),
            (StateWord::Scheduled, None, Well),
            (StateWord::Stopping, None, Well),
            (StateWord::Stopped, None, Well),
            (StateWord::Exited, None, Well),
        ] {
            assert_eq!(Health::of(&service(state, ready)), expected, "{state} {ready:?}");
        }
    }

    #[test]
    fn the_worst_service_decides() {
        let all = [
            service(StateWord::Running, Some(true)),
            service(StateWord::Failed, None),
            service(StateWord::Pending, None),
        ];
        assert_eq!(Health::of_all(&all), Health::Failed);
        assert_eq!(Health::of_all(&all[..1]), Health::Well);
        assert_eq!(Health::of_all(&[]), Health::Well);
    }
}
