/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/pcapng_block.h"

enum { OPT_END = 0, OPT_COMMENT = 1, OPT_SHB_USERAPPL = 4, OPT_IF_NAME = 2, OPT_IF_TSRESOL = 9,
       OPT_ISB_IFRECV = 4, OPT_ISB_IFDROP = 5 };

#define OPTION_MAX 65535

static void put16(struct buf *out, uint16_t v)
{
	buf_append(out, bytes_of(&v, 2));
}

static void put32(struct buf *out, uint32_t v)
{
	buf_append(out, bytes_of(&v, 4));
}

static void pad(struct buf *out, size_t len)
{
	buf_append(out, bytes_of("\0\0\0", -len & 3));
}

static void put_option(struct buf *out, uint16_t code, struct bytes v)
{
	if (!v.len)
		return;
	if (v.len > OPTION_MAX)
		v.len = OPTION_MAX;
	put16(out, code);
	put16(out, (uint16_t)v.len);
	buf_append(out, v);
	pad(out, v.len);
}

static void put_time(struct buf *out, int64_t ts_ns)
{
	put32(out, (uint32_t)((uint64_t)ts_ns >> 32));
	put32(out, (uint32_t)ts_ns);
}

/* Returns where the block begins, for end(). */
static size_t begin(struct buf *out, uint32_t type)
{
	size_t at = out->len;

	put32(out, type);
	put32(out, 0);
	return at;
}

static void end(struct buf *out, size_t at)
{
	uint32_t len = (uint32_t)(out->len - at) + 4;

	put32(out, len);
	memcpy(out->mem + out->head + at + 4, &len, 4);
}

void block_section(struct buf *out, const char *program, struct bytes comment)
{
	size_t at = begin(out, 0x0a0d0d0a);

	put32(out, 0x1a2b3c4d);
	put16(out, 1);
	put16(out, 0);
	put32(out, UINT32_MAX); /* the section's length is not known */
	put32(out, UINT32_MAX);
	put_option(out, OPT_SHB_USERAPPL, bytes_str(program));
	put_option(out, OPT_COMMENT, comment);
	put32(out, OPT_END);
	end(out, at);
}

void block_interface(struct buf *out, struct bytes name)
{
	size_t at = begin(out, 1);

	put16(out, LINKTYPE_RAW_IP);
	put16(out, 0);
	put32(out, 0);
	put_option(out, OPT_IF_NAME, name);
	put_option(out, OPT_IF_TSRESOL, BYTES_LIT("\x09"));
	put32(out, OPT_END);
	end(out, at);
}

void block_packet(struct buf *out, uint32_t interface, int64_t ts_ns, struct bytes head,
		  struct bytes data, const struct bytes comments[2])
{
	size_t at = begin(out, 6), len = head.len + data.len;

	put32(out, interface);
	put_time(out, ts_ns);
	put32(out, (uint32_t)len);
	put32(out, (uint32_t)len);
	buf_append(out, head);
	buf_append(out, data);
	pad(out, len);
	put_option(out, OPT_COMMENT, comments[0]);
	put_option(out, OPT_COMMENT, comments[1]);
	if (comments[0].len || comments[1].len)
		put32(out, OPT_END);
	end(out, at);
}

void block_stats(struct buf *out, uint32_t interface, int64_t ts_ns, uint64_t received,
		 uint64_t dropped, struct bytes comment)
{
	size_t at = begin(out, 5);

	put32(out, interface);
	put_time(out, ts_ns);
	put_option(out, OPT_COMMENT, comment);
	put_option(out, OPT_ISB_IFRECV, bytes_of(&received, 8));
	put_option(out, OPT_ISB_IFDROP, bytes_of(&dropped, 8));
	put32(out, OPT_END);
	end(out, at);
}
