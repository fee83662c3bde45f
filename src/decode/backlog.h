/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes of a direction that wait for their decoder, with the stamps of the writes they came in.
 * Zeroed = empty. */
#ifndef SPF_DECODE_BACKLOG_H
#define SPF_DECODE_BACKLOG_H

#include "decode/decoder.h"
#include "util/buf.h"

struct backlog {
	struct buf bytes;
	struct backlog_part {
		size_t len;
		struct stamp st;
	} *parts;
	uint32_t first, cnt, cap; /* of parts */
};

void backlog_release(struct backlog *l);
void backlog_push(struct backlog *l, struct bytes in, const struct stamp *st);

/* The oldest part: its bytes, and *st its stamp. Empty if there is none. */
struct bytes backlog_first(const struct backlog *l, const struct stamp **st);

/* The stamp of the oldest part, or none if there is no part. */
static inline const struct stamp *backlog_stamp(const struct backlog *l, const struct stamp *none)
{
	return l->cnt ? &l->parts[l->first].st : none;
}

/* Drops n bytes at the front. */
void backlog_consume(struct backlog *l, size_t n);

static inline size_t backlog_len(const struct backlog *l)
{
	return l->bytes.len;
}

#endif
