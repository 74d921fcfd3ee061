//! What `docs/process-compose.md` says, row by row, shown on real files with the real `ovr`.

mod keys;
mod loading;
mod templates;

use crate::harness::Project;

/// A project with this `process-compose.yaml`.
fn project(text: &str) -> Project {
    Project::new().file("process-compose.yaml", text)
}

/// What its services have written to `$OUT/out` when all of them have ended.
#[track_caller]
fn out(project: &Project) -> String {
    project.ovr(&["start"]).success();
    project.out("out").trim_end().to_owned()
}
