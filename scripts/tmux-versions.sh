#!/bin/sh
# Runs the tests against several tmux releases: `scripts/tmux-versions.sh 3.5a 3.6b /opt/tmux-3.8/bin/tmux`. A number
# is built from Debian's source package under target/tmux; a path is a tmux that is there already. Needs apt, and root
# once, for what tmux is built with. Says at the end which passed; a release that cannot be had has not.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || { echo "usage: $0 RELEASE|PATH…" >&2; exit 2; }
place=$PWD/target/tmux
mkdir -p "$place/apt/lists/partial"

# Lists of sources of our own: the machine's are left as they are.
key=/usr/share/keyrings/debian-archive-keyring.gpg
for suite in bullseye bookworm bookworm-backports trixie trixie-backports sid; do
	echo "deb-src [signed-by=$key] http://deb.debian.org/debian $suite main"
done >"$place/apt/sources.list"
export APT_CONFIG="$place/apt/apt.conf"
cat >"$APT_CONFIG" <<CONFIG
Dir::State::Lists "$place/apt/lists";
Dir::Etc::SourceList "$place/apt/sources.list";
Dir::Etc::SourceParts "-";
APT::Sandbox::User "";
CONFIG

install_tools() (
	unset APT_CONFIG
	set -- build-essential bison pkg-config libevent-dev libncurses-dev
	dpkg -s "$@" >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; }
)

# Builds one release, quietly; what was said stands in target/tmux/RELEASE.log.
build() (
	package=$(apt-cache showsrc tmux | sed -n "s/^Version: \($1-.*\)/\1/p" | head -n 1)
	[ -n "$package" ] || { echo "Debian has no source of tmux $1" >&2; exit 1; }
	rm -rf "$place/$1.src" && mkdir "$place/$1.src" && cd "$place/$1.src" &&
		apt-get source --download-only "tmux=$package" &&
		tar xzf tmux_*.orig.tar.gz --strip-components=1 &&
		./configure --prefix="$place/$1" && make -j"$(nproc)" && make install
)

passed='' failed='' fetched=''
for wanted in "$@"; do
	case $wanted in
	*/*) tmux=$wanted ;;
	*)
		tmux=$place/$wanted/bin/tmux
		if [ ! -x "$tmux" ]; then
			[ -n "$fetched" ] || { install_tools && apt-get update -qq && fetched=yes; }
			build "$wanted" >"$place/$wanted.log" 2>&1 || tail -n 5 "$place/$wanted.log" >&2
		fi
		;;
	esac
	if [ -x "$tmux" ] && echo "== $("$tmux" -V)" && make test OVR_TMUX="$tmux"; then
		passed="$passed $wanted"
	else
		failed="$failed $wanted"
	fi
done
echo "passed:${passed:- none}; failed:${failed:- none}"
[ -z "$failed" ]
