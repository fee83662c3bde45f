/* SPDX-License-Identifier: BSD-2-Clause */
/* The field lines of an HTTP/1 head or of trailers (RFC 9112 §5), as spans into them. */
#ifndef SPF_DECODE_HTTP1_FIELDS_H
#define SPF_DECODE_HTTP1_FIELDS_H

#include "util/bytes.h"

/* A field line as it came, blanks around the name included. A line without a colon has its text
 * as name and no value (value.p NULL).
 * A folded value (RFC 9112 §5.2) holds its line breaks. */
struct http1_field {
	struct bytes name;
	struct bytes value; /* without the blanks around it */
	uint32_t wire_len;  /* of the line(s), line end included */
};

/* Owns the array, not the bytes. Zeroed = empty. */
struct http1_fields {
	struct http1_field *v;
	uint32_t cnt;
	uint32_t cap;
};

void http1_fields_release(struct http1_fields *f);

/* Takes field lines up to and with the empty line off the front.
 * fields: emptied first; its spans point into in. *why: set to the first violation, untouched if
 * there is none.
 * Returns 1, 0 if in has ended without an empty line, -E2BIG past LIMIT_HTTP1_FIELDS. */
int http1_fields_take(struct bytes *in, struct http1_fields *fields, const char **why);

/* The first field of that name (case does not matter), or NULL. */
const struct http1_field *http1_field_find(const struct http1_fields *f, struct bytes name);

#endif
