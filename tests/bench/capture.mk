$(BUILD)/tests/traffic: tests/bench/traffic.c
	$(Q)mkdir -p $(@D) && $(CC) -O2 $(WARN) -D_GNU_SOURCE -o $@ $<

.PHONY: bench-capture
bench-capture: $(SPF) $(BUILD)/tests/traffic ## what capturing costs the traced programs (root)
	$(Q)$(PYTHON) tests/bench/capture.py $(SPF) $(BUILD)/tests/traffic
