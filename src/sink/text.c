/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/text.h"

#include "sink/sink.h"

struct range {
	uint32_t first, last;
};

/* What a terminal, or the reader's eye, may take for something else than the sender's text:
 * Unicode's Bidi_Control, and the separators that some terminals take for a new line. */
static const struct range controls[] = {
	{ 0x00, 0x1f },	    { 0x7f, 0x9f },	{ 0x061c, 0x061c }, { 0x200e, 0x200f },
	{ 0x2028, 0x202e }, { 0x2066, 0x2069 }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
};

/* No column of their own: combining marks, joiners, variation selectors. */
static const struct range zero_wide[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x064b, 0x065f },
	{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200d }, { 0x20d0, 0x20ff },
	{ 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
};

/* Two columns: East Asian wide, and emoji. */
static const struct range two_wide[] = {
	{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },	  { 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },	  { 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

#define IN_RANGES(cp, table) is_in_ranges(cp, table, sizeof(table) / sizeof((table)[0]))

static bool is_in_ranges(uint32_t cp, const struct range *table, size_t cnt)
{
	for (size_t i = 0; i < cnt; i++) {
		if (cp >= table[i].first && cp <= table[i].last)
			return true;
	}
	return false;
}

/* Length of a sequence and the smallest code point that needs that many, by its first byte. */
static size_t sequence(uint8_t first, uint32_t *bits, uint32_t *min)
{
	if (first < 0xc2 || first > 0xf4)
		return 0;
	if (first < 0xe0) {
		*bits = first & 0x1f;
		*min = 0x80;
		return 2;
	}
	if (first < 0xf0) {
		*bits = first & 0x0f;
		*min = 0x800;
		return 3;
	}
	*bits = first & 0x07;
	*min = 0x10000;
	return 4;
}

size_t text_utf8(struct bytes in, uint32_t *cp)
{
	uint32_t bits, min;
	size_t len;

	if (!in.len)
		return 0;
	if (in.p[0] < 0x80) {
		*cp = in.p[0];
		return 1;
	}
	len = sequence(in.p[0], &bits, &min);
	if (!len || len > in.len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((in.p[i] & 0xc0) != 0x80)
			return 0;
		bits = bits << 6 | (in.p[i] & 0x3f);
	}
	if (bits < min || bits > 0x10ffff || (bits >= 0xd800 && bits <= 0xdfff))
		return 0;
	*cp = bits;
	return len;
}

/* Each byte of the word is c. */
#define EACH(c) (0x0101010101010101ull * (c))

/* The high bit of each byte that is 0, and perhaps of some after it. */
static inline uint64_t zeros(uint64_t w)
{
	return (w - EACH(0x01)) & ~w & EACH(0x80);
}

/* The same for each byte that is not plain: the lowest one is right. */
static inline uint64_t specials(uint64_t w, bool quotes)
{
	uint64_t quote = quotes ? EACH('\\') : EACH('"');

	return ((w | (w - EACH(0x20))) & EACH(0x80)) | zeros(w ^ EACH(0x7f)) |
	       zeros(w ^ EACH('\\')) | zeros(w ^ quote);
}

static uint64_t load(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return le64toh(w);
}

static uint64_t load_half(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return le32toh(w);
}

/* All of 1 to 7 bytes, some of them twice, and blanks. */
static uint64_t load_short(struct bytes in)
{
	if (in.len >= 4)
		return load_half(in.p) | load_half(in.p + in.len - 4) << 32;
	return EACH(' ') << 24 | (uint64_t)in.p[0] | (uint64_t)in.p[in.len / 2] << 8 |
	       (uint64_t)in.p[in.len - 1] << 16;
}

bool text_is_plain(struct bytes in, bool quotes)
{
	if (in.len < 8)
		return !in.len || !specials(load_short(in), quotes);
	for (size_t at = 0; at + 8 < in.len; at += 8)
		if (specials(load(in.p + at), quotes))
			return false;
	return !specials(load(in.p + in.len - 8), quotes); /* in part once more */
}

struct bytes text_take_plain(struct bytes *in, bool quotes)
{
	struct bytes plain = { 0 };
	uint64_t found = 0;
	size_t at = 0;

	for (; !found && at + 8 <= in->len; at += 8)
		found = specials(load(in->p + at), quotes);
	if (found)
		at = at - 8 + (size_t)__builtin_ctzll(found) / 8;
	while (!found && at < in->len && !specials(EACH(' ') << 8 | in->p[at], quotes))
		at++;
	bytes_take(in, at, &plain);
	return plain;
}

bool text_is_utf8(struct bytes in)
{
	uint32_t cp;
	size_t len;

	while (text_take_plain(&in, true), in.len) {
		len = text_utf8(in, &cp);
		if (!len)
			return false;
		in = bytes_of(in.p + len, in.len - len);
	}
	return true;
}

bool text_is_control(uint32_t cp)
{
	if (cp >= 0x20 && cp < 0x7f)
		return false;
	return IN_RANGES(cp, controls);
}

static size_t columns_of(uint32_t cp)
{
	if (cp < 0x300)
		return 1;
	if (IN_RANGES(cp, zero_wide))
		return 0;
	return IN_RANGES(cp, two_wide) ? 2 : 1;
}

size_t text_columns(struct bytes in)
{
	size_t len, columns = 0;
	uint32_t cp;

	if (text_is_plain(in, true))
		return in.len;
	while (in.len) {
		columns += text_take_plain(&in, true).len;
		if (!in.len)
			break;
		len = text_utf8(in, &cp);
		columns += len ? columns_of(cp) : 1;
		len += !len;
		in = bytes_of(in.p + len, in.len - len);
	}
	return columns;
}

struct bytes text_fit(struct bytes in, size_t columns)
{
	struct bytes rest = in;
	size_t len;
	uint32_t cp;

	while (rest.len) {
		len = text_utf8(rest, &cp);
		if (columns < (len ? columns_of(cp) : 1))
			break;
		columns -= len ? columns_of(cp) : 1;
		len += !len;
		rest = bytes_of(rest.p + len, rest.len - len);
	}
	return bytes_of(in.p, in.len - rest.len);
}

static void escape_code_point(struct buf *out, uint32_t cp)
{
	static const char short_forms[] = { ['\n'] = 'n', ['\t'] = 't', ['\r'] = 'r' };

	if (cp < sizeof(short_forms) && short_forms[cp])
		buf_printf(out, "\\%c", short_forms[cp]);
	else
		buf_printf(out, cp < 0x80 ? "\\x%02x" : "\\u%04x", cp);
}

/* True if the code point goes out as it is. Without lines the text is one value of a line:
 * there a backslash is doubled, so that what is escaped cannot be confused with what was sent. */
static bool is_plain(uint32_t cp, bool lines)
{
	if (lines)
		return cp == '\n' || cp == '\t' || !text_is_control(cp);
	return cp != '\\' && !text_is_control(cp);
}

void text_escape(struct buf *out, struct bytes in, bool lines)
{
	uint32_t cp;

	for (;;) {
		size_t len;

		buf_append(out, text_take_plain(&in, true));
		if (!in.len)
			return;
		len = text_utf8(in, &cp);
		if (!len)
			buf_printf(out, "\\x%02x", in.p[0]);
		else if (is_plain(cp, lines))
			buf_append(out, bytes_of(in.p, len));
		else if (cp == '\\')
			buf_puts(out, "\\\\");
		else
			escape_code_point(out, cp);
		len += !len;
		in = bytes_of(in.p + len, in.len - len);
	}
}
