# The state of this project's services for the prompt of fish: "[3/4 web!] ". `!` failed, `?` waits for input.
# Nothing is printed where no session runs. In ~/.config/fish/config.fish:
#   source /path/to/ovr/shell/prompt.fish
# and call ovr_prompt in your fish_prompt or fish_right_prompt.

function ovr_prompt --description 'State of the services of this project'
    # Its exit code says how the services are: not 0 is no reason to show nothing.
    set -l state (command ovr status --short 2>/dev/null)
    test -n "$state"
    and printf '[%s] ' $state
end
