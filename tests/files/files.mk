# Capture files against tshark, and against themselves after -w.
SUITES += check-files

.PHONY: check-files
check-files: $(SPF) $(BUILD)/tests/cuts ## -r and -w over ../shared/corpora against tshark (T=name: some)
	$(Q)$(PYTHON) tests/files/run.py $(SPF) $(T)
