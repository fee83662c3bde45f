/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/json.h"

#include <inttypes.h>

#include "sink/shape.h"
#include "sink/text.h"
#include "util/digits.h"

static void put_base64(struct buf *out, struct bytes in)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t *p = buf_reserve(out, (in.len + 2) / 3 * 4), *at = p;

	for (size_t i = 0; i < in.len; i += 3) {
		size_t left = in.len - i;
		uint32_t v = (uint32_t)in.p[i] << 16;

		if (left > 1)
			v |= (uint32_t)in.p[i + 1] << 8;
		if (left > 2)
			v |= in.p[i + 2];
		*at++ = (uint8_t)digits[v >> 18];
		*at++ = (uint8_t)digits[v >> 12 & 63];
		*at++ = left > 1 ? (uint8_t)digits[v >> 6 & 63] : '=';
		*at++ = left > 2 ? (uint8_t)digits[v & 63] : '=';
	}
	buf_added(out, (size_t)(at - p));
}

/* One code point that may not stand in a string as it is. Bidi and C1 controls could, but the
 * line may be read on a terminal, and the escaped form means the same. */
static void put_escape(struct buf *out, uint32_t cp)
{
	static const char short_forms[] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n',  ['\r'] = 'r',
		['\t'] = 't', ['"'] = '"',  ['\\'] = '\\',
	};

	if (cp < sizeof(short_forms) && short_forms[cp])
		buf_printf(out, "\\%c", short_forms[cp]);
	else
		buf_printf(out, "\\u%04x", cp);
}

/* What of in is left after its plain front: the rest of a string that holds something special. */
static void put_special(struct buf *out, struct bytes in)
{
	uint32_t cp;

	while (in.len) {
		size_t len;

		buf_append(out, text_take_plain(&in, false));
		len = text_utf8(in, &cp);
		if (!len)
			return;
		if (cp != '"' && cp != '\\' && !text_is_control(cp))
			buf_append(out, bytes_of(in.p, len));
		else
			put_escape(out, cp);
		in = bytes_of(in.p + len, in.len - len);
	}
}

void json_string(struct buf *out, struct bytes in)
{
	bool is_plain = text_is_plain(in, false);
	uint8_t *p;

	if (!is_plain && !text_is_utf8(in)) {
		buf_puts(out, "{\"$base64\":\"");
		put_base64(out, in);
		buf_puts(out, "\"}");
		return;
	}
	if (!is_plain) {
		buf_putc(out, '"');
		put_special(out, in);
		buf_putc(out, '"');
		return;
	}
	p = buf_reserve(out, in.len + 2);
	p[0] = '"';
	if (in.len)
		memcpy(p + 1, in.p, in.len);
	p[in.len + 1] = '"';
	buf_added(out, in.len + 2);
}

static uint8_t *write_bytes(uint8_t *p, struct bytes in)
{
	memcpy(p, in.p, in.len);
	return p + in.len;
}

/* A field of which nothing needs escaping: nearly all. */
static void put_plain_field(struct buf *out, struct bytes name, struct bytes value)
{
	uint8_t *start = buf_reserve(out, name.len + value.len + 64), *p = start;

	p = write_bytes(p, BYTES_LIT("{\"name\":\""));
	p = write_bytes(p, name);
	p = write_bytes(p, BYTES_LIT("\",\"value\":\""));
	p = write_bytes(p, value);
	*p++ = '"';
	buf_added(out, (size_t)(p - start));
}

static void put_field(struct buf *out, struct bytes name, struct bytes value)
{
	if (name.p && value.p && text_is_plain(name, false) && text_is_plain(value, false))
		return put_plain_field(out, name, value);
	buf_puts(out, "{\"name\":");
	json_string(out, name);
	buf_puts(out, ",\"value\":");
	json_string(out, value);
}

static void put_header(struct buf *out, const struct batch *b, const struct header *h)
{
	put_field(out, batch_bytes(b, h->name), batch_bytes(b, h->value));
	if (h->indexed)
		buf_puts(out, ",\"indexed\":true");
	if (h->sensitive)
		buf_puts(out, ",\"sensitive\":true");
	if (h->unknown)
		buf_printf(out, ",\"unknown\":\"%s\"", h->unknown == HEADER_HINTED ? "hinted"
						       : h->unknown > 1 ? "name"
									: "value");
	buf_putc(out, '}');
}

static void put_headers(struct buf *out, const struct batch *b, struct list l)
{
	const struct header *h = batch_headers(b, l);

	buf_putc(out, '[');
	for (uint32_t i = 0; h && i < l.count; i++) {
		if (i)
			buf_putc(out, ',');
		put_header(out, b, &h[i]);
	}
	buf_putc(out, ']');
}

/* Newest first: of a setting that comes twice the last value counts (RFC 9113 §6.5.3), and a
 * key must not come twice. */
static void put_settings(struct buf *out, const struct batch *b, struct list l)
{
	const struct setting *s = batch_settings(b, l);
	uint64_t seen[65536 / 64] = { 0 };
	const char *comma = "";
	char room[NAMES_LEN];

	buf_putc(out, '{');
	for (uint32_t i = s ? l.count : 0; i-- > 0;) {
		uint64_t bit = 1ull << (s[i].id & 63), *word = &seen[(s[i].id & 0xffff) / 64];

		if (*word & bit)
			continue;
		*word |= bit;
		buf_printf(out, "%s\"%s\":%u", comma,
			   names_or_hex(names_setting(s[i].id), s[i].id, room), s[i].value);
		comma = ",";
	}
	buf_putc(out, '}');
}

static void put_half(struct buf *out, const struct batch *b, const struct list lists[2])
{
	buf_puts(out, "{\"headers\":");
	put_headers(out, b, lists[0]);
	if (lists[1].off) {
		buf_puts(out, ",\"trailers\":");
		put_headers(out, b, lists[1]);
	}
	buf_putc(out, '}');
}

static void put_process(struct buf *out, const struct batch *b, const struct process *p)
{
	const char *comma = "";

	buf_putc(out, '{');
	if (p->pid >= 0) {
		buf_printf(out, "\"pid\":%d", p->pid);
		comma = ",";
	}
	if (p->comm.off) {
		buf_printf(out, "%s\"comm\":", comma);
		json_string(out, batch_bytes(b, p->comm));
		comma = ",";
	}
	if (p->exe.off) {
		buf_printf(out, "%s\"exe\":", comma);
		json_string(out, batch_bytes(b, p->exe));
		comma = ",";
	}
	if (p->uid >= 0) {
		buf_printf(out, "%s\"uid\":%d", comma, p->uid);
		comma = ",";
	}
	if (p->cgroup)
		buf_printf(out, "%s\"cgroup\":%" PRIu64, comma, p->cgroup);
	buf_putc(out, '}');
}

void json_value(struct buf *out, const struct batch *b, const struct value *v)
{
	switch (v->type) {
	case VALUE_ABSENT:
		return buf_puts(out, "null");
	case VALUE_BOOL:
		return buf_puts(out, v->n ? "true" : "false");
	case VALUE_INT:
		return digits_i64(out, v->n);
	case VALUE_UINT:
		return digits_u64(out, v->u);
	case VALUE_FIXED:
		return digits_fixed(out, v->n, v->decimals);
	case VALUE_BYTES:
		return json_string(out, v->bytes);
	case VALUE_HEADERS:
		return put_headers(out, b, v->lists[0]);
	case VALUE_SETTINGS:
		return put_settings(out, b, v->lists[0]);
	case VALUE_HALF:
		return put_half(out, b, v->lists);
	case VALUE_PROCESS:
		return put_process(out, b, v->process);
	}
}

void json_record(struct buf *out, const struct batch *b, const struct record *r)
{
	const struct shape *shape = shape_of(r);
	size_t start = out->len;
	struct value v;

	for (size_t i = 0; i < shape->cnt; i++) {
		const struct shape_key *key = &shape->key[i];

		value_get(&v, b, r, key->field);
		if (v.type == VALUE_ABSENT)
			continue;
		shape_put_key(out, key);
		json_value(out, b, &v);
	}
	out->mem[out->head + start] = '{'; /* each record has a kind: a comma stands there */
	buf_putc(out, '}');
}
