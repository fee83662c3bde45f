# What everybody runs: make deps, demo, check, lint, fmt, install.
#
# A suite is a target that prints "N passed, N failed[, N skipped]" (or cmocka's summary);
# a file tests/X/X.mk adds its own with SUITES += check-X. tests/run.py adds them up.

PYTHON ?= /usr/bin/python3
SUITES += check-unit check-lint check-live check-fuzz
# Inputs of other projects, beside the repository; where they are missing their tests are skipped.
SPF_CORPORA ?= $(wildcard $(abspath ../shared/corpora))
export SPF SPF_CORPORA

deps: ## install the packages that a build needs (Debian, Ubuntu; else say which)
	$(Q)tests/deps.sh build

demo: ## build, run a small gRPC service and show what spf sees of it
	$(Q)tests/deps.sh build demo
	+$(Q)$(MAKE) --no-print-directory all
	$(Q)SPF=$(SPF) examples/demo/demo.sh

check: ## build and run every test; the last line is the sum
	$(Q)tests/deps.sh build demo check lint
	+$(Q)$(MAKE) --no-print-directory all
	+$(Q)MAKE="$(MAKE)" $(PYTHON) tests/run.py --log $(BUILD)/check $(SUITES)

.PHONY: check-lint check-live check-fuzz
check-fuzz: ## a few seconds of each fuzzer
	+$(Q)$(MAKE) --no-print-directory fuzz-decode fuzz-calls SEC=5 FUZZ_SEC=5
	@echo "$(words $(FUZZ_DECODE) $(FUZZ_CALLS)) passed, 0 failed"

check-live: $(SPF) ## run spf on real peers: curl, nghttpd, h2load, gRPC
	$(Q)SPF=$(SPF) $(PYTHON) tests/live/run.py $(T)

check-lint: ## rules of the house that a few lines of awk can check
	$(Q)tests/lint/rules.sh

C_FILES = $(wildcard src/*.[ch] src/*/*.[ch] bpf/*.[ch] tests/unit/*.[ch])

fmt: ## format the C files named in F="…", or those that git says are changed
	$(Q)clang-format -i $(or $(F),$(shell git diff --name-only --diff-filter=d HEAD -- '*.c' '*.h'))

lint: $(SPF) check-lint ## clang-tidy, cppcheck, shellcheck, luacheck
	$(call say,TIDY,src)
	$(Q)clang-tidy --quiet --warnings-as-errors='*' $(SRC) -- $(CPPFLAGS) -std=gnu11 2>$(BUILD)/tidy.log || \
	  { grep -v 'warnings\? \(generated\|treated\)' $(BUILD)/tidy.log; exit 1; }
	$(call say,CPPCHK,src)
	$(Q)cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
	  --suppressions-list=tests/lint/cppcheck.txt --error-exitcode=1 -Isrc -D_GNU_SOURCE -D__x86_64__ src
	$(call say,SHELL,tests)
	$(Q)shellcheck -x -S warning $(shell git ls-files '*.sh' .ci/run)
	$(call say,LUA,lua scripts)
	$(Q)$(if $(LUA)$(wildcard scripts/*.lua),luacheck --quiet --no-color $(wildcard src/script/*.lua) $(LUA) $(wildcard scripts/*.lua))

CAPTURE_CAPS := cap_bpf,cap_perfmon,cap_syslog=ep

install: $(SPF) ## copy spf, its scripts and its manual below PREFIX (DESTDIR first)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/spf/scripts $(DESTDIR)$(PREFIX)/share/man/man1
	install $(SPF) $(DESTDIR)$(PREFIX)/bin/spf
	install -d $(DESTDIR)$(PREFIX)/lib/wireshark/extcap
	ln -sf $(PREFIX)/bin/spf $(DESTDIR)$(PREFIX)/lib/wireshark/extcap/spf
	$(if $(wildcard scripts/*.lua),install -m 644 $(wildcard scripts/*.lua) $(DESTDIR)$(PREFIX)/share/spf/scripts)
	install -m 644 src/spf.1 $(DESTDIR)$(PREFIX)/share/man/man1/spf.1
	$(if $(CAPS),PATH="$$PATH:/usr/sbin" setcap $(CAPTURE_CAPS) $(DESTDIR)$(PREFIX)/bin/spf)
	@$(if $(CAPS),,echo "To let every user who may run spf capture: make install CAPS=1 (setcap $(CAPTURE_CAPS))")
