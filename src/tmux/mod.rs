//! Control-mode parser, command rendering, client, attach command lines. Speaks to tmux and knows nothing of services.
