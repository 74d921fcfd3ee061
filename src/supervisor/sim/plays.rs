//! Many seeds played, and one of them twice.

use super::{Telling, play};
use std::collections::BTreeSet;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_random_session_ends_quiet_and_breaks_no_rule() {
    if let Some(seed) = setting("OVR_SIM_SEED") {
        play(seed, Telling::Aloud).unwrap();
        return;
    }
    let seeds = setting("OVR_SIM_SEEDS").unwrap_or(3000);
    let mut starts = 0;
    let mut seen = BTreeSet::new();
    for seed in 0..seeds {
        match play(seed, Telling::Silent) {
            Ok(played) => {
                starts += u64::from(played.starts);
                seen.extend(played.seen);
            }
            Err(broken) => {
                let again = play(seed, Telling::Aloud);
                panic!("seed {seed}: {broken} (told again: {again:?})");
            }
        }
    }
    assert!(starts > seeds, "hardly anything is started: {starts} in {seeds}");
    if seeds >= 1000 {
        check_coverage(&seen);
    }
}

/// What random sessions never reach, they do not test.
fn check_coverage(seen: &BTreeSet<&str>) {
    let expected = "pending starting running daemonized stopping backoff stopped exited failed skipped \
        Started AlreadyRunning Restarted Stopped AlreadyStopped Signalled NotRunning Failed Overruled \
        SessionEnds Service CouldNotStart Skipped Completed Quit CloseWindow Starts Restarts Busy";
    for kind in expected.split_whitespace() {
        assert!(seen.contains(kind), "no session came to `{kind}`");
    }
}

#[test]
fn the_same_seed_plays_the_same_session() {
    for seed in 0..20 {
        assert_eq!(
            play(seed, Telling::Digest).unwrap(),
            play(seed, Telling::Digest).unwrap()
        );
    }
}
