/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole connection: the input is pieces, each with a head of two bytes that says its direction,
 * its length and whether it is lost. Every byte given is accounted for, records lie within their
 * batch, and a connection that is seen whole gives the same frames however it is cut.
 * With -DONE_DIRECTION the input is what a client sends: the target for frames. */
#include <errno.h>
#include <stdlib.h>

#include "decode/decoder.h"
#include "util/xalloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct want want;
	struct conn_info info;
	struct decoder *d;
	struct batch *b;
	uint64_t sum;     /* of the frames */
	uint64_t fed[2];
	int64_t clock;
	bool fill; /* by decoder_fill(), not record by record */
};

static void within(const struct batch *b, struct str s)
{
	if (s.off && (s.off < sizeof(*b) || (uint64_t)s.off + s.len > b->used))
		abort();
}

static void add(struct run *r, uint64_t v)
{
	r->sum = (r->sum ^ v) * 0x100000001b3u + 1;
}

static void add_bytes(struct run *r, struct str s)
{
	struct bytes b = batch_bytes(r->b, s);

	within(r->b, s);
	for (size_t i = 0; i < b.len; i++)
		add(r, b.p[i]);
}

static void look_at_frame(struct run *r, const struct rec_frame *f)
{
	add(r, f->type | (uint64_t)f->stream_id << 8 | (uint64_t)f->length << 40);
	add(r, (uint64_t)f->flags << 32 | (uint32_t)f->missing);
	add_bytes(r, f->data);
	add_bytes(r, f->why);
	add_bytes(r, f->ctx.path);
	for (uint32_t i = 0; i < f->headers.count; i++) {
		add_bytes(r, batch_headers(r->b, f->headers)[i].name);
		add_bytes(r, batch_headers(r->b, f->headers)[i].value);
	}
}

static void look_at(struct run *r, const struct record *rec)
{
	within(r->b, rec->comm);
	within(r->b, rec->addr);
	if (rec->kind == KIND_FRAME)
		look_at_frame(r, (const struct rec_frame *)rec);
}

static void drain(struct run *r)
{
	uint32_t from = r->b->count;
	int rc;

	while ((rc = r->fill ? decoder_fill(r->d, r->b) : decoder_next(r->d, r->b)) || from < r->b->count) {
		for (; from < r->b->count; from++)
			look_at(r, batch_at(r->b, from));
		if (rc == -ENOSPC) {
			uint32_t need = decoder_need(r->d);

			if (!r->b->count && need <= r->b->cap)
				abort(); /* it would never fit */
			if (need > r->b->cap) {
				free(r->b);
				r->b = xmalloc(need);
				batch_init(r->b, need);
			} else {
				batch_init(r->b, r->b->cap);
			}
			from = 0;
		} else if (rc < 0 || rc > 1 || !r->b->count) {
			abort();
		}
	}
}

static void begin(struct run *r, bool seen_open)
{
	*r = (struct run){ .info = { .id = 3, .addr = "@fuzz", .seen_open = seen_open }, .b = batch_new() };
	for (int i = 0; i < KIND_COUNT; i++)
		r->want.kind[i] = true;
	r->want.data = r->want.headers = true;
	r->d = decoder_new(&r->want, &r->info);
}

static struct stamp stamp_of(struct run *r)
{
	return (struct stamp){ .ts_ns = ++r->clock, .read_ns = -1, .pid = 1, .comm = "fuzz" };
}

static void feed(struct run *r, int dir, struct bytes in)
{
	struct stamp st = stamp_of(r);
	uint8_t *p = xmalloc(in.len);

	if (in.len)
		memcpy(p, in.p, in.len);
	r->fed[dir] += in.len;
	decoder_feed(r->d, dir, bytes_of(p, in.len), &st);
	drain(r);
	free(p);
}

static void end(struct run *r)
{
	struct stamp st = stamp_of(r);

	decoder_close(r->d, OUTCOME_CLOSED, "end", &st);
	drain(r);
	for (int i = 0; i < 2; i++) {
		struct decoder_bytes n = decoder_bytes(r->d, i);

		if (n.decoded + n.skipped != r->fed[i])
			abort();
	}
	decoder_free(r->d);
	free(r->b);
}

#ifdef ONE_DIRECTION

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	struct bytes in = bytes_of(data, size), part;
	struct run whole, cut;

	begin(&whole, true);
	whole.fill = true;
	feed(&whole, 0, bytes_of(preface, 24));
	feed(&whole, 0, in);
	end(&whole);
	begin(&cut, true);
	feed(&cut, 0, bytes_of(preface, 24));
	while (bytes_take(&in, in.len < 7 ? in.len : 7, &part) && part.len)
		feed(&cut, 0, part);
	end(&cut);
	if (whole.sum != cut.sum)
		abort();
	return 0;
}

#else

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size), part;
	struct run r;
	uint16_t head;

	begin(&r, !(size & 1));
	r.fill = size & 2;
	while (bytes_get_u16(&in, &head)) {
		int dir = head >> 15;
		size_t len = head & 0x1fff;

		if ((head & 0x6000) == 0x6000) {
			struct stamp st = stamp_of(&r);

			decoder_gap(r.d, dir, len, GAP_RINGBUF_DROP, &st);
			drain(&r);
			continue;
		}
		bytes_take(&in, len < in.len ? len : in.len, &part);
		feed(&r, dir, part);
	}
	end(&r);
	return 0;
}

#endif
