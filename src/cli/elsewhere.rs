//! Commands that are about files and a machine, where these are those of a session on TCP: when that is so, and asking
//! it. What is asked stands in the commands' own files.

use super::args::{GlobalArgs, ProjectArgs};
use super::place::Place;
use super::plan::own_environment;
use super::session;
use crate::api::client::{Client, is_cut};
use crate::diag::{Diagnostic, Kind};

/// The session on TCP that is meant, if one is.
pub(super) fn client(global: &GlobalArgs) -> Result<Option<Client>, Diagnostic> {
    match Place::of(global, &own_environment)? {
        Place::Tcp(address) => session::remote(global, address).map(Some),
        Place::Here | Place::Unix(_) => Ok(None),
    }
}

/// The same for a command that reads a project's files. Files that are named are here.
pub(super) fn client_for_files(
    global: &GlobalArgs,
    project: &ProjectArgs,
) -> Result<Option<Client>, Diagnostic> {
    refuse_files(global, project)?;
    if names_files(project) {
        return Ok(None);
    }
    client(global)
}

/// # Errors
/// Files are named here, and an address is typed whose session has its own.
pub(super) fn refuse_files(global: &GlobalArgs, project: &ProjectArgs) -> Result<(), Diagnostic> {
    match Place::typed_address(global)? {
        Some(address) if names_files(project) => {
            let message = format!("-f, -d and -e name files here, and the session at {address} has its own");
            Err(Diagnostic::error(Kind::Usage, message)
                .hint("leave them out: the session's files and options are meant")
                .hint("or leave -s out: the files here are meant"))
        }
        Some(_) | None => Ok(()),
    }
}

fn names_files(project: &ProjectArgs) -> bool {
    !project.procfile.is_empty() || project.root.is_some() || !project.env.is_empty()
}

/// The answer of the session on TCP that is meant; `None`: what is here is. So it is, too, where only a variable names
/// an address and nobody listens there: it may be where a session is to be started.
pub(super) fn ask<T>(
    global: &GlobalArgs,
    question: impl FnOnce(&Client) -> Result<T, Diagnostic>,
) -> Result<Option<T>, Diagnostic> {
    answer(global, client(global)?, question)
}

/// The same for a command that reads a project's files.
pub(super) fn ask_files<T>(
    global: &GlobalArgs,
    project: &ProjectArgs,
    question: impl FnOnce(&Client) -> Result<T, Diagnostic>,
) -> Result<Option<T>, Diagnostic> {
    answer(global, client_for_files(global, project)?, question)
}

fn answer<T>(
    global: &GlobalArgs,
    client: Option<Client>,
    question: impl FnOnce(&Client) -> Result<T, Diagnostic>,
) -> Result<Option<T>, Diagnostic> {
    let Some(client) = client else { return Ok(None) };
    match question(&client) {
        Err(error)
            if error.kind == Kind::NotRunning
                && !is_cut(&error)
                && Place::typed_address(global)?.is_none() =>
        {
            Ok(None)
        }
        answer => answer.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::{GlobalArgs, ProjectArgs, client_for_files};
    use crate::diag::Kind;

    #[test]
    fn files_that_are_named_are_here_and_not_at_an_address() {
        let there = GlobalArgs {
            socket: Some("tcp://127.0.0.1:1".into()),
            ..GlobalArgs::default()
        };
        let named = ProjectArgs {
            procfile: vec!["Procfile.dev".into()],
            ..ProjectArgs::default()
        };
        let client = |global: &GlobalArgs, project: &ProjectArgs| {
            client_for_files(global, project).map(|client| client.is_some())
        };
        assert_eq!(client(&there, &ProjectArgs::default()), Ok(true));
        assert_eq!(client(&there, &named).unwrap_err().kind, Kind::Usage);
        assert_eq!(client(&GlobalArgs::default(), &named), Ok(false));
    }
}
