/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP segments as they stand in a capture file, put together to the two byte streams of each
 * connection: retransmissions and overlaps once (the first that was captured counts), what came
 * early in its place, what never came as a gap of known size.
 *
 *     tcp_push(segment)      then      while (tcp_next(…)) …
 *
 * A hole waits for its bytes until the receiver acknowledges past it (then they were sent and
 * not captured: at once if the acknowledgement carries data, since that may be the answer, else
 * after a few more segments), until LIMIT_TCP_PENDING waits behind it, or until the end.
 * Both CLOSE chunks come when both ends have closed (or the file has ended): an end that has
 * closed still listens. A connection whose beginning is not in the file begins at its first
 * segment with data.
 */
#ifndef SPF_CAPTURE_TCP_H
#define SPF_CAPTURE_TCP_H

#include "capture/chunk.h"
#include "capture/link.h"

struct tcp;

struct tcp_counts {
	uint64_t segments;
	uint64_t bytes;         /* given as chunks, cut ones included */
	uint64_t again;         /* bytes that had come before: retransmissions, overlaps */
	uint64_t lost;          /* bytes in gaps */
	uint64_t after_end;     /* bytes after FIN or RST */
	uint64_t ignored;       /* segments out of any window: RST, far off */
};

struct tcp *tcp_new(void);
void tcp_free(struct tcp *t);

/* Takes the next segment of the file. Its data must stay until tcp_next() has returned false. */
void tcp_push(struct tcp *t, const struct segment *s, int64_t ts_ns);

/* The file has ended: what waits is given, with its gaps. */
void tcp_finish(struct tcp *t);

/* Gives the next chunk; false if more segments are needed. Valid until the next call on t. */
bool tcp_next(struct tcp *t, struct chunk *out);

struct tcp_counts tcp_counts(const struct tcp *t);

#endif
