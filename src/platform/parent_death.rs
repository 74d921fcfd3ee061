//! A child that does not outlive the process which started it, however that ends. Linux alone has it; what elsewhere
//! takes its place is the caller's business.

use rustix::process::Signal;
use std::process::Command;

/// Has the child that this command will be get `signal` when this process ends, also by SIGKILL. The thread that
/// starts it has to live for as long as the child is wanted: its end counts as the process's.
#[cfg(target_os = "linux")]
pub fn die_with_us(command: &mut Command, signal: Signal) {
    use rustix::process::{getpid, getppid, set_parent_process_death_signal};
    use std::io;
    use std::os::unix::process::CommandExt;
    let us = getpid();
    let prepare = move || {
        set_parent_process_death_signal(Some(signal))?;
        // We may have died before that was set.
        if getppid() == Some(us) {
            Ok(())
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    };
    // SAFETY: two system calls without memory of ours, as is proper between fork and exec.
    unsafe {
        command.pre_exec(prepare);
    }
}

#[cfg(not(target_os = "linux"))]
pub fn die_with_us(_command: &mut Command, _signal: Signal) {}
