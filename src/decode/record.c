/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/record.h"

#include <stdlib.h>

#include "util/xalloc.h"

static uint32_t newest_id;

struct batch *batch_new(void)
{
	struct batch *b = xmalloc(BATCH_LEN);

	batch_init(b, BATCH_LEN);
	return b;
}

void batch_init(struct batch *b, uint32_t cap)
{
	b->cap = cap;
	b->used = batch_aligned(sizeof(*b));
	b->count = 0;
	b->id = ++newest_id;
}

void *batch_alloc(struct batch *b, uint32_t n)
{
	void *p;

	if (n > b->cap || batch_aligned(n) > b->cap - b->used)
		return NULL;
	p = (char *)b + b->used;
	memset(p, 0, n);
	b->used += batch_aligned(n);
	return p;
}

struct str batch_str(struct batch *b, struct bytes in)
{
	struct str s = { 0, 0 };
	uint32_t room = in.len ? (uint32_t)in.len : 1;

	if (!in.p || in.len > b->cap || batch_aligned(room) > b->cap - b->used)
		return s;
	s.off = b->used;
	s.len = (uint32_t)in.len;
	memcpy((char *)b + s.off, in.p, in.len);
	b->used += batch_aligned(room);
	return s;
}

void *batch_record(struct batch *b, uint32_t len, const struct record *head)
{
	struct record *r = batch_take_record(b, len);

	if (!r)
		return NULL;
	*r = *head;
	memset(r + 1, 0, len - sizeof(*r));
	return r;
}

void batch_undo(struct batch *b)
{
	b->count--;
	b->used = b->rec[b->count];
	b->id = ++newest_id;
}

void batch_copy(void *to, const void *from, size_t len)
{
	memcpy(to, from, len);
}
