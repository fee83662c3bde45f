/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/http2.h"

#include <errno.h>
#include <stdlib.h>

#include "decode/http2_rules.h"
#include "decode/http2_stream.h"
#include "decode/http2_sync.h"
#include "util/limits.h"
#include "util/xalloc.h"

enum { PREFACE_LEN = 24, DEFAULT_WINDOW = 65535 };

/* Fields of the newest header block, of whichever connection: a block is drained before the
 * next is decoded, and a list of its own would double what an idle connection costs. */
static struct hpack_list fields_of_block;

void h2_init(struct h2 *h, uint32_t conn_id, int client, bool late)
{
	*h = (struct h2){ .conn_id = conn_id, .client = client, .exact = !late };
	for (int i = 0; i < 2; i++) {
		struct h2_dir *d = &h->dir[i];

		hpack_init(&d->hpack, conn_id, i, HPACK_DEFAULT_MAX);
		d->frame_max = H2_DEFAULT_FRAME_MAX;
		d->window_init = DEFAULT_WINDOW;
		d->window = DEFAULT_WINDOW;
		d->streams_max = UINT32_MAX;
		d->settings_seen = late;
		if (late) {
			hpack_lose(&d->hpack);
			hpack_limit_lost(&d->hpack);
			d->settings_lost = true;
		}
	}
	if (!late && client >= 0) {
		h->dir[client].preface = true;
		h->dir[client].left = PREFACE_LEN;
	}
}

void h2_close_block(struct h2_dir *d)
{
	if (d->block) {
		buf_release(&d->block->bytes);
		free(d->block->continuations);
	}
	free(d->block);
	d->block = NULL;
	d->block_stream = 0;
}

static void free_over(struct h2 *h)
{
	while (h->over) {
		struct h2_stream *s = h->over;

		h->over = s->next;
		h2_stream_free(h, s);
	}
}

void h2_release(struct h2 *h)
{
	free_over(h);
	if (h->evicted)
		h2_stream_free(h, h->evicted);
	h->evicted = NULL;
	while (h->oldest) {
		struct h2_stream *s = h->oldest;

		h2_stream_unlink(h, s);
		h2_stream_free(h, s);
	}
	for (int i = 0; i < 2; i++) {
		h2_close_block(&h->dir[i]);
		buf_release(&h->dir[i].buf);
		hpack_release(&h->dir[i].hpack);
		free(h->dir[i].unacked);
	}
	hash_release(&h->streams);
}

/* Takes up to left bytes of the input. */
static struct bytes take_left(struct h2_dir *d, struct bytes *in)
{
	struct bytes part = { 0 };

	bytes_take(in, in->len < d->left ? in->len : d->left, &part);
	d->left -= (uint32_t)part.len;
	return part;
}

/* Gets the header of the next frame together, maybe from several pieces. */
static bool start_frame(struct h2 *h, int dir, struct bytes *in, const struct stamp *st)
{
	struct h2_dir *d = &h->dir[dir];
	struct bytes part, whole;
	size_t n = (size_t)H2_HEADER_LEN - d->head_len;

	if (!in->len)
		return false;
	if (!d->head_len)
		d->start = *st;
	if (d->head_len || in->len < H2_HEADER_LEN) {
		bytes_take(in, in->len < n ? in->len : n, &part);
		memcpy(d->head + d->head_len, part.p, part.len);
		d->head_len += (uint8_t)part.len;
		whole = bytes_of(d->head, d->head_len);
		if (!h2_frame_header(&whole, &d->f))
			return false;
		d->head_len = 0;
	} else {
		h2_frame_header(in, &d->f);
	}
	d->left = d->f.length;
	if (in->len > d->left)
		__builtin_prefetch(in->p + d->left); /* the next frame's header */
	d->in_frame = true;
	d->probation -= d->probation > 0;
	d->data_started = d->truncated = false;
	if (d->buf.mem)
		buf_release(&d->buf);
	h2_rules_header(h, dir);
	return true;
}

/* Member by member: to clear the whole struct first takes as long as all else here. */
static inline __attribute__((always_inline)) void
event_of(struct h2 *h, int dir, const struct h2_frame *f, const struct stamp *start,
	 const struct stamp *st, struct h2_event *ev)
{
	ev->what = H2_FRAME;
	ev->dir = dir;
	ev->frame = f;
	ev->stream = h2_stream(h, f->stream_id);
	ev->st = start;
	ev->end = st;
	ev->body = ev->payload = (struct bytes){ 0 };
	ev->truncated = h->dir[dir].truncated;
	ev->has_block = ev->block_lost = ev->trailers = ev->interim = false;
	ev->status = -1;
	ev->continuation_cnt = 0;
	ev->window = ev->conn_window = ev->stalled_ns = -1;
	ev->why = NULL;
}

static void event_of_frame(struct h2 *h, int dir, const struct stamp *st, struct h2_event *ev)
{
	event_of(h, dir, &h->dir[dir].f, &h->dir[dir].start, st, ev);
}

/* The next part of a DATA frame. Returns as h2_next(). */
static int next_data(struct h2 *h, int dir, struct bytes *in, const struct stamp *st,
		     struct h2_event *ev)
{
	struct h2_dir *d = &h->dir[dir];
	size_t before = in->len;
	struct bytes part, body;

	if (!d->data_started) {
		if (!h2_frame_data_start(&d->f, in, &d->body_left))
			return 0;
		d->data_started = true;
		d->left -= (uint32_t)(before - in->len);
	}
	part = take_left(d, in);
	body = bytes_of(part.p, part.len < d->body_left ? part.len : d->body_left);
	d->body_left -= (uint32_t)body.len;
	event_of_frame(h, dir, st, ev);
	if (ev->stream)
		ev->stream->half[dir].data_len += body.len;
	ev->body = body;
	if (h->keep_data && (d->left || d->buf.len)) {
		if (d->buf.len + body.len <= LIMIT_FRAME_KEPT)
			buf_append(&d->buf, body);
		else
			d->truncated = true;
	}
	if (d->left) {
		ev->what = H2_BODY;
		return h->want_body && body.len;
	}
	ev->payload = d->buf.len ? buf_bytes(&d->buf) : body;
	ev->truncated = d->truncated;
	h2_rules_data(h, &d->f, ev);
	ev->why = d->f.why;
	if (ev->stream && d->f.flags & H2_END_STREAM) {
		if (!ev->why)
			ev->why = h2_rules_end(h, dir, ev->stream);
		h2_stream_ended(h, ev->stream, dir);
	}
	d->in_frame = false;
	return 1;
}

static bool opens_block(const struct h2_frame *f)
{
	return f->type == H2_HEADERS || f->type == H2_PUSH_PROMISE;
}

/* Gets the payload of a frame that is not DATA together; false if more is needed. */
static bool whole_payload(struct h2_dir *d, struct bytes *in, struct bytes *payload)
{
	struct bytes part = take_left(d, in);
	size_t max;

	if (!d->left && !d->buf.len) {
		*payload = part;
		return true;
	}
	max = opens_block(&d->f) || d->f.type == H2_CONTINUATION ? LIMIT_HEADER_BLOCK
								 : LIMIT_FRAME_KEPT;
	if (d->buf.len + part.len > max) {
		part.len = max - d->buf.len;
		d->truncated = true;
	}
	buf_append(&d->buf, part);
	*payload = buf_bytes(&d->buf);
	return !d->left;
}

/* Is what the block is of: the client's requests, the server's responses. */
static void learn_roles(struct h2 *h, int dir, const struct h2_message *m)
{
	if (h->client < 0 && m->request)
		h->client = dir;
	else if (h->client < 0 && m->response)
		h->client = !dir;
}

/* The stream that a decoded block belongs to: opened by it, or there already. */
static struct h2_stream *stream_of_block(struct h2 *h, int dir, const struct h2_event *ev,
					 const struct h2_message *m)
{
	const struct h2_frame *f = ev->frame;
	bool push = f->type == H2_PUSH_PROMISE;
	uint32_t id = push ? f->promised_stream_id : f->stream_id;
	struct h2_stream *s = push ? h2_stream(h, id) : ev->stream, *evicted = NULL;
	bool opens = push || m->request || (h->client >= 0 && dir == h->client);

	if (s || !id || !(opens || !h->exact))
		return s;
	if (h->exact && id <= h->dir[dir].last_id) /* closed, RFC 9113 §5.1.1 */
		return NULL;
	s = h2_stream_open(h, id, &evicted);
	h->evicted = evicted;
	if (id > h->dir[dir].last_id)
		h->dir[dir].last_id = id;
	return s;
}

static void apply_block(struct h2 *h, int dir, const struct h2_message *m, struct h2_event *ev)
{
	const struct h2_frame *f = ev->frame;
	bool push = f->type == H2_PUSH_PROMISE;
	struct h2_stream *s;
	struct h2_half *half;

	learn_roles(h, dir, m);
	s = stream_of_block(h, dir, ev, m);
	ev->status = m->status;
	if (push && s) {
		h2_stream_set_context(s, m);
		s->half[!dir].ended = true; /* nobody sends on the request's half, RFC 9113 §8.4 */
		return;
	}
	ev->stream = s;
	ev->interim = m->status >= 100 && m->status < 200;
	if (!s)
		return;
	half = &s->half[dir];
	ev->trailers = half->blocks && !m->request && !m->response;
	if (m->request || (dir == h->client && !s->ctx && !ev->trailers && h->exact))
		h2_stream_set_context(s, m);
	if (!ev->interim && !half->blocks++)
		half->content_length = m->content_length;
}

/* Gives the header block that is complete, or lost, as the event of the frame that began it. */
static int give_block(struct h2 *h, int dir, const struct h2_frame *f, const struct stamp *start,
		      struct bytes block, bool bad, const struct stamp *st, struct h2_event *ev)
{
	struct h2_dir *d = &h->dir[dir];
	struct h2_message m;
	int rc = 0;

	event_of(h, dir, f, start, st, ev);
	ev->has_block = true;
	ev->list = &fields_of_block;
	ev->block_len = (uint32_t)block.len;
	ev->block_lost = bad;
	ev->truncated = bad;
	ev->why = f->why;
	fields_of_block.cnt = fields_of_block.len = fields_of_block.missing = 0;
	if (!bad) {
		rc = hpack_decode(&d->hpack, block, &fields_of_block);
		if (rc && !ev->why)
			ev->why = d->hpack.why;
		ev->block_lost = rc < 0;
	}
	if (ev->block_lost)
		hpack_lose(&d->hpack);
	h2_message_read(&fields_of_block, &m);
	apply_block(h, dir, &m, ev);
	if (!ev->why)
		ev->why = h2_rules_block(h, dir, ev, &m);
	if (!ev->stream || f->type != H2_HEADERS || !(f->flags & H2_END_STREAM))
		return 1;
	if (!ev->why)
		ev->why = h2_rules_end(h, dir, ev->stream);
	h2_stream_ended(h, ev->stream, dir);
	return 1;
}

/* A frame that opens a header block: decoded at once if it ends it too. */
static int first_of_block(struct h2 *h, int dir, struct bytes payload, const struct stamp *st,
			  struct h2_event *ev)
{
	struct h2_dir *d = &h->dir[dir];
	bool whole = d->f.flags & H2_END_HEADERS;
	bool orphan = !whole && !d->f.stream_id; /* nothing can continue that */

	if (!d->truncated)
		h2_frame_payload(&d->f, payload);
	if (whole || orphan)
		return give_block(h, dir, &d->f, &d->start, d->f.content, d->truncated || orphan,
				  st, ev);
	d->block_stream = d->f.stream_id;
	d->block = xcalloc(1, sizeof(*d->block));
	d->block->frame = d->f;
	d->block->frame.content = (struct bytes){ 0 };
	d->block->start = d->start;
	d->block->bad = d->truncated;
	buf_append(&d->block->bytes, d->f.content);
	return 0;
}

static int end_block(struct h2 *h, int dir, bool bad, const char *why, const struct stamp *st,
		     struct h2_event *ev)
{
	struct h2_dir *d = &h->dir[dir];
	struct h2_block *b = d->block;

	if (why && !b->frame.why)
		b->frame.why = why;
	give_block(h, dir, &b->frame, &b->start, buf_bytes(&b->bytes), bad, st, ev);
	ev->continuation_cnt = b->cnt;
	ev->continuations = b->continuations;
	d->block_given = true;
	return 1;
}

static void keep_continuation(struct h2_dir *d)
{
	struct h2_block *b = d->block;

	if (b->cnt == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 4;
		b->continuations = xrealloc(b->continuations, b->cap * sizeof(*b->continuations));
	}
	b->continuations[b->cnt++] = (struct h2_continuation){ .length = d->f.length,
							       .flags = d->f.flags,
							       .st = d->start };
}

/* A CONTINUATION: part of the open block, one beyond the limits, or a stray one. */
static int continuation(struct h2 *h, int dir, struct bytes payload, const struct stamp *st,
			struct h2_event *ev)
{
	struct h2_dir *d = &h->dir[dir];

	if (d->flood_stream && d->flood_stream == d->f.stream_id) {
		event_of_frame(h, dir, st, ev);
		if (d->f.flags & H2_END_HEADERS)
			d->flood_stream = 0;
		return 1;
	}
	if (!d->block_stream) {
		h2_rules_stray_continuation(h, dir);
		event_of_frame(h, dir, st, ev);
		ev->why = d->f.why;
		ev->payload = payload;
		return 1;
	}
	keep_continuation(d);
	d->block->bad |= d->truncated;
	if (d->block->cnt >= LIMIT_CONTINUATIONS ||
	    d->block->bytes.len + payload.len > LIMIT_HEADER_BLOCK) {
		d->flood_stream = d->f.flags & H2_END_HEADERS ? 0 : d->block_stream;
		return end_block(h, dir, true, "header block beyond what spf keeps: not decoded",
				 st, ev);
	}
	buf_append(&d->block->bytes, payload);
	return d->f.flags & H2_END_HEADERS ? end_block(h, dir, d->block->bad, NULL, st, ev) : 0;
}

static int next_other(struct h2 *h, int dir, struct bytes *in, const struct stamp *st,
		      struct h2_event *ev)
{
	struct h2_dir *d = &h->dir[dir];
	struct bytes payload;

	if (!whole_payload(d, in, &payload))
		return 0;
	d->in_frame = false;
	if (opens_block(&d->f))
		return first_of_block(h, dir, payload, st, ev);
	if (d->f.type == H2_CONTINUATION)
		return continuation(h, dir, payload, st, ev);
	if (!d->truncated)
		h2_frame_payload(&d->f, payload);
	event_of_frame(h, dir, st, ev);
	ev->payload = d->f.content;
	h2_rules_frame(h, &d->f, ev);
	ev->why = d->f.why;
	if (d->f.type == H2_RST_STREAM && ev->stream)
		h2_stream_reset(h, ev->stream, dir);
	return 1;
}

/* What the event given last has left behind goes before the next is made. */
static void forget_event(struct h2 *h, struct h2_dir *d)
{
	if (h->over)
		free_over(h);
	if (d->block_given) {
		h2_close_block(d);
		d->block_given = false;
	}
}

static int give_evicted(struct h2 *h, int dir, const struct stamp *st, struct h2_event *ev)
{
	*ev = (struct h2_event){
		.what = H2_GONE,
		.dir = dir,
		.stream = h->evicted,
		.st = st,
		.end = st,
		.status = -1,
	};
	h->evicted->next = h->over;
	h->over = h->evicted;
	h->evicted = NULL;
	return 1;
}

static bool skip_preface(struct h2_dir *d, struct bytes *in)
{
	take_left(d, in);
	d->preface = d->left;
	return !d->preface;
}

int h2_next(struct h2 *h, int dir, struct bytes in, size_t *used, const struct stamp *st,
	    struct h2_event *ev)
{
	struct h2_dir *d = &h->dir[dir];
	struct bytes rest = in;
	int rc = 0;

	forget_event(h, d);
	*used = 0;
	if (h->evicted)
		return give_evicted(h, dir, st, ev);
	if (d->preface && !skip_preface(d, &rest)) {
		*used = in.len;
		return 0;
	}
	while (!rc) {
		if (!d->in_frame && !start_frame(h, dir, &rest, st))
			break;
		if (d->probation && h2_sync_refutes(&d->f)) {
			h2_gap(h, dir, 0);
			rc = -EPROTO;
			break;
		}
		if (d->block_stream &&
		    (d->f.type != H2_CONTINUATION || d->f.stream_id != d->block_stream)) {
			rc = end_block(h, dir, true,
				       "header block not continued: "
				       "connection error PROTOCOL_ERROR (RFC 9113 §6.10)",
				       st, ev);
			d->block_stream = 0;
			break;
		}
		rc = d->f.type == H2_DATA ? next_data(h, dir, &rest, st, ev)
					  : next_other(h, dir, &rest, st, ev);
		if (!rc && d->in_frame)
			break;
	}
	*used = in.len - rest.len;
	return rc;
}
