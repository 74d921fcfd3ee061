//! A session that is served on TCP, and calls of `ovr` at its address.

use super::{Invocation, Output, Project, Terminal};

/// A session that is served on TCP.
pub(crate) struct Served {
    pub(crate) project: Project,
    /// `127.0.0.1:4321`.
    pub(crate) address: String,
    pub(crate) token: String,
}

/// Has the session served at an address that is free.
const SERVED: [&str; 4] = ["-S", "tcp", "-s", "127.0.0.1:0"];

impl Served {
    /// A session of this Procfile, in the background.
    #[track_caller]
    pub(crate) fn start(procfile: &str) -> Self {
        Self::start_with(procfile, &[])
    }

    #[track_caller]
    pub(crate) fn start_with(procfile: &str, args: &[&str]) -> Self {
        Self::of(Project::with(procfile), args)
    }

    /// A session of this project, in the background.
    #[track_caller]
    pub(crate) fn of(project: Project, args: &[&str]) -> Self {
        let started = project.ovr(&[&["start", "-D"], &SERVED[..], args].concat());
        let said = started.success().stdout.clone();
        Self::told_in(project, &said)
    }

    /// A session of this Procfile in the foreground, and its console.
    #[track_caller]
    pub(crate) fn in_foreground(procfile: &str) -> (Self, Terminal) {
        let project = Project::with(procfile);
        let console = project.start(&SERVED);
        console.wait_for_output("shown once");
        let said = console.plain();
        (Self::told_in(project, &said), console)
    }

    /// Where it is served and with which token, as its start says.
    #[track_caller]
    pub(crate) fn told_in(project: Project, said: &str) -> Self {
        let mut words = said.split_whitespace();
        let address = words.clone().find_map(|word| word.strip_prefix("tcp://"));
        let token = words.find(|word| word.len() == 64);
        Self {
            address: address.expect("a start says where").to_owned(),
            token: token.expect("a start says its token").to_owned(),
            project,
        }
    }

    /// A call of `ovr` against the address, from a directory that has nothing to do with the project.
    pub(crate) fn cmd(&self, args: &[&str]) -> Invocation {
        let address = format!("tcp://{}", self.address);
        self.project
            .cmd(&[&["-s", &address], args].concat())
            .dir("/")
            .env("OVR_TOKEN", &self.token)
    }

    /// The same, to its end.
    pub(crate) fn ovr(&self, args: &[&str]) -> Output {
        self.cmd(args).output()
    }
}
