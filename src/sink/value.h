/* SPDX-License-Identifier: BSD-2-Clause */
/* The value of one field of one record, whatever its member's type: what JSON, columns and
 * CSV print. */
#ifndef SPF_SINK_VALUE_H
#define SPF_SINK_VALUE_H

#include "decode/fields.h"
#include "decode/names.h"
#include "util/buf.h"

struct value {
	enum {
		VALUE_ABSENT,
		VALUE_BOOL,	/* n */
		VALUE_INT,	/* n */
		VALUE_UINT,	/* u */
		VALUE_FIXED,	/* n / 10^decimals */
		VALUE_BYTES,	/* bytes: text or payload as it was sent, or a name */
		VALUE_HEADERS,	/* lists[0] */
		VALUE_SETTINGS, /* lists[0] */
		VALUE_HALF,	/* lists[0] headers, lists[1] trailers of a request or response */
		VALUE_PROCESS,	/* process */
	} type;
	unsigned decimals;
	union {
		int64_t n;
		uint64_t u;
		struct bytes bytes;
		const struct list *lists;
		const struct process *process;
	};
	char room[NAMES_LEN]; /* of bytes, for numbers without a name */
};

/* Reads field f, which must apply to r. *v points into the batch and into itself, so it must
 * not be copied. The fields conn and pb, which only scripts see, are absent here. */
void value_get(struct value *v, const struct batch *b, const struct record *r,
	       const struct field *f);

/* True for what is printed as a number or a word of spf's own, if at all. */
static inline bool value_is_scalar(const struct value *v)
{
	return v->type < VALUE_BYTES;
}

/* Appends the value as plain text: numbers, names and bytes as they are, lists and processes
 * as JSON, nothing for an absent one. */
void value_print(struct buf *out, const struct batch *b, const struct value *v);

#endif
