//! What only a start needed is given back when it is over: memory alone, nothing of the session.
//!
//! A start runs through half of the program (arguments, configuration, windows), and each page of it that was
//! touched, with its neighbours, stays mapped for the hours that follow. The kernel maps it anew, without
//! reading a disk, where it is needed again.

/// Gives back the program's text. Costs some microseconds.
#[cfg(target_os = "linux")]
pub(super) fn give_back() {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else {
        return;
    };
    let own = give_back as *const () as usize;
    let text = maps
        .lines()
        .filter_map(executable)
        .find(|range| range.contains(&own));
    if let Some(range) = text {
        // SAFETY: the mapping is the program's own text: private, of a file and not writable (`r-xp`), so no
        // page of it can differ from the file, and the next access maps it again as it was. A file that is
        // being executed cannot be written to.
        let advised = unsafe {
            rustix::mm::madvise(
                range.start as *mut _,
                range.len(),
                rustix::mm::Advice::LinuxDontNeed,
            )
        };
        // Without it, all is as before.
        advised.unwrap_or_default();
    }
}

/// Elsewhere a program's pages are the system's own business.
#[cfg(not(target_os = "linux"))]
pub(super) fn give_back() {}

/// The addresses of a line of `/proc/self/maps`, if it is a file's private, executable and unwritable mapping.
#[cfg(target_os = "linux")]
fn executable(line: &str) -> Option<std::ops::Range<usize>> {
    let mut fields = line.split_ascii_whitespace();
    let (range, rights) = (fields.next()?, fields.next()?);
    let inode = fields.nth(2)?;
    let (start, end) = range.split_once('-')?;
    let address = |text: &str| usize::from_str_radix(text, 16).ok();
    (rights == "r-xp" && inode != "0").then_some(address(start)?..address(end)?)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{executable, give_back};

    #[test]
    fn only_a_files_unwritable_text_counts() {
        let line = "00420000-00c1f000 r-xp 0021f000 fe:00 10010773                           /usr/bin/ovr";
        assert_eq!(executable(line), Some(0x42_0000..0xc1_f000));
        for other in [
            "00c28000-00c2c000 rw-p 00a25000 fe:00 10010773  /usr/bin/ovr",
            "00c1f000-00c28000 r--p 00a1d000 fe:00 10010773  /usr/bin/ovr",
            "7fff1000-7fff3000 r-xp 00000000 00:00 0          [vdso]",
            "7fff1000-7fff3000 rwxp 00000000 fe:00 12         /tmp/made",
            "",
        ] {
            assert_eq!(executable(other), None, "{other}");
        }
    }

    #[test]
    fn the_program_goes_on_after_it() {
        let kept: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        give_back();
        assert_eq!(kept.iter().map(String::len).sum::<usize>(), 2890);
    }
}
