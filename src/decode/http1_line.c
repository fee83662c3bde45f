/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/http1_line.h"

/* tchar of RFC 9110 §5.6.2; and what a field value may not hold, §5.5. */
const uint8_t http1_class_of[256] = {
	[0 ... 8] = HTTP1_CONTROL, [10 ... 31] = HTTP1_CONTROL, [127] = HTTP1_CONTROL,
	['0' ... '9'] = HTTP1_TCHAR, ['A' ... 'Z'] = HTTP1_TCHAR, ['a' ... 'z'] = HTTP1_TCHAR,
	['!'] = HTTP1_TCHAR, ['#'] = HTTP1_TCHAR, ['$'] = HTTP1_TCHAR, ['%'] = HTTP1_TCHAR,
	['&'] = HTTP1_TCHAR, ['\''] = HTTP1_TCHAR, ['*'] = HTTP1_TCHAR, ['+'] = HTTP1_TCHAR,
	['-'] = HTTP1_TCHAR, ['.'] = HTTP1_TCHAR, ['^'] = HTTP1_TCHAR, ['_'] = HTTP1_TCHAR,
	['`'] = HTTP1_TCHAR, ['|'] = HTTP1_TCHAR, ['~'] = HTTP1_TCHAR,
};

void http1_check_value(struct bytes value, const char **why)
{
	uint8_t any = 0;

	for (size_t i = 0; i < value.len; i++)
		any |= http1_class_of[value.p[i]];
	if (any & HTTP1_CONTROL)
		http1_blame(why, "a control character in a field value, RFC 9110 §5.5");
}

bool http1_take_until(struct bytes *b, uint8_t c, struct bytes *head)
{
	const uint8_t *at = b->len ? memchr(b->p, c, b->len) : NULL;

	*head = bytes_of(b->p, at ? (size_t)(at - b->p) : b->len);
	http1_eat(b, head->len + (at ? 1 : 0));
	return at;
}

bool http1_take_line(struct bytes *b, struct bytes *line, const char **why)
{
	if (!http1_take_until(b, '\n', line))
		return false;
	if (line->len && line->p[line->len - 1] == '\r')
		line->len--;
	else
		http1_blame(why, "a line ends in a bare LF, RFC 9112 §2.2");
	return true;
}

/* True if the bytes of two words differ in the case of letters only. */
static bool same_word(uint64_t a, uint64_t b)
{
	uint64_t low = (a | HTTP1_EACH(0x20)) & HTTP1_EACH(0x7f);
	uint64_t letters = (low + HTTP1_EACH(0x80 - 'a')) & ~(low + HTTP1_EACH(0x7f - 'z')) & ~a &
			   HTTP1_EACH(0x80);

	return !((a ^ b) & ~(letters >> 2)); /* 0x80 to 0x20 */
}

static uint64_t load(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static uint64_t load_half(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* All of fewer than 8 bytes, some of them twice. */
static uint64_t load_short(struct bytes b)
{
	if (b.len >= 4)
		return load_half(b.p) | load_half(b.p + b.len - 4) << 32;
	if (!b.len)
		return 0;
	return (uint64_t)b.p[0] | (uint64_t)b.p[b.len / 2] << 8 | (uint64_t)b.p[b.len - 1] << 16;
}

bool http1_same(struct bytes a, struct bytes b)
{
	if (a.len != b.len)
		return false;
	if (a.len < 8)
		return same_word(load_short(a), load_short(b));
	for (size_t at = 0; at + 8 < a.len; at += 8)
		if (!same_word(load(a.p + at), load(b.p + at)))
			return false;
	return same_word(load(a.p + a.len - 8), load(b.p + b.len - 8)); /* in part once more */
}

bool http1_list_has(struct bytes list, struct bytes token)
{
	struct bytes item;
	bool more;

	do {
		more = http1_take_until(&list, ',', &item);
		if (http1_same(http1_trim(item), token))
			return true;
	} while (more);
	return false;
}
