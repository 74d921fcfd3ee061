//! What the services' processes use, read from the system when somebody asks. It may take a while: for a thread that
//! may block.

use super::core::Controller;
use crate::api::messages::{Resources, Status};
use crate::model::InstanceId;
use crate::platform::processes;
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
    let (mut cpu, mut rss, mut pss, mut count) = (Duration::ZERO, 0, 0, 0);
    for (pid, used) in members
        .iter()
        .filter_map(|pid| Some((*pid, processes::usage(*pid)?)))
    {
        count += 1;
        cpu += used.cpu;
        rss += used.resident;
        pss += proportional(pid).unwrap_or(used.resident);
    }
    let cpu_ms = millis(cpu);
    Resources {
        age_ms: millis(age),
        processes: Some(count),
        cpu_ms: Some(cpu_ms),
        cpu_percent: percent(cpu, age),
        rss_bytes: Some(rss),
        // macOS does not divide shared memory among those that share it.
        pss_bytes: cfg!(target_os = "linux").then_some(pss),
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

/// Its memory, what it shares divided among those that share it. `None` if it is gone, or another user's.
#[cfg(target_os = "linux")]
fn proportional(pid: u32) -> Option<u64> {
    in_rollup(&std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?)
}

/// macOS does not divide it.
#[cfg(not(target_os = "linux"))]
fn proportional(_: u32) -> Option<u64> {
    None
}

/// In bytes.
#[cfg(any(test, target_os = "linux"))]
fn in_rollup(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::{in_rollup, percent, proportional};
    use std::time::Duration;

    #[test]
    fn shared_memory_is_read_as_divided() {
        let rollup = "5580-7ffd ---p 0 00:00 0 [rollup]\nRss:   2000 kB\nPss:    1500 kB\nPss_Anon: 1 kB\n";
        assert_eq!(in_rollup(rollup), Some(1500 * 1024));
        let own = proportional(std::process::id());
        assert_eq!(own.is_some_and(|bytes| bytes > 0), cfg!(target_os = "linux"));
        assert_eq!(proportional(u32::MAX), None);
    }

    #[test]
    fn the_share_of_a_processor_is_told_to_a_tenth() {
        let ms = Duration::from_millis;
        assert_eq!(percent(ms(500), ms(2000)), Some(25.0));
        assert_eq!(percent(ms(3000), ms(2000)), Some(150.0));
        assert_eq!(percent(ms(1), ms(3000)), Some(0.0));
        assert_eq!(percent(ms(0), ms(0)), None);
    }
}
