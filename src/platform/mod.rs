//! What several rooms ask the system for, most of which Linux and macOS give in different ways: the process table, the
//! end of a process that is not a child, children that do not outlive us, who is at the other end of a connection,
//! pseudoterminals, waiting for terminals and for locks, and how many files may be open. Mechanism only. A difference
//! that one file alone is concerned with stays there; `docs/design/platforms.md` lists them all.

pub mod dispositions;
pub mod file_lock;
pub mod open_files;
pub mod parent_death;
pub mod peer;
pub mod process_end;
pub mod processes;
pub mod pseudoterminal;
pub mod readiness;

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
compile_error!("ovr runs on Linux and macOS");
