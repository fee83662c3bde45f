# Commands and their output: scripts, one-liners, the examples of the manual and of the lessons;
# and what scripts see (lua/meta), which is generated and pinned.
SUITES += check-golden
META := $(BUILD)/tests/meta

check-golden: $(SPF) $(META) ## run tests/golden and the examples of the manuals (T=NAME for one golden)
	$(Q)SPF=$(SPF) tests/golden/run.sh $(T)
	$(Q)SPF=$(SPF) tests/golden/manual.py lua/README.md scripts/README.md $(wildcard examples/lessons/*/README.md)
	$(Q)$(META) | diff - lua/meta/spf.d.lua && echo "1 passed, 0 failed" || { echo "0 passed, 1 failed"; exit 1; }

bless: $(SPF) ## write what the golden T=NAME prints now as its output
	$(Q)SPF=$(SPF) tests/golden/run.sh --bless $(or $(T),$(error bless T=NAME))

meta: $(META) ## write lua/meta/spf.d.lua anew from src/decode/fields.def
	$(Q)$(META) > lua/meta/spf.d.lua

$(META): tests/tools/meta.c $(LIB)
	$(call say,TOOL,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -std=gnu11 -MMD -MP -o $@ $< $(LIB) $(LIBS)

.PHONY: check-golden bless meta
-include $(META).d
