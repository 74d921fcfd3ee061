# The state of this project's services in the prompt of zsh: "[3/4 web!] ". `!` failed, `?` waits for input.
# Nothing is shown where no session runs. In ~/.zshrc:  source /path/to/ovr/shell/prompt.zsh

_ovr_prompt() {
	local state
	if state=$(ovr status --short 2>/dev/null) && [[ -n $state ]]; then
		ovr_segment="[$state] "
	else
		ovr_segment=
	fi
}

autoload -Uz add-zsh-hook
add-zsh-hook precmd _ovr_prompt
setopt prompt_subst
PROMPT='${ovr_segment}'$PROMPT
