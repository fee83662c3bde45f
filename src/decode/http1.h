/* SPDX-License-Identifier: BSD-2-Clause */
/* One direction of an HTTP/1 connection: bytes in, messages out (RFC 9112).
 *
 *     HEAD  BODY…  END   HEAD END   HEAD BODY… END   …
 *
 * Pull: http1_next() until it returns 0, then feed the next bytes. Bodies come in pieces, as
 * they lie in the input and without chunk framing; nothing of them is kept here. When framing
 * is gone the parser says so once, skips, and goes on at the next line that is beyond doubt a
 * start-line. Every byte fed is either part of a message or counted in skipped.
 */
#ifndef SPF_DECODE_HTTP1_H
#define SPF_DECODE_HTTP1_H

#include "decode/http1_head.h"
#include "util/buf.h"

enum http1_what {
	HTTP1_HEAD, /* of the responses also the interim ones, 1xx */
	HTTP1_BODY,
	HTTP1_END,
};

struct http1_event {
	enum http1_what what;
	const struct http1_head *head;       /* HEAD */
	const struct http1_fields *fields;   /* HEAD: field lines; END: trailers, maybe none */
	struct bytes body;                   /* BODY */
	bool complete;                       /* END: no byte of the body is missing */
	const char *why;                     /* END: violation within the body, or NULL */
};

enum http1_state {
	HTTP1_AT_START,       /* between messages */
	HTTP1_IN_HEAD,
	HTTP1_IN_BODY,        /* Content-Length */
	HTTP1_IN_ENDLESS,     /* until close */
	HTTP1_AT_CHUNK,       /* at a chunk's size */
	HTTP1_IN_CHUNK_SIZE,
	HTTP1_IN_CHUNK_EXT,
	HTTP1_IN_CHUNK,
	HTTP1_AFTER_CHUNK,    /* at the CRLF behind a chunk's data */
	HTTP1_IN_TRAILERS,
	HTTP1_AT_END,         /* END is to be given */
	HTTP1_TUNNEL,         /* no longer HTTP/1: nothing is consumed */
	HTTP1_LOST,           /* framing gone: looking for a start-line */
	HTTP1_LOST_BLOCK,     /* the same, first in the block that buf holds */
};

/* Zeroed but for is_response = a parser at the first byte of a connection. */
struct http1 {
	bool is_response;
	enum http1_state state;
	bool cut;                    /* bytes of the current body are missing */
	bool drop;                   /* buf belongs to the event given last */
	bool has_trailers;           /* fields are the trailers, not the head's */
	bool line_cr;                /* the current line's first byte is CR */
	size_t line_len;             /* of the current line, so far */
	uint64_t left;               /* of the body or chunk; the size being read */
	unsigned digits;             /* of the chunk size being read */
	struct buf buf;              /* a head, trailers or line that is not yet whole */
	struct http1_head head;
	struct http1_fields fields;
	const char *body_why;
	const char *why;             /* of the last -EPROTO or -E2BIG; static */
	uint64_t skipped;            /* bytes that are part of no message */
};

void http1_release(struct http1 *h);

/* Starts the search for the first message in the middle of a connection. */
void http1_start_lost(struct http1 *h);

/* Gives the next event of the direction.
 * in:   unread bytes; *used is how many of them this call consumed, whatever it returns.
 * ev:   spans are valid until the next call on h, and as long as in is.
 * Returns 1 with *ev set; 0 if more input is needed; -EPROTO or -E2BIG with h->why set when
 * framing is gone: an open message ends there without END, the next call goes on searching.
 * Call it again with the rest after everything but 0, even if the rest is empty. */
int http1_next(struct http1 *h, struct bytes in, size_t *used, struct http1_event *ev);

/* To be called right after a response's HEAD if its request was HEAD, or CONNECT with a status
 * of 2xx: it has no body, whatever its fields say (RFC 9112 §6.3 rules 1 and 2). */
void http1_no_body(struct http1 *h);

/* From here on the direction speaks something else (101, CONNECT): http1_next() returns 0 and
 * consumes nothing. Legal between messages and right after a HEAD, which then has no END. */
void http1_tunnel(struct http1 *h);

/* Says that len bytes are missing here (0: an unknown number). True if they lie within a body,
 * so that framing holds; otherwise the open message is over without END and the search begins. */
bool http1_gap(struct http1 *h, uint64_t len);

/* The direction is closed. Returns 1 with an END in *ev if a message was open (complete if its
 * body was to last until close), else 0. */
int http1_close(struct http1 *h, struct http1_event *ev);

/* True from a HEAD to its END. */
static inline bool http1_in_message(const struct http1 *h)
{
	return h->state >= HTTP1_IN_BODY && h->state <= HTTP1_AT_END;
}

static inline bool http1_is_lost(const struct http1 *h)
{
	return h->state == HTTP1_LOST || h->state == HTTP1_LOST_BLOCK;
}

#endif
