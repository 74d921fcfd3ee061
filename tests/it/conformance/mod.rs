//! What `docs/process-compose.md` says, row by row, shown on real files with the real `ovr`.

mod choice;
mod ends;
mod health;
mod keys;
mod life;
mod loading;
mod log_files;
mod own_keys;
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

/// A project with a `process-compose.yaml` that has these processes.
fn composed(processes: &str) -> Project {
    Project::new().file("process-compose.yaml", &format!("processes:\n{processes}"))
}

/// The same as an `ovr.yaml`.
fn configured(processes: &str) -> Project {
    Project::new().file("ovr.yaml", &format!("processes:\n{processes}"))
}

/// Somebody may take it again before the test does; nobody on this machine does so soon.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("this machine has free ports");
    listener.local_addr().expect("it is bound").port()
}
