/* SPDX-License-Identifier: BSD-2-Clause */
/* An HTTP/1 message on its way to become a record: what http1.c gives in pieces is kept here
 * until the message is over, as far as somebody wants it. */
#ifndef SPF_DECODE_HTTP1_RECORD_H
#define SPF_DECODE_HTTP1_RECORD_H

#include "decode/handler.h"
#include "decode/hpack.h"
#include "decode/http1.h"
#include "decode/http2.h"

enum { HTTP1_VERSION, HTTP1_REASON, HTTP1_UPGRADE, HTTP1_TYPE, HTTP1_ENCODING, HTTP1_PARTS };

/* Zeroed = none. */
struct http1_message {
	struct stamp st;         /* of its first byte */
	struct http1_head head;  /* its spans are dead */
	struct buf text;         /* the parts */
	struct str part[HTTP1_PARTS]; /* off counts from 1; 0 absent */
	struct hpack_list fields, trailers;
	struct buf body;         /* up to LIMIT_HTTP1_BODY */
	uint64_t body_len;       /* on the wire, without chunk framing */
	bool complete;
	const char *why;
	struct h2_context *ctx;  /* of its request; may be NULL */
};

void http1_message_release(struct http1_message *m);

/* Keeps the head. ctx is referenced. */
void http1_message_begin(struct http1_message *m, const struct want *want,
			 const struct http1_event *ev, struct h2_context *ctx);
void http1_message_body(struct http1_message *m, const struct want *want, struct bytes body);
void http1_message_end(struct http1_message *m, const struct want *want,
		       const struct http1_event *ev);

/* Writes the record. Returns 1, or decoder_no_room(). */
int http1_message_put(struct http1_message *m, struct decoder *d, int dir, struct batch *b);

#endif
