/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/backlog.h"

#include <stdlib.h>

#include "util/xalloc.h"

/* A flood of one-byte writes costs no more than this many stamps; later ones share the last. */
#define PARTS_MAX 1024

void backlog_release(struct backlog *l)
{
	buf_release(&l->bytes);
	free(l->parts);
	*l = (struct backlog){ 0 };
}

void backlog_push(struct backlog *l, struct bytes in, const struct stamp *st)
{
	struct backlog_part *last = l->cnt ? &l->parts[l->first + l->cnt - 1] : NULL;

	if (!in.len)
		return;
	buf_append(&l->bytes, in);
	if (last && (l->cnt >= PARTS_MAX || !memcmp(&last->st, st, sizeof(*st)))) {
		last->len += in.len;
		return;
	}
	if (!l->parts || l->first + l->cnt == l->cap) {
		if (l->parts && l->first > l->cap / 2) {
			memmove(l->parts, l->parts + l->first, l->cnt * sizeof(*l->parts));
			l->first = 0;
		} else {
			l->cap = l->cap ? l->cap * 2 : 4;
			l->parts = xrealloc(l->parts, l->cap * sizeof(*l->parts));
		}
	}
	l->parts[l->first + l->cnt++] = (struct backlog_part){ in.len, *st };
}

struct bytes backlog_first(const struct backlog *l, const struct stamp **st)
{
	if (!l->cnt)
		return (struct bytes){ 0 };
	*st = &l->parts[l->first].st;
	return bytes_of(buf_bytes(&l->bytes).p, l->parts[l->first].len);
}

void backlog_consume(struct backlog *l, size_t n)
{
	buf_consume(&l->bytes, n);
	while (n && l->cnt) {
		struct backlog_part *p = &l->parts[l->first];
		size_t part = n < p->len ? n : p->len;

		p->len -= part;
		n -= part;
		if (p->len)
			return;
		l->first++;
		l->cnt--;
	}
	if (!l->cnt)
		backlog_release(l);
}
