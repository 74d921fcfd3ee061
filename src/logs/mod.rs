//! Lines out of bytes, SGR-safe console rendering, rings. Knows nothing of tmux or the machine.
