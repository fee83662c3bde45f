# libFuzzer targets of the decoders. FUZZ_SEC is for each of them.
FUZZ_SEC ?= 5
FUZZ_DECODE := hpack http2 connection
FUZZ_LIB := $(wildcard src/decode/*.[ch] src/util/*.[ch])
# Of pointer arithmetic clang's sanitizer reports NULL + 0 too, which is what an empty span is.
FUZZ_CC = $(CLANG) -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -fno-sanitize=pointer-overflow $(CPPFLAGS) -std=gnu11

$(BUILD)/fuzz/hpack: tests/fuzz/hpack.c $(FUZZ_LIB)
$(BUILD)/fuzz/http2: tests/fuzz/connection.c $(FUZZ_LIB)
$(BUILD)/fuzz/connection: tests/fuzz/connection.c $(FUZZ_LIB)
$(FUZZ_DECODE:%=$(BUILD)/fuzz/%):
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D) && $(FUZZ_CC) $(if $(filter %/http2,$@),-DONE_DIRECTION) -o $@ $(filter %.c,$^) $(LIBS)

.PHONY: fuzz-decode
fuzz-decode: $(FUZZ_DECODE:%=$(BUILD)/fuzz/%) ## run the decoders' fuzz targets, FUZZ_SEC=5 seconds each
	$(Q)for t in $(FUZZ_DECODE); do \
	  python3 tests/fuzz/seeds.py $$t $(BUILD)/fuzz/seeds-$$t && mkdir -p $(BUILD)/fuzz/corpus-$$t && \
	  nice -n 15 $(BUILD)/fuzz/$$t -max_total_time=$(FUZZ_SEC) -max_len=16384 -timeout=20 -rss_limit_mb=512 \
	    -artifact_prefix=$(BUILD)/fuzz/$$t- -print_final_stats=1 $(BUILD)/fuzz/corpus-$$t $(BUILD)/fuzz/seeds-$$t \
	    >$(BUILD)/fuzz/$$t.log 2>&1 || { tail -30 $(BUILD)/fuzz/$$t.log; exit 1; }; \
	  printf '%-12s %s\n' $$t "$$(grep -E 'Done|number_of_executed' $(BUILD)/fuzz/$$t.log | tail -1)"; done
