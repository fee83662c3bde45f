/* SPDX-License-Identifier: BSD-2-Clause */
/* The head of an HTTP/1 message: start-line and field lines (RFC 9112 §2 to §6).
 *
 *     GET /v1.41/info HTTP/1.1 CRLF          HTTP/1.1 200 OK CRLF
 *     Host: docker CRLF                      Transfer-Encoding: chunked CRLF
 *     CRLF                                   CRLF
 *
 * Takes one head, gives its parts as spans into it and says how the body is framed.
 * A sniffer shows what was sent: what breaks the RFC but can still be read is kept as it came
 * and named in why; only a start-line that is none at all is refused.
 */
#ifndef SPF_DECODE_HTTP1_HEAD_H
#define SPF_DECODE_HTTP1_HEAD_H

#include "decode/http1_fields.h"

enum http1_framing {
	HTTP1_NO_BODY,
	HTTP1_LENGTH,
	HTTP1_CHUNKED,
	HTTP1_UNTIL_CLOSE,
	HTTP1_UNKNOWN, /* contradicts itself: where the next message starts cannot be told */
};

struct http1_head {
	bool is_response;
	bool keep_alive;
	enum http1_framing framing; /* as if the request's method were neither HEAD nor CONNECT */
	int status;		    /* < 0 on requests */
	int64_t content_length;	    /* < 0 none, or not a number */
	struct bytes method;	    /* requests */
	struct bytes target;
	struct bytes version; /* "1.1"; p NULL if there was none (HTTP/0.9) */
	struct bytes reason;  /* responses; may be empty */
	struct bytes host;    /* of these the first field of the name, p NULL if none */
	struct bytes upgrade;
	struct bytes content_type;
	struct bytes content_encoding;
	uint32_t wire_len;
	const char *why; /* first violation, with its section; NULL if none */
};

/* Takes a start-line off the front of in. Returns 0 with *out set but for what field lines say,
 * -EAGAIN if the line has no end, -EPROTO with *why set if it is no start-line. After an error
 * *out is undefined and nothing is taken. */
int http1_start_take(struct bytes *in, bool is_response, struct http1_head *out, const char **why);

/* Parses a head, from the start-line to the empty line that ends it; in may go on after that, see
 * out->wire_len.
 * out, fields: spans point into in; fields is emptied first.
 * Returns 0, -EAGAIN if in ends before the head does, -EPROTO with *why set if the first line is
 * no start-line, -E2BIG with *why set past LIMIT_HTTP1_FIELDS. After an error *out and *fields are
 * undefined. */
int http1_head_parse(struct bytes in, bool is_response, struct http1_head *out,
		     struct http1_fields *fields, const char **why);

/* True if the line (without its end) is beyond doubt a start-line of the kind; *off is where in
 * the line it begins. For finding messages again after a loss, so stricter than
 * http1_head_parse(): known methods and HTTP/1.0 or 1.1 only. */
bool http1_find_start(struct bytes line, bool is_response, size_t *off);

#endif
