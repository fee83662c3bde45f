/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/json.h"

#include <inttypes.h>

#include "sink/text.h"

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

void json_string(struct buf *out, struct bytes in)
{
	struct bytes plain = bytes_of(in.p, 0);
	uint32_t cp;
	size_t len;

	if (!text_is_utf8(in)) {
		buf_puts(out, "{\"$base64\":\"");
		put_base64(out, in);
		buf_puts(out, "\"}");
		return;
	}
	buf_putc(out, '"');
	for (; in.len; in = bytes_of(in.p + len, in.len - len)) {
		len = text_utf8(in, &cp);
		if (cp != '"' && cp != '\\' && !text_is_control(cp)) {
			plain.len += len;
			continue;
		}
		buf_append(out, plain);
		put_escape(out, cp);
		plain = bytes_of(in.p + len, 0);
	}
	buf_append(out, plain);
	buf_putc(out, '"');
}

static void put_header(struct buf *out, const struct batch *b, const struct header *h)
{
	buf_puts(out, "{\"name\":");
	json_string(out, batch_bytes(b, h->name));
	buf_puts(out, ",\"value\":");
	json_string(out, batch_bytes(b, h->value));
	if (h->indexed)
		buf_puts(out, ",\"indexed\":true");
	if (h->sensitive)
		buf_puts(out, ",\"sensitive\":true");
	if (h->unknown)
		buf_puts(out, h->unknown > 1 ? ",\"unknown\":\"name\"" : ",\"unknown\":\"value\"");
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
		return buf_printf(out, "%" PRId64, v->n);
	case VALUE_UINT:
		return buf_printf(out, "%" PRIu64, v->u);
	case VALUE_FIXED:
		return value_print_fixed(out, v->n, v->digits);
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
	const char *comma = "";
	struct value v;

	buf_putc(out, '{');
	for (uint32_t i = 0; i < fields_cnt; i++) {
		if (!field_applies(&fields[i], r))
			continue;
		value_get(&v, b, r, &fields[i]);
		if (v.type == VALUE_ABSENT)
			continue;
		buf_printf(out, "%s\"%s\":", comma, fields[i].name);
		json_value(out, b, &v);
		comma = ",";
	}
	buf_putc(out, '}');
}
