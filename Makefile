# spf: one non-recursive Makefile. `make help` lists the targets.

BUILD  ?= build
PREFIX ?= /usr/local
CC     ?= cc
CLANG  ?= clang
CFLAGS ?= -O3 -g
WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-unused-parameter -Wno-missing-field-initializers

VERSION := 0.1.0
CPPFLAGS += -D_GNU_SOURCE -DSPF_VERSION='"$(VERSION)"' -DSPF_PREFIX='"$(PREFIX)"' -Isrc -I. -I$(BUILD)
CPPFLAGS += $(shell pkg-config --cflags luajit 2>/dev/null)
LIBS := -lbpf -lelf -lz $(shell pkg-config --libs luajit 2>/dev/null || echo -lluajit-5.1) -lm
ifeq ($(WERROR),1)
WARN += -Werror
endif
ifeq ($(SAN),1)
BUILD := $(BUILD)-san
CFLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
endif
# Inline GCC copies structs of some hundred bytes with an instruction (x86's rep movs) that takes
# longer to start than the whole copy does in libc.
COPY := -mstringop-strategy=libcall
COPY := $(shell $(CC) $(COPY) -E -x c /dev/null >/dev/null 2>&1 && echo $(COPY))
CFLAGS += $(COPY)
# GCC sees spf as a whole when it links it; that takes some seconds, so tests are linked without
# (their objects are the same), and `make LTO=` does too.
LTO := -flto=auto -ffat-lto-objects
LTO := $(if $(filter 1,$(SAN)),,$(shell $(CC) $(LTO) -v 2>&1 | grep -q '^gcc version' && echo $(LTO)))
CFLAGS += $(if $(LTO),-fno-lto)
WHOLE = $(filter-out -fno-lto,$(CFLAGS)) $(LTO)
# As BPF's headers call the machine that CC builds for.
ARCH := $(subst aarch64,arm64,$(subst x86_64,x86,$(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))))
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' "$(1)" "$(2)")

SRC  := $(wildcard src/*.c src/*/*.c)
OBJ  := $(SRC:%.c=$(BUILD)/%.o)
LIB  := $(BUILD)/libspf.a
SPF  := $(BUILD)/spf
LUA  := $(wildcard lua/spf/*.lua src/script/*.lua)
BPF  := $(wildcard bpf/*.bpf.c)
SKEL := $(BPF:bpf/%.bpf.c=$(BUILD)/bpf/%.skel.h)
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/*_test.c))

include $(wildcard tests/*.mk tests/*/*.mk)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all deps demo check check-unit fmt lint install clean help
.SECONDARY:

all: $(SPF) ## build spf (needs what `make deps` installs)

$(SPF): $(BUILD)/src/main.o $(LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(WHOLE) $(LDFLAGS) -rdynamic -o $@ $^ $(LIBS)

$(LIB): $(filter-out $(BUILD)/src/main.o,$(OBJ)) $(BUILD)/embedded.o
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/%.o: %.c | $(SKEL) $(BUILD)/record.cdef
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -std=gnu11 $(LTO) -MMD -MP -c -o $@ $<

$(BUILD)/embedded.o: $(BUILD)/embedded.c
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# The Lua library and the record structs go into the binary as text (src/util/embedded.h).
$(BUILD)/embedded.c: $(LUA) $(BUILD)/record.cdef Makefile
	$(call say,EMBED,$@)
	$(Q)mkdir -p $(@D) && { echo '#include "util/embedded.h"'; \
	  i=0; for f in $(LUA) $(BUILD)/record.cdef; do i=$$((i+1)); \
	    printf '__asm__(".section .rodata\\n.balign 8\\nembed_%d: .incbin \\"%s\\"\\nembed_%d_end: .byte 0\\n.previous\\n");\nextern const char embed_%d[], embed_%d_end[];\n' $$i $$f $$i $$i $$i; done; \
	  echo 'const struct embedded embedded[] = {'; \
	  i=0; for f in $(LUA) $(BUILD)/record.cdef; do i=$$((i+1)); \
	    printf '\t{ "%s", embed_%d, embed_%d_end },\n' $${f#$(BUILD)/} $$i $$i; done; \
	  echo '	{ 0, 0, 0 }, };'; } > $@

$(BUILD)/record.cdef: src/decode/record.h
	$(Q)mkdir -p $(@D) && $(CC) -E -P -DSPF_CDEF -x c $< > $@

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h)
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) -target bpf -mcpu=v2 -D__TARGET_ARCH_$(ARCH) -O2 -g -Wall -Werror -Ibpf -c -o $@ $<

$(BUILD)/bpf/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)PATH="$$PATH:/usr/sbin" bpftool gen skeleton $< name $*_bpf > $@

$(BUILD)/tests/%_test: tests/unit/%_test.c $(LIB)
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(WARN) -std=gnu11 -Itests/unit -MMD -MP -o $@ $< $(LIB) $(LIBS) -lcmocka

check-unit: $(UNIT) ## run the unit tests
	$(Q)rc=0; for t in $(UNIT); do $$t || rc=1; done; exit $$rc

clean: ## remove what was built
	rm -rf build build-*

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{ printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

-include $(OBJ:.o=.d) $(UNIT:=.d)
