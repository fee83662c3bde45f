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

/* An integer with an n-bit prefix, whose first byte is c (RFC 7541 §5.1). 32 bits are more than
 * any length or index needs; longer ones are refused, zeros in front or not. */
static inline int get_integer(struct hpack *h, struct bytes *in, uint8_t c, unsigned n, uint64_t *v)
{
	uint8_t mask = (uint8_t)((1u << n) - 1);
	unsigned shift = 0;

	*v = c & mask;
	if (*v < mask)
		return 0;
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

static void grow_text(struct hpack_list *l, size_t n)
{
	size_t cap = l->text_cap ? l->text_cap : 1024;

	while (cap - l->len < n)
		cap *= 2;
	l->text = xrealloc(l->text, cap + HPACK_SLACK);
	l->text_cap = (uint32_t)cap;
}

/* Room for n bytes from a table and for all strings of what comes next in the block: they take
 * no more than HPACK_HUFFMAN_ROOM(), whether they are one or many. */
static inline void reserve_text(struct hpack_list *l, size_t n, struct bytes next)
{
	size_t room = n + HPACK_HUFFMAN_ROOM(next.len);

	if (l->text_cap - l->len < room)
		grow_text(l, room);
}

/* Up to where text from a table may go without growing or exceeding the limit, likewise. */
static inline uint32_t text_room(const struct hpack_list *l, struct bytes next)
{
	size_t room = l->text_cap - HPACK_HUFFMAN_ROOM(next.len);

	return room < LIMIT_HEADER_LIST ? (uint32_t)room : LIMIT_HEADER_LIST;
}

/* Copies len bytes, HPACK_SLACK at a time: most strings are no longer. */
static inline void copy_text(uint8_t *to, const uint8_t *from, uint32_t len)
{
	memcpy(to, from, HPACK_SLACK);
	for (uint32_t i = HPACK_SLACK; i < len; i += HPACK_SLACK)
		memcpy(to + i, from + i, HPACK_SLACK);
}

/* Appends to the list's text, in which there is room. */
static struct str add_text(struct hpack_list *l, struct bytes b)
{
	struct str s = { l->len, (uint32_t)b.len };

	memcpy(l->text + l->len, b.p, b.len);
	l->len += s.len;
	return s;
}

/* A string literal to out, where there is room for it. Returns its length or -EPROTO.
 * RFC 7541 §5.2 */
static inline long get_string(struct hpack *h, struct bytes *in, uint8_t *out)
{
	struct bytes coded, rest;
	uint64_t len;
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
	if (c & 0x80)
		return hpack_huffman_decode(rest, len, out, &h->why);
	if (in->len < HPACK_SLACK)
		memcpy(out, coded.p, coded.len);
	else
		copy_text(out, coded.p, (uint32_t)coded.len);
	return (long)len;
}

/* An index that is in neither table: an error, or an entry from before our time, which goes by
 * its symbol, written to symbol. Returns the symbol's length or -EPROTO. */
static long unknown_entry(struct hpack *h, uint64_t index, uint8_t *symbol)
{
	if (hpack_table_is_unknown(&h->table, index))
		return hpack_table_symbol(&h->table, index, h->conn_id, h->dir, (char *)symbol);
	return fail(h, index ? "index beyond the end of the dynamic table: "
			       "connection error COMPRESSION_ERROR (RFC 7541 §2.3.3)"
			     : "index 0: "
			       "connection error COMPRESSION_ERROR (RFC 7541 §6.1)");
}

/* A whole field that goes by a symbol may have been named by a script. */
static void apply_hint(struct hpack_list *l, struct header *out, struct bytes next)
{
	const struct hint *hint = hints_find(hpack_text(l, out->name));

	if (!hint)
		return;
	l->len = out->name.off;
	reserve_text(l, hint->name.len + hint->value.len, next);
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
	uint32_t len = l->len, room = text_room(l, *in), taken;
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
			reserve_text(l, end - len, *in);
			text = l->text;
			room = text_room(l, *in);
		}
		copy_text(text + len, e->text, end - len);
		*out++ = (struct header){
			.name = { len, name_len },
			.value = { value, end - value },
			.name_id = e->name_id,
			.value_id = e->value_id,
			.indexed = 1,
			.wire_len = 1,
		};
		len = end;
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
	long got;

	if (get_integer(h, in, c, 7, &index))
		return -EPROTO;
	*out = (struct header){ .indexed = 1 };
	e = hpack_table_find(&h->table, index);
	if (!e) {
		reserve_text(l, HPACK_SYMBOL_LEN, *in);
		got = unknown_entry(h, index, l->text + l->len);
		if (got < 0)
			return -EPROTO;
		out->name = out->value = (struct str){ l->len, (uint32_t)got };
		out->unknown = 2;
		l->len += (uint32_t)got;
		if (!l->cut)
			apply_hint(l, out, *in);
		return 0;
	}
	if (l->cut) /* the list is full: its text is not wanted, and here nothing needs it */
		return 0;
	len = (uint32_t)e->name_len + e->value_len;
	reserve_text(l, len, *in);
	copy_text(l->text + l->len, e->text, len);
	out->name = (struct str){ l->len, e->name_len };
	out->value = (struct str){ l->len + e->name_len, e->value_len };
	out->name_id = e->name_id & ~HPACK_NAME_UNKNOWN;
	out->value_id = e->value_id;
	out->unknown = e->name_id & HPACK_NAME_UNKNOWN ? 3 : 0;
	l->len += len;
	return 0;
}

/* The name of a literal, at the end of the list's text. Returns its length or -EPROTO; *id is as in
 * an entry. Once the list is full only an insertion needs a name's text. */
static inline long get_name(struct hpack *h, struct bytes *in, uint64_t index, bool needed,
			    struct hpack_list *l, uint32_t *id)
{
	const struct hpack_entry *e;

	*id = 0;
	if (!index)
		return get_string(h, in, l->text + l->len);
	e = hpack_table_find(&h->table, index);
	if (!e) {
		*id = HPACK_NAME_UNKNOWN;
		reserve_text(l, HPACK_SYMBOL_LEN, *in);
		return unknown_entry(h, index, l->text + l->len);
	}
	if (!needed)
		return 0;
	*id = e->name_id;
	reserve_text(l, e->name_len, *in);
	copy_text(l->text + l->len, e->text, e->name_len);
	return e->name_len;
}

/* RFC 7541 §6.2: with incremental indexing (a prefix of 6 bits), without or never (4 bits) */
static int literal_field(struct hpack *h, struct bytes *in, uint8_t c, struct hpack_list *l,
			 struct header *out)
{
	const bool insert = c & 0x40;
	uint32_t name_id, value_id = 0;
	uint64_t index;
	long name_len, value_len;
	uint8_t *text;

	if (get_integer(h, in, c, insert ? 6 : 4, &index))
		return -EPROTO;
	name_len = get_name(h, in, index, insert || !l->cut, l, &name_id);
	if (name_len < 0)
		return -EPROTO;
	text = l->text + l->len;
	value_len = get_string(h, in, text + name_len);
	if (value_len < 0)
		return -EPROTO;
	if (insert) {
		if (!(name_id & ~HPACK_NAME_UNKNOWN))
			name_id |= hpack_table_new_id();
		value_id = hpack_table_new_id();
		hpack_table_insert(&h->table, bytes_of(text, (size_t)(name_len + value_len)),
				   (uint32_t)name_len, name_id, value_id);
	}
	*out = (struct header){
		.name = { l->len, (uint32_t)name_len },
		.value = { l->len + (uint32_t)name_len, (uint32_t)value_len },
		.name_id = name_id & ~HPACK_NAME_UNKNOWN,
		.value_id = value_id,
		.sensitive = !insert && c & 0x10,
		.unknown = name_id & HPACK_NAME_UNKNOWN ? 3 : 0,
	};
	l->len += (uint32_t)(name_len + value_len);
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
	reserve_text(l, 0, block);
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
