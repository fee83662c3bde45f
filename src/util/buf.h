/* SPDX-License-Identifier: BSD-2-Clause */
/* A growing byte buffer that owns its memory. A zeroed struct is an empty buffer.
 *
 * Bytes are appended at the end and consumed at the front; what was consumed is
 * reclaimed when the buffer grows next. A buffer has no maximum of its own: whoever
 * lets traffic grow one checks a limit of util/limits.h first.
 */
#ifndef SPF_UTIL_BUF_H
#define SPF_UTIL_BUF_H

#include "util/bytes.h"

struct buf {
	uint8_t *mem;
	size_t head; /* first unconsumed byte */
	size_t len;  /* unconsumed bytes */
	size_t cap;
};

void buf_release(struct buf *b);

/* Makes room for n more bytes at the end. */
void buf_grow(struct buf *b, size_t n);

/* Room for n more bytes at the end; valid until the next call on b. Commit with buf_added(). */
static inline uint8_t *buf_reserve(struct buf *b, size_t n)
{
	if (b->head + b->len + n > b->cap)
		buf_grow(b, n);
	return b->mem + b->head + b->len;
}

static inline void buf_added(struct buf *b, size_t n)
{
	b->len += n;
}

static inline void buf_append(struct buf *b, struct bytes in)
{
	if (!in.p || !in.len)
		return;
	memcpy(buf_reserve(b, in.len), in.p, in.len);
	b->len += in.len;
}

static inline void buf_puts(struct buf *b, const char *s)
{
	buf_append(b, bytes_str(s));
}

static inline void buf_putc(struct buf *b, char c)
{
	*buf_reserve(b, 1) = (uint8_t)c;
	b->len++;
}

void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Drops the bytes from len on, at the end. */
static inline void buf_cut(struct buf *b, size_t len)
{
	b->len = len;
}

/* Drops all bytes and keeps the memory, for a buffer that is filled again and again. */
static inline void buf_clear(struct buf *b)
{
	b->head = b->len = 0;
}

/* Drops n <= b->len bytes at the front. Gives memory over 4 KiB back once empty. */
void buf_consume(struct buf *b, size_t n);

/* The unconsumed bytes; valid until the next call on b. */
static inline struct bytes buf_bytes(const struct buf *b)
{
	if (!b->len) /* there may be no memory */
		return bytes_of(b->mem, 0);
	return bytes_of(b->mem + b->head, b->len);
}

#endif
