/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/xalloc.h"

#define KEEP_LEN 4096 /* an empty buffer keeps this much, so that idle connections stay small */

void buf_release(struct buf *b)
{
	free(b->mem);
	*b = (struct buf){ 0 };
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
	if (b->head && b->head + b->len + n > b->cap) {
		memmove(b->mem, b->mem + b->head, b->len);
		b->head = 0;
	}
	if (b->len + n > b->cap) {
		size_t cap = b->cap ? b->cap : 256;

		while (cap < b->len + n)
			cap *= 2;
		b->mem = xrealloc(b->mem, cap);
		b->cap = cap;
	}
	return b->mem + b->head + b->len;
}

void buf_added(struct buf *b, size_t n)
{
	b->len += n;
}

void buf_append(struct buf *b, struct bytes in)
{
	if (!in.len)
		return;
	memcpy(buf_reserve(b, in.len), in.p, in.len);
	b->len += in.len;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_append(b, bytes_str(s));
}

void buf_putc(struct buf *b, char c)
{
	*buf_reserve(b, 1) = (uint8_t)c;
	b->len++;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n <= 0)
		return;
	va_start(ap, fmt);
	vsnprintf((char *)buf_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void buf_consume(struct buf *b, size_t n)
{
	b->head += n;
	b->len -= n;
	if (b->len)
		return;
	b->head = 0;
	if (b->cap > KEEP_LEN) {
		free(b->mem);
		*b = (struct buf){ 0 };
	}
}
