/* SPDX-License-Identifier: BSD-2-Clause */
/* Puts chunks into the order in which their bytes were written.
 *
 * Takes what the ring gives: DATA at the time of reading, in stream order within each
 * direction, and SENT with the time and author of each write. Gives DATA, OPEN, CLOSE and
 * LOST by time of writing across all connections; within a direction always by offset; never
 * a response before its request.
 *
 * The time that orders a DATA chunk is the earlier of written and read: a writer may be
 * interrupted between queueing its bytes and reporting them, but what answers a chunk was
 * always written after it was read, so this time keeps causes before effects.
 *
 * A chunk is given as soon as nothing older can come: every event up to its time has been
 * seen (settled_ns), and no direction holds an older write that is known but not yet read.
 * For such a write it waits at most the window; what comes later than that is counted as
 * late, and given at once. TCP's bytes come when they are sent: they wait as long to be told
 * when they were read, if their readers are seen reading.
 */
#ifndef SPF_CAPTURE_REORDER_H
#define SPF_CAPTURE_REORDER_H

#include "capture/chunk.h"

struct reorder;

struct reorder_stats {
	uint64_t late;      /* DATA chunks that came after younger ones had been given */
	uint64_t forced;    /* chunks given early because the buffer was full */
	uint64_t no_writer; /* DATA chunks whose write was never reported */
	uint64_t orphans;   /* directions with DATA before they were announced, if ever */
};

/* window_ns: how long a known, unread write may hold back others. */
struct reorder *reorder_new(int64_t window_ns);
void reorder_free(struct reorder *r);

/* Takes one chunk; copies its bytes and its addr. */
void reorder_push(struct reorder *r, const struct chunk *c);

/* Gives the next chunk in order: 1, or 0 if none may go yet. settled_ns: every event up to
 * this time has been pushed; INT64_MAX gives all that is left. The chunk and its bytes are
 * valid until the next call on r. */
int reorder_next(struct reorder *r, int64_t settled_ns, struct chunk *out);

/* Says that nothing more comes of a direction: its connection is closed. */
void reorder_forget(struct reorder *r, uint64_t sock);

/* Bytes that a direction wrote and nobody has read yet, by what was pushed. */
uint64_t reorder_unread(const struct reorder *r, uint64_t sock);

/* Bytes that are held. */
size_t reorder_held(const struct reorder *r);

const struct reorder_stats *reorder_stats(const struct reorder *r);

#endif
