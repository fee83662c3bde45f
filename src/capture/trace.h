/* SPDX-License-Identifier: BSD-2-Clause */
/* The text form of a capture: for tests, reviews, and what fits into a mail.
 *
 *     # a comment; "kind=mid-stream" on the first line: connections were open before
 *     O early=1 addr=/run/app.sock a.pid=71 b.pid=70   a connection is opened
 *     C 505249202a20 pid=71 comm=curl t=0.001          bytes of the client, in hex
 *     S 00000004 len=9                                 of the server, cut: 4 of 9 bytes
 *     ? S 12 bytes missing cause=ringbuf_drop          a gap
 *     > C 12 pid=71                                    12 bytes were written (no bytes)
 *     F C                                              the client's end is closed
 *     @ epoch=1700000000 start=0                       times of the capture (before the rest)
 *
 * C and S are the ends by role; A and B (A: the end that O is about) where the role is unknown.
 * Words (words.h) may follow; conn=2 names another connection than 1. A connection without O
 * opens by its first line. Without t= each line is a millisecond later.
 */
#ifndef SPF_CAPTURE_TRACE_H
#define SPF_CAPTURE_TRACE_H

#include "capture/input.h"
#include "capture/source.h"
#include "util/hash.h"

/* True if a file that begins so may be a text trace. */
bool trace_looks_like(struct bytes head);

/* Takes over in. */
struct source *trace_new(struct input *in);

/* Prints chunks as such text. A zeroed struct is ready; release frees it. */
struct trace_printer {
	struct hash ends; /* sock -> struct trace_end */
	uint64_t conn_cnt;
	int64_t ts_ns;
};

/* Appends the lines that the text begins with: the times of s. */
void trace_print_head(struct buf *out, const struct source *s);
void trace_print(struct trace_printer *p, struct buf *out, const struct chunk *c);
void trace_printer_release(struct trace_printer *p);

#endif
