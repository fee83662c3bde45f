# The libFuzzer target of the readers of capture files, seeded with the captures of the corpora.
FUZZ_FILES_SRC := $(addprefix src/capture/,file.c input.c link.c own.c packets.c pcap_read.c \
  pcap_source.c pcapng_block.c pcapng_read.c pcapng_write.c tcp.c tcp_make.c trace.c trace_print.c \
  words.c) $(wildcard src/util/*.c)

$(BUILD)/fuzz/pcap: tests/fuzz/pcap_fuzz.c $(FUZZ_FILES_SRC)
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D) && $(FUZZ_CC) -o $@ $^

fuzz-files: $(BUILD)/fuzz/pcap ## fuzz the readers of capture files, FUZZ_SEC=5 seconds
	$(Q)mkdir -p $(BUILD)/fuzz/corpus-pcap $(BUILD)/fuzz/seeds-pcap && \
	  d=$(SPF_CORPORA); [ -z "$$d" ] || find "$$d"/pcap "$$d"/http1/pcap "$$d"/streams -name '*.pcap*' \
	      -size -40k -o -name '*.chunks' -size -8k | xargs cp -t $(BUILD)/fuzz/seeds-pcap; \
	  $(BUILD)/tests/chunks -w $(BUILD)/fuzz/seeds-pcap/own.pcapng tests/golden/flow.chunks; \
	  nice -n 15 $(BUILD)/fuzz/pcap -max_total_time=$(FUZZ_SEC) -max_len=40960 -timeout=20 -rss_limit_mb=512 \
	    -artifact_prefix=$(BUILD)/fuzz/pcap- -print_final_stats=1 $(BUILD)/fuzz/corpus-pcap $(BUILD)/fuzz/seeds-pcap \
	    >$(BUILD)/fuzz/pcap.log 2>&1 || { tail -30 $(BUILD)/fuzz/pcap.log; exit 1; }; \
	  printf '%-12s %s\n' pcap "$$(grep -E 'Done|number_of_executed' $(BUILD)/fuzz/pcap.log | tail -1)"
fuzz-files: $(BUILD)/tests/chunks
.PHONY: fuzz-files
