# libFuzzer targets: tests/fuzz/X.c becomes build/fuzz/X, seeded from the corpora where X.seeds
# names files of theirs. `make fuzz F=http1 SEC=60` runs one; without F= each in turn.
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
FUZZ_SRC := $(wildcard src/decode/*.c src/util/*.c)
SEC ?= 20

$(BUILD)/fuzz/%: tests/fuzz/%.c $(FUZZ_SRC)
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) $(CPPFLAGS) -std=gnu11 -g -O1 -fno-sanitize-recover=undefined \
	  -fsanitize=fuzzer,address,undefined -fno-sanitize=pointer-overflow,nonnull-attribute -o $@ $< $(FUZZ_SRC) -lz

fuzz: $(addprefix $(BUILD)/fuzz/,$(or $(F),$(FUZZERS))) ## fuzz the decoders for SEC=20 s each; F=NAME for one
	$(Q)for f in $(or $(F),$(FUZZERS)); do \
	  tests/fuzz/seeds.sh $$f $(BUILD)/fuzz/seeds-$$f; mkdir -p $(BUILD)/fuzz/new-$$f; \
	  nice $(BUILD)/fuzz/$$f -max_total_time=$(SEC) -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
	    -artifact_prefix=$(BUILD)/fuzz/$$f- $(BUILD)/fuzz/new-$$f $(BUILD)/fuzz/seeds-$$f \
	    >$(BUILD)/fuzz/$$f.log 2>&1 || { tail -40 $(BUILD)/fuzz/$$f.log; exit 1; }; \
	  echo "$$f: $$(awk '/number_of_executed_units/ { print $$2, "runs" }' $(BUILD)/fuzz/$$f.log), $$(awk '/cov:/ { c = $$0 } END { print c }' $(BUILD)/fuzz/$$f.log)"; \
	done

.PHONY: fuzz
