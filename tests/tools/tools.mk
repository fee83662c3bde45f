# Small tools for tests and reviews.
TOOLS := $(BUILD)/tests/chunks $(BUILD)/tests/cuts

$(TOOLS): $(BUILD)/tests/%: tests/tools/%.c $(LIB)
	$(call say,TOOL,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -std=gnu11 -MMD -MP -o $@ $< $(LIB) $(LIBS)

tools: $(TOOLS) ## build tests/tools (chunks: a capture as text and back; cuts: a capture cut off)
.PHONY: tools
-include $(TOOLS:=.d)
