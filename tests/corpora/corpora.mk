SUITES += check-corpora

$(BUILD)/tests/corpora: tests/corpora/tool.c $(LIB)
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -std=gnu11 -o $@ $< $(LIB) $(LIBS)

.PHONY: check-corpora
check-corpora: $(BUILD)/tests/corpora ## run the decoder over ../shared/corpora, with a table of counts
	$(Q)python3 tests/corpora/run.py $(BUILD)/tests/corpora
