/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection's decoder: the bytes of two directions in, records out.
 *
 * Finds the protocol out, runs HTTP/2 (with gRPC on top) or HTTP/1, pairs requests with
 * responses, and writes what somebody wants as records into a batch. It knows nothing of
 * where bytes come from: live capture, a file and a unit test feed it alike.
 *
 *     decoder_feed() / _gap() / _close()      then      while (decoder_next(…) > 0)
 */
#ifndef SPF_DECODE_DECODER_H
#define SPF_DECODE_DECODER_H

#include "decode/record.h"

/* What somebody downstream uses. What nobody wants is not decoded and not copied. */
struct want {
	bool kind[KIND_COUNT]; /* records of this kind; KIND_CONN is always given */
	bool data;             /* payloads: f.data, m.data, m.raw, m.pb, http body */
	bool headers;          /* header lists (context, status and grpc fields come without) */
	bool no_parts;         /* nobody sees an HTTP/1 head's version, reason, types … */
};

/* Where bytes came from: the write that they were part of. */
struct stamp {
	int64_t ts_ns;      /* epoch; when they were written */
	int64_t elapsed_ns; /* the same, since the capture began */
	int64_t read_ns;    /* epoch; when the peer read them, < 0 unknown */
	int32_t pid, tid;   /* writer, < 0 unknown */
	int32_t reader_pid; /* < 0 unknown */
	char comm[16];      /* writer's thread name, NUL-padded */
};

/* One end of a connection as conn/ knows it. */
struct endpoint {
	int32_t pid; /* < 0 unknown, likewise uid */
	int32_t uid;
	uint64_t cgroup; /* 0 unknown */
	char comm[16];
	const char *exe; /* NULL unknown; lives as long as the connection */
};

/* What conn/ knows of the connection and may learn later: the decoder reads it whenever it
 * writes a record. end[0] sends direction 0, end[1] direction 1. */
struct conn_info {
	uint32_t id;
	enum transport transport;
	bool tls;
	bool seen_open;
	enum role role[2]; /* of end[0], end[1]; the decoder sets them once the protocol tells */
	const char *addr;
	struct endpoint end[2];
	int64_t open_ns;   /* epoch; opened or first seen */
	uint64_t bytes[2]; /* accepted so far, per direction */
	int64_t unread[2]; /* of them, and later ones, what nobody has read by now; < 0 unknown */
};

struct decoder;

/* want and info are borrowed and must outlive the decoder. Free with decoder_free(). */
struct decoder *decoder_new(const struct want *want, struct conn_info *info);
void decoder_free(struct decoder *d);

/* What the connection speaks, as far as is known by now; d may be NULL. */
enum proto decoder_proto(const struct decoder *d);

/* Gives the next bytes of direction dir (0 or 1), in stream order. They are borrowed until
 * decoder_next() has returned 0, and must have been drained by it before the next call. */
void decoder_feed(struct decoder *d, int dir, struct bytes in, const struct stamp *st);

/* Says that len bytes of the direction are missing here (0: an unknown number). */
void decoder_gap(struct decoder *d, int dir, uint64_t len, enum gap_cause cause,
		 const struct stamp *st);

/* Announces the connection (KIND_CONN, op open). The first call on a decoder. */
void decoder_open(struct decoder *d, const struct stamp *st);

/* Ends the connection: reports open calls and cut-off messages, then the close record.
 * outcome: how unfinished calls ended (OUTCOME_CLOSED, _EVICTED, _CAPTURE_END);
 * reason: static text for conn.reason. */
void decoder_close(struct decoder *d, enum call_outcome outcome, const char *reason,
		   const struct stamp *st);

/* Appends the next record to the batch.
 * Returns 1 if it did, 0 if more input is needed, -ENOSPC if the record does not fit: call
 * again with an empty batch, of at least decoder_need() bytes. The record's seq is set by
 * the caller. */
int decoder_next(struct decoder *d, struct batch *b);

/* The same, but appends what there is as long as it fits: none or several records, whatever it
 * returns. After 0 there is nothing left. */
int decoder_fill(struct decoder *d, struct batch *b);

/* Bytes of an empty batch in which the record that did not fit will fit. */
uint32_t decoder_need(const struct decoder *d);

/* Byte accounting of a direction: every byte fed is decoded or skipped (nothing sensible was
 * found in it, e.g. while framing was lost). */
struct decoder_bytes {
	uint64_t decoded;
	uint64_t skipped;
};
struct decoder_bytes decoder_bytes(const struct decoder *d, int dir);

#endif
