/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/hpack.h"

#include <errno.h>
#include <stdlib.h>

#include "decode/hpack_huffman.h"
#include "util/limits.h"
#include "util/xalloc.h"

void hpack_init(struct hpack *h, uint32_t conn_id, int dir, uint32_t max)
{
	*h = (struct hpack){ .conn_id = conn_id, .dir = dir, .limit = max, .limit_known = true };
	hpack_table_init(&h->table, max);
}

void hpack_release(struct hpack *h)
{
	hpack_table_release(&h->table);
}

void hpack_lose(struct hpack *h)
{
	hpack_table_lose(&h->table);
	h->must_update = false;
}

void hpack_set_limit(struct hpack *h, uint32_t limit)
{
	h->limit = limit;
	h->limit_known = true;
	if (h->table.max_known && limit < h->table.max) {
		if (!h->must_update || limit < h->least)
			h->least = limit;
		h->must_update = true;
	}
}

void hpack_limit_lost(struct hpack *h)
{
	h->limit_known = false;
	h->must_update = false;
}

void hpack_list_release(struct hpack_list *l)
{
	free(l->v);
	free(l->text);
	*l = (struct hpack_list){ 0 };
}

static int fail(struct hpack *h, const char *why)
{
	h->why = why;
	return -EPROTO;
}

/* An integer with an n-bit prefix, whose first byte is c (RFC 7541 §5.1). 32 bits are more than
 * any length or index needs; longer ones are refused, zeros in front or not. */
static int get_integer(struct hpack *h, struct bytes *in, uint8_t c, unsigned n, uint64_t *v)
{
	uint8_t mask = (uint8_t)((1u << n) - 1);
	unsigned shift = 0;

	*v = c & mask;
	if (*v < mask)
		return 0;
	do {
		if (!bytes_get_u8(in, &c))
			return fail(h, "header block ends within an integer (RFC 7541 §5.1)");
		if (shift > 28)
			return fail(h, "integer of more than 32 bits (RFC 7541 §5.1)");
		*v += (uint64_t)(c & 0x7f) << shift;
		shift += 7;
	} while (c & 0x80);
	if (*v > UINT32_MAX)
		return fail(h, "integer of more than 32 bits (RFC 7541 §5.1)");
	return 0;
}

static void reserve_text(struct hpack_list *l, size_t n)
{
	size_t cap = l->text_cap ? l->text_cap : 1024;

	if (l->text_cap - l->len >= n)
		return;
	while (cap - l->len < n)
		cap *= 2;
	l->text = xrealloc(l->text, cap);
	l->text_cap = (uint32_t)cap;
}

static struct str add_text(struct hpack_list *l, struct bytes b)
{
	struct str s = { l->len, (uint32_t)b.len };

	reserve_text(l, b.len);
	memcpy(l->text + l->len, b.p, b.len);
	l->len += s.len;
	return s;
}

/* A string literal, appended to the list's text (RFC 7541 §5.2). */
static int get_string(struct hpack *h, struct bytes *in, struct hpack_list *l, struct str *out)
{
	struct bytes coded;
	uint64_t len;
	long got;
	uint8_t c;

	if (!bytes_get_u8(in, &c))
		return fail(h, "header block ends before a string (RFC 7541 §5.2)");
	if (get_integer(h, in, c, 7, &len))
		return -EPROTO;
	if (!bytes_take(in, len, &coded))
		return fail(h, "string is longer than the header block (RFC 7541 §5.2)");
	if (!(c & 0x80)) {
		*out = add_text(l, coded);
		return 0;
	}
	reserve_text(l, HPACK_HUFFMAN_ROOM(coded.len));
	got = hpack_huffman_decode(coded, l->text + l->len, &h->why);
	if (got < 0)
		return -EPROTO;
	*out = (struct str){ l->len, (uint32_t)got };
	l->len += (uint32_t)got;
	return 0;
}

/* Puts a table entry's name, or name and value, into the list's text. */
static void put_entry(struct hpack *h, struct hpack_list *l, uint64_t index,
		      const struct hpack_field *f, bool with_value, struct header *out)
{
	char symbol[HPACK_SYMBOL_LEN];

	out->name_id = f->name_id;
	out->unknown = f->unknown;
	if (f->unknown == 2) {
		uint32_t n = hpack_table_symbol(&h->table, index, h->conn_id, h->dir, symbol);

		out->name = add_text(l, bytes_of(symbol, n));
		out->value = out->name;
		if (!with_value)
			out->unknown = 3;
		return;
	}
	out->name = add_text(l, bytes_of(f->name.p, f->name.len + (with_value ? f->value.len : 0)));
	if (with_value) {
		out->name.len = (uint32_t)f->name.len;
		out->value.off = out->name.off + out->name.len;
		out->value.len = (uint32_t)f->value.len;
		out->value_id = f->value_id;
	}
}

static int bad_index(struct hpack *h, uint64_t index)
{
	return fail(h, index ? "index beyond the end of the dynamic table (RFC 7541 §2.3.3)"
			     : "index 0 (RFC 7541 §6.1)");
}

/* RFC 7541 §6.1 */
static int indexed_field(struct hpack *h, struct bytes *in, uint8_t c, struct hpack_list *l,
			 struct header *out)
{
	struct hpack_field f;
	uint64_t index;

	if (get_integer(h, in, c, 7, &index))
		return -EPROTO;
	if (!hpack_table_get(&h->table, index, &f))
		return bad_index(h, index);
	out->indexed = 1;
	if (!l->cut) /* once the list is full its text is not wanted, and here nothing needs it */
		put_entry(h, l, index, &f, true, out);
	return 0;
}

/* RFC 7541 §6.2: with incremental indexing (a prefix of 6 bits), without or never (4 bits) */
static int literal_field(struct hpack *h, struct bytes *in, uint8_t c, struct hpack_list *l,
			 struct header *out)
{
	bool insert = c & 0x40;
	struct hpack_field f;
	uint64_t index;

	if (get_integer(h, in, c, insert ? 6 : 4, &index))
		return -EPROTO;
	if (index) {
		if (!hpack_table_get(&h->table, index, &f))
			return bad_index(h, index);
		put_entry(h, l, index, &f, false, out);
	} else if (get_string(h, in, l, &out->name)) {
		return -EPROTO;
	}
	if (get_string(h, in, l, &out->value))
		return -EPROTO;
	out->sensitive = !insert && (c & 0x10);
	if (insert) {
		f = (struct hpack_field){ hpack_text(l, out->name), hpack_text(l, out->value),
					  out->name_id, 0, out->unknown };
		hpack_table_insert(&h->table, &f);
		out->name_id = f.name_id;
		out->value_id = f.value_id;
	}
	return 0;
}

/* RFC 7541 §6.3. After a lowered limit the first update must go down to the lowest (§4.2). */
static int size_update(struct hpack *h, struct bytes *in, uint8_t c, bool at_start)
{
	uint64_t max;

	if (get_integer(h, in, c, 5, &max))
		return -EPROTO;
	if (h->limit_known && max > h->limit)
		return fail(h, "table size update above the limit (RFC 7541 §6.3)");
	hpack_table_resize(&h->table, (uint32_t)max);
	if (!at_start)
		h->why = "table size update after a field (RFC 7541 §4.2)";
	else if (h->must_update && max > h->least)
		h->why = "table size update above the lowest limit set (RFC 7541 §4.2)";
	h->must_update = false;
	return 0;
}

static struct header *next_header(struct hpack_list *l)
{
	if (l->cnt == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 32;
		l->v = xrealloc(l->v, l->cap * sizeof(*l->v));
	}
	l->v[l->cnt] = (struct header){ 0 };
	return &l->v[l->cnt];
}

static int decode_field(struct hpack *h, struct bytes *in, uint8_t c, struct hpack_list *l)
{
	const size_t left = in->len;
	const uint32_t text = l->len;
	struct header *out = next_header(l);
	int rc = c & 0x80 ? indexed_field(h, in, c, l, out) : literal_field(h, in, c, l, out);

	if (rc)
		return rc;
	if (l->cut || l->len > LIMIT_HEADER_LIST || l->cnt == LIMIT_HEADER_FIELDS) {
		l->len = text;
		l->cut++;
		l->missing++;
		return 0;
	}
	out->wire_len = (uint32_t)(left - in->len + 1);
	l->missing += out->unknown != 0;
	l->cnt++;
	return 0;
}

int hpack_decode(struct hpack *h, struct bytes block, struct hpack_list *l)
{
	uint8_t c;
	int rc;

	l->cnt = l->len = l->missing = l->cut = 0;
	h->why = NULL;
	while (bytes_get_u8(&block, &c)) {
		if ((c & 0xe0) == 0x20) {
			rc = size_update(h, &block, c, !l->cnt && !l->cut);
		} else {
			if (h->must_update) {
				h->why = "no table size update after a lowered limit (RFC 7541 §4.2)";
				h->must_update = false;
			}
			rc = decode_field(h, &block, c, l);
		}
		if (rc)
			return rc;
	}
	return h->why != NULL;
}
