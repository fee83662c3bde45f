# How fast records reach scripts (luajit.md has the figures to reach).
BENCH_SCRIPT := $(BUILD)/tests/bench-script
bench-script: $(BENCH_SCRIPT) ## frames a second through scripts, against decoding alone and a naive push
	$(Q)$(BENCH_SCRIPT)

$(BENCH_SCRIPT): tests/bench/scripts.c $(LIB)
	$(call say,BENCH,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -std=gnu11 -MMD -MP -o $@ $< $(LIB) $(LIBS) -lnghttp2

bench-tshark: $(BENCH_SCRIPT) $(SPF) ## count :path with spf and with tshark's Lua: CPU time
	$(Q)SPF=$(SPF) tests/bench/tshark.sh $(BENCH_SCRIPT)

bench-sandbox: $(BENCH_SCRIPT) ## the same inside of the worker's sandbox and outside, in turn
	$(Q)tests/bench/sandbox.sh $(BENCH_SCRIPT) $(or $(PAIRS),5)

.PHONY: bench-script bench-tshark bench-sandbox
-include $(BENCH_SCRIPT).d
