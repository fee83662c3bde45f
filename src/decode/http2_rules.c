/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/http2_rules.h"

#include <stdlib.h>

#include "util/xalloc.h"

enum { WINDOW_MAX = 0x7fffffff, UNACKED_MAX = 4 };

static void violates(struct h2_frame *f, const char *why)
{
	if (!f->why)
		f->why = why;
}

/* The direction whose endpoint opens streams of that number, RFC 9113 §5.1.1. */
static int opener(const struct h2 *h, uint32_t id)
{
	return id & 1 ? h->client : !h->client;
}

static bool is_idle(const struct h2 *h, uint32_t id)
{
	return id > h->dir[opener(h, id)].last_id;
}

/* What the direction sent on the stream may have been on its way when the peer reset it, which
 * is no fault (RFC 9113 §5.4.2). Only the last few resets are remembered. */
static bool may_be_late(const struct h2 *h, int dir, uint32_t id)
{
	uint32_t max = sizeof(h->resets) / sizeof(h->resets[0]);

	for (uint32_t i = 0; i < h->reset_cnt && i < max; i++)
		if (h->resets[i] == id)
			return h->reset_dir[i] != dir;
	return h->reset_cnt > max;
}

static bool tells(const struct h2 *h)
{
	return h->exact && h->client >= 0;
}

static void check_stream(struct h2 *h, int dir, const struct h2_stream *s, struct h2_frame *f)
{
	if (!tells(h) || !f->stream_id)
		return;
	if (f->type != H2_PRIORITY && f->type < H2_ALTSVC && is_idle(h, f->stream_id))
		violates(f, "frame on an idle stream: "
			    "connection error PROTOCOL_ERROR (RFC 9113 §5.1)");
	if (f->type != H2_DATA)
		return;
	if (s && s->half[dir].ended)
		violates(f, "DATA after END_STREAM: stream error STREAM_CLOSED (RFC 9113 §5.1)");
	if (!s && !may_be_late(h, dir, f->stream_id))
		violates(f, "DATA on a closed stream: stream error STREAM_CLOSED (RFC 9113 §5.1)");
}

void h2_rules_header(struct h2 *h, int dir)
{
	struct h2_dir *d = &h->dir[dir];

	if (!d->settings_seen) {
		d->settings_seen = true;
		if (d->f.type != H2_SETTINGS || d->f.flags & H2_ACK)
			violates(&d->f, "first frame is not SETTINGS: "
					"connection error PROTOCOL_ERROR (RFC 9113 §3.4)");
	}
	if (h->exact && d->f.length > d->frame_max)
		violates(&d->f, "frame longer than MAX_FRAME_SIZE: "
				"error FRAME_SIZE_ERROR (RFC 9113 §4.2)");
}

/* What may still be sent in direction dir, after the event's frame. A window below 0 (RFC 9113
 * §6.9.2) lets nothing through either. */
static void tell_windows(const struct h2 *h, int dir, struct h2_event *ev)
{
	int64_t conn = h->dir[dir].window, stream = ev->stream ? ev->stream->half[dir].window : -1;

	if (!h->exact || h->windows_lost)
		return;
	ev->conn_window = conn > 0 ? conn : 0;
	if (ev->stream)
		ev->window = stream > 0 ? stream : 0;
}

/* Takes len off a window that was used up at ts when nothing is left of it. */
static void spend(int64_t *window, int64_t *used_up_ns, uint32_t len, int64_t ts_ns)
{
	*window -= len;
	if (*window <= 0 && !*used_up_ns)
		*used_up_ns = ts_ns;
}

/* Adds to a window: if it was used up and is open now, sets *stalled_ns to how long that was,
 * unless it is longer already. */
static void grant(int64_t *window, int64_t *used_up_ns, int64_t len, int64_t ts_ns,
		  int64_t *stalled_ns)
{
	*window += len;
	if (*window <= 0 || !*used_up_ns)
		return;
	if (ts_ns - *used_up_ns > *stalled_ns)
		*stalled_ns = ts_ns - *used_up_ns;
	*used_up_ns = 0;
}

void h2_rules_data(struct h2 *h, struct h2_frame *f, struct h2_event *ev)
{
	struct h2_dir *d = &h->dir[ev->dir];
	struct h2_stream *s = ev->stream;
	int dir = ev->dir;

	check_stream(h, dir, s, f);
	if (h->exact && f->length > d->window)
		violates(f, "DATA beyond the connection's window: connection error "
			    "FLOW_CONTROL_ERROR (RFC 9113 §6.9)");
	if (h->exact && s && f->length > s->half[dir].window)
		violates(f, "DATA beyond the stream's window: stream error FLOW_CONTROL_ERROR "
			    "(RFC 9113 §6.9)");
	spend(&d->window, &d->used_up_ns, f->length, ev->end->ts_ns);
	if (s)
		spend(&s->half[dir].window, &s->half[dir].used_up_ns, f->length, ev->end->ts_ns);
	if (s && f->flags & H2_END_STREAM) /* nothing waits for the window any more */
		s->half[dir].used_up_ns = 0;
	tell_windows(h, dir, ev);
}

/* RFC 9113 §8.1.1. A response without any DATA may be one to HEAD, or a 304. */
const char *h2_rules_end(const struct h2 *h, int dir, const struct h2_stream *s)
{
	const struct h2_half *half = &s->half[dir];

	if (!h->exact || half->lost || half->content_length < 0 ||
	    (uint64_t)half->content_length == half->data_len)
		return NULL;
	return dir == h->client || half->data_len ? "content-length is not the length of DATA: "
						    "stream error PROTOCOL_ERROR (RFC 9113 §8.1.1)"
						  : NULL;
}

static void push_settings(struct h2_dir *d, struct bytes content)
{
	struct h2_settings s = { 0 };
	uint32_t value;
	uint16_t id;

	while (h2_frame_setting(&content, &id, &value)) {
		if (id == H2_HEADER_TABLE_SIZE) {
			s.table_last = value;
			if (!s.has_table || value < s.table_min)
				s.table_min = value;
			s.has_table = true;
		} else if (id == H2_INITIAL_WINDOW_SIZE) {
			s.window_init = value;
			s.has_window = true;
		} else if (id == H2_MAX_FRAME_SIZE) {
			s.frame_max = value;
			s.has_frame_max = true;
		} else if (id == H2_MAX_CONCURRENT_STREAMS) {
			s.streams_max = value;
			s.has_streams_max = true;
		}
	}
	if (d->unacked_cnt == UNACKED_MAX)
		d->settings_lost = true;
	if (d->settings_lost)
		return;
	if (!d->unacked)
		d->unacked = xmalloc(UNACKED_MAX * sizeof(s));
	d->unacked[d->unacked_cnt++] = s;
}

/* RFC 9113 §6.9.2: the change applies to the open streams too. */
static bool move_windows(struct h2 *h, int dir, int64_t init, struct h2_event *ev)
{
	int64_t delta = init - h->dir[dir].window_init;
	bool fits = true;

	for (struct h2_stream *s = h->oldest; s; s = s->next) {
		grant(&s->half[dir].window, &s->half[dir].used_up_ns, delta, ev->end->ts_ns,
		      &ev->stalled_ns);
		fits &= s->half[dir].window <= WINDOW_MAX;
	}
	h->dir[dir].window_init = (uint32_t)init;
	return fits;
}

/* The direction acknowledges the other's oldest SETTINGS, and is bound by them from here on
 * (RFC 9113 §6.5.3). */
static void settings_ack(struct h2 *h, int dir, struct h2_frame *f, struct h2_event *ev)
{
	struct h2_dir *d = &h->dir[dir], *from = &h->dir[!dir];
	struct h2_settings s;

	if (from->settings_lost) {
		hpack_limit_lost(&d->hpack);
		h->windows_lost = true;
		return;
	}
	if (!from->unacked_cnt)
		return;
	s = from->unacked[0];
	from->unacked_cnt--;
	memmove(from->unacked, from->unacked + 1, from->unacked_cnt * sizeof(s));
	if (!from->unacked_cnt) {
		free(from->unacked);
		from->unacked = NULL;
	}
	if (s.has_table)
		hpack_set_limit(&d->hpack, s.table_min);
	if (s.has_table && s.table_last != s.table_min)
		hpack_set_limit(&d->hpack, s.table_last);
	if (s.has_frame_max)
		d->frame_max = s.frame_max;
	if (s.has_streams_max)
		d->streams_max = s.streams_max;
	if (s.has_window && !move_windows(h, dir, s.window_init, ev))
		violates(f, "INITIAL_WINDOW_SIZE takes a window above 2^31-1: "
			    "connection error FLOW_CONTROL_ERROR (RFC 9113 §6.9.2)");
}

void h2_rules_upgrade(struct h2 *h, struct bytes settings)
{
	static const struct stamp begin; /* no stream has waited yet */
	struct h2_event ev = { .end = &begin, .stalled_ns = -1 };
	struct h2_frame f = { 0 };

	push_settings(&h->dir[h->client], settings);
	settings_ack(h, !h->client, &f, &ev);
}

static void window_update(struct h2 *h, struct h2_frame *f, struct h2_event *ev)
{
	struct h2_dir *d = &h->dir[!ev->dir];
	struct h2_half *half = ev->stream ? &ev->stream->half[!ev->dir] : NULL;
	int64_t *window = f->stream_id ? half ? &half->window : NULL : &d->window;

	if (!window)
		return;
	grant(window, f->stream_id ? &half->used_up_ns : &d->used_up_ns, f->increment,
	      ev->end->ts_ns, &ev->stalled_ns);
	if (*window > WINDOW_MAX && h->exact)
		violates(f, f->stream_id
				    ? "window above 2^31-1: stream error FLOW_CONTROL_ERROR "
				      "(RFC 9113 §6.9.1)"
				    : "window above 2^31-1: connection error FLOW_CONTROL_ERROR "
				      "(RFC 9113 §6.9.1)");
	tell_windows(h, !ev->dir, ev);
}

void h2_rules_frame(struct h2 *h, struct h2_frame *f, struct h2_event *ev)
{
	int dir = ev->dir;

	check_stream(h, dir, ev->stream, f);
	switch (f->type) {
	case H2_SETTINGS:
		if (f->stream_id)
			break;
		if (f->flags & H2_ACK)
			settings_ack(h, dir, f, ev);
		else
			push_settings(&h->dir[dir], f->content);
		break;
	case H2_WINDOW_UPDATE:
		window_update(h, f, ev);
		break;
	}
	if (!h->exact || h->windows_lost)
		ev->stalled_ns = -1;
}

void h2_rules_stray_continuation(struct h2 *h, int dir)
{
	struct h2_dir *d = &h->dir[dir];

	violates(&d->f, "CONTINUATION without a header block to continue: "
			"connection error PROTOCOL_ERROR (RFC 9113 §6.10)");
	hpack_lose(&d->hpack);
}

static const char *fields_violation(const struct h2 *h, int dir, const struct h2_event *ev,
				    const struct h2_message *m)
{
	bool request = dir == h->client || ev->frame->type == H2_PUSH_PROMISE;

	if (ev->block_lost)
		return NULL;
	return h2_message_violation(m, ev->trailers ? H2_TRAILERS
				       : request    ? H2_REQUEST
						    : H2_RESPONSE);
}

const char *h2_rules_block(struct h2 *h, int dir, const struct h2_event *ev,
			   const struct h2_message *m)
{
	const struct h2_frame *f = ev->frame;
	const struct h2_stream *s = ev->stream;

	if (!tells(h))
		return NULL;
	if (f->type == H2_PUSH_PROMISE && dir == h->client)
		return "a client cannot push: connection error PROTOCOL_ERROR (RFC 9113 §8.4)";
	if (f->type == H2_HEADERS && dir == h->client && !(f->stream_id & 1))
		return "a client's stream has an odd number: "
		       "connection error PROTOCOL_ERROR (RFC 9113 §5.1.1)";
	if (s && s->half[dir].ended)
		return "HEADERS after END_STREAM: stream error STREAM_CLOSED (RFC 9113 §5.1)";
	if (!s && f->stream_id && !may_be_late(h, dir, f->stream_id))
		return is_idle(h, f->stream_id) ? "frame on an idle stream: "
						  "connection error PROTOCOL_ERROR (RFC 9113 §5.1)"
						: "HEADERS on a closed stream: "
						  "error STREAM_CLOSED (RFC 9113 §5.1)";
	if (s && f->type == H2_HEADERS && dir == h->client && s->half[dir].blocks > 1 &&
	    !(f->flags & H2_END_STREAM))
		return "trailers without END_STREAM: stream error PROTOCOL_ERROR (RFC 9113 §8.1)";
	if (s && dir == h->client && s->half[dir].blocks == 1 &&
	    h->stream_cnt > h->dir[dir].streams_max)
		return "more streams than MAX_CONCURRENT_STREAMS: "
		       "stream error PROTOCOL_ERROR or REFUSED_STREAM (RFC 9113 §5.1.2)";
	return fields_violation(h, dir, ev, m);
}
