//! An environment in the form in which the system takes it, made in two pieces of memory: a service is told the
//! ports of all services, and a map with two strings for each variable is what the start of many of them would
//! mostly do. Which variables there are is `spawn.rs`'s business.

use std::ffi::c_char;

pub(super) struct EnvironmentBlock {
    /// `NAME=value`, each ended by a NUL. Kept because the addresses point into it.
    _text: Box<[u8]>,
    /// The address of each in the text, and a zero.
    addresses: Box<[usize]>,
}

impl EnvironmentBlock {
    /// Takes names and values, each name once. The error is for the user.
    pub(super) fn of<'a>(variables: impl Iterator<Item = (&'a str, &'a [u8])>) -> Result<Self, String> {
        let mut text = Vec::with_capacity(4096);
        let mut starts = Vec::with_capacity(128);
        for (name, value) in variables {
            if name.contains('\0') || value.contains(&0) {
                let name = name.replace('\0', "");
                return Err(format!(
                    "the variable {name} holds a NUL byte, which no program can be given"
                ));
            }
            starts.push(text.len());
            text.extend_from_slice(name.as_bytes());
            text.push(b'=');
            text.extend_from_slice(value);
            text.push(0);
        }
        let text = text.into_boxed_slice();
        let base = text.as_ptr().expose_provenance();
        let addresses = starts.into_iter().map(|start| base + start).chain([0]).collect();
        Ok(Self {
            _text: text,
            addresses,
        })
    }

    /// Makes this the environment of the process, which a program that it becomes is given.
    ///
    /// # Safety
    /// Only in a child between fork and exec: nobody else may look at the environment, and it must not be
    /// looked at after this block has been dropped.
    pub(super) unsafe fn make_own(&self) {
        let list: *const *const c_char = self.addresses.as_ptr().cast();
        // SAFETY: the list is of addresses of C strings in a text that lives as long as it does, with a null at
        // its end; that nobody reads the variable at the same time is the caller's promise.
        unsafe { *environ() = list };
    }
}

/// Where the system's library keeps the environment of the process.
#[cfg(target_vendor = "apple")]
fn environ() -> *mut *const *const c_char {
    // SAFETY: it only tells an address, that of a variable that always exists.
    unsafe { libc::_NSGetEnviron() }.cast()
}

/// Where the system's library keeps the environment of the process.
#[cfg(not(target_vendor = "apple"))]
fn environ() -> *mut *const *const c_char {
    unsafe extern "C" {
        static mut environ: *const *const c_char;
    }
    &raw mut environ
}

#[cfg(test)]
mod tests {
    use super::EnvironmentBlock;
    use std::ffi::CStr;

    /// The entries as a program would find them.
    fn entries(block: &EnvironmentBlock) -> Vec<&str> {
        let (end, entries) = block.addresses.split_last().unwrap();
        assert_eq!(*end, 0);
        let text = |address: &usize| {
            let start = std::ptr::with_exposed_provenance(*address);
            // SAFETY: it is the address of an entry in the block's text, which ends with a NUL.
            unsafe { CStr::from_ptr(start) }.to_str().unwrap()
        };
        entries.iter().map(text).collect()
    }

    #[test]
    fn the_list_names_each_variable_and_ends_with_a_null() {
        let block = EnvironmentBlock::of([("A", &b"1"[..]), ("B", b""), ("C", b"x=y")].into_iter()).unwrap();
        assert_eq!(entries(&block), ["A=1", "B=", "C=x=y"]);
        let none = EnvironmentBlock::of(std::iter::empty()).unwrap();
        assert!(entries(&none).is_empty());
    }

    #[test]
    fn a_value_that_would_end_too_early_is_refused() {
        let refused = EnvironmentBlock::of([("A", &b"1\x002"[..])].into_iter()).err();
        let text = "the variable A holds a NUL byte, which no program can be given";
        assert_eq!(refused.as_deref(), Some(text));
    }
}
