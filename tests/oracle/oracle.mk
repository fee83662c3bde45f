SUITES += check-oracle

$(BUILD)/tests/oracle-hpack: tests/oracle/hpack.c $(LIB)
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -std=gnu11 -o $@ $< $(LIB) $(LIBS) -lnghttp2

.PHONY: check-oracle oracle
check-oracle: $(BUILD)/tests/oracle-hpack ## header lists encoded by libnghttp2 decode equal
	$(Q)$< 50000 2>&1 | tail -1 | sed 's/.* changes, /oracle-hpack: /'; $< 20 >/dev/null

oracle: $(BUILD)/tests/oracle-hpack ## the same with a million lists
	$(Q)$< 1000000
