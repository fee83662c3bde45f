/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of one shape (a kind, and among frames a type) have the same fields: which those are is
 * looked up once for each shape, not for each record. */
#ifndef SPF_SINK_SHAPE_H
#define SPF_SINK_SHAPE_H

#include "decode/fields.h"
#include "util/buf.h"

enum {
	SHAPE_FRAME_TYPES = 11, /* the ten of RFC 9113 and all others */
	SHAPE_CNT = KIND_COUNT + SHAPE_FRAME_TYPES,
	SHAPE_KEY_LEN = 40,
};

/* A field as JSON introduces it: ,"name": */
struct shape_key {
	const struct field *field;
	uint32_t len;
	char text[SHAPE_KEY_LEN];
};

struct shape {
	const struct shape_key *key; /* in the order of fields.def */
	size_t cnt;
};

/* Less than SHAPE_CNT. */
static inline size_t shape_number(const struct record *r)
{
	uint8_t type;

	if (r->kind != KIND_FRAME)
		return r->kind;
	type = ((const struct rec_frame *)r)->type;
	return KIND_COUNT + (type < SHAPE_FRAME_TYPES ? type : SHAPE_FRAME_TYPES - 1u);
}

static inline void shape_put_key(struct buf *out, const struct shape_key *key)
{
	/* all of it, since a copy of a known length is a few moves */
	memcpy(buf_reserve(out, SHAPE_KEY_LEN), key->text, SHAPE_KEY_LEN);
	buf_added(out, key->len);
}

/* The fields of a record like r; lives as long as the program. */
const struct shape *shape_of(const struct record *r);

#endif
