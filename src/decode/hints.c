/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/hints.h"

#include <stdlib.h>

#include "util/limits.h"
#include "util/xalloc.h"

/* Few, and looked for only where a field is unknown. */
static struct hint *hints;
static uint32_t hint_cnt;

static struct bytes copy(struct bytes in)
{
	uint8_t *p = xmalloc(in.len + 1);

	if (in.len)
		memcpy(p, in.p, in.len);
	return bytes_of(p, in.len);
}

static void release(struct hint *h)
{
	free((void *)h->symbol.p);
	free((void *)h->name.p);
	free((void *)h->value.p);
}

static struct hint *find(struct bytes symbol)
{
	for (uint32_t i = 0; i < hint_cnt; i++)
		if (bytes_equal(hints[i].symbol, symbol))
			return &hints[i];
	return NULL;
}

bool hints_set(struct bytes symbol, struct bytes name, struct bytes value)
{
	struct hint *h = find(symbol);
	struct hint made = { copy(symbol), copy(name), copy(value) };

	if (!h && hint_cnt == LIMIT_HINTS) {
		release(&made);
		return false;
	}
	if (h) {
		release(h);
	} else {
		hints = xrealloc(hints, (hint_cnt + 1) * sizeof(*hints));
		h = &hints[hint_cnt++];
	}
	*h = made;
	return true;
}

const struct hint *hints_find(struct bytes symbol)
{
	return find(symbol);
}

void hints_release(void)
{
	for (uint32_t i = 0; i < hint_cnt; i++)
		release(&hints[i]);
	free(hints);
	hints = NULL;
	hint_cnt = 0;
}
