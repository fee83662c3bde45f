/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of an HTTP/2 connection: frames from the events of http2.c, then what stands on its
 * streams (struct h2_user). */
#include <errno.h>
#include <stdlib.h>

#include "decode/handler.h"
#include "decode/http2.h"
#include "decode/http2_rules.h"
#include "decode/http2_sync.h"
#include "util/xalloc.h"

/* Messages and calls. */
static const struct h2_user *const h2_user = &call_user;

/* Frames after which a boundary that was found is beyond doubt. */
enum { PROBATION = 16 };

enum todo { NOTHING, FRAME, CONTINUATIONS, TELL_USER, USER };

struct h2_records {
	struct decoder *d;
	struct h2 h2;
	enum todo todo;
	uint32_t continuation;  /* the next one to be put */
	struct batch *of_batch; /* where the frame record that they belong to is, if it still is */
	uint32_t of_id, of_rec;
	bool user_closed;
};

/* The event given last, of whichever connection: a decoder is drained before another is fed. */
static struct h2_event event;

static void *open_records(struct decoder *d, int client, bool late)
{
	struct h2_records *x = xcalloc(1, sizeof(*x));

	x->d = d;
	h2_init(&x->h2, d->info->id, client, late);
	if (d->settings && client >= 0)
		h2_rules_upgrade(&x->h2, buf_bytes(d->settings));
	x->h2.want_body = d->want->kind[KIND_MESSAGE] || d->want->kind[KIND_CALL];
	x->h2.keep_data = d->want->data && d->want->kind[KIND_FRAME];
	x->h2.dir[0].probation = x->h2.dir[1].probation = late ? PROBATION : 0;
	x->h2.stream_free = h2_user->stream_free;
	h2_user->open(d, &x->h2);
	return x;
}

static void free_records(void *p)
{
	struct h2_records *x = p;

	h2_release(&x->h2);
	h2_user->release(x->d);
	free(x);
}

/* An aligned string in a batch takes this much at most. */
static size_t room_of(size_t len)
{
	return len + 8;
}

static bool payload_wanted(const struct decoder *d, const struct h2_frame *f)
{
	if (f->type == H2_PING || f->type == H2_GOAWAY)
		return true;
	return d->want->data && (f->type == H2_DATA || f->type >= H2_CONTINUATION);
}

/* The request that the frame is about, NULL unknown: of a PUSH_PROMISE the promised one. */
static struct h2_context *context_of(struct h2_records *x)
{
	const struct h2_frame *f = event.frame;
	struct h2_stream *s = event.stream;

	if (f->type == H2_PUSH_PROMISE)
		s = h2_stream(&x->h2, f->promised_stream_id);
	return s ? s->ctx : NULL;
}

static uint32_t frame_room(struct h2_records *x, const struct batch *b)
{
	const struct h2_event *ev = &event;
	struct h2_context *ctx = context_of(x);
	size_t n = sizeof(struct rec_frame) + decoder_head_room(x->d, b) + 64;

	if (ctx)
		n += h2_context_room(ctx, b);
	if (payload_wanted(x->d, ev->frame))
		n += room_of(ev->payload.len);
	if (ev->has_block && x->d->want->headers)
		n += ev->list->cnt * sizeof(struct header) + room_of(ev->list->len);
	if (ev->frame->type == H2_SETTINGS)
		n += ev->frame->content.len / 6 * sizeof(struct setting);
	if (ev->why)
		n += room_of(strlen(ev->why));
	return (uint32_t)n;
}

static struct list put_headers(const struct hpack_list *l, struct batch *b)
{
	struct header *v = batch_alloc(b, l->cnt * (uint32_t)sizeof(*v));
	struct list out = { (uint32_t)((char *)v - (char *)b), l->cnt };
	uint32_t base = batch_str(b, bytes_of(l->text ? (const void *)l->text : "", l->len)).off;

	for (uint32_t i = 0; i < l->cnt; i++) {
		v[i] = l->v[i];
		v[i].name.off += base;
		v[i].value.off += base;
	}
	return out;
}

static struct list put_settings(struct bytes content, struct batch *b)
{
	uint32_t cnt = (uint32_t)content.len / 6, value;
	struct setting *v = batch_alloc(b, cnt * (uint32_t)sizeof(*v));
	struct list out = { (uint32_t)((char *)v - (char *)b), cnt };
	uint16_t id;

	for (uint32_t i = 0; h2_frame_setting(&content, &id, &value); i++)
		v[i] = (struct setting){ id, value };
	return out;
}

static void put_block(const struct h2_records *x, struct rec_frame *r, struct batch *b)
{
	const struct h2_event *ev = &event;
	bool known = !ev->block_lost && !ev->list->missing;

	r->complete = known;
	r->missing = (int32_t)(ev->list->missing + ev->block_lost);
	r->header_bytes = (int32_t)ev->block_len;
	r->continuations = (int32_t)ev->continuation_cnt;
	r->status = ev->status;
	if (ev->frame->type == H2_HEADERS)
		r->trailers = ev->trailers;
	if (x->d->want->headers)
		r->headers = put_headers(ev->list, b);
}

static void fill_frame(struct rec_frame *r, const struct h2_frame *f)
{
	r->length = f->length;
	r->stream_id = f->stream_id;
	r->type = f->type;
	r->flags = f->flags;
	r->pad_length = f->pad_length;
	r->stream_dependency = f->dependency;
	r->weight = f->weight;
	r->exclusive = f->weight < 0 ? TRI_ABSENT : f->exclusive;
	r->promised_stream_id = f->promised_stream_id;
	r->last_stream_id = f->last_stream_id;
	r->window_size_increment = f->increment;
	r->error_code = f->error_code;
}

/* Bytes before this frame in its stream (or, on stream 0, none that matter) were lost. */
static bool is_exact(const struct h2_records *x)
{
	const struct h2_event *ev = &event;

	if (!ev->frame->stream_id)
		return true;
	return ev->stream ? !ev->stream->half[ev->dir].lost : !x->d->dir[ev->dir].inexact;
}

/* A record of which nothing is known yet but that there is room for it and its strings. */
static struct rec_frame *take_frame(struct h2_records *x, const struct stamp *st, struct batch *b)
{
	static const struct rec_frame blank = {
		.trailers = TRI_ABSENT,
		.status = -1,
		.missing = -1,
		.header_bytes = -1,
		.continuations = -1,
		.window = -1,
		.conn_window = -1,
		.stalled_ns = -1,
	};
	struct h2_context *ctx = context_of(x);
	struct rec_frame *r = batch_take_record(b, sizeof(*r));

	batch_copy(r, &blank, sizeof(*r));
	decoder_put_head(x->d, KIND_FRAME, event.dir, st, b, &r->r);
	r->r.exact = is_exact(x);
	if (ctx)
		h2_context_put(ctx, b, &r->ctx);
	return r;
}

static uint32_t data_length(const struct h2_frame *f)
{
	uint32_t pad = f->pad_length < 0 ? 0 : 1 + (uint32_t)f->pad_length;

	return pad < f->length ? f->length - pad : 0;
}

static int put_frame(struct h2_records *x, struct batch *b)
{
	const struct h2_event *ev = &event;
	const struct h2_frame *f = ev->frame;
	uint32_t need = frame_room(x, b);
	struct rec_frame *r;

	if (!batch_room(b, need))
		return decoder_no_room(x->d, need);
	r = take_frame(x, ev->st, b);
	fill_frame(r, f);
	r->truncated = ev->truncated;
	r->window = ev->window;
	r->conn_window = ev->conn_window;
	r->stalled_ns = ev->stalled_ns;
	if (f->type == H2_DATA)
		r->data_length = data_length(f);
	if (payload_wanted(x->d, f) && !ev->has_block) {
		r->has_data = 1;
		r->data = batch_str(b, ev->payload.p ? ev->payload : BYTES_LIT(""));
	}
	if (ev->has_block)
		put_block(x, r, b);
	if (f->type == H2_SETTINGS)
		r->settings = put_settings(f->content, b);
	r->violation = ev->why != NULL;
	if (ev->why)
		r->why = batch_str(b, bytes_str(ev->why));
	x->of_batch = b;
	x->of_id = b->id;
	x->of_rec = b->count - 1;
	return 1;
}

static int put_continuation(struct h2_records *x, struct batch *b)
{
	const struct h2_continuation *c = &event.continuations[x->continuation];
	uint32_t need = (uint32_t)sizeof(struct rec_frame) + decoder_head_room(x->d, b) + 64;
	struct h2_frame f = {
		.length = c->length, .type = H2_CONTINUATION, .flags = c->flags,
		.stream_id = event.frame->stream_id, .pad_length = -1, .dependency = -1, .weight = -1,
	};
	struct rec_frame *r;

	need += event.stream ? h2_context_room(event.stream->ctx, b) : 0;
	if (!batch_room(b, need))
		return decoder_no_room(x->d, need);
	r = take_frame(x, &c->st, b);
	fill_frame(r, &f);
	if (x->of_batch == b && x->of_id == b->id)
		r->of = batch_at(b, x->of_rec)->seq;
	x->continuation++;
	return 1;
}

/* Takes a new event in: what is due for it, besides its record. */
static void begin_event(struct h2_records *x)
{
	const struct h2_event *ev = &event;
	struct decoder *d = x->d;

	x->todo = ev->what == H2_FRAME ? FRAME : TELL_USER;
	x->continuation = 0;
	if (ev->what == H2_FRAME)
		d->frames += 1 + ev->continuation_cnt;
	if (ev->what == H2_GONE)
		decoder_add_gap(d, ev->dir, ev->st, GAP_EVICTED, 0, ev->stream->id, true,
				"more open streams than spf keeps: the oldest is forgotten");
	if (ev->has_block && ev->block_lost)
		decoder_add_gap(d, ev->dir, ev->st, GAP_HPACK_LOST, ev->block_len,
				ev->frame->stream_id, true, ev->why);
	if (x->h2.client >= 0 && d->info->role[x->h2.client] != ROLE_CLIENT)
		decoder_set_client(d, x->h2.client);
}

/* Puts what is due for the event. Returns 1, -ENOSPC, or 0 when nothing is left. */
static int put_due(struct h2_records *x, struct batch *b)
{
	bool frames = x->d->want->kind[KIND_FRAME];
	int rc;

	switch (x->todo) {
	case FRAME:
		rc = frames ? put_frame(x, b) : 0;
		if (rc < 0)
			return rc;
		x->todo = CONTINUATIONS;
		if (rc)
			return rc;
		/* fallthrough */
	case CONTINUATIONS:
		if (frames && x->continuation < event.continuation_cnt)
			return put_continuation(x, b);
		x->todo = TELL_USER;
		/* fallthrough */
	case TELL_USER:
		h2_user->event(x->d, &x->h2, &event);
		x->todo = USER;
		/* fallthrough */
	case USER:
		rc = h2_user->next(x->d, &x->h2, b);
		if (rc)
			return rc;
		x->todo = NOTHING;
		/* fallthrough */
	case NOTHING:
		break;
	}
	return 0;
}

/* Whether another record may follow at once. One that waits comes before it, and a CONTINUATION
 * names the number that the last one has yet to get. */
static bool may_go_on(const struct h2_records *x)
{
	return x->d->fill && !x->d->pending.len && x->continuation == event.continuation_cnt;
}

static int next_record(void *p, int dir, struct bytes in, size_t *used, const struct stamp *st,
		       struct batch *b)
{
	struct h2_records *x = p;
	struct bytes part;
	size_t n;
	int rc;

	*used = 0;
	for (;;) {
		rc = put_due(x, b);
		if (rc < 0 || (rc && !may_go_on(x)))
			return rc;
		if (rc)
			continue;
		rc = h2_next(&x->h2, dir, in, &n, st, &event);
		*used += n;
		bytes_take(&in, n, &part);
		if (rc <= 0)
			return rc;
		begin_event(x);
	}
}

static bool gap(void *p, int dir, uint64_t len, const struct stamp *st)
{
	struct h2_records *x = p;
	struct h2_dir *d = &x->h2.dir[dir];
	struct h2_stream *s = d->in_frame && d->f.type == H2_DATA ? h2_stream(&x->h2, d->f.stream_id)
								   : NULL;
	bool holds = h2_gap(&x->h2, dir, len);

	if (s || !holds)
		h2_user->gap(x->d, &x->h2, dir, holds ? s : NULL, len);
	if (s && holds)
		x->todo = USER; /* the gap may have ended a message */
	return holds;
}

static long sync(void *p, int dir, const struct backlog *log, bool last, size_t *skip)
{
	struct h2_records *x = p;

	x->h2.dir[dir].probation = PROBATION;
	return h2_sync(&x->h2, dir, log, last, skip);
}

static int close_records(void *p, enum call_outcome outcome, const struct stamp *st,
			 struct batch *b)
{
	struct h2_records *x = p;

	if (!x->user_closed)
		h2_user->close(x->d, &x->h2, outcome, st);
	x->user_closed = true;
	return h2_user->next(x->d, &x->h2, b);
}

const struct handler http2_handler = {
	.proto = PROTO_H2,
	.open = open_records,
	.free = free_records,
	.next = next_record,
	.gap = gap,
	.sync = sync,
	.close = close_records,
};
