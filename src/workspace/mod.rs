//! Project root, runtime and state directories, session lock, the sessions of this machine.
