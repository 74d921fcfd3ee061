complete --keep-order --exclusive --command ovr --arguments "(OVR_COMPLETE=fish ovr -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
