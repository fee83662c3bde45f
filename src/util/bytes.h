/* SPDX-License-Identifier: BSD-2-Clause */
/* A borrowed span of bytes and the only readers that decoders may use on it.
 *
 * Every reader checks the bounds, so a decoder never indexes a payload itself.
 * A span does not own: its lifetime is that of whatever it points into.
 */
#ifndef SPF_UTIL_BYTES_H
#define SPF_UTIL_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *p;
	size_t len;
};

#define BYTES_LIT(s) ((struct bytes){ (const uint8_t *)(s), sizeof(s) - 1 })

static inline struct bytes bytes_of(const void *p, size_t len)
{
	return (struct bytes){ p, len };
}

static inline struct bytes bytes_str(const char *s)
{
	return bytes_of(s, strlen(s));
}

/* Cuts n bytes off the front of *b into *head; false (and no change) if there are fewer. */
static inline bool bytes_take(struct bytes *b, size_t n, struct bytes *head)
{
	if (n > b->len)
		return false;
	*head = bytes_of(b->p, n);
	if (n) /* of a span without memory nothing may be taken, and that is no arithmetic */
		b->p += n;
	b->len -= n;
	return true;
}

/* The get functions read big-endian integers off the front; false (and no change) if short. */
static inline bool bytes_get_u8(struct bytes *b, uint8_t *v)
{
	if (b->len < 1)
		return false;
	*v = b->p[0];
	b->p += 1;
	b->len -= 1;
	return true;
}

static inline bool bytes_get_u16(struct bytes *b, uint16_t *v)
{
	if (b->len < 2)
		return false;
	*v = (uint16_t)(b->p[0] << 8 | b->p[1]);
	b->p += 2;
	b->len -= 2;
	return true;
}

static inline bool bytes_get_u24(struct bytes *b, uint32_t *v)
{
	if (b->len < 3)
		return false;
	*v = (uint32_t)b->p[0] << 16 | (uint32_t)b->p[1] << 8 | b->p[2];
	b->p += 3;
	b->len -= 3;
	return true;
}

static inline bool bytes_get_u32(struct bytes *b, uint32_t *v)
{
	if (b->len < 4)
		return false;
	*v = (uint32_t)b->p[0] << 24 | (uint32_t)b->p[1] << 16 | (uint32_t)b->p[2] << 8 | b->p[3];
	b->p += 4;
	b->len -= 4;
	return true;
}

/* Reads 8 bytes without cutting them off; false if there are fewer. */
static inline bool bytes_peek_u64(const struct bytes *b, uint64_t *v)
{
	if (b->len < 8)
		return false;
	memcpy(v, b->p, 8);
	*v = be64toh(*v);
	return true;
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool bytes_has_prefix(struct bytes b, struct bytes prefix)
{
	return b.len >= prefix.len && (!prefix.len || memcmp(b.p, prefix.p, prefix.len) == 0);
}

#endif
