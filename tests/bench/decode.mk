$(BUILD)/tests/bench-decode: tests/bench/decode.c $(LIB)
	$(call say,BENCH,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(WHOLE) $(WARN) -std=gnu11 -o $@ $< $(LIB) $(LIBS) -lnghttp2

.PHONY: bench-decode
bench-decode: $(BUILD)/tests/bench-decode ## header blocks against libnghttp2, frames, memory
	$(Q)$<
