# The generator of known bytes (tests/gen/gen.h says what it is).
GEN := $(BUILD)/tests/gen
gen: $(GEN) ## build the generator of known bytes
.PHONY: gen

$(GEN): tests/gen/gen.c tests/gen/pair.c tests/gen/read.c tests/gen/write.c tests/gen/gen.h
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) -D_GNU_SOURCE $(CFLAGS) $(WARN) -std=gnu11 -o $@ $(filter %.c,$^) -luring -lpthread

# Captures with spf's source what the generator says, and compares.
COMPARE := $(BUILD)/tests/compare
$(COMPARE): tests/gen/compare.c $(LIB) $(GEN)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -std=gnu11 -MMD -MP -o $@ $< $(LIB) $(LIBS)
-include $(COMPARE).d
