/* SPDX-License-Identifier: BSD-2-Clause */
/* Header blocks: the input is commands, each a byte that tells what comes. Whatever happens, the
 * table stays within its size, the list within its limits, and every string within the text. */
#include <errno.h>
#include <stdlib.h>

#include "decode/hpack.h"
#include "util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const struct hpack_list *l)
{
	if (l->cnt > LIMIT_HEADER_FIELDS || l->len > LIMIT_HEADER_LIST + LIMIT_HEADER_BLOCK * 2)
		abort();
	for (uint32_t i = 0; i < l->cnt; i++) {
		const struct header *h = &l->v[i];

		if ((uint64_t)h->name.off + h->name.len > l->len ||
		    (uint64_t)h->value.off + h->value.len > l->len)
			abort();
		if (h->unknown >= 2 && hpack_text(l, h->name).p[0] != '?')
			abort();
	}
}

static void check_table(const struct hpack_table *t)
{
	uint32_t size = 0;

	for (uint32_t i = 0; i < t->cnt; i++) {
		struct hpack_field f;

		if (!hpack_table_get(t, HPACK_STATIC_CNT + 1 + i, &f) || f.unknown == 2)
			abort();
		size += (uint32_t)(f.unknown ? 0 : f.name.len) + (uint32_t)f.value.len + 32;
	}
	if (size != t->size || size > LIMIT_HPACK_TABLE || (t->max_known && size > t->max))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size), block;
	struct hpack_list list = { 0 };
	struct hpack h;
	uint16_t arg;
	uint8_t what;

	hpack_init(&h, 3, 0, HPACK_DEFAULT_MAX);
	while (bytes_get_u8(&in, &what)) {
		switch (what & 0xe0) {
		case 0xe0:
			hpack_lose(&h);
			break;
		case 0xc0:
			if (bytes_get_u16(&in, &arg))
				hpack_set_limit(&h, arg);
			break;
		default:
			bytes_take(&in, what < in.len ? what : in.len, &block);
			if (hpack_decode(&h, block, &list) < 0)
				hpack_lose(&h);
			check_list(&list);
		}
		check_table(&h.table);
	}
	hpack_list_release(&list);
	hpack_release(&h);
	return 0;
}
