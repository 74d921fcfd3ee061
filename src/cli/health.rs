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
