# Aliases for bash, zsh and fish: source the lines you want.

# The commands and variables of Overmind mean the same here.
alias overmind=ovr

alias ovs='ovr status'
alias ovc='ovr connect'
alias ovrr='ovr restart'
