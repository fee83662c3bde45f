/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/xalloc.h"

#define PRINTF_LEN 64
#define KEEP_LEN 4096 /* an empty buffer keeps this much, so that idle connections stay small */

void buf_release(struct buf *b)
{
	free(b->mem);
	*b = (struct buf){ 0 };
}

void buf_grow(struct buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 256;

	if (b->head) {
		memmove(b->mem, b->mem + b->head, b->len);
		b->head = 0;
	}
	while (cap < b->len + n)
		cap *= 2;
	if (cap == b->cap)
		return;
	b->mem = xrealloc(b->mem, cap);
	b->cap = cap;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf((char *)buf_reserve(b, PRINTF_LEN), PRINTF_LEN, fmt, ap);
	va_end(ap);
	if (n >= PRINTF_LEN) { /* it did not fit: once more */
		va_start(ap, fmt);
		vsnprintf((char *)buf_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	b->len += n > 0 ? (size_t)n : 0;
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
