#!/bin/sh
# Sends what the API's own description allows, and what it does not, to a session on TCP, and looks for answers that
# blame the server (5xx). Takes the program to try; installs schemathesis into target/fuzz.
# `/v1/quit` and `/v1/detach` come last: they end what is tried.
set -eu

ovr=$(realpath "${1:-target/debug/ovr}")
examples=${EXAMPLES:-200}
venv=target/fuzz/venv
[ -x "$venv/bin/schemathesis" ] || { python3 -m venv "$venv" && "$venv/bin/pip" install -q schemathesis; }
schemathesis=$(realpath "$venv/bin/schemathesis")

place=$(mktemp -d)
trap '"$ovr" quit >/dev/null 2>&1 || true; cd /; rm -rf "$place"' EXIT
export HOME="$place/home" OVR_RUNTIME_DIR="$place/run" XDG_STATE_HOME="$place/state"
mkdir -p "$HOME" "$place/project"
cd "$place/project"
printf 'web: sleep 1000\nworker: while read line; do echo "$line"; done\n' >Procfile

serve() {
	"$ovr" start -D -S tcp -s 127.0.0.1:0 >start.txt
	address=$(sed -n 's|.*tcp://\([^ ]*\) .*|\1|p' start.txt)
	token=$(grep -oE '[0-9a-f]{64}' start.txt)
}

try() {
	"$schemathesis" run "http://$address/v1/openapi.json" --header "Authorization: Bearer $token" \
		--checks not_a_server_error --max-examples "$examples" --request-timeout 20 --suppress-health-check all \
		--phases examples,coverage,fuzzing --no-color "$@"
}

# Streams that are followed never end; a request that waits for services waits for them.
serve
try --exclude-path-regex '^/v1/(quit|detach)$' "$@"
OVR_TOKEN=$token "$ovr" status -s "tcp://$address" >/dev/null
for last in detach quit; do
	[ -n "$("$ovr" ls --json | grep pid)" ] || serve
	EXAMPLES=20 examples=20 try --include-path "/v1/$last" "$@" || [ "$last" = quit ]
done
