/* SPDX-License-Identifier: BSD-2-Clause */
/* The pcapng file: blocks, each
 *
 *     type(4) total length(4) body … options … total length(4)
 *
 * of which a section header (with the byte order), interfaces, three kinds of packet blocks and
 * the statistics are read.
 */
#include "capture/packets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/words.h"
#include "util/limits.h"
#include "util/xalloc.h"

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_OLD_PACKET = 2,
	BLOCK_SIMPLE_PACKET = 3,
	BLOCK_STATS = 5,
	BLOCK_PACKET = 6,
};

enum { OPT_END = 0, OPT_COMMENT = 1, OPT_IF_TSRESOL = 9, OPT_IF_TSOFFSET = 14 };

#define BLOCK_MIN 12 /* type and both lengths */
#define RESOL_MICRO 6

static bool next_option(const struct packets *p, struct bytes *options, uint16_t *code,
			struct bytes *value)
{
	struct bytes padding;
	uint16_t len;

	if (!packets_get16(p, options, code) || *code == OPT_END)
		return false;
	if (!packets_get16(p, options, &len) || !bytes_take(options, len, value))
		return false;
	return bytes_take(options, -(size_t)len & 3, &padding) || !options->len;
}

static struct bytes find_option(const struct packets *p, struct bytes options, uint16_t want)
{
	struct bytes value;
	uint16_t code;

	while (next_option(p, &options, &code, &value))
		if (code == want)
			return value;
	return bytes_of(NULL, 0);
}

static int read_section(struct packets *p, struct bytes body, struct packet *out)
{
	struct bytes fixed;

	if (!bytes_take(&body, 16, &fixed))
		return packets_bad(p, "a section header that is too short");
	free(p->ifs);
	p->ifs = NULL;
	p->if_cnt = 0;
	*out = (struct packet){ .kind = PACKET_SECTION };
	out->comment = find_option(p, body, OPT_COMMENT);
	return 1;
}

static uint32_t tick_ns(uint8_t resol)
{
	switch (resol) {
	case 6:
		return 1000;
	case 9:
		return 1;
	}
	return 0;
}

static int read_interface(struct packets *p, struct bytes body)
{
	struct interface *i;
	uint16_t link, reserved;
	uint32_t snaplen, hi, lo;
	struct bytes v;

	if (!packets_get16(p, &body, &link) || !packets_get16(p, &body, &reserved) ||
	    !packets_get32(p, &body, &snaplen))
		return packets_bad(p, "an interface block that is too short");
	if (p->if_cnt == LIMIT_INTERFACES)
		return packets_bad(p, "more interfaces than spf reads");
	if (!(p->if_cnt & (p->if_cnt - 1)))
		p->ifs = xrealloc(p->ifs, (p->if_cnt ? 2 * p->if_cnt : 1) * sizeof(*p->ifs));
	i = &p->ifs[p->if_cnt++];
	*i = (struct interface){ .link = link, .snaplen = snaplen, .resol = RESOL_MICRO };
	v = find_option(p, body, OPT_IF_TSRESOL);
	if (v.len == 1)
		i->resol = v.p[0];
	i->tick_ns = tick_ns(i->resol);
	v = find_option(p, body, OPT_IF_TSOFFSET);
	if (v.len != 8)
		return 0;
	packets_get32(p, &v, &lo);
	packets_get32(p, &v, &hi);
	if (!p->is_little) {
		uint32_t t = lo;

		lo = hi;
		hi = t;
	}
	i->offset_s = (int64_t)((uint64_t)hi << 32 | lo);
	return 0;
}

/* A time that is too far away to be one is 0. */
static int64_t to_ns(const struct interface *i, uint32_t hi, uint32_t lo)
{
	uint64_t ticks = (uint64_t)hi << 32 | lo, ns;
	__int128 t = ticks * (__int128)1000000000;
	uint8_t exp = i->resol & 0x7f;

	if (i->tick_ns && !i->offset_s && !__builtin_mul_overflow(ticks, i->tick_ns, &ns) &&
	    ns < TIME_MAX_NS)
		return (int64_t)ns;
	if (i->resol & 0x80)
		t = exp < 64 ? t >> exp : 0;
	else
		for (; exp && t; exp--)
			t /= 10;
	t += (__int128)i->offset_s * 1000000000;
	return t > -TIME_MAX_NS && t < TIME_MAX_NS ? (int64_t)t : 0;
}

/* Packet data of captured bytes and what follows it: the options. */
static int read_data(struct packets *p, struct bytes body, uint32_t captured, struct packet *out)
{
	struct bytes padding;

	if (!bytes_take(&body, captured, &out->data))
		return packets_bad(p, "a packet that is longer than its block");
	if (out->wire_len < captured)
		out->wire_len = captured;
	if (bytes_take(&body, -(size_t)captured & 3, &padding) && body.len)
		out->comment = find_option(p, body, OPT_COMMENT);
	return 1;
}

static int read_packet(struct packets *p, uint32_t type, struct bytes body, struct packet *out)
{
	uint32_t id = 0, hi = 0, lo = 0, captured = 0;
	uint16_t short_id, drops;
	bool ok;

	*out = (struct packet){ .kind = PACKET_DATA };
	if (type == BLOCK_OLD_PACKET) {
		ok = packets_get16(p, &body, &short_id) && packets_get16(p, &body, &drops);
		id = ok ? short_id : 0;
	} else {
		ok = packets_get32(p, &body, &id);
	}
	ok = ok && packets_get32(p, &body, &hi) && packets_get32(p, &body, &lo) &&
	     packets_get32(p, &body, &captured) && packets_get32(p, &body, &out->wire_len);
	if (!ok)
		return packets_bad(p, "a packet block that is too short");
	if (id >= p->if_cnt)
		return packets_bad(p, "a packet of an interface that is not described");
	out->link = p->ifs[id].link;
	out->ts_ns = to_ns(&p->ifs[id], hi, lo);
	return read_data(p, body, captured, out);
}

static int read_simple(struct packets *p, struct bytes body, struct packet *out)
{
	uint32_t captured;

	*out = (struct packet){ .kind = PACKET_DATA };
	if (!packets_get32(p, &body, &out->wire_len))
		return packets_bad(p, "a packet block that is too short");
	if (!p->if_cnt)
		return packets_bad(p, "a packet of an interface that is not described");
	captured = out->wire_len;
	if (p->ifs[0].snaplen && captured > p->ifs[0].snaplen)
		captured = p->ifs[0].snaplen;
	out->link = p->ifs[0].link;
	return read_data(p, body, captured, out);
}

static int read_stats(struct packets *p, struct bytes body, struct packet *out)
{
	uint32_t id, hi, lo;

	if (!packets_get32(p, &body, &id) || !packets_get32(p, &body, &hi) ||
	    !packets_get32(p, &body, &lo))
		return packets_bad(p, "a statistics block that is too short");
	if (id >= p->if_cnt)
		return packets_bad(p, "statistics of an interface that is not described");
	*out = (struct packet){ .kind = PACKET_STATS, .ts_ns = to_ns(&p->ifs[id], hi, lo) };
	out->comment = find_option(p, body, OPT_COMMENT);
	return 1;
}

/* 1 with a packet, 0 if the block has none. */
static int read_block(struct packets *p, uint32_t type, struct bytes body, struct packet *out)
{
	switch (type) {
	case BLOCK_SECTION:
		return read_section(p, body, out);
	case BLOCK_INTERFACE:
		return read_interface(p, body);
	case BLOCK_OLD_PACKET:
	case BLOCK_PACKET:
		return read_packet(p, type, body, out);
	case BLOCK_SIMPLE_PACKET:
		return read_simple(p, body, out);
	case BLOCK_STATS:
		return read_stats(p, body, out);
	}
	return 0;
}

/* A section header says in which byte order it is itself. */
static int read_byte_order(struct packets *p)
{
	struct bytes b;
	uint32_t magic;
	int rc = packets_need(p, BLOCK_MIN, "a section header");

	if (rc != 1)
		return rc;
	b = input_bytes(&p->in);
	b = bytes_of(b.p + 8, 4);
	bytes_get_u32(&b, &magic);
	if (magic != 0x1a2b3c4d && magic != 0x4d3c2b1a)
		return packets_bad(p, "a section header without its byte order");
	p->is_little = magic == 0x4d3c2b1a;
	return 1;
}

int pcapng_read(struct packets *p, struct packet *out)
{
	for (;;) {
		uint32_t type = 0, len = 0, again = 0;
		struct bytes b, body;
		char text[80];
		int rc = packets_need(p, 8, "a block header");

		if (rc != 1)
			return rc;
		b = input_bytes(&p->in);
		packets_get32(p, &b, &type);
		if (type == BLOCK_SECTION && (rc = read_byte_order(p)) != 1)
			return rc;
		b = input_bytes(&p->in);
		b = bytes_of(b.p + 4, b.len - 4);
		packets_get32(p, &b, &len);
		if (len < BLOCK_MIN || len % 4 || len > LIMIT_BLOCK_LEN) {
			snprintf(text, sizeof(text), "a block of type 0x%x with the length %u", type, len);
			return packets_bad(p, text);
		}
		rc = packets_need(p, len, "a block");
		if (rc != 1)
			return rc;
		b = input_bytes(&p->in);
		body = bytes_of(b.p + 8, len - BLOCK_MIN);
		b = bytes_of(b.p + len - 4, 4);
		packets_get32(p, &b, &again);
		if (again != len)
			return packets_bad(p, "a block whose two lengths differ");
		rc = read_block(p, type, body, out);
		if (rc < 0)
			return rc;
		if (rc) {
			p->pass = len;
			return 1;
		}
		input_skip(&p->in, len);
	}
}
