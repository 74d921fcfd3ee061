//! An environment in the form in which the system takes it: the addresses of its entries. Most of them are where they
//! were read from the order, since a service is told the ports of all services, and to write these once more for each is
//! what the start of many of them would mostly do. Which variables there are is `spawn.rs`'s business.

use rustix::process::Pid;
use std::ffi::c_char;
use std::marker::PhantomData;

pub(super) struct EnvironmentBlock<'a> {
    /// `NAME=value`, each ended by a NUL, of those that were not given like that. Kept because addresses point into it.
    _text: Box<[u8]>,
    /// The address of each entry, and a zero.
    addresses: Box<[usize]>,
    /// Where the process's own number is to be written, each place followed by NULs enough for any.
    own_pids: Vec<usize>,
    /// What the other addresses point to.
    given: PhantomData<&'a str>,
}

/// The digits of the largest process number, and a NUL.
const ROOM_FOR_PID: usize = 11;

impl<'a> EnvironmentBlock<'a> {
    /// Takes entries, each ended by the only NUL in it, and more as names and values, each name once; `own_pids` are the
    /// names of those whose value is known only to the child. The error is for the user.
    pub(super) fn of<'b>(
        given: impl Iterator<Item = &'a str>,
        more: impl Iterator<Item = (&'b str, &'b [u8])>,
        own_pids: &[&str],
    ) -> Result<Self, String> {
        let addresses = given.map(|entry| {
            debug_assert!(entry.ends_with('\0'));
            entry.as_ptr().expose_provenance()
        });
        let mut addresses: Vec<_> = addresses.collect();
        let (mut text, mut starts) = (Vec::new(), Vec::new());
        for (name, value) in more {
            if name.contains('\0') || value.contains(&0) {
                return Err(holds_a_nul(name));
            }
            starts.push(text.len());
            text.extend_from_slice(name.as_bytes());
            text.push(b'=');
            text.extend_from_slice(value);
            text.push(0);
        }
        let mut pids_at = Vec::new();
        for name in own_pids {
            starts.push(text.len());
            text.extend_from_slice(name.as_bytes());
            text.push(b'=');
            pids_at.push(text.len());
            text.extend_from_slice(&[0; ROOM_FOR_PID]);
        }
        let mut text = text.into_boxed_slice();
        let base = text.as_mut_ptr().expose_provenance();
        addresses.extend(starts.into_iter().map(|start| base + start));
        addresses.push(0);
        Ok(Self {
            _text: text,
            addresses: addresses.into_boxed_slice(),
            own_pids: pids_at.into_iter().map(|at| base + at).collect(),
            given: PhantomData,
        })
    }

    /// Writes the number of the process where it is to be told. In the child only, whose block it is then: without
    /// allocating.
    pub(super) fn tell_own_pid(&mut self, pid: Pid) {
        for at in &self.own_pids {
            // SAFETY: there is this much room in the text, which nobody else looks at.
            let room = unsafe {
                let start = std::ptr::with_exposed_provenance_mut(*at);
                std::slice::from_raw_parts_mut(start, ROOM_FOR_PID)
            };
            write_number(pid.as_raw_pid().unsigned_abs(), room);
        }
    }

    /// The list as `execve` takes it: of addresses of C strings that live as long as the block, with a null at its end.
    pub(super) fn as_ptr(&self) -> *const *const c_char {
        self.addresses.as_ptr().cast()
    }
}

/// What is wrong with such a variable.
pub(super) fn holds_a_nul(name: &str) -> String {
    let name = name.replace('\0', "");
    format!("the variable {name} holds a NUL byte, which no program can be given")
}

/// The number's digits at the start of `room`; without allocating.
fn write_number(mut number: u32, room: &mut [u8]) {
    let digits = number.checked_ilog10().unwrap_or(0) as usize + 1;
    for place in room[..digits].iter_mut().rev() {
        *place = b"0123456789"[(number % 10) as usize];
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::{EnvironmentBlock, ROOM_FOR_PID, write_number};
    use std::ffi::CStr;

    /// The entries as a program would find them.
    fn entries<'a>(block: &'a EnvironmentBlock<'_>) -> Vec<&'a str> {
        let (end, entries) = block.addresses.split_last().unwrap();
        assert_eq!(*end, 0);
        let text = |address: &usize| {
            let start = std::ptr::with_exposed_provenance(*address);
            // SAFETY: it is the address of an entry in the block's text, which ends with a NUL.
            unsafe { CStr::from_ptr(start) }.to_str().unwrap()
        };
        entries.iter().map(text).collect()
    }

    fn nothing<'a>() -> impl Iterator<Item = (&'a str, &'a [u8])> {
        std::iter::empty()
    }

    #[test]
    fn the_list_names_each_variable_and_ends_with_a_null() {
        let more = [("C", &b"x=y"[..]), ("D", b"")].into_iter();
        let block = EnvironmentBlock::of(["A=1\0", "B=\0"].into_iter(), more, &[]).unwrap();
        assert_eq!(entries(&block), ["A=1", "B=", "C=x=y", "D="]);
        let none = EnvironmentBlock::of(std::iter::empty(), nothing(), &[]).unwrap();
        assert!(entries(&none).is_empty());
    }

    #[test]
    fn the_own_number_has_its_place_and_is_written_there() {
        let own_pids = ["LISTEN_PID", "WATCHDOG_PID"];
        let block = EnvironmentBlock::of(["A=1\0"].into_iter(), nothing(), &own_pids).unwrap();
        assert_eq!(entries(&block), ["A=1", "LISTEN_PID=", "WATCHDOG_PID="]);
        let written = |number: u32| {
            let mut room = [0; ROOM_FOR_PID];
            write_number(number, &mut room);
            CStr::from_bytes_until_nul(&room)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        for number in [1, 10, 4_194_304, u32::MAX] {
            assert_eq!(written(number), number.to_string());
        }
    }

    #[test]
    fn a_value_that_would_end_too_early_is_refused() {
        let text = "the variable A holds a NUL byte, which no program can be given";
        let more = [("A", &b"1\x002"[..])].into_iter();
        let refused = EnvironmentBlock::of(std::iter::empty(), more, &[]).err();
        assert_eq!(refused.as_deref(), Some(text));
    }
}
