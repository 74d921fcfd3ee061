# The state of this project's services in the prompt of bash: "[3/4 web!] ". `!` failed, `?` waits for input.
# Nothing is shown where no session runs. In ~/.bashrc:  source /path/to/ovr/shell/prompt.bash

__ovr_prompt() {
	local code=$? state
	# Its exit code says how the services are: not 0 is no reason to show nothing.
	state=$(ovr status --short 2>/dev/null)
	OVR_SEGMENT=${state:+"[$state] "}
	# What the prompt shows as the last exit code stays that of the last command.
	return "$code"
}

PROMPT_COMMAND="__ovr_prompt${PROMPT_COMMAND:+; $PROMPT_COMMAND}"
PS1='${OVR_SEGMENT}'"$PS1"
