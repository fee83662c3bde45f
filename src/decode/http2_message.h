/* SPDX-License-Identifier: BSD-2-Clause */
/* What the header block of a message says, and what RFC 9113 §8 asks of it: all of it read in one
 * walk over the fields. For http2.c. */
#ifndef SPF_DECODE_HTTP2_MESSAGE_H
#define SPF_DECODE_HTTP2_MESSAGE_H

#include "decode/hpack.h"

enum h2_message_kind { H2_REQUEST, H2_RESPONSE, H2_TRAILERS };

/* What a request is about, in the order in which a context keeps it. */
enum h2_message_part { H2_METHOD, H2_SCHEME, H2_AUTHORITY, H2_PATH, H2_PARTS };

struct h2_message {
	bool request;  /* has :method, :scheme, :authority or :path, in front and known by name */
	bool response; /* has :status, likewise */
	int status;    /* < 0 none, or unknown */
	int64_t content_length;	      /* < 0 not said */
	bool is_grpc;		      /* by its content-type */
	uint8_t path_unknown;	      /* as in struct context */
	struct bytes parts[H2_PARTS]; /* p NULL: absent */

	bool unknown;	 /* fields are: whatever is not here may be among them */
	uint32_t pseudo; /* which pseudo-fields it has */
	const char *why; /* the first thing wrong that is wrong in any message; NULL none */
	char symbols[H2_PARTS * (HPACK_SYMBOL_LEN + 1)]; /* where the path is made of them */
};

/* Reads a decoded block. Spans of *m point into the list and into *m. */
void h2_message_read(const struct hpack_list *l, struct h2_message *m);

/* What is wrong with it as a message of that kind, or NULL. Fields that are unknown get the benefit
 * of the doubt. */
const char *h2_message_violation(const struct h2_message *m, enum h2_message_kind kind);

#endif
