//! The process table of macOS: `libproc` and `sysctl`, whose structures stand in `<sys/proc_info.h>`.

use super::procargs::{self, Started};
use super::{Process, Usage, in_brackets, presentable};
use rustix::process::{Pid, getsid};
use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::time::Duration;

/// Every process alive, in no certain order. A process that starts or ends meanwhile may be missing.
pub fn all() -> impl Iterator<Item = Process> {
    pids().into_iter().filter_map(one)
}

/// The process with this number, if it is alive.
pub fn one(pid: u32) -> Option<Process> {
    // This flavour tells of every user's processes, and finds no zombie.
    let found: libc::proc_bsdshortinfo = info(pid, libc::PROC_PIDT_SHORTBSDINFO)?;
    if found.pbsi_status == libc::SZOMB {
        return None;
    }
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
    Some(Process {
        pid,
        parent: found.pbsi_ppid,
        group: found.pbsi_pgid,
        session: getsid(Some(number)).map_or(0, |session| session.as_raw_nonzero().get().unsigned_abs()),
        started: started(pid).unwrap_or(0),
    })
}

/// Its command line; in brackets its name where it has none.
pub fn command(pid: u32) -> String {
    let line = with_arguments(pid, |started| {
        let line = started.arguments.join(&b' ');
        presentable(&String::from_utf8_lossy(&line))
    });
    match line {
        Some(line) if !line.is_empty() => line,
        Some(_) | None => in_brackets(name(pid)),
    }
}

/// The arguments that it was started with. `None` if it is gone or another user's.
pub fn arguments(pid: u32) -> Option<Vec<String>> {
    let text = |argument: &[u8]| String::from_utf8_lossy(argument).into_owned();
    with_arguments(pid, |started| started.arguments.into_iter().map(text).collect())
}

/// The short name of its program; `None` if it is gone.
pub fn name(pid: u32) -> Option<String> {
    let found: libc::proc_bsdshortinfo = info(pid, libc::PROC_PIDT_SHORTBSDINFO)?;
    let bytes = found.pbsi_comm.map(i8::cast_unsigned);
    let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

/// Whether it is stopped (Ctrl-Z, SIGSTOP).
pub fn is_stopped(pid: u32) -> bool {
    info(pid, libc::PROC_PIDT_SHORTBSDINFO)
        .is_some_and(|found: libc::proc_bsdshortinfo| found.pbsi_status == libc::SSTOP)
}

/// Whether it has a handler of its own for the signal; `None`: the system does not tell.
pub fn catches(_pid: u32, _signal: i32) -> Option<bool> {
    None
}

/// Whether the environment it was started with holds exactly `NAME=value`. `false` for other users' processes, and
/// for the system's own programs, whose environment nobody is told (System Integrity Protection).
pub fn has_variable(pid: u32, assignment: &str) -> bool {
    has_entry(pid, |entry| entry == assignment.as_bytes())
}

/// The same with any entry that `wanted` picks.
pub fn has_entry(pid: u32, wanted: impl Fn(&[u8]) -> bool) -> bool {
    with_arguments(pid, |started| started.environment.into_iter().any(wanted)).unwrap_or(false)
}

/// In microseconds since the epoch; told of this user's processes only.
fn started(pid: u32) -> Option<u64> {
    let found: libc::proc_bsdinfo = info(pid, libc::PROC_PIDTBSDINFO)?;
    let seconds = found.pbi_start_tvsec.saturating_mul(1_000_000);
    Some(seconds.saturating_add(found.pbi_start_tvusec))
}

fn pids() -> Vec<u32> {
    let mut room = 2048;
    loop {
        let mut pids = vec![0 as c_int; room];
        let bytes = c_int::try_from(size_of_val(pids.as_slice())).unwrap_or(c_int::MAX);
        // SAFETY: the buffer has room for so many bytes.
        let count = unsafe { libc::proc_listallpids(pids.as_mut_ptr().cast(), bytes) };
        let count = usize::try_from(count).unwrap_or(0);
        // A full one may lack some.
        if count < room {
            pids.truncate(count);
            return pids
                .into_iter()
                .filter_map(|pid| u32::try_from(pid).ok())
                .collect();
        }
        room *= 2;
    }
}

/// What it uses. `None` if it is gone, or another user's.
pub fn usage(pid: u32) -> Option<Usage> {
    let task: libc::proc_taskinfo = info(pid, libc::PROC_PIDTASKINFO)?;
    Some(Usage {
        cpu: in_ticks(task.pti_total_user.saturating_add(task.pti_total_system))?,
        resident: task.pti_resident_size,
    })
}

/// The system counts in ticks of its own clock, of other lengths on other processors.
#[expect(deprecated, reason = "the crate that it is now in has nothing else for us")]
fn in_ticks(ticks: u64) -> Option<Duration> {
    let mut base = libc::mach_timebase_info { numer: 0, denom: 0 };
    // SAFETY: it writes two numbers.
    let told = unsafe { libc::mach_timebase_info(&raw mut base) };
    let nanoseconds = u128::from(ticks) * u128::from(base.numer);
    let nanoseconds = nanoseconds.checked_div(u128::from(base.denom))?;
    (told == 0).then_some(Duration::from_nanos(u64::try_from(nanoseconds).ok()?))
}

/// What the system tells of a process in the structure `T`.
///
/// `flavor` has to be the one that fills a `T`: the size is checked here and by the system.
fn info<T: Copy>(pid: u32, flavor: c_int) -> Option<T> {
    let pid = c_int::try_from(pid).ok()?;
    let size = c_int::try_from(size_of::<T>()).ok()?;
    let mut found = MaybeUninit::<T>::zeroed();
    // SAFETY: the buffer has room for so many bytes.
    let filled = unsafe { libc::proc_pidinfo(pid, flavor, 0, found.as_mut_ptr().cast(), size) };
    // SAFETY: filled to its end; its fields are numbers, which every pattern of bits is one of.
    (filled == size).then(|| unsafe { found.assume_init() })
}

/// Asks how a process was started. `None` if it is gone or another user's.
fn with_arguments<R>(pid: u32, look: impl FnOnce(Started<'_>) -> R) -> Option<R> {
    // SAFETY: it tells a limit.
    let most = unsafe { libc::sysconf(libc::_SC_ARG_MAX) };
    // Into a smaller buffer than needed the system would put the end of it.
    let mut bytes = vec![0_u8; usize::try_from(most).ok()?];
    let mut length = bytes.len();
    let mut what = [libc::CTL_KERN, libc::KERN_PROCARGS2, c_int::try_from(pid).ok()?];
    // SAFETY: three numbers name what is asked for; the buffer has room for `length` bytes; nothing is set.
    let told = unsafe {
        libc::sysctl(
            what.as_mut_ptr(),
            3,
            bytes.as_mut_ptr().cast(),
            &raw mut length,
            std::ptr::null_mut(),
            0,
        )
    };
    bytes.truncate(length);
    let started = procargs::parse(&bytes).filter(|_| told == 0)?;
    Some(look(started))
}

#[cfg(test)]
mod tests {
    use super::{all, arguments, command, has_variable, is_stopped, name, one};
    use std::process;

    #[test]
    fn this_process_is_found_with_its_command_line() {
        let own = process::id();
        assert!(all().any(|found| Some(found) == one(own)));
        assert!(one(own).unwrap().started > 0);
        assert!(!command(own).is_empty());
        assert_eq!(arguments(own), Some(std::env::args().collect()));
        assert!(!name(own).unwrap().is_empty() && !is_stopped(own));
        let (variable, value) = std::env::vars().next().unwrap();
        assert!(has_variable(own, &format!("{variable}={value}")));
        assert!(!has_variable(own, "OVR_NO_SUCH_VARIABLE=1"));
    }
}
