$(BUILD)/tests/traffic: tests/bench/traffic.c
	$(Q)mkdir -p $(@D) && $(CC) -O2 $(WARN) -D_GNU_SOURCE -o $@ $<

$(BUILD)/tests/rest: tests/bench/rest.c $(LIB)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -std=gnu11 -o $@ $< $(LIB) $(LIBS)

.PHONY: bench-capture
bench-capture: $(SPF) $(BUILD)/tests/traffic $(BUILD)/tests/rest ## what capturing costs the traced programs (root)
	$(Q)PATH="$$PATH:/usr/sbin" $(PYTHON) tests/bench/capture.py $(SPF) $(BUILD)/tests
