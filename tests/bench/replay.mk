# Reading capture files: spf against tshark. SIZES in megabytes.
SIZES ?= 10 100 500

.PHONY: bench-replay
bench-replay: $(SPF) ## read captures of 10, 100 and 500 MB with spf and tshark (SIZES=10)
	$(Q)$(PYTHON) tests/bench/replay.py $(SPF) $(SIZES)
