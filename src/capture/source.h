/* SPDX-License-Identifier: BSD-2-Clause */
/* Where chunks come from. The ring of a live capture, spf's own pcapng, a tcpdump file and
 * a text trace are alike behind this table. */
#ifndef SPF_CAPTURE_SOURCE_H
#define SPF_CAPTURE_SOURCE_H

#include "capture/chunk.h"
#include "capture/input.h"

struct source;

struct source_ops {
	/* Gives the next chunk: 1; 0 = nothing now (live) — every event with a time up to
	 * *settled_ns (CLOCK_MONOTONIC) has been given; -ENODATA at the end of a file; another
	 * -errno on failure with source->why set. chunk->data is valid until the next call. */
	int (*next)(struct source *s, struct chunk *out, int64_t *settled_ns);
	/* Sleeps until there may be more, at most timeout_ms. NULL for files. */
	void (*wait)(struct source *s, int timeout_ms);
	void (*free)(struct source *s);
};

struct source {
	const struct source_ops *ops;
	const char *why;        /* of a failure; static or owned by the source */
	int64_t epoch_ns;       /* CLOCK_REALTIME - CLOCK_MONOTONIC of its times */
	int64_t start_ns;       /* its time at which the capture began */
	const struct input *file; /* how far it is read; NULL live */
	int64_t end_ns;         /* files: when it ended, once -ENODATA; 0 = with its last chunk */
	bool is_live;
	bool is_ordered;        /* chunks come in the order of writing: no reordering needed */
};

#endif
