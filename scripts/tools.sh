#!/bin/sh
# Makes sure that cargo, a C compiler and tmux are there; installs the last two where a package manager is known. For
# the tests (`tools.sh test`) a nats-server too, where it can be had as a package; they say so where it cannot.
set -eu

if ! command -v "${CARGO:-cargo}" >/dev/null 2>&1; then
	echo "cargo is missing: install Rust from https://rustup.rs and try again" >&2
	exit 1
fi

# macOS has a `cc` that only says where to get one; it is Apple's to install, after a question of its own.
if [ "$(uname -s)" = Darwin ] && ! xcode-select -p >/dev/null 2>&1; then
	echo "a C compiler is missing: run xcode-select --install and try again" >&2
	exit 1
fi

wanted=
if [ -z "${OVR_TMUX:-}" ]; then
	command -v tmux >/dev/null 2>&1 || wanted=tmux
elif ! command -v "$OVR_TMUX" >/dev/null 2>&1; then
	echo "OVR_TMUX names no program: $OVR_TMUX" >&2
	exit 1
fi
command -v cc >/dev/null 2>&1 || wanted="$wanted cc"

# Only for tests, and no reason to fail: neither the question nor a package that is not there.
nats_server() {
	[ "${1:-}" = test ] || return 0
	command -v nats-server >/dev/null 2>&1 || [ -x /usr/sbin/nats-server ] && return 0
	if [ "$(id -u)" -eq 0 ]; then as=; elif sudo -n true 2>/dev/null; then as="sudo -n"; else as=no; fi
	if [ "$as" != no ] && command -v apt-get >/dev/null 2>&1; then
		$as apt-get update -qq && $as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
			--no-install-recommends nats-server || true
	elif [ "$as" != no ] && command -v apk >/dev/null 2>&1; then
		$as apk add --quiet --update-cache nats-server || true
	elif command -v brew >/dev/null 2>&1; then
		brew install --quiet nats-server || true
	fi
	command -v nats-server >/dev/null 2>&1 || [ -x /usr/sbin/nats-server ] ||
		echo 'nats-server is not installed: the tests of publishing will say SKIPPED and check nothing' >&2
}
nats_server "${1:-}"

[ -n "$wanted" ] || exit 0

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		echo "installing needs root and there is no sudo; as root, run: $*" >&2
		exit 1
	fi
}

# The name of the package that holds the compiler differs; tmux is tmux everywhere.
packages() {
	for name in $wanted; do
		[ "$name" = cc ] && echo "$1" || echo "$name"
	done
}

echo "installing:$(printf ' %s' $wanted)"
if command -v apt-get >/dev/null 2>&1; then
	as_root apt-get update -qq
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(packages "gcc libc6-dev")
elif command -v dnf >/dev/null 2>&1; then
	as_root dnf install -y -q $(packages gcc)
elif command -v pacman >/dev/null 2>&1; then
	as_root pacman -S --noconfirm --needed $(packages gcc)
elif command -v apk >/dev/null 2>&1; then
	as_root apk add --quiet --update-cache $(packages "gcc musl-dev")
elif command -v brew >/dev/null 2>&1 && [ "${wanted#*cc}" = "$wanted" ]; then
	# Its compilers go by other names than `cc`.
	brew install --quiet $wanted
else
	echo "no package manager is known here: install$(printf ' %s' $wanted) by hand and try again" >&2
	exit 1
fi
