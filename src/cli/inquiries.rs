//! What a session answers to those who ask it for its files and its machine: what the commands of the same names do
//! here, with the options that the session was started with.

use super::plan::{Here, printed};
use super::start::StartArgs;
use super::{check, clean, config, env, ls};
use crate::api::messages::{Checked, Cleaned, Configuration, Leftovers, Sessions, Variable};
use crate::controller::{Inquiries, Overrides};
use crate::diag::Diagnostic;

/// The session's place and options.
#[derive(Clone, Debug)]
pub(super) struct OfSession {
    pub(super) here: Here,
    pub(super) args: StartArgs,
}

impl Inquiries for OfSession {
    fn check(&self) -> Checked {
        check::check(&self.here, &self.args)
    }

    fn config(&self) -> Configuration {
        config::merge(&self.here, &self.args)
    }

    fn environment(
        &self,
        overrides: &Overrides,
        instance: Option<&str>,
    ) -> Result<Vec<Variable>, Vec<Diagnostic>> {
        env::variables(&self.here, &self.args, overrides, instance)
    }

    fn sessions(&self) -> Result<Sessions, Diagnostic> {
        ls::list(&self.here.places)
    }

    fn leftovers(&self) -> Result<Leftovers, Diagnostic> {
        clean::leftovers(&self.here.places)
    }

    fn clean(&self, paths: &[String]) -> Result<Cleaned, Diagnostic> {
        clean::clean(&self.here.places, paths)
    }

    fn close(&self) {
        printed::stop();
    }
}
