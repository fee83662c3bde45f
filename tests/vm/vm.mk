# Other kernels, in QEMU; natively without.
.PHONY: check-vm check-capture coverage

check-capture: $(COMPARE) $(SPF) ## captured bytes against read bytes, on this kernel (root)
	$(Q)tests/vm/native.sh $(COMPARE) $(SPF)

check-vm: $(COMPARE) $(SPF) ## the same on Debian's kernels 5.10, 6.1 and 6.12 in QEMU, and spf itself
	$(Q)tests/vm/check.sh $(BUILD)

coverage: $(COMPARE) $(SPF) ## likewise, and puts the table into bpf/README.md
	$(Q)COVERAGE_BLESS=1 tests/vm/check.sh $(BUILD)

SUITES += check-capture check-vm
