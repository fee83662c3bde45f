/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets and capture files typed in parts, for the readers' tests. Memory is never freed. */
#ifndef SPF_TESTS_PACKET_MAKE_H
#define SPF_TESTS_PACKET_MAKE_H

#include "test.h"

/* The parts one after the other. */
static inline struct bytes cat(const struct bytes *parts, size_t cnt)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < cnt; i++)
		buf_append(&b, parts[i]);
	return buf_bytes(&b);
}

#define CAT(...) \
	cat((const struct bytes[]){ __VA_ARGS__ }, \
	    sizeof((const struct bytes[]){ __VA_ARGS__ }) / sizeof(struct bytes))

static inline struct bytes be(uint64_t v, int n)
{
	uint8_t *p = malloc((size_t)n);

	for (int i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * (n - 1 - i));
	return bytes_of(p, (size_t)n);
}

static inline struct bytes le(uint64_t v, int n)
{
	uint8_t *p = malloc((size_t)n);

	for (int i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * i);
	return bytes_of(p, (size_t)n);
}

/* A TCP segment of 10.0.0.1:4096 or [fc00::1]:4096 to port 80 of .2, seq 5, flags PSH ACK. */
static inline struct bytes tcp_of(struct bytes data)
{
	return CAT(HEX("1000 0050 00000005 00000000 50 18 ffff 0000 0000"), data);
}

static inline struct bytes ipv4_of(uint16_t frag, uint8_t proto, struct bytes payload, int total)
{
	return CAT(HEX("4500"), be(total < 0 ? payload.len + 20 : (uint64_t)total, 2), HEX("0001"),
		   be(frag, 2), HEX("40"), be(proto, 1), HEX("0000 0a000001 0a000002"), payload);
}

static inline struct bytes ipv6_of(uint8_t next, struct bytes payload, int len)
{
	return CAT(HEX("60000000"), be(len < 0 ? payload.len : (uint64_t)len, 2), be(next, 1),
		   HEX("40 fc000000000000000000000000000001 fc000000000000000000000000000002"),
		   payload);
}

#endif
