# Calls and messages against the corpora, and how fast they are (issue 5).
RECORDS := $(BUILD)/tests/records

$(RECORDS): tests/calls/records.c $(LIB)
	$(call say,TOOL,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -std=gnu11 -MMD -MP -o $@ $< $(LIB) $(LIBS)

-include $(RECORDS).d
