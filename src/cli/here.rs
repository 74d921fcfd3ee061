//! What `ovr` sees from the current directory without being asked: the services to complete, and the line that
//! bare `ovr` prints. Quick, and silent about errors: nobody waits for these and nobody asked a question.

use super::args::{GlobalArgs, ProjectArgs};
use super::beside::Meant;
use super::plan::{EnvCmds, Here, Read};
use super::start::StartArgs;
use super::{plan, session, show};
use crate::config::project::ProfileDef;
use crate::config::{Options, Service, expand};
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
    pub namespaces: Vec<String>,
}

/// From the session's status where one answers, else from the files; empty without a project.
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
    let Some(read) = read() else { return Vec::new() };
    let options = Options::new(read.project.root, read.project.name);
    let services = expand(&read.configuration, &options, &read.printed).value;
    let known = |service: Service| {
        let of = service.name.to_string();
        let drafts = service.drafts.into_iter();
        drafts.map(move |draft| Known {
            name: draft.name.to_string(),
            service: of.clone(),
            state: None,
            about: draft.command,
            namespaces: draft.namespaces,
        })
    };
    services.into_iter().flat_map(known).collect()
}

/// What the files say that are meant here.
fn read() -> Option<Read> {
    let here = Here::look().ok()?;
    let meant = Meant::find(&GlobalArgs::default(), &here, &ProjectArgs::default()).ok()?;
    Read::find(&here, &meant.start, EnvCmds::Leave, &mut Vec::new())
}

/// The profiles of the configuration here, each with its services.
pub fn profiles() -> Vec<(String, String)> {
    let profiles = read().map(|read| read.configuration.def.profiles);
    let described = |profile: ProfileDef| {
        let services = profile.services.into_iter().map(|service| service.value);
        (profile.name, services.collect::<Vec<_>>().join(", "))
    };
    profiles.into_iter().flatten().map(described).collect()
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
    let project = plan::find(&here, &StartArgs::default()).ok()?;
    let file = project.config.path.file_name()?.to_string_lossy().into_owned();
    let Some(read) = Read::find(&here, &StartArgs::default(), EnvCmds::Leave, &mut Vec::new()) else {
        return Some(format!("{file}: has errors (ovr check shows them), not running"));
    };
    Some(format!(
        "{file}: {}, not running",
        show::count(read.configuration.def.services.len(), "service")
    ))
}
