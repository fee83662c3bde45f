/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/pb.h"

#include <errno.h>

bool pb_get_varint(struct bytes *in, uint64_t *v)
{
	struct bytes rest = *in;
	uint64_t sum = 0;
	uint8_t c;

	for (unsigned shift = 0; shift < 70; shift += 7) {
		if (!bytes_get_u8(&rest, &c))
			return false;
		if (shift == 63 && c > 1)
			return false;
		sum |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			*in = rest;
			*v = sum;
			return true;
		}
	}
	return false;
}

int64_t pb_zigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

static bool get_fixed(struct bytes *in, size_t len, uint64_t *v)
{
	struct bytes raw;

	if (!bytes_take(in, len, &raw))
		return false;
	*v = 0;
	while (len--)
		*v = *v << 8 | raw.p[len];
	return true;
}

static bool get_value(struct bytes *in, struct pb_field *f)
{
	uint64_t len;

	switch (f->wire) {
	case PB_WIRE_VARINT:
		return pb_get_varint(in, &f->value);
	case PB_WIRE_FIXED64:
		return get_fixed(in, 8, &f->value);
	case PB_WIRE_FIXED32:
		return get_fixed(in, 4, &f->value);
	case PB_WIRE_LEN:
		return pb_get_varint(in, &len) && len <= in->len &&
		       bytes_take(in, (size_t)len, &f->bytes);
	case PB_WIRE_BEGIN:
	case PB_WIRE_END:
		return true;
	}
	return false;
}

int pb_next(struct bytes *in, struct pb_field *out)
{
	struct bytes rest = *in;
	struct pb_field f = { 0 };
	uint64_t key;

	if (!in->len)
		return 0;
	if (!pb_get_varint(&rest, &key) || key >> 3 == 0 || key >> 3 > 0x1fffffff || (key & 7) > 5)
		return -EPROTO;
	f.number = (uint32_t)(key >> 3);
	f.wire = (enum pb_wire)(key & 7);
	if (!get_value(&rest, &f))
		return -EPROTO;
	*in = rest;
	*out = f;
	return 1;
}

bool pb_is_message(struct bytes in)
{
	uint32_t groups[LIMIT_PB_DEPTH];
	uint32_t depth = 0;
	struct pb_field f;
	int rc;

	while ((rc = pb_next(&in, &f)) > 0) {
		if (f.wire == PB_WIRE_BEGIN) {
			if (depth == LIMIT_PB_DEPTH)
				return false;
			groups[depth++] = f.number;
		} else if (f.wire == PB_WIRE_END && (!depth || groups[--depth] != f.number)) {
			return false;
		}
	}
	return rc == 0 && depth == 0;
}

/* One UTF-8 character off the front (RFC 3629); false if there is none. */
static bool take_char(struct bytes *in, uint32_t *ch)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	struct bytes rest = *in;
	unsigned more;
	uint8_t c;

	if (!bytes_get_u8(&rest, &c))
		return false;
	more = c < 0x80 ? 0 : c < 0xc0 ? 4 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf8 ? 3 : 4;
	if (more == 4)
		return false;
	*ch = more ? c & (0x3fu >> more) : c;
	for (unsigned i = 0; i < more; i++) {
		if (!bytes_get_u8(&rest, &c) || (c & 0xc0) != 0x80)
			return false;
		*ch = *ch << 6 | (c & 0x3f);
	}
	if (*ch < least[more] || *ch > 0x10ffff || (*ch >= 0xd800 && *ch < 0xe000))
		return false;
	*in = rest;
	return true;
}

static bool is_text(struct bytes in)
{
	uint32_t ch;

	while (in.len) {
		if (!take_char(&in, &ch))
			return false;
		if ((ch < 0x20 && ch != '\t' && ch != '\n' && ch != '\r') ||
		    (ch >= 0x7f && ch < 0xa0))
			return false;
	}
	return true;
}

static bool is_packed(struct bytes in)
{
	unsigned cnt = 0;
	uint64_t v;

	while (in.len) {
		struct bytes before = in;
		size_t len;

		if (!pb_get_varint(&in, &v) || v > UINT32_MAX)
			return false;
		len = before.len - in.len;
		if (len > 1 && before.p[len - 1] == 0) /* not the shortest form */
			return false;
		cnt++;
	}
	return cnt > 1;
}

enum pb_guess pb_guess(struct bytes in)
{
	bool text = is_text(in);

	if (!in.len)
		return PB_EMPTY;
	/* A line end at the front is rather the key of field 1 than how a text begins. */
	if (text && in.p[0] >= 0x20)
		return PB_TEXT;
	if (pb_is_message(in))
		return PB_MESSAGE;
	if (text)
		return PB_TEXT;
	return is_packed(in) ? PB_PACKED : PB_BYTES;
}

static void enter(struct pb_walk *w, struct bytes rest, uint32_t group)
{
	w->depth++;
	w->level[w->depth].rest = rest;
	w->level[w->depth].group = group;
}

void pb_walk_init(struct pb_walk *w, struct bytes message)
{
	w->depth = 0;
	w->level[0].rest = message;
	w->level[0].group = 0;
}

/* Goes up a level; a group's fields were read from the level's own bytes. */
static int leave(struct pb_walk *w, struct pb_item *out)
{
	uint32_t group = w->level[w->depth].group;
	struct bytes rest = w->level[w->depth].rest;

	w->depth--;
	if (group)
		w->level[w->depth].rest = rest;
	*out = (struct pb_item){ .what = PB_END, .depth = w->depth };
	out->field.number = group;
	return 1;
}

int pb_walk_next(struct pb_walk *w, struct pb_item *out)
{
	struct pb_item item = { .depth = w->depth };
	bool deeper = w->depth + 1 < LIMIT_PB_DEPTH;
	uint32_t group = w->level[w->depth].group;
	int rc = pb_next(&w->level[w->depth].rest, &item.field);

	if (rc == 0 && w->depth && !group)
		return leave(w, out);
	if (rc <= 0)
		return group ? -EPROTO : rc;
	if (item.field.wire == PB_WIRE_END)
		return group == item.field.number ? leave(w, out) : -EPROTO;
	if (item.field.wire == PB_WIRE_BEGIN) {
		if (!deeper)
			return -EPROTO;
		item.what = PB_BEGIN;
		enter(w, w->level[w->depth].rest, item.field.number);
	} else if (item.field.wire == PB_WIRE_LEN) {
		item.guess = pb_guess(item.field.bytes);
		if (item.guess == PB_MESSAGE && deeper) {
			item.what = PB_BEGIN;
			enter(w, item.field.bytes, 0);
		}
	}
	*out = item;
	return 1;
}
