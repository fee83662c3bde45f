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

enum { HTTP1_TCHAR = 1, HTTP1_CONTROL = 2 };

extern const uint8_t http1_class_of[256];

/* How many bytes at the front are a token, RFC 9110 §5.6.2. */
static inline size_t http1_token_len(struct bytes in)
{
	size_t n = 0;

	while (n < in.len && http1_class_of[in.p[n]] & HTTP1_TCHAR)
		n++;
	return n;
}

/* The word each of whose bytes is c. */
#define HTTP1_EACH(c) (0x0101010101010101ull * (uint64_t)(c))

/* The high bit of the first byte below 0x20 or of 0x7f, and perhaps of some after it. */
static inline uint64_t http1_controls(uint64_t w)
{
	uint64_t del = w ^ HTTP1_EACH(0x7f);

	return (((w - HTTP1_EACH(0x20)) & ~w) | ((del - HTTP1_EACH(1)) & ~del)) & HTTP1_EACH(0x80);
}

/* How many bytes at the front are no controls: line ends, and tabs too, are. */
static inline size_t http1_plain_len(struct bytes in)
{
	size_t n = 0;
	uint64_t w;

	for (; n + sizeof(w) <= in.len; n += sizeof(w)) {
		memcpy(&w, in.p + n, sizeof(w));
		w = http1_controls(le64toh(w));
		if (w)
			return n + (size_t)__builtin_ctzll(w) / 8;
	}
	while (n < in.len && in.p[n] >= 0x20 && in.p[n] != 0x7f)
		n++;
	return n;
}

static inline bool http1_is_token(struct bytes b)
{
	return b.len > 0 && http1_token_len(b) == b.len;
}

/* Blames a control that a field value may not hold, RFC 9110 §5.5. */
void http1_check_value(struct bytes value, const char **why);

/* Without the blanks around it. */
static inline struct bytes http1_trim(struct bytes b)
{
	while (b.len && http1_is_blank(b.p[0]))
		http1_eat(&b, 1);
	while (b.len && http1_is_blank(b.p[b.len - 1]))
		b.len--;
	return b;
}

/* Cuts up to the first c off the front, and the c itself; all of it and false if there is none. */
bool http1_take_until(struct bytes *b, uint8_t c, struct bytes *head);

/* Cuts the next line off, without its CRLF or LF; all of it and false if it has no end. */
bool http1_take_line(struct bytes *b, struct bytes *line, const char **why);

/* Equality without regard to the case of ASCII letters. */
bool http1_same(struct bytes a, struct bytes b);

/* True if the comma-separated list holds the token (case does not matter), RFC 9110 §5.6.1. */
bool http1_list_has(struct bytes list, struct bytes token);

#endif
