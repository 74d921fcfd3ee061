//! What only a start needed is given back when it is over: memory alone, nothing of what the program knows.
//!
//! A start runs through half of the program (arguments, configuration, windows; a shim's first run), and each page
//! of it that was touched, with its neighbours, stays mapped for the hours that follow: for each of the shims, and
//! for the controller. The kernel maps it anew, without reading a disk, where it is needed again.

/// Gives back the program's text and its constants. Costs some microseconds.
#[cfg(target_os = "linux")]
pub(crate) fn give_back() {
    // Every linker defines them in an executable: its first byte, and the end of its code.
    unsafe extern "C" {
        static __executable_start: u8;
        static etext: u8;
    }
    let start = &raw const __executable_start;
    let last = (&raw const etext).addr();
    let Some(length) = last.checked_sub(start.addr()) else {
        return;
    };
    // Not the page that the code ends in: what follows may be data.
    let length = length - last % rustix::param::page_size();
    // SAFETY: headers, constants and code are mapped from the file, private and not writable, and relocations
    // touch none of them, so no page can differ from the file and the next access maps it again as it was. The
    // file of a program that runs cannot be written to.
    let advised =
        unsafe { rustix::mm::madvise(start.cast_mut().cast(), length, rustix::mm::Advice::LinuxDontNeed) };
    // Without it, all is as before.
    advised.unwrap_or_default();
}

/// Elsewhere a program's pages are the system's own business.
#[cfg(not(target_os = "linux"))]
pub(crate) fn give_back() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::give_back;

    /// The kilobytes of this program's code that are mapped.
    fn mapped_code() -> u64 {
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("proc is there");
        let exe = std::env::current_exe().expect("it runs").display().to_string();
        let mut in_code = false;
        let mut sum = 0;
        for line in maps.lines() {
            // A mapping's first line begins with its addresses, the others with a word and a colon.
            if !line.split(' ').next().unwrap_or_default().ends_with(':') {
                in_code = line.contains(" r-xp ") && line.ends_with(&exe);
            } else if in_code && let Some(rest) = line.strip_prefix("Rss:") {
                sum += rest
                    .trim_end_matches("kB")
                    .trim()
                    .parse::<u64>()
                    .expect("proc is there");
            }
        }
        sum
    }

    #[test]
    fn code_that_was_needed_is_no_longer_mapped_and_the_program_goes_on() {
        let kept: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        let before = mapped_code();
        give_back();
        assert!(mapped_code() < before, "{before} kB before");
        assert_eq!(kept.iter().map(String::len).sum::<usize>(), 2890);
    }
}
