/* SPDX-License-Identifier: BSD-2-Clause */
/* The head of an HTTP/1 message: start-line and field lines (RFC 9112 §2 to §6).
 *
 *     GET /v1.41/info HTTP/1.1 CRLF          HTTP/1.1 200 OK CRLF
 *     Host: docker CRLF                      Transfer-Encoding: chunked CRLF
 *     CRLF                                   CRLF
 *
 * Takes one complete head, gives its parts as spans into it and says how the body is framed.
 * A sniffer shows what was sent: what breaks the RFC but can still be read is kept as it came
 * and named in why; only a start-line that is none at all is refused.
 */
#ifndef SPF_DECODE_HTTP1_HEAD_H
#define SPF_DECODE_HTTP1_HEAD_H

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
	int status;                 /* < 0 on requests */
	int64_t content_length;     /* < 0 none, or not a number */
	struct bytes method;        /* requests */
	struct bytes target;
	struct bytes version;       /* "1.1"; p NULL if there was none (HTTP/0.9) */
	struct bytes reason;        /* responses; may be empty */
	struct bytes host;          /* of these the first field of the name, p NULL if none */
	struct bytes upgrade;
	struct bytes content_type;
	struct bytes content_encoding;
	uint32_t wire_len;
	const char *why;            /* first violation, with its section; NULL if none */
};

void http1_fields_release(struct http1_fields *f);

/* Parses a whole head, from the start-line to the empty line that ends it.
 * out, fields: spans point into block; fields is emptied first.
 * Returns 0, -EPROTO with *why set if the first line is no start-line, -E2BIG past
 * LIMIT_HTTP1_FIELDS. */
int http1_head_parse(struct bytes block, bool is_response, struct http1_head *out,
		     struct http1_fields *fields, const char **why);

/* Parses field lines up to and with the empty line: trailers. As above; *why is set to the
 * first violation, untouched if there is none. */
int http1_fields_parse(struct bytes block, struct http1_fields *fields, const char **why);

/* True if the line (without its end) is beyond doubt a start-line of the kind; *off is where in
 * the line it begins. For finding messages again after a loss, so stricter than
 * http1_head_parse(): known methods and HTTP/1.0 or 1.1 only. */
bool http1_find_start(struct bytes line, bool is_response, size_t *off);

/* The first field of that name (case does not matter), or NULL. */
const struct http1_field *http1_field_find(const struct http1_fields *f, struct bytes name);

/* True if the comma-separated list holds the token (case does not matter), RFC 9110 §5.6.1. */
bool http1_list_has(struct bytes list, struct bytes token);

/* Equality without regard to the case of ASCII letters. */
bool http1_same(struct bytes a, struct bytes b);

#endif
