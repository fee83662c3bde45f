/* SPDX-License-Identifier: BSD-2-Clause */
/* One direction's byte stream: places chunks by offset, so that the decoder gets each byte
 * once, in order, and is told of every byte that it does not get. */
#ifndef SPF_CONN_STREAM_H
#define SPF_CONN_STREAM_H

#include "capture/chunk.h"

struct stream {
	uint64_t next; /* offset of the next byte that the decoder gets */
	bool has_begun;
	uint64_t fed;    /* bytes given to the decoder */
	uint64_t cut;    /* bytes that were accepted but not copied (--snaplen) */
	uint64_t lost;   /* bytes that are missing */
	uint64_t repeated; /* bytes that came twice and were dropped */
};

/* One step: a gap (may be 0 long), then bytes (may be empty), then bytes that were cut. */
struct stream_step {
	uint64_t gap;
	enum gap_cause cause;
	struct bytes data; /* points into the chunk */
	uint64_t cut;
};

/* Takes a DATA or LOST chunk and says what the decoder must be told. */
struct stream_step stream_push(struct stream *s, const struct chunk *c);

/* The direction ended at offset end: returns the bytes that are missing before it. */
uint64_t stream_end(struct stream *s, uint64_t end);

#endif
