//! Commands that clients have run beside the services, in their environment. Which may run, and that none outlives
//! who asked for it or the session; how one is run is `errand_run.rs`'s business.

use super::core::Controller;
use super::errand_run::{Errand, Place};
use super::inquiries::{Desk, unreadable};
use super::replan::Overrides;
use crate::api::call::{NotRun, Running};
use crate::api::messages::run::RunRequest;
use crate::diag::{Diagnostic, Kind, exit_code};
use crate::model::{Launch, Variables};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

/// No more run at a time: each has processes and files of ours.
const MOST: usize = 32;
/// Each ends within its grace, and what the system does not let us end keeps nobody.
const ENDS: Duration = Duration::from_secs(3);

/// Tells the commands of this controller apart.
static COUNT: AtomicU64 = AtomicU64::new(1);

type Reply = oneshot::Sender<Result<Running, NotRun>>;

/// What runs.
#[derive(Debug, Default)]
pub(super) struct Errands {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Errands {
    /// Ends all of them, and returns when they are gone.
    pub(super) async fn finish(&mut self) {
        self.stop.send_replace(true);
        let all_gone = async { while self.tasks.join_next().await.is_some() {} };
        // What is left ends by itself: the connection to it goes with this process.
        let _stuck = tokio::time::timeout(ENDS, all_gone).await;
    }

    fn has_room(&mut self) -> bool {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.len() < MOST
    }
}

impl Controller {
    /// Runs the command, and answers when it runs.
    pub(super) fn run_errand(&mut self, request: RunRequest, reply: Reply) {
        match self.errand(request) {
            Ok(job) => {
                let stop = self.errands.stop.subscribe();
                self.errands.tasks.spawn(job.run(reply, stop));
            }
            Err(error) => drop(reply.send(Err(error.into()))),
        }
    }

    fn errand(&mut self, request: RunRequest) -> Result<Job, Diagnostic> {
        if self.machine.is_ending() {
            return Err(Diagnostic::error(Kind::NotRunning, "this session is ending"));
        }
        if request.command.is_empty() {
            return Err(Diagnostic::error(Kind::Usage, "there is no command"));
        }
        if !self.errands.has_room() {
            let message = format!("{MOST} commands are run here already, as many as may at a time");
            return Err(Diagnostic::error(Kind::System, message).hint("wait for one of them to end"));
        }
        let planned = match &request.service {
            Some(name) => Some(self.planned(name)?.1),
            None => None,
        };
        Ok(Job {
            request,
            planned,
            desk: self.facts.desk.clone(),
            overrides: self.overrides(),
            root: self.facts.root.clone(),
            program: self.windows.site.program.clone(),
        })
    }
}

/// A command that is to be run.
struct Job {
    request: RunRequest,
    /// Its environment, where that of a service was asked for.
    planned: Option<Variables>,
    desk: Desk,
    overrides: Overrides,
    root: PathBuf,
    program: String,
}

impl Job {
    async fn run(mut self, reply: Reply, stop: watch::Receiver<bool>) {
        match self.start().await {
            Ok((errand, pid)) => errand.attend(pid, reply, stop).await,
            Err(not_run) => drop(reply.send(Err(not_run))),
        }
    }

    async fn start(&mut self) -> Result<(Errand, u32), NotRun> {
        let launch = Launch {
            argv: std::mem::take(&mut self.request.command),
            cwd: self.root.clone(),
            env: self.environment().await?,
            ..Launch::default()
        };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let token = format!("errand-{}-{number}", std::process::id());
        let place = match self.request.terminal.take() {
            Some(terminal) => Place::Terminal(terminal),
            None => Place::Pipes,
        };
        let cannot = |error: std::io::Error| {
            Diagnostic::error(Kind::System, "the command cannot be run").cause(error.to_string())
        };
        let mut errand = Errand::prepare(&self.program, token, &place).map_err(cannot)?;
        match errand.begin(launch).await.map_err(cannot)? {
            Ok(pid) => Ok((errand, pid)),
            Err(reason) => Err(refused(&reason)),
        }
    }

    async fn environment(&mut self) -> Result<Variables, NotRun> {
        if let Some(planned) = self.planned.take() {
            return Ok(planned);
        }
        let overrides = std::mem::take(&mut self.overrides);
        let answer = self
            .desk
            .ask(move |inquiries| inquiries.environment(&overrides, None));
        let gone = || Diagnostic::error(Kind::System, "the session's files cannot be read");
        let variables = answer
            .await
            .ok_or_else(gone)?
            .map_err(|problems| unreadable(&problems))?;
        let pairs = variables
            .into_iter()
            .map(|variable| (variable.name, variable.value));
        Ok(pairs.collect())
    }
}

/// Why the program was not run, with a shell's exit code.
fn refused(reason: &str) -> NotRun {
    let code = if reason.ends_with("not found") {
        exit_code::COMMAND_NOT_FOUND
    } else {
        exit_code::CANNOT_RUN_COMMAND
    };
    NotRun {
        error: Diagnostic::error(Kind::Usage, reason),
        exit_code: Some(code),
    }
}

#[cfg(test)]
mod tests {
    use super::refused;

    #[test]
    fn a_program_that_is_not_there_is_told_apart_from_one_that_cannot_be_run() {
        assert_eq!(refused("nope: not found").exit_code, Some(127));
        assert_eq!(refused("/etc: permission denied").exit_code, Some(126));
    }
}
