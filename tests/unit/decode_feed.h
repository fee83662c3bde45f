/* SPDX-License-Identifier: BSD-2-Clause */
/* Feeds a decoder and puts its records down as text, a line each, so that the same bytes cut in
 * other ways can be compared. */
#ifndef SPF_TESTS_DECODE_FEED_H
#define SPF_TESTS_DECODE_FEED_H

#include "test.h"

#include <errno.h>

#include "decode/decoder.h"
#include "decode/names.h"

static inline struct batch *xmalloc_batch(uint32_t len)
{
	struct batch *b = malloc(len);

	batch_init(b, len);
	return b;
}

struct feed {
	struct want want;
	struct conn_info info;
	struct decoder *d;
	struct batch *b;
	struct buf out;   /* the records so far */
	uint64_t seq;
	int64_t clock;
	bool fill;        /* by decoder_fill(), not record by record */
};

static inline void feed_init(struct feed *f, bool seen_open)
{
	*f = (struct feed){ .info = { .id = 3, .addr = "/run/app.sock", .seen_open = seen_open },
			    .b = batch_new() };
	f->want.data = f->want.headers = true;
	for (int i = 0; i < KIND_COUNT; i++)
		f->want.kind[i] = i == KIND_FRAME || i == KIND_GAP;
	f->d = decoder_new(&f->want, &f->info);
}

static inline void feed_release(struct feed *f)
{
	decoder_free(f->d);
	free(f->b);
	buf_release(&f->out);
}

static inline struct stamp feed_stamp(struct feed *f)
{
	struct stamp st = { .ts_ns = f->clock, .elapsed_ns = f->clock, .read_ns = -1, .pid = 7,
			    .tid = 7, .reader_pid = -1, .comm = "test" };

	f->clock += 1000;
	return st;
}

static inline void feed_escaped(struct buf *out, struct bytes b)
{
	for (size_t i = 0; i < b.len; i++) {
		if (b.p[i] > ' ' && b.p[i] < 127 && b.p[i] != '\\')
			buf_putc(out, (char)b.p[i]);
		else
			buf_printf(out, "\\%02x", b.p[i]);
	}
}

static inline void feed_frame(struct buf *out, const struct batch *b, const struct rec_frame *r)
{
	char room[NAMES_LEN];

	buf_printf(out, "%d %s %u:%u flags=%x", r->r.from, names_or_hex(names_frame_type(r->type), r->type, room),
		   r->stream_id, r->length, r->flags);
	if (r->ctx.path.off) {
		buf_puts(out, r->ctx.is_grpc ? " rpc=" : " path=");
		feed_escaped(out, batch_bytes(b, r->ctx.path));
	}
	if (r->status >= 0)
		buf_printf(out, " status=%d", r->status);
	if (r->missing > 0)
		buf_printf(out, " missing=%d", r->missing);
	if (r->trailers == TRI_TRUE)
		buf_puts(out, " trailers");
	if (r->continuations > 0)
		buf_printf(out, " continuations=%d", r->continuations);
	if (r->of)
		buf_printf(out, " of=%llu", (unsigned long long)r->of);
	for (uint32_t i = 0; i < r->headers.count; i++) {
		const struct header *h = &batch_headers(b, r->headers)[i];

		buf_puts(out, " ");
		feed_escaped(out, batch_bytes(b, h->name));
		buf_puts(out, "=");
		feed_escaped(out, batch_bytes(b, h->value));
	}
	for (uint32_t i = 0; i < r->settings.count; i++)
		buf_printf(out, " %u:%u", batch_settings(b, r->settings)[i].id,
			   batch_settings(b, r->settings)[i].value);
	if (r->data.off) {
		buf_puts(out, " data=");
		feed_escaped(out, batch_bytes(b, r->data));
	}
	if (r->truncated)
		buf_puts(out, " truncated");
	if (!r->r.exact)
		buf_puts(out, " inexact");
	if (r->violation) {
		buf_puts(out, " why=");
		buf_append(out, batch_bytes(b, r->why));
	}
	buf_putc(out, '\n');
}

static inline void feed_record(struct feed *f, const struct record *r)
{
	const struct rec_gap *g = (const struct rec_gap *)r;

	if (r->kind == KIND_FRAME)
		feed_frame(&f->out, f->b, (const struct rec_frame *)r);
	else if (r->kind == KIND_GAP)
		buf_printf(&f->out, "gap %u %llu%s\n", g->cause, (unsigned long long)g->bytes_missing,
			   g->recovered ? " recovered" : "");
}

static inline void feed_drain(struct feed *f)
{
	uint32_t from = f->b->count;
	int rc;

	while ((rc = f->fill ? decoder_fill(f->d, f->b) : decoder_next(f->d, f->b)) || from < f->b->count) {
		assert_true(f->fill || rc != 1 || f->b->count == from + 1);
		for (; from < f->b->count; from++) {
			batch_at(f->b, from)->seq = ++f->seq;
			feed_record(f, batch_at(f->b, from));
		}
		if (rc != -ENOSPC) {
			assert_true(rc == 0 || rc == 1);
			continue;
		}
		if (!f->b->count || decoder_need(f->d) > f->b->cap) {
			uint32_t need = decoder_need(f->d);

			assert_true(!f->b->count || need > f->b->cap);
			free(f->b);
			f->b = xmalloc_batch(need > BATCH_LEN ? need : BATCH_LEN);
		} else {
			batch_init(f->b, f->b->cap);
		}
		from = 0;
	}
}

static inline void feed_bytes(struct feed *f, int dir, struct bytes in)
{
	struct stamp st = feed_stamp(f);

	decoder_feed(f->d, dir, in, &st);
	feed_drain(f);
}

static inline const char *feed_text(struct feed *f)
{
	buf_putc(&f->out, 0);
	f->out.len--;
	return (const char *)buf_bytes(&f->out).p;
}

#endif
