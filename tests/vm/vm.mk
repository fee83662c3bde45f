# Other kernels, in QEMU; natively without.
.PHONY: check-vm check-capture coverage

check-capture: $(COMPARE) ## captured bytes against read bytes, on this kernel (root)
	$(Q)d=$$(mktemp -d); $(COMPARE) $$d > $$d/out; rc=$$?; \
	  awk -F'\t' '{ n[$$1]++ } $$1 != "exact" { print } END { printf "check-capture: %d passed, %d failed\n", n["exact"], n["WRONG"] }' $$d/out; \
	  rm -rf $$d; test $$rc = 0 || test $$rc = 3

check-vm: $(COMPARE) ## the same on Debian's kernels 5.10, 6.1 and 6.12 in QEMU
	$(Q)tests/vm/check.sh $(BUILD)

coverage: $(COMPARE) ## likewise, and puts the table into bpf/README.md
	$(Q)COVERAGE_BLESS=1 tests/vm/check.sh $(BUILD)

SUITES += check-capture check-vm
