/* SPDX-License-Identifier: BSD-2-Clause */
/* Chunks as the text of trace.h. What the reader would assume anyway is not printed. */
#include "capture/trace.h"

#include <stdlib.h>

#include "capture/words.h"
#include "util/xalloc.h"

struct trace_end {
	uint64_t conn;
	char letter;
	uint64_t off;
};

static struct trace_end *end_add(struct trace_printer *p, uint64_t sock, uint64_t conn, char letter)
{
	struct trace_end *e = hash_get(&p->ends, sock);

	if (!e) {
		e = xcalloc(1, sizeof(*e));
		hash_put(&p->ends, sock, e);
	}
	*e = (struct trace_end){ .conn = conn, .letter = letter };
	return e;
}

static void put_conn(struct buf *out, uint64_t conn)
{
	if (conn == 1)
		return;
	buf_puts(out, " conn=");
	words_put_number(out, conn);
}

static void print_open(struct trace_printer *p, struct buf *out, struct chunk c)
{
	struct trace_end *e = c.learned ? hash_get(&p->ends, c.sock) : NULL;
	uint64_t conn = e ? e->conn : ++p->conn_cnt;
	bool known = c.role != ROLE_UNKNOWN;

	if (!e)
		end_add(p, c.sock, conn, !known ? 'A' : c.role == ROLE_CLIENT ? 'C' : 'S');
	if (!e && c.peer)
		end_add(p, c.peer, conn, !known ? 'B' : c.role == ROLE_CLIENT ? 'S' : 'C');
	buf_puts(out, "O");
	put_conn(out, conn);
	if (c.role == ROLE_UNKNOWN)
		buf_puts(out, " role=unknown");
	if (c.role == ROLE_CLIENT)
		c.role = ROLE_UNKNOWN; /* the reader's default, so that words_print() is silent */
	c.sock = c.peer = 0;
	words_print(out, &c);
	buf_putc(out, '\n');
}

static void put_hex(struct buf *out, struct bytes in)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t *p = buf_reserve(out, 2 * in.len + 1);
	size_t n = 2 * in.len;
	uint8_t v;

	if (!n) {
		buf_putc(out, '-');
		return;
	}
	while (bytes_get_u8(&in, &v)) {
		*p++ = (uint8_t)hex[v >> 4];
		*p++ = (uint8_t)hex[v & 15];
	}
	buf_added(out, n);
}

void trace_print_head(struct buf *out, const struct source *s)
{
	buf_puts(out, "@ epoch=");
	words_put_time(out, s->epoch_ns);
	buf_puts(out, " start=");
	words_put_time(out, s->start_ns);
	buf_putc(out, '\n');
}

void trace_print(struct trace_printer *p, struct buf *out, const struct chunk *chunk)
{
	struct chunk c = *chunk;
	struct trace_end *e;

	if (c.kind == CHUNK_OPEN) {
		print_open(p, out, c);
		return;
	}
	e = hash_get(&p->ends, c.sock);
	if (!e) /* a chunk of no connection that was opened: shown as one of its own */
		e = end_add(p, c.sock, ++p->conn_cnt, 'A');
	if (c.kind != CHUNK_DATA)
		buf_putc(out, c.kind == CHUNK_LOST ? '?' : c.kind == CHUNK_SENT ? '>' : 'F');
	if (c.kind != CHUNK_DATA)
		buf_putc(out, ' ');
	buf_putc(out, e->letter);
	if (c.kind == CHUNK_DATA) {
		buf_putc(out, ' ');
		put_hex(out, c.data);
	} else if (c.kind != CHUNK_CLOSE) {
		buf_putc(out, ' ');
		words_put_number(out, c.len);
		if (c.kind == CHUNK_LOST)
			buf_puts(out, " bytes missing");
	}
	put_conn(out, e->conn);
	c.sock = 0;
	if (c.off == e->off)
		c.off = 0;
	if (c.kind == CHUNK_DATA || c.kind == CHUNK_LOST)
		e->off = chunk->off + chunk->len;
	if (c.kind != CHUNK_DATA || c.len == c.data.len)
		c.len = 0;
	words_print(out, &c);
	buf_putc(out, '\n');
}

void trace_printer_release(struct trace_printer *p)
{
	struct trace_end *e;
	size_t at = 0;

	while ((e = hash_each(&p->ends, &at)))
		free(e);
	hash_release(&p->ends);
	*p = (struct trace_printer){ 0 };
}
