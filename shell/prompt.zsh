# The state of this project's services in the prompt of zsh: "[3/4 web!] ". `!` failed, `?` waits for input.
# Nothing is shown where no session runs. In ~/.zshrc:  source /path/to/ovr/shell/prompt.zsh

_ovr_prompt() {
	local state
	# Its exit code says how the services are: not 0 is no reason to show nothing.
	state=$(ovr status --short 2>/dev/null)
	ovr_segment=${state:+"[$state] "}
}

autoload -Uz add-zsh-hook
add-zsh-hook precmd _ovr_prompt
setopt prompt_subst
PROMPT='${ovr_segment}'$PROMPT
