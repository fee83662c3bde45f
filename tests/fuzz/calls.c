/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole decoder with calls and messages on top: no record points outside of its batch, a
 * small batch, record by record, gives as many as a large one that is filled, and every byte is
 * accounted for.
 * Input: a byte of flags, then pieces: length (2 bytes: direction 1, gap 1, length 14), bytes. */
#include <errno.h>
#include <stdlib.h>

#include "decode/decoder.h"
#include "decode/fields.h"

struct run {
	struct want want;
	struct conn_info info;
	struct decoder *d;
	struct batch *b;
	struct stamp st;
	uint64_t fed[2];
	uint64_t records[KIND_COUNT];
	bool fill; /* by decoder_fill(), not record by record */
};

static void inside(const struct batch *b, struct str s)
{
	if (s.off && (s.off > b->used || s.len > b->used - s.off))
		abort();
}

static void inside_list(const struct batch *b, struct list l)
{
	const struct header *h = batch_headers(b, l);

	for (uint32_t i = 0; i < l.count; i++) {
		inside(b, h[i].name);
		inside(b, h[i].value);
	}
}

static void check(struct run *r, const struct record *rec)
{
	const struct rec_call *c = (const struct rec_call *)rec;
	const struct rec_message *m = (const struct rec_message *)rec;
	const struct rec_http *h = (const struct rec_http *)rec;

	r->records[rec->kind]++;
	inside(r->b, rec->comm);
	inside(r->b, rec->addr);
	if (rec->kind == KIND_CALL) {
		inside(r->b, c->ctx.path);
		inside(r->b, c->grpc_message);
		inside_list(r->b, c->req_headers);
		inside_list(r->b, c->resp_headers);
		inside_list(r->b, c->resp_trailers);
	} else if (rec->kind == KIND_MESSAGE) {
		inside(r->b, m->raw);
		inside(r->b, m->data);
		if (m->complete && r->want.data && batch_bytes(r->b, m->raw).len != m->length)
			abort();
	} else if (rec->kind == KIND_HTTP) {
		inside(r->b, h->body);
		inside_list(r->b, h->headers);
		inside_list(r->b, h->trailers);
	}
}

static void flush(struct run *r)
{
	for (uint32_t i = 0; i < r->b->count; i++)
		check(r, batch_at(r->b, i));
	batch_init(r->b, r->b->cap);
}

static void drain(struct run *r)
{
	int rc;

	while ((rc = r->fill ? decoder_fill(r->d, r->b) : decoder_next(r->d, r->b)) != 0) {
		if (rc == 1)
			continue;
		if (rc != -ENOSPC)
			abort();
		flush(r);
		if (decoder_need(r->d) > r->b->cap) {
			uint32_t cap = decoder_need(r->d);

			free(r->b);
			r->b = malloc(cap);
			batch_init(r->b, cap);
		}
	}
	flush(r);
}

static void piece(struct run *r, int dir, bool is_gap, struct bytes in)
{
	r->st.ts_ns += 1000;
	if (is_gap) {
		decoder_gap(r->d, dir, in.len, GAP_RINGBUF_DROP, &r->st);
	} else {
		r->fed[dir] += in.len;
		decoder_feed(r->d, dir, in, &r->st);
	}
	drain(r);
}

static void run(struct run *r, struct bytes in, uint8_t flags, uint32_t cap, bool fill)
{
	uint16_t head;

	*r = (struct run){ .info = { .id = 1, .addr = "@f", .seen_open = !(flags & 1) },
			   .b = malloc(cap), .st = { .read_ns = -1, .pid = -1, .reader_pid = -1 },
			   .fill = fill };
	batch_init(r->b, cap);
	r->want.data = flags & 2;
	r->want.headers = flags & 4;
	r->want.no_parts = flags & 16;
	for (int k = 0; k < KIND_COUNT; k++) /* without 8 all; else calls, or frames and HTTP/1 */
		r->want.kind[k] = !(flags & 8) || k % 2 == !(flags & 32);
	r->d = decoder_new(&r->want, &r->info);
	decoder_open(r->d, &r->st);
	while (bytes_get_u16(&in, &head)) {
		size_t len = (size_t)(head & 0x3fff) < in.len ? head & 0x3fff : in.len;
		struct bytes part = { 0 };
		uint8_t *copy = malloc(len ? len : 1);

		bytes_take(&in, len, &part);
		memcpy(copy, part.p, len);
		piece(r, head >> 15, (head >> 14 & 1) && len % 7 == 0, bytes_of(copy, len));
		free(copy);
	}
	decoder_close(r->d, OUTCOME_CLOSED, "end", &r->st);
	drain(r);
	for (int i = 0; i < 2; i++)
		if (decoder_bytes(r->d, i).decoded + decoder_bytes(r->d, i).skipped != r->fed[i])
			abort();
	decoder_free(r->d);
	free(r->b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len);
	struct run large, small;
	uint8_t flags;

	if (!bytes_get_u8(&in, &flags))
		return 0;
	run(&large, in, flags, BATCH_LEN, true);
	run(&small, in, flags, sizeof(struct batch) + 64, false);
	for (int k = 0; k < KIND_COUNT; k++)
		if (large.records[k] != small.records[k])
			abort();
	return 0;
}
