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

/* Room for n more bytes at the end; valid until the next call on b. Commit with buf_added(). */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);

void buf_append(struct buf *b, struct bytes in);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Drops n <= b->len bytes at the front. Gives memory over 4 KiB back once empty. */
void buf_consume(struct buf *b, size_t n);

/* The unconsumed bytes; valid until the next call on b. */
static inline struct bytes buf_bytes(const struct buf *b)
{
	return bytes_of(b->mem ? b->mem + b->head : NULL, b->len);
}

#endif
