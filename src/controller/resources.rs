//! What the services' processes use, read from the system when somebody asks. It may take a while: for a thread that
//! may block.

use super::core::Controller;
use crate::api::messages::{Resources, Status};
use crate::model::InstanceId;
use crate::shim::tree;
use std::time::{Duration, SystemTime};

/// Whose tree to look at: below this shim.
#[derive(Clone, Debug)]
pub(super) struct Sampled {
    name: String,
    shim: u32,
    started: SystemTime,
}

impl Controller {
    /// What is to be sampled for the services that run.
    pub(super) fn to_sample(&self) -> Vec<Sampled> {
        self.shown().filter_map(|id| self.sampled(id)).collect()
    }

    fn sampled(&self, id: InstanceId) -> Option<Sampled> {
        let host = self.host(id);
        let run = host.run.as_ref().filter(|_| self.machine.state(id).is_live())?;
        Some(Sampled {
            name: host.name(),
            shim: host.shim.as_ref()?.pid,
            started: run.started?,
        })
    }
}

/// Adds to `status` what the trees use now.
pub(super) fn add_to(status: &mut Status, wanted: &[Sampled], now: SystemTime) {
    let roots: Vec<u32> = wanted.iter().map(|one| one.shim).collect();
    for (one, members) in wanted.iter().zip(tree::trees(&roots)) {
        let age = now.duration_since(one.started).unwrap_or_default();
        let found = sum(&members, age);
        let service = status
            .services
            .iter_mut()
            .find(|service| service.name == one.name);
        if let Some(service) = service {
            service.resources = Some(found);
        }
    }
}

fn sum(members: &[u32], age: Duration) -> Resources {
    let (mut total, mut processes) = (Used::default(), 0);
    for found in members.iter().filter_map(|pid| system::used(*pid)) {
        processes += 1;
        total.cpu += found.cpu;
        total.rss += found.rss;
        total.pss += found.pss;
    }
    let cpu_ms = millis(total.cpu);
    Resources {
        age_ms: millis(age),
        processes: Some(processes),
        cpu_ms: Some(cpu_ms),
        cpu_percent: percent(total.cpu, age),
        rss_bytes: Some(total.rss),
        // macOS does not divide shared memory among those that share it.
        pss_bytes: cfg!(target_os = "linux").then_some(total.pss),
    }
}

/// To a tenth; `None` before any time has passed.
fn percent(cpu: Duration, age: Duration) -> Option<f64> {
    let share = cpu.as_secs_f64() / age.as_secs_f64();
    share.is_finite().then(|| (share * 1000.0).round() / 10.0)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What one process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Used {
    /// Its own; on Linux also that of the children that it has waited for.
    cpu: Duration,
    rss: u64,
    pss: u64,
}

#[cfg(not(target_os = "linux"))]
mod system {
    //! One process, as `libproc` tells of it.

    use super::Used;
    use std::ffi::c_int;
    use std::mem::MaybeUninit;
    use std::time::Duration;

    /// `None` if it is gone, or another user's.
    pub(super) fn used(pid: u32) -> Option<Used> {
        let pid = c_int::try_from(pid).ok()?;
        let size = c_int::try_from(size_of::<libc::proc_taskinfo>()).ok()?;
        let mut task = MaybeUninit::<libc::proc_taskinfo>::zeroed();
        // SAFETY: the buffer has room for so many bytes.
        let filled =
            unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDTASKINFO, 0, task.as_mut_ptr().cast(), size) };
        // SAFETY: filled to its end; its fields are numbers.
        let task = (filled == size).then(|| unsafe { task.assume_init() })?;
        Some(Used {
            cpu: in_ticks(task.pti_total_user.saturating_add(task.pti_total_system))?,
            rss: task.pti_resident_size,
            pss: 0,
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
}

#[cfg(target_os = "linux")]
mod system {
    //! One process, as `/proc` tells of it.

    use super::Used;
    use rustix::param::{clock_ticks_per_second, page_size};
    use std::fs;
    use std::time::Duration;

    /// `None` if it is gone.
    pub(super) fn used(pid: u32) -> Option<Used> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        let rss = resident(&statm)?.saturating_mul(page_size() as u64);
        // Another user's memory map cannot be read.
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok();
        Some(Used {
            cpu: cpu(&stat, clock_ticks_per_second())?,
            rss,
            pss: rollup.and_then(|text| proportional(&text)).unwrap_or(rss),
        })
    }

    /// The times are the 14th to the 17th field; the name, in parentheses, may hold anything.
    fn cpu(stat: &str, ticks_per_second: u64) -> Option<Duration> {
        let behind_name = &stat[stat.rfind(')')? + 1..];
        let times = behind_name.split_ascii_whitespace().skip(11).take(4);
        let mut ticks: u64 = 0;
        for time in times {
            // Those of children are signed.
            let time: i64 = time.parse().ok()?;
            ticks = ticks.saturating_add(u64::try_from(time).unwrap_or(0));
        }
        Some(Duration::from_millis(
            ticks.saturating_mul(1000) / ticks_per_second.max(1),
        ))
    }

    /// In pages.
    fn resident(statm: &str) -> Option<u64> {
        statm.split_ascii_whitespace().nth(1)?.parse().ok()
    }

    /// In bytes.
    fn proportional(rollup: &str) -> Option<u64> {
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        let kib: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
        Some(kib * 1024)
    }

    #[cfg(test)]
    mod tests {
        use super::{cpu, proportional, resident, used};
        use std::time::Duration;

        #[test]
        fn the_times_of_a_process_and_of_its_waited_for_children_are_added() {
            let line = "42 (a) b) S 1 2 3 4 5 6 7 8 9 10 100 20 3 2 20 0 1 0 99";
            assert_eq!(cpu(line, 100), Some(Duration::from_millis(1250)));
            assert_eq!(cpu("42 (x", 100), None);
        }

        #[test]
        fn memory_is_read_in_both_ways() {
            assert_eq!(resident("1000 250 3 4 5 6 7"), Some(250));
            let rollup =
                "5580-7ffd ---p 0 00:00 0 [rollup]\nRss:   2000 kB\nPss:    1500 kB\nPss_Anon: 1 kB\n";
            assert_eq!(proportional(rollup), Some(1500 * 1024));
        }

        #[test]
        fn this_process_uses_memory() {
            let own = used(std::process::id()).unwrap();
            assert!(own.rss > 100_000 && own.pss > 0, "{own:?}");
            assert_eq!(used(u32::MAX), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::percent;
    use std::time::Duration;

    #[test]
    fn the_share_of_a_processor_is_told_to_a_tenth() {
        let ms = Duration::from_millis;
        assert_eq!(percent(ms(500), ms(2000)), Some(25.0));
        assert_eq!(percent(ms(3000), ms(2000)), Some(150.0));
        assert_eq!(percent(ms(1), ms(3000)), Some(0.0));
        assert_eq!(percent(ms(0), ms(0)), None);
    }
}
