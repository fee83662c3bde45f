# Calls and messages against the corpora, and how fast they are (issue 5).
RECORDS := $(BUILD)/tests/records

$(RECORDS): tests/calls/records.c $(LIB)
	$(call say,TOOL,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -std=gnu11 -MMD -MP -o $@ $< $(LIB) $(LIBS)

check-calls: $(RECORDS) $(BUILD)/tests/chunks ## calls, messages and HTTP/1 against the corpora
	$(Q)$(PYTHON) tests/calls/corpora.py $(RECORDS) $(BUILD)/tests/chunks "$(SPF_CORPORA)" $(T)

SUITES += check-calls
.PHONY: check-calls
-include $(RECORDS).d

$(BUILD)/tests/bench-calls: tests/calls/bench.c $(LIB)
	$(call say,BENCH,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -std=gnu11 -o $@ $< $(LIB) $(LIBS) -lnghttp2

.PHONY: bench-calls
bench-calls: $(BUILD)/tests/bench-calls ## ns a call and records a second, beside decoding alone
	$(Q)$<
