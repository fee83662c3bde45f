/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls over HTTP/2: a stream that a request opened is a call. What http2.c says of streams goes
 * to their calls here; a stream whose call is over, or whose call nobody saw begin, has none. */
#include "decode/call.h"

#include <stdlib.h>

#include "decode/http2_stream.h"
#include "util/xalloc.h"

static struct calls *calls_of(struct decoder *d)
{
	struct calls *cs = d->user;

	if (!cs) {
		cs = d->user = xcalloc(1, sizeof(*cs));
		cs->d = d;
	}
	return cs;
}

static bool is_tracked(const struct decoder *d)
{
	return d->want->kind[KIND_CALL] || d->want->kind[KIND_MESSAGE];
}

static enum call_side side_of(const struct h2 *h, int dir)
{
	return dir == h->client ? CALL_REQUEST : CALL_RESPONSE;
}

static struct call *begin(struct calls *cs, struct h2_stream *s)
{
	struct call *c = call_new(cs, s->id);

	c->ctx = s->ctx;
	if (c->ctx) {
		c->ctx->refs++;
		c->is_grpc = c->ctx->is_grpc;
	}
	s->call = c;
	return c;
}

static void end(struct calls *cs, struct h2_stream *s, enum call_outcome outcome, int64_t error)
{
	struct call *c = s->call;

	s->call = NULL;
	if (!c)
		return;
	c->error_code = error;
	call_finish(cs, c, outcome);
}

/* In the middle of a connection trailers may be the first that is seen of a response: a head
 * has a status, or may hide one. */
static bool may_be_head(const struct h2_event *ev)
{
	const struct hpack_list *l = ev->list;

	return ev->block_lost || (l->cnt && (l->v[0].unknown >= 2 ||
					     bytes_equal(hpack_text(l, l->v[0].name),
							 BYTES_LIT(":status"))));
}

/* A PUSH_PROMISE is the request of the stream that it promises, RFC 9113 §8.4. */
static void on_promise(struct calls *cs, struct h2 *h, const struct h2_event *ev)
{
	struct h2_stream *s = h2_stream(h, ev->frame->promised_stream_id);
	struct call *c;

	if (!s || s->call)
		return;
	c = begin(cs, s);
	call_head(c, CALL_REQUEST, ev->st, ev->end);
	call_read_fields(c, CALL_REQUEST, ev->list);
	call_keep(cs, c, &c->half[CALL_REQUEST].headers, ev->list);
	c->half[CALL_REQUEST].ended = true;
}

static void on_response_head(struct call *c, const struct h2_event *ev)
{
	c->status = ev->status;
	c->status_hidden |= ev->status < 0;
}

static void on_block(struct calls *cs, struct h2 *h, const struct h2_event *ev)
{
	enum call_side side = side_of(h, ev->dir);
	struct h2_stream *s = ev->stream;
	struct call *c = s->call;
	struct call_half *half;
	bool head;

	if (!c && ev->trailers)
		return;
	if (!c)
		c = begin(cs, s);
	half = &c->half[side];
	head = !ev->trailers && !half->seen && (side == CALL_REQUEST || may_be_head(ev));
	c->inexact |= ev->block_lost;
	if (ev->interim || !head)
		call_more(c, side, 0, ev->end);
	else
		call_head(c, side, ev->st, ev->end);
	if (ev->interim)
		return;
	if (head && side == CALL_RESPONSE)
		on_response_head(c, ev);
	call_read_fields(c, side, ev->list);
	if (side == CALL_RESPONSE && !ev->block_lost)
		call_find_status(cs, c, ev->list, s->half[ev->dir].ended, ev->trailers);
	call_keep(cs, c, head ? &half->headers : &half->trailers, ev->list);
}

static void on_data(struct calls *cs, struct h2 *h, const struct h2_event *ev)
{
	enum call_side side = side_of(h, ev->dir);
	struct call *c = ev->stream->call;

	if (!c)
		return;
	call_more(c, side, ev->body.len, ev->end);
	if (ev->body.len && call_has_messages(c, side))
		call_body(cs, c, side, ev->body, ev->end);
}

/* Streams above the last that the server will process are over, RFC 9113 §6.8. */
static void on_goaway(struct calls *cs, struct h2 *h, const struct h2_event *ev)
{
	if (ev->dir == h->client || h->client < 0)
		return;
	for (struct h2_stream *s = h->oldest; s; s = s->next)
		if (s->id % 2 && s->id > ev->frame->last_stream_id)
			end(cs, s, OUTCOME_GOAWAY, ev->frame->error_code);
}

/* A server that has sent its whole response may reset what is left of the request with
 * NO_ERROR (RFC 9113 §8.1); clients that are done do alike, with CANCEL. */
static void on_reset(struct calls *cs, struct h2_stream *s, uint32_t code)
{
	struct call *c = s->call;
	bool answered = c && c->half[CALL_RESPONSE].ended;

	if (answered && (code == 0 || code == 8))
		end(cs, s, OUTCOME_COMPLETE, -1);
	else
		end(cs, s, OUTCOME_RESET, code);
}

static void on_frame(struct calls *cs, struct h2 *h, const struct h2_event *ev)
{
	struct h2_stream *s = ev->stream;
	struct call *c;

	if (ev->frame->type == H2_GOAWAY)
		on_goaway(cs, h, ev);
	else if (ev->frame->type == H2_PUSH_PROMISE && ev->has_block)
		on_promise(cs, h, ev);
	else if (s && ev->has_block && h->client >= 0)
		on_block(cs, h, ev);
	else if (s && ev->frame->type == H2_DATA)
		on_data(cs, h, ev);
	c = s ? s->call : NULL;
	if (!c)
		return;
	c->inexact |= s->half[0].lost || s->half[1].lost;
	for (int dir = 0; dir < 2; dir++)
		c->half[side_of(h, dir)].ended |= s->half[dir].ended;
	if (ev->frame->type == H2_RST_STREAM) {
		call_more(c, side_of(h, ev->dir), 0, ev->end);
		on_reset(cs, s, ev->frame->error_code);
	} else if (s->over) {
		end(cs, s, OUTCOME_COMPLETE, -1);
	}
}

void call_h2_upgraded(struct decoder *d, struct call *c)
{
	calls_of(d)->upgraded = c;
}

/* RFC 7540 §3.2: the request of an upgrade is stream 1, whose client half is closed. */
static void on_open(struct decoder *d, struct h2 *h)
{
	struct calls *cs = d->user;
	struct h2_stream *s, *evicted;
	struct call *c;

	if (!cs || !cs->upgraded || h->client < 0)
		return;
	c = cs->upgraded;
	cs->upgraded = NULL;
	s = h2_stream_open(h, 1, &evicted);
	h->dir[h->client].last_id = 1;
	h2_stream_ended(h, s, h->client);
	c->stream_id = 1;
	s->ctx = c->ctx;
	if (s->ctx)
		s->ctx->refs++;
	s->call = c;
}

/* Not inline: what on_event() does when nobody wants calls is to stay short. */
static __attribute__((noinline)) void on_tracked(struct calls *cs, struct h2 *h,
						 const struct h2_event *ev)
{
	if (ev->what == H2_GONE)
		end(cs, ev->stream, OUTCOME_EVICTED, -1);
	else if (ev->what == H2_BODY && ev->stream)
		on_data(cs, h, ev);
	else if (ev->what == H2_FRAME)
		on_frame(cs, h, ev);
}

static void on_event(struct decoder *d, struct h2 *h, const struct h2_event *ev)
{
	if (is_tracked(d))
		on_tracked(calls_of(d), h, ev);
	else if (ev->what == H2_FRAME && ev->has_block)
		d->calls += ev->stream && ev->dir == h->client && !ev->trailers;
}

static int on_next(struct decoder *d, struct h2 *h, struct batch *b)
{
	return d->user ? calls_next(d->user, b) : 0;
}

static void on_gap(struct decoder *d, struct h2 *h, int dir, struct h2_stream *s, uint64_t len)
{
	struct call *c = s ? s->call : NULL;
	struct calls *cs = d->user;

	if (cs)
		cs->ok_entries = 0; /* tables may be lost, and their entries get other symbols */
	if (c) {
		c->half[side_of(h, dir)].bytes += len;
		call_body_gap(d->user, c, side_of(h, dir), len);
	}
	for (s = s ? NULL : h->oldest; s; s = s->next) {
		c = s->call;
		if (c)
			call_lose_messages(d->user, c, side_of(h, dir));
	}
}

static void on_close(struct decoder *d, struct h2 *h, enum call_outcome outcome,
		     const struct stamp *st)
{
	for (struct h2_stream *s = h->oldest; d->user && s; s = s->next)
		end(d->user, s, outcome, -1);
}

static void on_stream_free(struct h2_stream *s)
{
	call_free(s->call);
}

static void on_release(struct decoder *d)
{
	struct calls *cs = d->user;

	if (cs) {
		call_free(cs->upgraded);
		calls_release(cs);
	}
	free(cs);
	d->user = NULL;
}

const struct h2_user call_user = {
	.open = on_open,
	.event = on_event,
	.next = on_next,
	.gap = on_gap,
	.close = on_close,
	.stream_free = on_stream_free,
	.release = on_release,
};
