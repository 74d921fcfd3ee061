//! Ports that nobody listens at, for tests whose screens would otherwise tell of another program.

use ovr::ports::listeners;

/// Where `ovr start` begins, and how far it is from one service's port to the next one's.
pub(super) const DEFAULT_BASE: u16 = 5000;
pub(super) const STEP: u16 = 100;

/// So many services get ports of their own.
const SERVICES: u16 = 10;
/// Above the default, and below those that the system gives to clients.
const FIRST: u16 = 10_000;
const BASES: u16 = 20;

/// A base port for `ovr start` with which no port of the first services is taken. Tests that run at the same time
/// are other processes, and begin to look at different places.
pub(super) fn free_base() -> u16 {
    let begin = std::process::id() % u32::from(BASES);
    let begin = u16::try_from(begin).expect("less than their number");
    (0..BASES)
        .map(|n| FIRST + (begin + n) % BASES * SERVICES * STEP)
        .find(|base| listeners((0..SERVICES).map(|place| base + place * STEP)).is_empty())
        .expect("of twenty thousand ports some are free")
}
