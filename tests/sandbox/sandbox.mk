# The attack suite, and the fuzzer of the messages between worker and monitor.
SUITES += check-sandbox

.PHONY: check-sandbox fuzz-message
check-sandbox: $(SPF) ## attack the sandbox: scripts, native code, limits, kills (SPF_STARTS=1000)
	$(Q)SPF=$(SPF) $(PYTHON) tests/sandbox/run.py $(T)

$(BUILD)/fuzz/message: tests/sandbox/message_fuzz.c src/message.c src/message.h
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) $(CPPFLAGS) -g -O1 -fsanitize=fuzzer,address,undefined \
	  -o $@ $< src/message.c

fuzz-message: $(BUILD)/fuzz/message ## fuzz the messages between worker and monitor (RUNS=1000000)
	$(Q)$< -runs=$(or $(RUNS),1000000) -max_len=300 -len_control=0
