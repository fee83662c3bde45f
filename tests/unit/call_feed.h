/* SPDX-License-Identifier: BSD-2-Clause */
/* Two ends of a connection for tests of calls: makes HTTP/2 frames, feeds a decoder at given
 * times, and writes messages, HTTP/1 messages, calls and gaps down, a line each. */
#ifndef SPF_TESTS_CALL_FEED_H
#define SPF_TESTS_CALL_FEED_H

#include "test.h"

#include <errno.h>

#include "decode/decoder.h"
#include "decode/fields.h"

enum { CLIENT, SERVER };

struct pair {
	struct want want;
	struct conn_info info;
	struct decoder *d;
	struct batch *b;
	struct buf out;
	int64_t ts_us, read_us; /* of what is fed next; read_us < 0 unknown */
	bool as_they_come;      /* records of one HTTP/1 message are not joined */
	struct {
		struct buf text, body;
		int64_t body_len;
	} http[2];              /* messages of which more is to come, by role of their sender */
};

static inline void pair_init(struct pair *p, bool seen_open)
{
	*p = (struct pair){ .info = { .id = 1, .addr = "@test", .seen_open = seen_open },
			    .b = batch_new(), .ts_us = 1000, .read_us = -1 };
	p->info.end[0].pid = 10;
	p->info.end[1].pid = 20;
	strcpy(p->info.end[0].comm, "cli");
	strcpy(p->info.end[1].comm, "srv");
	p->want.data = p->want.headers = true;
	p->want.kind[KIND_MESSAGE] = p->want.kind[KIND_HTTP] = true;
	p->want.kind[KIND_CALL] = p->want.kind[KIND_GAP] = true;
	p->d = decoder_new(&p->want, &p->info);
}

static inline void pair_release(struct pair *p)
{
	decoder_free(p->d);
	free(p->b);
	buf_release(&p->out);
	for (int i = 0; i < 2; i++) {
		buf_release(&p->http[i].text);
		buf_release(&p->http[i].body);
	}
}

static inline void put_text(struct buf *out, const char *label, struct bytes b)
{
	if (!b.p)
		return;
	buf_puts(out, label);
	for (size_t i = 0; i < b.len; i++) {
		if (b.p[i] > ' ' && b.p[i] < 127 && b.p[i] != '\\')
			buf_putc(out, (char)b.p[i]);
		else
			buf_printf(out, "\\%02x", b.p[i]);
	}
}

static inline void put_list(struct buf *out, const char *label, const struct batch *b, struct list l)
{
	for (uint32_t i = 0; i < l.count; i++) {
		put_text(out, label, batch_bytes(b, batch_headers(b, l)[i].name));
		put_text(out, "=", batch_bytes(b, batch_headers(b, l)[i].value));
	}
}

static inline void put_message(struct buf *out, const struct batch *b, const struct rec_message *m)
{
	buf_printf(out, "message %s %u.%u len=%u", role_name(m->r.from), m->stream_id, m->index,
		   m->length);
	put_text(out, " ", batch_bytes(b, m->ctx.path));
	put_text(out, m->compressed ? " z:" : " enc:", batch_bytes(b, m->encoding));
	put_text(out, " data=", batch_bytes(b, m->data));
	buf_puts(out, m->complete ? "" : " incomplete");
}

static inline void put_http_head(struct buf *out, const struct batch *b, const struct rec_http *h)
{
	buf_printf(out, "http %s", role_name(h->r.from));
	if (h->what == HTTP_RESPONSE)
		buf_printf(out, " %d", h->status);
	if (h->what == HTTP_BODY)
		buf_puts(out, " more of");
	put_text(out, " ", batch_bytes(b, h->ctx.method));
	put_text(out, " ", batch_bytes(b, h->ctx.authority));
	put_text(out, "", batch_bytes(b, h->ctx.path));
	put_text(out, " upgrade=", batch_bytes(b, h->upgrade));
}

/* The line of a message; joined, so that it does not matter how its bytes came, unless
 * p->as_they_come. */
static inline void put_http(struct pair *p, const struct rec_http *h)
{
	struct buf *text = &p->http[h->r.from == ROLE_SERVER].text;
	struct buf *body = &p->http[h->r.from == ROLE_SERVER].body;
	int64_t *body_len = &p->http[h->r.from == ROLE_SERVER].body_len;
	const char *end = h->more == TRI_TRUE ? "+…" : h->body_complete ? "" : "+";

	if (h->what != HTTP_BODY || p->as_they_come)
		put_http_head(text, p->b, h);
	*body_len += h->body_length;
	if (h->body.off)
		buf_append(body, batch_bytes(p->b, h->body));
	if (h->more == TRI_TRUE && !p->as_they_come)
		return;
	buf_append(&p->out, buf_bytes(text));
	buf_printf(&p->out, " body(%lld%s)", (long long)*body_len, end);
	if (p->want.data && !(h->more == TRI_TRUE && !h->body.off))
		put_text(&p->out, "=", body->len ? buf_bytes(body) : BYTES_LIT(""));
	put_list(&p->out, " trailer:", p->b, h->trailers);
	put_text(&p->out, " !", batch_bytes(p->b, h->why));
	if (!h->r.exact)
		buf_puts(&p->out, " inexact");
	buf_putc(&p->out, '\n');
	buf_consume(text, text->len);
	buf_consume(body, body->len);
	*body_len = 0;
}

static inline void put_call(struct buf *out, const struct batch *b, const struct rec_call *c)
{
	buf_printf(out, "call %lld", (long long)c->stream_id);
	put_text(out, " ", batch_bytes(b, c->ctx.method));
	put_text(out, " ", batch_bytes(b, c->ctx.path));
	buf_printf(out, " %s %d", outcome_name(c->outcome), c->status);
	if (c->ctx.is_grpc)
		buf_printf(out, " grpc=%d%s m=%u/%u", c->grpc_status,
			   c->grpc_status_likely == 0 ? "(likely 0)" : "", c->req_messages,
			   c->resp_messages);
	put_text(out, " msg=", batch_bytes(b, c->grpc_message));
	if (c->error_code >= 0)
		buf_printf(out, " error=%lld", (long long)c->error_code);
	buf_printf(out, " b=%llu/%llu", (unsigned long long)c->req_bytes,
		   (unsigned long long)c->resp_bytes);
	buf_printf(out, "%s%s%s", c->failed ? " failed" : "", c->complete ? "" : " incomplete",
		   c->r.exact ? "" : " inexact");
}

static inline void put_record(struct pair *p, const struct record *r)
{
	const struct rec_gap *g = (const struct rec_gap *)r;

	if (r->kind == KIND_MESSAGE)
		put_message(&p->out, p->b, (const struct rec_message *)r);
	else if (r->kind == KIND_HTTP)
		return put_http(p, (const struct rec_http *)r);
	else if (r->kind == KIND_CALL)
		put_call(&p->out, p->b, (const struct rec_call *)r);
	else if (r->kind == KIND_GAP)
		buf_printf(&p->out, "gap %s %llu%s", gap_cause_name(g->cause),
			   (unsigned long long)g->bytes_missing, g->recovered ? " recovered" : "");
	else
		return;
	buf_putc(&p->out, '\n');
}

static inline void flush(struct pair *p)
{
	for (uint32_t i = 0; i < p->b->count; i++)
		put_record(p, batch_at(p->b, i));
	batch_init(p->b, p->b->cap);
}

static inline void drain(struct pair *p)
{
	int rc;

	while ((rc = decoder_next(p->d, p->b)) != 0) {
		if (rc == 1)
			continue;
		assert_int_equal(rc, -ENOSPC);
		flush(p);
		if (p->b->cap < decoder_need(p->d)) {
			uint32_t cap = decoder_need(p->d);

			free(p->b);
			p->b = malloc(cap);
			batch_init(p->b, cap);
		}
	}
	flush(p);
}

static inline struct stamp stamp_of(const struct pair *p, int dir)
{
	struct stamp st = { .ts_ns = p->ts_us * 1000, .elapsed_ns = p->ts_us * 1000,
			    .read_ns = p->read_us < 0 ? -1 : p->read_us * 1000,
			    .pid = dir ? 20 : 10, .tid = 1, .reader_pid = dir ? 10 : 20 };

	strcpy(st.comm, dir ? "srv" : "cli");
	return st;
}

static inline void give(struct pair *p, int dir, struct bytes in)
{
	struct stamp st = stamp_of(p, dir);

	p->info.bytes[dir] += in.len;
	decoder_feed(p->d, dir, in, &st);
	drain(p);
}

static inline void give_at(struct pair *p, int dir, struct bytes in, int64_t ts_us, int64_t read_us)
{
	p->ts_us = ts_us;
	p->read_us = read_us;
	give(p, dir, in);
}

static inline void gap_of(struct pair *p, int dir, uint64_t len)
{
	struct stamp st = stamp_of(p, dir);

	decoder_gap(p->d, dir, len, GAP_RINGBUF_DROP, &st);
	drain(p);
}

static inline void close_pair(struct pair *p, enum call_outcome outcome)
{
	struct stamp st = stamp_of(p, 0);
	uint64_t sum[2];

	decoder_close(p->d, outcome, "test", &st);
	drain(p);
	for (int i = 0; i < 2; i++) {
		sum[i] = decoder_bytes(p->d, i).decoded + decoder_bytes(p->d, i).skipped;
		assert_int_equal(sum[i], p->info.bytes[i]);
	}
}

/* One HTTP/2 frame. */
static inline void frame(struct buf *b, uint8_t type, uint8_t flags, uint32_t id, struct bytes in)
{
	uint8_t head[9] = { (uint8_t)(in.len >> 16), (uint8_t)(in.len >> 8), (uint8_t)in.len, type,
			    flags, 0, 0, (uint8_t)(id >> 8), (uint8_t)id };

	buf_append(b, bytes_of(head, 9));
	buf_append(b, in);
}

/* A HEADERS frame of "name value" pairs, all literals that are not indexed (RFC 7541 §6.2.2). */
static inline void headers(struct buf *b, uint8_t flags, uint32_t id, const char *const *list)
{
	struct buf block = { 0 };

	for (; *list; list++) {
		buf_putc(&block, 0);
		buf_putc(&block, (char)strlen(list[0]));
		buf_puts(&block, list[0]);
		list++;
		buf_putc(&block, (char)strlen(list[0]));
		buf_puts(&block, list[0]);
	}
	frame(b, 1, flags, id, buf_bytes(&block));
	buf_release(&block);
}

#define HEADERS(b, flags, id, ...) \
	headers(b, flags, id, (const char *const[]){ __VA_ARGS__, NULL })
#define RAW(b, type, flags, id, text) frame(b, type, flags, id, BYTES_LIT(text))

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
#define SETTINGS_ONLY BYTES_LIT("\0\0\0\4\0\0\0\0\0")

enum { END_STREAM = 1, END_HEADERS = 4 };

/* The request of a gRPC call. */
static inline void rpc(struct buf *b, uint32_t id, const char *path)
{
	HEADERS(b, END_HEADERS, id, ":method", "POST", ":scheme", "http", ":path", path,
		"content-type", "application/grpc", "te", "trailers");
}

#endif
