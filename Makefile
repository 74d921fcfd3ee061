# What a person with a clean machine needs: `make demo` to see it, `make test` to check it.
# Plain make and sh; missing tools are installed or named.

CARGO ?= cargo
PREFIX ?= $(HOME)/.local
OVR = target/release/ovr
# One runs for each service: a small program, which `ovr` can stand in for.
SHIM = target/release/ovr-shim
# A program that loads no library starts in half the time and with less memory of its own. Where the C library's archive is not installed, it is linked as usual.
STATIC := $(shell [ "$$(uname -s)" = Linux ] && [ -f "$$(cc -print-file-name=libc.a 2>/dev/null)" ] \
	&& echo -C target-feature=+crt-static -C relocation-model=static)

.PHONY: help demo build test lint bench fuzz install tools

help:
	@echo 'make demo     install tmux if it is missing, build, start Procfile.example'
	@echo 'make test     run every test (OVR_TMUX=/path/to/tmux: against that tmux)'
	@echo 'make lint     formatting, clippy, documentation, dependencies'
	@echo 'make bench    measure'
	@echo 'make fuzz     ask a session everything that its API allows, and more (needs python3)'
	@echo 'make install  put ovr, its manual pages and completions under $(PREFIX)'

demo: build
	@echo 'In a second terminal here: $(OVR) connect ask · $(OVR) status · Ctrl-C stops all'
	@$(OVR) start -f Procfile.example -r crasher || [ $$? -eq 130 ]

build: tools
	$(CARGO) rustc --release --locked --bin ovr -- $(STATIC)
	$(CARGO) rustc --release --locked --bin ovr-shim -- $(STATIC)

# `make test OVR_TMUX=/path/to/tmux` reaches the tests and ovr by the environment. (`TMUX` is tmux's own variable.)
test: tools
	@sh scripts/tools.sh test
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		echo '$(CARGO) nextest run --locked' && $(CARGO) nextest run --locked; \
	else \
		echo '$(CARGO) test --locked' && $(CARGO) test --locked; \
	fi

lint: tools
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --document-private-items
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
		$(CARGO) deny check; \
	else \
		echo 'cargo-deny is not installed: licences and advisories not checked'; \
	fi

bench: build
	install -d target/measured
	install -m 755 $(OVR) $(SHIM) target/measured
	OVR_BENCH_PROGRAM=$(CURDIR)/target/measured/ovr $(CARGO) bench --locked

fuzz: tools
	$(CARGO) build --locked
	sh scripts/fuzz.sh target/debug/ovr

install: build
	install -d $(PREFIX)/bin $(PREFIX)/share/man/man1
	install -d $(PREFIX)/share/bash-completion/completions $(PREFIX)/share/zsh/site-functions
	install -d $(PREFIX)/share/fish/vendor_completions.d
	install -m 755 $(OVR) $(SHIM) $(PREFIX)/bin
	install -m 644 docs/man/*.1 $(PREFIX)/share/man/man1
	install -m 644 completions/ovr.bash $(PREFIX)/share/bash-completion/completions/ovr
	install -m 644 completions/_ovr $(PREFIX)/share/zsh/site-functions/_ovr
	install -m 644 completions/ovr.fish $(PREFIX)/share/fish/vendor_completions.d/ovr.fish

tools:
	@sh scripts/tools.sh
