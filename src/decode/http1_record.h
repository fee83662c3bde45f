/* SPDX-License-Identifier: BSD-2-Clause */
/* An HTTP/1 message on its way to become records, as far as somebody wants them.
 *
 * It is one record if it is over with the write that its head ends in, or if its length is known
 * and short. Else it is a record without waiting for the rest, and each write after that which
 * brings more of the body is another (HTTP_BODY), the last one told by more being absent. A body
 * that is compressed comes at its end, as its pieces say nothing. */
#ifndef SPF_DECODE_HTTP1_RECORD_H
#define SPF_DECODE_HTTP1_RECORD_H

#include "decode/handler.h"
#include "decode/hpack.h"
#include "decode/http1.h"
#include "decode/http2.h"

enum { HTTP1_VERSION, HTTP1_REASON, HTTP1_UPGRADE, HTTP1_TYPE, HTTP1_ENCODING, HTTP1_PARTS };

/* Zeroed = none. */
struct http1_message {
	struct stamp st;         /* of its first byte; once given, of what is kept of its body */
	struct http1_head head;  /* of it what is no span: for those see part */
	struct bytes part[HTTP1_PARTS]; /* in the head itself, or once kept in text; p NULL absent */
	bool is_kept;
	struct buf text;
	struct hpack_list fields, trailers;
	struct buf body;         /* up to LIMIT_HTTP1_BODY */
	uint64_t body_len;       /* on the wire, without chunk framing, since the last record */
	bool open;               /* its end is still to come */
	bool given;              /* a record has shown its head */
	bool complete;
	const char *why;
	struct h2_context *ctx;  /* of its request; may be NULL */
	bool is_believed;        /* that this is its request */
};

void http1_message_release(struct http1_message *m);

/* Takes the head, whose spans are borrowed until http1_message_keep(). ctx is referenced. */
void http1_message_begin(struct http1_message *m, const struct want *want,
			 const struct http1_event *ev, struct h2_context *ctx);

/* To be called before the head's spans die, if the message is to become a record later. */
void http1_message_keep(struct http1_message *m);

void http1_message_body(struct http1_message *m, const struct want *want, struct bytes body,
			const struct stamp *st);

/* len bytes of its body are missing. */
void http1_message_gap(struct http1_message *m, uint64_t len, const struct stamp *st);

/* It is over; ev NULL: it breaks off. */
void http1_message_end(struct http1_message *m, const struct want *want,
		       const struct http1_event *ev, const struct stamp *st);

/* True if the message is open and a record is due without waiting for its end. used_up: all that
 * was written has been read. */
bool http1_message_is_due(const struct http1_message *m, bool used_up);

/* Writes the record of what there is. Returns 1, or decoder_no_room(). */
int http1_message_put(struct http1_message *m, struct decoder *d, int dir, struct batch *b);

#endif
