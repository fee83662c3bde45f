/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's hold on the BPF programs: load, attach, list what is open, sweep for what
 * was closed. Everything here needs privilege; nothing here sees traffic. */
#ifndef SPF_CAPTURE_BPF_H
#define SPF_CAPTURE_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"

struct bpf;

struct bpf_options {
	char *const *targets; /* socket paths, @abstract names, globs; NULL-terminated, may be empty */
	uint32_t snaplen;     /* 0 = everything */
	size_t ring_size;     /* bytes, a power of two */
	bool early;           /* show bytes before they are read */
	const char *backend;  /* name of the only one to try; NULL = the best that works */
	struct spf_who who;
};

/* Loads and attaches the programs, which do nothing until live_start(). On failure returns
 * NULL and sets *why: one line with the reason and what would help; freed by the caller. */
struct bpf *bpf_new(const struct bpf_options *o, char **why);
void bpf_free(struct bpf *b);

/* The name of the backend in use. */
const char *bpf_backend(const struct bpf *b);

/* Map descriptors for struct live_maps, owned by b. */
void bpf_fds(const struct bpf *b, int *ring, int *control, int *slots);

/* Announces the connections that are open already. Call once, after live_start(). */
int bpf_list_open(struct bpf *b);

/* Finds out which watched sockets are gone; live_next() then gives their CLOSE. */
int bpf_sweep(struct bpf *b);

/* Gives slots of closed sockets back. */
void bpf_free_slots(struct bpf *b, const uint32_t *slots, uint32_t cnt);

/* True once the worker has started the capture. */
bool bpf_is_enabled(const struct bpf *b);

/* Runs that the kernel skipped because a program was interrupted by itself: loss. */
uint64_t bpf_recursion_misses(const struct bpf *b);

#endif
