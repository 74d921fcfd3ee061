//! What macOS tells of a process's arguments and environment in one piece (`sysctl`, `KERN_PROCARGS2`), taken apart.
//! Reading it from the system is `darwin.rs`'s.

/// As the process was started with them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Started<'a> {
    pub(super) arguments: Vec<&'a [u8]>,
    /// Empty also where the system keeps it to itself: of its own programs (System Integrity Protection).
    pub(super) environment: Vec<&'a [u8]>,
}

/// The number of arguments; the program's path, ended by one or more NULs; the arguments and the variables, each
/// ended by a NUL; then an empty one, and what the system adds for itself. `None` if it is none of that.
pub(super) fn parse(bytes: &[u8]) -> Option<Started<'_>> {
    let (count, rest) = bytes.split_first_chunk()?;
    let count = usize::try_from(i32::from_ne_bytes(*count)).ok()?;
    let path_ends = rest.iter().position(|byte| *byte == 0)?;
    let rest = &rest[path_ends..];
    let padding = rest.iter().take_while(|byte| **byte == 0).count();
    let mut strings = rest[padding..].split(|byte| *byte == 0);
    let arguments = strings.by_ref().take(count).collect();
    let environment = strings.take_while(|entry| !entry.is_empty()).collect();
    Some(Started {
        arguments,
        environment,
    })
}

#[cfg(test)]
mod tests {
    use super::{Started, parse};

    fn block(count: i32, text: &str) -> Vec<u8> {
        [&count.to_ne_bytes()[..], text.as_bytes()].concat()
    }

    #[test]
    fn arguments_and_variables_are_told_apart_by_the_count() {
        let bytes = block(2, "/bin/x\0\0\0\0x\0A=argument\0A=1\0B=\0\0ptr_munge=\0");
        assert_eq!(
            parse(&bytes),
            Some(Started {
                arguments: vec![b"x", b"A=argument"],
                environment: vec![b"A=1", b"B="],
            })
        );
    }

    #[test]
    fn an_environment_that_is_kept_back_is_an_empty_one() {
        let bytes = block(2, "/bin/sleep\0\0\0sleep\x0060\0");
        let started = parse(&bytes).unwrap();
        assert_eq!(started.arguments, [&b"sleep"[..], b"60"]);
        assert!(started.environment.is_empty());
    }

    #[test]
    fn what_is_cut_off_is_no_answer_or_a_shorter_one() {
        assert_eq!(parse(b"ab"), None);
        assert_eq!(parse(&block(1, "/bin/x")), None);
        assert_eq!(parse(&block(-1, "/bin/x\0x\0")), None);
        assert_eq!(parse(&block(9, "/bin/x\0x\0y")).unwrap().arguments.len(), 2);
    }
}
