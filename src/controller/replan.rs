//! How a running session asks for its plan again: the files may have changed, or somebody wants other numbers
//! of instances. What makes the plan is handed in by `cli`; nothing here reads a file.

use crate::diag::Diagnostic;
use crate::model::{InstanceSpec, ServiceName};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// What was asked of the running session and is not in its files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// How many instances these services are to have.
    pub counts: BTreeMap<ServiceName, u32>,
}

/// What was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    pub instances: Vec<InstanceSpec>,
    /// Also those that have no instance.
    pub services: Vec<ServiceName>,
    /// Every file that it was made of, or would have been if it were there.
    pub files: Vec<PathBuf>,
}

type Make = dyn Fn(&Overrides) -> Result<Made, Vec<Diagnostic>> + Send + Sync;

/// Makes a session's plan anew. It reads files and may run commands: not for the loop's own thread.
#[derive(Clone)]
pub struct Replan(Arc<Make>);

impl Replan {
    pub fn new(make: impl Fn(&Overrides) -> Result<Made, Vec<Diagnostic>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    /// Every instance as the files have it now.
    ///
    /// # Errors
    /// All that is wrong with them; nothing of the plan is to be carried out.
    pub fn make(&self, overrides: &Overrides) -> Result<Made, Vec<Diagnostic>> {
        (self.0)(overrides)
    }
}

impl fmt::Debug for Replan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Replan").finish_non_exhaustive()
    }
}
