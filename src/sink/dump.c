/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/dump.h"

#include "sink/sink.h"

#define INDENT "    "
#define ROW    16

struct bytes dump_payload(const struct batch *b, const struct record *r)
{
	const struct rec_message *m = (const struct rec_message *)r;

	switch (r->kind) {
	case KIND_CHUNK:
		return batch_bytes(b, ((const struct rec_chunk *)r)->data);
	case KIND_FRAME:
		return batch_bytes(b, ((const struct rec_frame *)r)->data);
	case KIND_MESSAGE:
		return batch_bytes(b, m->data.off ? m->data : m->raw);
	case KIND_HTTP:
		return batch_bytes(b, ((const struct rec_http *)r)->body);
	default:
		return (struct bytes){ 0 };
	}
}

static void dump_row(struct buf *out, size_t offset, struct bytes row)
{
	buf_printf(out, INDENT "%04zx ", offset);
	for (size_t i = 0; i < ROW; i++) {
		if (i == ROW / 2)
			buf_putc(out, ' ');
		if (i < row.len)
			buf_printf(out, " %02x", row.p[i]);
		else
			buf_puts(out, "   ");
	}
	buf_puts(out, "  |");
	for (size_t i = 0; i < row.len; i++)
		buf_putc(out, row.p[i] >= 0x20 && row.p[i] < 0x7f ? (char)row.p[i] : '.');
	buf_puts(out, "|\n");
}

void dump_hex(struct buf *out, struct bytes in)
{
	struct bytes row;
	size_t offset = 0;

	for (; bytes_take(&in, in.len < ROW ? in.len : ROW, &row) && row.len; offset += row.len)
		dump_row(out, offset, row);
}

void dump_ascii(struct buf *out, struct bytes in)
{
	while (in.len) {
		const uint8_t *end = memchr(in.p, '\n', in.len);
		size_t len = end ? (size_t)(end - in.p) : in.len;

		buf_puts(out, INDENT);
		/* the CR of a CR LF is a line end too */
		text_escape(out, bytes_of(in.p, len - (end && len && in.p[len - 1] == '\r')), true);
		buf_putc(out, '\n');
		len += end != NULL;
		in = bytes_of(in.p + len, in.len - len);
	}
}
