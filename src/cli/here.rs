//! What `ovr` sees from the current directory without being asked: the services to complete, and the line that
//! bare `ovr` prints. Quick, and silent about errors: nobody waits for these and nobody asked a question.

use crate::model::StateWord;

/// A service or instance of the project here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The instance's name (`web#2`).
    pub name: String,
    /// The service it is an instance of.
    pub service: String,
    /// `None` where no session runs.
    pub state: Option<StateWord>,
    /// A word more for shells that show descriptions: the port, the command.
    pub about: String,
}

/// From the session's status where one runs, else from the Procfile; empty without a project.
pub fn services() -> Vec<Known> {
    Vec::new()
}

/// What there is here (`Procfile: 4 services, not running`); `None` without a project.
pub fn summary() -> Option<String> {
    None
}
