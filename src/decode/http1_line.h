/* SPDX-License-Identifier: BSD-2-Clause */
/* What the lines of an HTTP/1 head are made of (RFC 9110 §5.6, RFC 9112 §2). For http1_*.c. */
#ifndef SPF_DECODE_HTTP1_LINE_H
#define SPF_DECODE_HTTP1_LINE_H

#include "util/bytes.h"

/* Keeps the first violation of a message. */
static inline void http1_blame(const char **why, const char *what)
{
	if (!*why)
		*why = what;
}

static inline bool http1_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool http1_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Drops n <= in->len bytes at the front. */
static inline void http1_eat(struct bytes *in, size_t n)
{
	in->p += n;
	in->len -= n;
}

/* True if CRLF stands at that offset. */
static inline bool http1_is_crlf(struct bytes in, size_t at)
{
	return in.len >= at + 2 && in.p[at] == '\r' && in.p[at + 1] == '\n';
}

/* How many bytes at the front are a token, RFC 9110 §5.6.2. */
size_t http1_token_len(struct bytes in);

/* How many bytes at the front are no controls: line ends, and tabs too, are. */
size_t http1_plain_len(struct bytes in);

static inline bool http1_is_token(struct bytes b)
{
	return b.len > 0 && http1_token_len(b) == b.len;
}

/* Blames a control that a field value may not hold, RFC 9110 §5.5. */
void http1_check_value(struct bytes value, const char **why);

/* Without the blanks around it. */
struct bytes http1_trim(struct bytes b);

/* Cuts up to the first c off the front, and the c itself; all of it and false if there is none. */
bool http1_take_until(struct bytes *b, uint8_t c, struct bytes *head);

/* Cuts the next line off, without its CRLF or LF; all of it and false if it has no end. */
bool http1_take_line(struct bytes *b, struct bytes *line, const char **why);

/* Equality without regard to the case of ASCII letters. */
bool http1_same(struct bytes a, struct bytes b);

/* True if the comma-separated list holds the token (case does not matter), RFC 9110 §5.6.1. */
bool http1_list_has(struct bytes list, struct bytes token);

#endif
