# Small tools for tests and reviews.

$(BUILD)/tests/chunks: tests/tools/chunks.c $(LIB)
	$(call say,TOOL,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -std=gnu11 -MMD -MP -o $@ $< $(LIB) $(LIBS)

tools: $(BUILD)/tests/chunks ## build tests/tools (chunks: a capture as text and back)
.PHONY: tools
-include $(BUILD)/tests/chunks.d
