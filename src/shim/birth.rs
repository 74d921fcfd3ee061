//! A child from its first instruction to its program. On Linux it borrows the shim's memory until then and the shim
//! waits (as `posix_spawn` does it, which has no parent-death signal and no control group): a copy of it would cost
//! a fifth of what a start takes. So nothing here allocates, and what the child finds wrong it just writes down.
//! What it is to become is decided in `spawn.rs`.

use super::environment_block::EnvironmentBlock;
use super::signals;
use super::supplies::FIRST_SOCKET;
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{
    Pid, Resource, Rlimit, WaitOptions, chdir, getpid, getppid, setpgid, setrlimit, waitpid,
};
use rustix::stdio;
use rustix::termios::tcsetpgrp;
use std::ffi::{CStr, CString, c_char, c_int};
use std::io;
use std::os::fd::{BorrowedFd, RawFd};

/// Where a program without a path is looked for when there is no `PATH`, as the C library does it.
const USUAL_PATH: &str = "/bin:/usr/bin";

const SHELL: &CStr = c"/bin/sh";

/// What nobody sees: the reason is told otherwise.
const COULD_NOT_BE_BORN: c_int = 127;

/// What the child takes over between fork and exec. Borrowed by number: the owners outlive the birth.
#[derive(Default)]
pub(super) struct Handed {
    /// Gets the terminal's keyboard; nothing else gets any input.
    pub(super) is_service: bool,
    /// To be found from [`FIRST_SOCKET`] on.
    pub(super) sockets: Vec<RawFd>,
    pub(super) limits: Vec<(Resource, u64)>,
    /// Of the control group that it enters.
    pub(super) door: Option<RawFd>,
}

/// All that a child needs, laid out before it is born.
pub(super) struct Unborn<'a> {
    /// The program's files, the first that can be run counts.
    programs: Vec<CString>,
    /// A place for the interpreter of a script without one; the words of the command; a null.
    argv: Vec<*const c_char>,
    /// What `argv` points to.
    _words: Vec<CString>,
    cwd: CString,
    environment: EnvironmentBlock<'a>,
    handed: &'a Handed,
    shim: Pid,
    /// A file that says of itself neither what it is nor what interprets it is one for `/bin/sh`, as it is to
    /// `execvp`. Not if somebody else is to be asked.
    runs_scripts: bool,
    /// What the child has found, if it is no more.
    failure: Option<io::Error>,
}

impl<'a> Unborn<'a> {
    /// The error says that a text holds a NUL byte. `path` is the service's `PATH`.
    pub(super) fn new(
        argv: &[String],
        path: Option<&str>,
        cwd: CString,
        environment: EnvironmentBlock<'a>,
        handed: &'a Handed,
    ) -> Result<Self, String> {
        let text = |text: String| {
            CString::new(text).map_err(|error| {
                let text = String::from_utf8_lossy(&error.into_vec()).replace('\0', "");
                format!("{text} holds a NUL byte, which no program can be given")
            })
        };
        let program = argv.first().ok_or("there is no command")?;
        let programs = places(program, path).map(text).collect::<Result<_, _>>()?;
        let words: Vec<CString> = argv.iter().cloned().map(text).collect::<Result<_, _>>()?;
        let mut pointers = vec![SHELL.as_ptr()];
        pointers.extend(words.iter().map(|word| word.as_ptr()));
        pointers.push(std::ptr::null());
        Ok(Self {
            programs,
            argv: pointers,
            _words: words,
            cwd,
            environment,
            handed,
            shim: getpid(),
            runs_scripts: true,
            failure: None,
        })
    }

    /// The same where a script that names no interpreter is refused.
    pub(super) fn without_scripts(self) -> Self {
        Self {
            runs_scripts: false,
            ..self
        }
    }

    /// The process, when its program has been loaded; else why not, and the child is gone and reaped. Every signal
    /// must be blocked: what arrives before exec must not run the shim's handlers in the child.
    pub(super) fn bear(mut self) -> io::Result<Pid> {
        let number = memory::of(&mut self)?;
        let pid = Pid::from_raw(number).expect("a child has a positive number");
        match self.failure {
            None => Ok(pid),
            Some(error) => {
                waitpid(Some(pid), WaitOptions::empty())?;
                Err(error)
            }
        }
    }

    /// In the child. Returns if something is wrong.
    fn live(&mut self) -> io::Error {
        match self.prepare() {
            Ok(()) => self.become_program(),
            Err(error) => error,
        }
    }

    fn prepare(&mut self) -> io::Result<()> {
        if !self.handed.is_service {
            let nothing = open(c"/dev/null", OFlags::RDONLY, Mode::empty())?;
            stdio::dup2_stdin(&nothing)?;
        }
        chdir(&*self.cwd)?;
        setpgid(None, None)?;
        if self.handed.is_service {
            // Fails if the terminal has just gone; then the shim ends the service soon.
            let _gone = tcsetpgrp(stdio::stdin(), getpid());
        }
        #[cfg(target_os = "linux")]
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        // The shim may have died before that was set.
        if getppid() != Some(self.shim) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if let Some(door) = self.handed.door {
            // SAFETY: the shim keeps the group, and with it the file, for as long as the run lives.
            rustix::io::write(unsafe { BorrowedFd::borrow_raw(door) }, b"0")?;
        }
        for (number, socket) in (FIRST_SOCKET..).zip(&self.handed.sockets) {
            // SAFETY: the number is nobody's here but the shim's, whose files end with exec in any case.
            if unsafe { libc::dup2(*socket, number) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        for (resource, limit) in &self.handed.limits {
            let (current, maximum) = (Some(*limit), Some(*limit));
            setrlimit(*resource, Rlimit { current, maximum })?;
        }
        self.environment.tell_own_pid(getpid());
        signals::restore_defaults();
        Ok(())
    }

    /// Tries one file after the other, as `execvp` does.
    fn become_program(&mut self) -> io::Error {
        let environment = self.environment.as_ptr();
        let mut refused = None;
        for program in &self.programs {
            // SAFETY: both lists are of C strings, with a null at their end, and live as long as this.
            unsafe { libc::execve(program.as_ptr(), self.argv[1..].as_ptr(), environment) };
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EACCES) => refused = Some(error),
                Some(libc::ENOENT | libc::ENOTDIR | libc::ESTALE | libc::ENODEV | libc::ETIMEDOUT) => {}
                Some(libc::ENOEXEC) if self.runs_scripts => {
                    self.argv[1] = program.as_ptr();
                    // SAFETY: as above; the place before the words is the shell's.
                    unsafe { libc::execve(SHELL.as_ptr(), self.argv.as_ptr(), environment) };
                    return error;
                }
                _ => return error,
            }
        }
        refused.unwrap_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))
    }
}

/// Where a program may be.
fn places(program: &str, path: Option<&str>) -> impl Iterator<Item = String> {
    let has_place = program.contains('/');
    let path = if has_place || program.is_empty() {
        ""
    } else {
        path.unwrap_or(USUAL_PATH)
    };
    path.split(':').map(move |directory| match directory {
        "" => program.to_owned(),
        directory => format!("{directory}/{program}"),
    })
}

/// In memory that is shared with the parent, which waits until the child has a program or is gone.
#[cfg(target_os = "linux")]
mod memory {
    use super::{Unborn, c_int, io};
    use std::ffi::c_void;

    /// In words of sixteen bytes, by which a stack is aligned. Twenty times what is needed; pages that are not used
    /// cost nothing, and so much the allocator has without asking the system for a mapping.
    const STACK: usize = 4096;

    pub(super) fn of(unborn: &mut Unborn<'_>) -> io::Result<i32> {
        let mut stack: Vec<u128> = Vec::with_capacity(STACK);
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        // SAFETY: the end of memory that nobody else uses. The child runs `live` on it and nothing else, while this
        // thread, the only one, stands still; when the call returns, the child has left both.
        let number = unsafe {
            let top = stack.as_mut_ptr().add(STACK);
            libc::clone(live, top.cast(), flags, std::ptr::from_mut(unborn).cast())
        };
        if number < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(number)
        }
    }

    extern "C" fn live(unborn: *mut c_void) -> c_int {
        // SAFETY: what `of` was given, which nobody else looks at meanwhile.
        let unborn = unsafe { &mut *unborn.cast::<Unborn<'_>>() };
        unborn.failure = Some(unborn.live());
        super::COULD_NOT_BE_BORN
    }
}

/// In a copy of the parent's memory; the pipe closes when the child has a program.
#[cfg(not(target_os = "linux"))]
mod memory {
    use super::{Unborn, io};
    use rustix::io::fcntl_dupfd_cloexec;
    use std::io::{Read, Write};

    /// Above every number at which a service finds a socket.
    const OUT_OF_THE_WAY: i32 = 100;

    pub(super) fn of(unborn: &mut Unborn<'_>) -> io::Result<i32> {
        let (mut reasons, tell) = io::pipe()?;
        let tell = fcntl_dupfd_cloexec(&tell, OUT_OF_THE_WAY)?;
        // SAFETY: the process has one thread, and the child makes async-signal-safe calls only.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                let reason = unborn.live().raw_os_error().unwrap_or(libc::ENOENT);
                let _gone = std::fs::File::from(tell).write_all(&reason.to_ne_bytes());
                // SAFETY: it only ends the process.
                unsafe { libc::_exit(super::COULD_NOT_BE_BORN) }
            }
            number => {
                drop(tell);
                let mut reason = [0; 4];
                if reasons.read_exact(&mut reason).is_ok() {
                    unborn.failure = Some(io::Error::from_raw_os_error(i32::from_ne_bytes(reason)));
                }
                Ok(number)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::places;

    fn all(program: &str, path: Option<&str>) -> Vec<String> {
        places(program, path).collect()
    }

    #[test]
    fn a_program_is_looked_for_along_the_path_unless_it_says_where_it_is() {
        assert_eq!(all("node", Some("/a:/b")), ["/a/node", "/b/node"]);
        assert_eq!(all("node", Some(":/b:")), ["node", "/b/node", "node"]);
        assert_eq!(all("node", Some("")), ["node"]);
        assert_eq!(all("node", None), ["/bin/node", "/usr/bin/node"]);
        assert_eq!(all("bin/node", Some("/a:/b")), ["bin/node"]);
        assert_eq!(all("", Some("/a:/b")), [""]);
    }
}
