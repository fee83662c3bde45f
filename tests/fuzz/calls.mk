# libFuzzer targets of HTTP/1, gRPC, protobuf and calls, seeded from the corpora (seeds.sh).
# `make fuzz-calls F=http1 SEC=60` runs one; without F= each in turn.
FUZZ_CALLS := calls grpc http1 pb
FUZZ_SRC := $(wildcard src/decode/*.c src/util/*.c)
SEC ?= 20

$(FUZZ_CALLS:%=$(BUILD)/fuzz/%): $(BUILD)/fuzz/%: tests/fuzz/%.c $(FUZZ_SRC)
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) $(CPPFLAGS) -std=gnu11 -g -O1 -fno-sanitize-recover=undefined \
	  -fsanitize=fuzzer,address,undefined -fno-sanitize=pointer-overflow,nonnull-attribute -o $@ $< $(FUZZ_SRC) -lz

fuzz-calls: $(addprefix $(BUILD)/fuzz/,$(or $(F),$(FUZZ_CALLS))) ## fuzz HTTP/1, gRPC, protobuf, calls for SEC=20 s each
	$(Q)for f in $(or $(F),$(FUZZ_CALLS)); do \
	  tests/fuzz/seeds.sh $$f $(BUILD)/fuzz/seeds-$$f; mkdir -p $(BUILD)/fuzz/new-$$f; \
	  nice $(BUILD)/fuzz/$$f -max_total_time=$(SEC) -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
	    -artifact_prefix=$(BUILD)/fuzz/$$f- $(BUILD)/fuzz/new-$$f $(BUILD)/fuzz/seeds-$$f \
	    >$(BUILD)/fuzz/$$f.log 2>&1 || { tail -40 $(BUILD)/fuzz/$$f.log; exit 1; }; \
	  echo "$$f: $$(awk '/number_of_executed_units/ { print $$2, "runs" }' $(BUILD)/fuzz/$$f.log), $$(awk '/cov:/ { c = $$0 } END { print c }' $(BUILD)/fuzz/$$f.log)"; \
	done

.PHONY: fuzz-calls
