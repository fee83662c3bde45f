/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/hpack.h"

#include <errno.h>
#include <stdlib.h>

#include "decode/hints.h"
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

static int get_long_integer(struct hpack *h, struct bytes *in, uint64_t *v)
{
	unsigned shift = 0;
	uint8_t c;

	do {
		if (!bytes_get_u8(in, &c))
			return fail(h, "header block ends within an integer: "
					"connection error COMPRESSION_ERROR (RFC 7541 §5.1)");
		if (shift > 28)
			return fail(h, "integer of more than 32 bits: "
					"connection error COMPRESSION_ERROR (RFC 7541 §5.1)");
		*v += (uint64_t)(c & 0x7f) << shift;
		shift += 7;
	} while (c & 0x80);
	if (*v > UINT32_MAX)
		return fail(h, "integer of more than 32 bits: "
				"connection error COMPRESSION_ERROR (RFC 7541 §5.1)");
	return 0;
}

/* An integer with an n-bit prefix, whose first byte is c (RFC 7541 §5.1). 32 bits are more than
 * any length or index needs; longer ones are refused, zeros in front or not. */
static inline int get_integer(struct hpack *h, struct bytes *in, uint8_t c, unsigned n, uint64_t *v)
{
	uint8_t mask = (uint8_t)((1u << n) - 1);

	*v = c & mask;
	return *v < mask ? 0 : get_long_integer(h, in, v);
}

static void grow_text(struct hpack_list *l, size_t n)
{
	size_t cap = l->text_cap ? l->text_cap : 1024;

	while (cap - l->len < n)
		cap *= 2;
	l->text = xrealloc(l->text, cap);
	l->text_cap = (uint32_t)cap;
}

static inline void reserve_text(struct hpack_list *l, size_t n)
{
	if (l->text_cap - l->len < n)
		grow_text(l, n);
}

/* Up to where the text may go without growing or exceeding the limit. */
static inline uint32_t text_room(const struct hpack_list *l)
{
	const uint32_t most = LIMIT_HEADER_LIST + HPACK_SLACK;
	uint32_t cap = l->text_cap < most ? l->text_cap : most;

	return cap < HPACK_SLACK ? 0 : cap - HPACK_SLACK;
}

/* Copies len bytes, HPACK_SLACK at a time: most strings are no longer. */
static inline void copy_text(uint8_t *to, const uint8_t *from, uint32_t len)
{
	memcpy(to, from, HPACK_SLACK);
	for (uint32_t i = HPACK_SLACK; i < len; i += HPACK_SLACK)
		memcpy(to + i, from + i, HPACK_SLACK);
}

static struct str add_text(struct hpack_list *l, struct bytes b)
{
	struct str s = { l->len, (uint32_t)b.len };

	reserve_text(l, b.len + 1); /* never NULL, even for nothing */
	memcpy(l->text + l->len, b.p, b.len);
	l->len += s.len;
	return s;
}

/* A string literal, appended to the list's text (RFC 7541 §5.2). */
static int get_string(struct hpack *h, struct bytes *in, struct hpack_list *l, struct str *out)
{
	struct bytes coded, rest;
	uint64_t len;
	long got;
	uint8_t c;

	if (!bytes_get_u8(in, &c))
		return fail(h, "header block ends before a string: "
				"connection error COMPRESSION_ERROR (RFC 7541 §5.2)");
	if (get_integer(h, in, c, 7, &len))
		return -EPROTO;
	rest = *in;
	if (!bytes_take(in, len, &coded))
		return fail(h, "string is longer than the header block: "
				"connection error COMPRESSION_ERROR (RFC 7541 §5.2)");
	if (!(c & 0x80)) {
		*out = add_text(l, coded);
		return 0;
	}
	reserve_text(l, HPACK_HUFFMAN_ROOM(coded.len));
	got = hpack_huffman_decode(rest, coded.len, l->text + l->len, &h->why);
	if (got < 0)
		return -EPROTO;
	*out = (struct str){ l->len, (uint32_t)got };
	l->len += (uint32_t)got;
	return 0;
}

/* An index that is in neither table: an error, or an entry from before our time, which goes by
 * its symbol. The value's place is right behind the name's, as everywhere in the list. */
static int unknown_entry(struct hpack *h, uint64_t index, struct hpack_list *l, struct header *out)
{
	char symbol[HPACK_SYMBOL_LEN];
	uint32_t n;

	if (!hpack_table_is_unknown(&h->table, index))
		return fail(h, index ? "index beyond the end of the dynamic table: "
				"connection error COMPRESSION_ERROR (RFC 7541 §2.3.3)"
				     : "index 0: "
				       "connection error COMPRESSION_ERROR (RFC 7541 §6.1)");
	n = hpack_table_symbol(&h->table, index, h->conn_id, h->dir, symbol);
	out->name = add_text(l, bytes_of(symbol, n));
	out->value = out->name;
	out->unknown = 2;
	return 0;
}

/* A whole field that goes by a symbol may have been named by a script. */
static void apply_hint(struct hpack_list *l, struct header *out)
{
	const struct hint *hint = hints_find(hpack_text(l, out->name));

	if (!hint)
		return;
	l->len = out->name.off;
	out->name = add_text(l, hint->name);
	out->value = add_text(l, hint->value);
	out->unknown = HEADER_HINTED;
}

/* The indexed fields that come next in the block and can be taken at once (RFC 7541 §6.1): of
 * known entries, with an index of one byte, within the limits. This is what most of a block is,
 * so what the loop needs is in variables that its stores cannot be thought to change. False if
 * there is none. */
static bool indexed_run(const struct hpack *h, struct bytes *in, struct hpack_list *l)
{
	const struct hpack_table table = h->table;
	const uint32_t most = LIMIT_HEADER_FIELDS - l->cnt;
	struct bytes next = bytes_of(in->p, in->len < most ? in->len : most);
	struct header *out = l->v + l->cnt;
	uint32_t len = l->len, room = text_room(l), taken;
	uint8_t *text = l->text, c;

	while (bytes_get_u8(&next, &c) && c > 0x80 && c < 0xff) {
		const struct hpack_entry *e = hpack_table_find(&table, c & 0x7f);
		uint32_t name_len, value, end;

		if (!e || e->name_id & HPACK_NAME_UNKNOWN)
			break;
		name_len = e->name_len;
		value = len + name_len;
		end = value + e->value_len;
		if (end > room) {
			if (end > LIMIT_HEADER_LIST)
				break;
			l->len = len;
			grow_text(l, end - len + HPACK_SLACK);
			text = l->text;
			room = text_room(l);
		}
		copy_text(text + len, e->text, end - len);
		out->name.off = len;
		out->name.len = name_len;
		out->value.off = value;
		out->value.len = end - value;
		memcpy(&out->name_id, &e->name_id, 2 * sizeof(uint32_t));
		out->indexed = 1;
		out->sensitive = out->unknown = out->reserved = 0;
		out->wire_len = 1;
		len = end;
		out++;
	}
	taken = (uint32_t)(out - l->v) - l->cnt;
	bytes_take(in, taken, &next); /* a byte each */
	l->cnt += taken;
	l->len = len;
	return taken;
}

/* RFC 7541 §6.1, whatever the index. */
static int indexed_field(struct hpack *h, struct bytes *in, uint8_t c, struct hpack_list *l,
			 struct header *out)
{
	const struct hpack_entry *e;
	uint64_t index;
	uint32_t len;

	if (get_integer(h, in, c, 7, &index))
		return -EPROTO;
	out->indexed = 1;
	e = hpack_table_find(&h->table, index);
	if (!e) {
		if (unknown_entry(h, index, l, out))
			return -EPROTO;
		if (!l->cut)
			apply_hint(l, out);
		return 0;
	}
	if (l->cut) /* the list is full: its text is not wanted, and here nothing needs it */
		return 0;
	len = (uint32_t)e->name_len + e->value_len;
	reserve_text(l, len + HPACK_SLACK);
	copy_text(l->text + l->len, e->text, len);
	out->name = (struct str){ l->len, e->name_len };
	out->value = (struct str){ l->len + e->name_len, e->value_len };
	out->name_id = e->name_id & ~HPACK_NAME_UNKNOWN;
	out->value_id = e->value_id;
	out->unknown = e->name_id & HPACK_NAME_UNKNOWN ? 3 : 0;
	l->len += len;
	return 0;
}

/* The name of a literal, from a table. Once the list is full only an insertion needs its text. */
static int indexed_name(struct hpack *h, uint64_t index, bool insert, struct hpack_list *l,
			struct header *out)
{
	const struct hpack_entry *e = hpack_table_find(&h->table, index);

	if (!e) {
		if (unknown_entry(h, index, l, out))
			return -EPROTO;
		out->unknown = 3;
		return 0;
	}
	if (l->cut && !insert)
		return 0;
	reserve_text(l, e->name_len + HPACK_SLACK);
	copy_text(l->text + l->len, e->text, e->name_len);
	out->name = (struct str){ l->len, e->name_len };
	out->name_id = e->name_id & ~HPACK_NAME_UNKNOWN;
	out->unknown = e->name_id & HPACK_NAME_UNKNOWN ? 3 : 0;
	l->len += e->name_len;
	return 0;
}

/* RFC 7541 §6.2: with incremental indexing (a prefix of 6 bits), without or never (4 bits) */
static int literal_field(struct hpack *h, struct bytes *in, uint8_t c, struct hpack_list *l,
			 struct header *out)
{
	bool insert = c & 0x40;
	struct hpack_field f;
	uint64_t index;
	int rc;

	if (get_integer(h, in, c, insert ? 6 : 4, &index))
		return -EPROTO;
	rc = index ? indexed_name(h, index, insert, l, out) : get_string(h, in, l, &out->name);
	if (rc || get_string(h, in, l, &out->value))
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
		return fail(h, "table size update above the limit: "
				"connection error COMPRESSION_ERROR (RFC 7541 §6.3)");
	hpack_table_resize(&h->table, (uint32_t)max);
	if (!at_start)
		h->why = "table size update after a field: "
				"connection error COMPRESSION_ERROR (RFC 7541 §4.2)";
	else if (h->must_update && max > h->least)
		h->why = "table size update above the lowest limit set: "
				"connection error COMPRESSION_ERROR (RFC 7541 §4.2)";
	h->must_update = false;
	return 0;
}

/* Room for all fields of a block: each has a byte of it at least. */
static void reserve_fields(struct hpack_list *l, size_t block_len)
{
	uint32_t cap = block_len < LIMIT_HEADER_FIELDS ? (uint32_t)block_len : LIMIT_HEADER_FIELDS;

	cap += 1; /* that is cut */
	if (cap <= l->cap)
		return;
	l->cap = cap < 128 ? 128 : cap;
	free(l->v);
	l->v = xmalloc(l->cap * sizeof(*l->v));
}

static int decode_field(struct hpack *h, struct bytes *in, uint8_t c, struct hpack_list *l)
{
	const size_t left = in->len;
	const uint32_t text = l->len;
	struct header *out = &l->v[l->cnt];
	int rc;

	*out = (struct header){ 0 };
	rc = c & 0x80 ? indexed_field(h, in, c, l, out) : literal_field(h, in, c, l, out);
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
	struct bytes rest;
	uint8_t c;
	int rc;

	l->cnt = l->len = l->missing = l->cut = 0;
	h->why = NULL;
	reserve_fields(l, block.len);
	for (;;) {
		rest = block;
		if (!bytes_get_u8(&rest, &c))
			return h->why != NULL;
		if (c & 0x80 && !h->must_update && !l->cut && indexed_run(h, &block, l))
			continue;
		block = rest;
		if ((c & 0xe0) == 0x20) {
			rc = size_update(h, &block, c, !l->cnt && !l->cut);
		} else {
			if (h->must_update) {
				h->why = "no table size update after a lowered limit: "
						"connection error COMPRESSION_ERROR (RFC 7541 §4.2)";
				h->must_update = false;
			}
			rc = decode_field(h, &block, c, l);
		}
		if (rc)
			return rc;
	}
}
