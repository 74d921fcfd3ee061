//! What `ovr` sees from the current directory without being asked: the services to complete, and the line that
//! bare `ovr` prints. Quick, and silent about errors: nobody waits for these and nobody asked a question.

use super::args::GlobalArgs;
use super::plan::{Here, Plan};
use super::start::StartArgs;
use super::{session, show};
use crate::config::load;
use crate::model::StateWord;
use crate::workspace::Search;

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
    pub namespaces: Vec<String>,
}

/// From the session's status where one runs, else from the Procfile; empty without a project.
pub fn services() -> Vec<Known> {
    let status = session::find(&GlobalArgs::default()).and_then(|(_, client)| client.status());
    if let Ok(status) = status {
        let known = |service: crate::api::messages::Service| Known {
            about: service
                .port
                .map_or_else(|| service.command.clone(), |port| format!(":{port}")),
            name: service.name,
            service: service.service,
            state: Some(service.state),
            namespaces: service.namespaces,
        };
        return status.services.into_iter().map(known).collect();
    }
    let Ok(here) = Here::look() else { return Vec::new() };
    let Ok(plan) = Plan::make(&here, &StartArgs::default()) else {
        return Vec::new();
    };
    let known = |spec: crate::model::InstanceSpec| Known {
        name: spec.name.to_string(),
        service: spec.service.to_string(),
        state: None,
        about: spec.command,
        namespaces: spec.namespaces,
    };
    plan.instances.into_iter().map(known).collect()
}

/// What there is here (`Procfile: 4 services, not running`); `None` without a project.
pub fn summary() -> Option<String> {
    if let Ok((_, client)) = session::find(&GlobalArgs::default())
        && let Ok(status) = client.status()
    {
        let up = status
            .services
            .iter()
            .filter(|service| service.pid.is_some())
            .count();
        let of = show::count(status.services.len(), "service");
        return Some(format!("{}: {up} of {of} up", status.session.project));
    }
    let here = Here::look().ok()?;
    let project = Search {
        cwd: &here.cwd,
        root: None,
        procfiles: &[],
        home: here.places.home(),
    }
    .find()
    .ok()?;
    let file = project.config.path.file_name()?.to_string_lossy().into_owned();
    let entries = load::load_procfile(&project.config.path, &file);
    if entries.has_errors() {
        return Some(format!("{file}: has errors (ovr check shows them), not running"));
    }
    Some(format!(
        "{file}: {}, not running",
        show::count(entries.value.len(), "service")
    ))
}
