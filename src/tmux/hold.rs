//! The program of the window that others are made in: it does nothing, until its window is closed.

/// What it is started with as its first word; another follows that tells whose it is.
pub const SUBCOMMAND: &str = "hold";

/// Waits for the hang-up, which ends it.
pub fn main() -> ! {
    loop {
        std::thread::park();
    }
}
