/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/tcp_make.h"

#define TCP_LEN 20
#define PROTO_TCP 6

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* The one's complement sum of in as 16-bit words, not folded: RFC 1071. Words are added in the
 * order of the machine, which only swaps the bytes of the sum. */
static uint64_t sum(struct bytes in)
{
	uint64_t s = 0;
	uint32_t w;

	for (; in.len >= 4; in = bytes_of(in.p + 4, in.len - 4)) {
		memcpy(&w, in.p, 4);
		s += w;
	}
	w = 0;
	if (in.len)
		memcpy(&w, in.p, in.len);
	return s + w;
}

static void put_checksum(uint8_t *p, uint64_t s)
{
	uint16_t v;

	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	v = (uint16_t)~s;
	memcpy(p, &v, 2);
}

static size_t make_ipv4(const struct segment *s, uint8_t *p)
{
	memset(p, 0, 20);
	p[0] = 0x45;
	put16(p + 2, 20 + TCP_LEN + s->len);
	p[6] = 0x40; /* do not fragment */
	p[8] = 64;
	p[9] = PROTO_TCP;
	memcpy(p + 12, s->src.ip, 4);
	memcpy(p + 16, s->dst.ip, 4);
	put_checksum(p + 10, sum(bytes_of(p, 20)));
	return 20;
}

static size_t make_ipv6(const struct segment *s, uint8_t *p)
{
	memset(p, 0, 8);
	p[0] = 0x60;
	put16(p + 4, TCP_LEN + s->len);
	p[6] = PROTO_TCP;
	p[7] = 64;
	memcpy(p + 8, s->src.ip, 16);
	memcpy(p + 24, s->dst.ip, 16);
	return 40;
}

size_t tcp_make(const struct segment *s, uint8_t out[TCP_MAKE_HEAD])
{
	bool is_v4 = s->src.family == 4;
	size_t ip = is_v4 ? make_ipv4(s, out) : make_ipv6(s, out);
	uint8_t *tcp = out + ip, pseudo[4] = { 0, PROTO_TCP };

	memset(tcp, 0, TCP_LEN);
	put16(tcp, s->src.port);
	put16(tcp + 2, s->dst.port);
	put32(tcp + 4, s->seq);
	put32(tcp + 8, s->ack);
	tcp[12] = TCP_LEN / 4 << 4;
	tcp[13] = s->flags;
	put16(tcp + 14, 65535);
	put16(pseudo + 2, TCP_LEN + s->len);
	put_checksum(tcp + 16, sum(bytes_of(pseudo, 4)) +
				       sum(is_v4 ? bytes_of(out + 12, 8) : bytes_of(out + 8, 32)) +
				       sum(bytes_of(tcp, TCP_LEN)) + sum(s->data));
	return ip + TCP_LEN;
}
