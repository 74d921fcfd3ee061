//! Has the services' output kept in files: where, how much, under which names. The files themselves are
//! `logs::store`'s.

use super::core::Controller;
use super::doors::system;
use crate::diag::Diagnostic;
use crate::logs::store::{Keep, Store, Troubles};
use crate::model::InstanceSpec;
use std::path::PathBuf;

/// The files of the services' output.
#[derive(Debug)]
pub struct LogsSetup {
    /// This project's, in the directory that has all projects'.
    pub dir: PathBuf,
    /// What they may take. `None`: only the files that the configuration names are written.
    pub bytes: Option<u64>,
}

/// The files of the session's instances; `None` where nothing is to be written.
pub(super) fn start(
    logs: &LogsSetup,
    instances: &[InstanceSpec],
) -> Result<Option<(Store, Troubles)>, Diagnostic> {
    if logs.bytes.is_none() && instances.iter().all(|spec| spec.log_file.is_none()) {
        return Ok(None);
    }
    let keep = Keep::within(logs.bytes.unwrap_or(0), instances.len());
    let keep = match logs.dir.parent() {
        Some(all_projects) => keep.among(all_projects),
        None => keep,
    };
    let (mut store, troubles) = Store::start(logs.dir.clone(), keep)
        .map_err(|error| system("cannot start the thread that keeps logs", &error))?;
    for (index, spec) in instances.iter().enumerate() {
        store.name(Controller::id_at(index), spec.name.to_string());
        store.copy(Controller::id_at(index), spec.log_file.as_ref());
    }
    Ok(Some((store, troubles)))
}
