#!/bin/sh
# Checks the macOS side of the source on any system: types and lints. Nothing is linked and nothing runs.
#
# Needs the target's standard library (rustup target add aarch64-apple-darwin). Without it the library's sources do,
# which are then checked along: rustup component add rust-src, or RUST_SRC, the directory that holds `library` of the
# release that `rustc --version` names.
set -eu
cd "$(dirname "$0")/.."

target=${OVR_CHECK_TARGET:-aarch64-apple-darwin}
sysroot=$(rustc --print sysroot)
scratch=$PWD/target/check-macos
mkdir -p "$scratch"

# What crates bring in C is not looked at, and its headers are Apple's: elsewhere every object file is an empty one.
if [ "$(uname -s)" != Darwin ]; then
	cat >"$scratch/cc" <<-'EOF'
		#!/bin/sh
		is_output=
		for word; do
			[ -z "$is_output" ] || : >"$word"
			is_output=
			case $word in -o) is_output=yes ;; *.a) printf '!<arch>\n' >"$word" ;; esac
		done
	EOF
	chmod +x "$scratch/cc"
	suffix=$(echo "$target" | tr - _)
	export "CC_$suffix=$scratch/cc" "AR_$suffix=$scratch/cc"
fi

set -- --locked --target "$target" --lib --bins --tests --benches
if [ ! -d "$sysroot/lib/rustlib/$target/lib" ]; then
	if [ -n "${RUST_SRC:-}" ]; then
		# A root like the toolchain's, with these sources in it.
		rm -rf "$scratch/root"
		mkdir -p "$scratch/root/lib/rustlib/src"
		for part in "$sysroot"/lib/rustlib/*; do
			[ "${part##*/}" = src ] || ln -s "$part" "$scratch/root/lib/rustlib/"
		done
		ln -s "$(cd "$RUST_SRC" && pwd)" "$scratch/root/lib/rustlib/src/rust"
		printf '#!/bin/sh\nexec "%s" --sysroot "%s" "$@"\n' "$(command -v rustc)" "$scratch/root" >"$scratch/rustc"
		chmod +x "$scratch/rustc"
		# The second is for clippy, which does not go through the first.
		export RUSTC="$scratch/rustc" SYSROOT="$scratch/root"
		sysroot=$scratch/root
	fi
	if [ ! -f "$sysroot/lib/rustlib/src/rust/library/Cargo.lock" ]; then
		echo "no standard library for $target: rustup target add $target, or rustup component add rust-src" >&2
		exit 1
	fi
	# Building the library is not a stable option of cargo.
	export RUSTC_BOOTSTRAP=1
	set -- "$@" -Z build-std=std,panic_abort,test
fi

CARGO_TARGET_DIR=$scratch "${CARGO:-cargo}" clippy "$@" -- -D warnings
