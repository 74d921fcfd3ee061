# The state of this project's services for the prompt of fish: "[3/4 web!] ". `!` failed, `?` waits for input.
# Nothing is printed where no session runs. In ~/.config/fish/config.fish:
#   source /path/to/ovr/shell/prompt.fish
# and call ovr_prompt in your fish_prompt or fish_right_prompt.

function ovr_prompt --description 'State of the services of this project'
    set -l state (command ovr status --short 2>/dev/null)
    and test -n "$state"
    and printf '[%s] ' $state
end
