# The state of this project's services in the prompt of bash: "[3/4 web!] ". `!` failed, `?` waits for input.
# Nothing is shown where no session runs. In ~/.bashrc:  source /path/to/ovr/shell/prompt.bash

__ovr_prompt() {
	local code=$? state
	if state=$(ovr status --short 2>/dev/null) && [ -n "$state" ]; then
		OVR_SEGMENT="[$state] "
	else
		OVR_SEGMENT=
	fi
	# What the prompt shows as the last exit code stays that of the last command.
	return "$code"
}

PROMPT_COMMAND="__ovr_prompt${PROMPT_COMMAND:+; $PROMPT_COMMAND}"
PS1='${OVR_SEGMENT}'"$PS1"
