/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection of HTTP/1: two directions of messages, paired to calls.
 *
 * Responses answer requests in their order (RFC 9112 §9.3). After bytes were lost, or when the
 * connection's beginning was not seen, that order is not certain: then a request is believed to
 * be answered by the next response, as it is without pipelining, and call and response say that
 * they are not exact. It is certain again for a request that comes after a silence in which nothing
 * was asked, for all that is known: else the server would owe something all that time. A client that
 * is seen to pipeline has nothing paired from then on: how many requests wait that were not seen,
 * nobody knows.
 */
#include "decode/call.h"

#include <errno.h>
#include <stdlib.h>

#include "decode/http1_detect.h"
#include "decode/http1_line.h"
#include "decode/http1_record.h"
#include "decode/http2_stream.h"
#include "util/limits.h"
#include "util/xalloc.h"

struct http1_conn {
	struct calls calls;
	struct call *first, **tail;      /* begun and not over, oldest first */
	struct call *call[2];            /* of the message under way, by direction; NULL none */
	uint32_t cnt;
	uint32_t evicted;                /* requests forgotten whose responses are yet to come */
	bool unsure;                     /* whether a response belongs to the oldest request */
	bool was_unsure, had_gaps, has_begun;
	bool is_unpaired;                /* it pipelines, and was unsure: see above */
	int64_t asked_ns, asked_read_ns; /* the newest request was written, and read; < 0 unknown */
	int64_t heard_ns;                /* the newest bytes were written; < 0 none yet */
	bool ready[2];                   /* the message is to become a record as it is */
	bool is_wanted;                  /* somebody wants calls or gRPC messages */
	bool switching;
	const struct handler *to;        /* the protocol after an upgrade, NULL: find out */
	uint64_t skipped[2];             /* of the parser, as far as it has been reported */
	struct http1 parser[2];
	struct http1_message message[2];
};

static struct decoder *decoder_of(const struct http1_conn *x)
{
	return x->calls.d;
}

static void *http1_open(struct decoder *d, int client, bool late)
{
	struct http1_conn *x = xcalloc(1, sizeof(*x));

	x->calls.d = d;
	x->is_wanted = d->want->kind[KIND_CALL] || d->want->kind[KIND_MESSAGE];
	x->tail = &x->first;
	x->unsure = x->was_unsure = late;
	x->asked_ns = x->heard_ns = -1;
	x->parser[!client].is_response = true;
	return x;
}

static void http1_free(void *p)
{
	struct http1_conn *x = p;

	while (x->first) {
		struct call *c = x->first;

		x->first = c->next;
		call_free(c);
	}
	for (int i = 0; i < 2; i++) {
		http1_release(&x->parser[i]);
		http1_message_release(&x->message[i]);
	}
	calls_release(&x->calls);
	free(x);
}

static void unlink_call(struct http1_conn *x, struct call *c)
{
	struct call **at = &x->first;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (!c->next)
		x->tail = at;
	x->cnt--;
	for (int i = 0; i < 2; i++)
		if (x->call[i] == c)
			x->call[i] = NULL;
}

static void finish(struct http1_conn *x, struct call *c, enum call_outcome outcome)
{
	unlink_call(x, c);
	if (x->is_wanted)
		call_finish(&x->calls, c, outcome);
	else
		call_free(c);
}

static bool is_over(const struct call *c)
{
	return c->half[CALL_REQUEST].ended && c->half[CALL_RESPONSE].ended;
}

/* The requests so far can no longer be told from those that were lost. */
static void lose_pairing(struct http1_conn *x)
{
	struct call *c, *next;

	x->unsure = x->was_unsure = true;
	x->evicted = 0;
	for (c = x->first; c; c = next) {
		next = c->next;
		c->inexact = true;
		if (!is_over(c))
			finish(x, c, OUTCOME_EVICTED);
	}
}

static struct call *begin(struct http1_conn *x)
{
	struct call *c = call_new(&x->calls, -1);

	c->inexact = x->unsure;
	*x->tail = c;
	x->tail = &c->next;
	x->cnt++;
	return c;
}

/* The call of a response whose request was not seen, or is forgotten. */
static struct call *begin_unasked(struct http1_conn *x)
{
	struct call *c = call_new(&x->calls, -1);

	c->inexact = true;
	c->half[CALL_REQUEST].ended = true;
	c->next = x->first;
	if (!x->first)
		x->tail = &c->next;
	x->first = c;
	x->cnt++;
	return c;
}

/* The oldest call that has no final response yet, or NULL. */
static struct call *to_answer(const struct http1_conn *x)
{
	struct call *c = x->first;

	while (c && c->half[CALL_RESPONSE].ended)
		c = c->next;
	return c;
}

/* The authority of a request: of its target in absolute form, or to CONNECT, else its Host. */
static struct h2_context *context_of(const struct http1_head *h, bool is_grpc)
{
	struct bytes parts[4] = { h->method, BYTES_LIT("http"), h->host, h->target };
	struct bytes scheme = BYTES_LIT("http://");

	if (bytes_equal(h->method, BYTES_LIT("CONNECT"))) {
		parts[2] = h->target;
	} else if (bytes_has_prefix(h->target, scheme)) { /* RFC 9112 §3.2.2 */
		struct bytes rest = bytes_of(h->target.p + scheme.len, h->target.len - scheme.len);
		size_t len = 0;

		while (len < rest.len && !strchr("/?#", rest.p[len]))
			len++;
		parts[2] = bytes_of(rest.p, len);
		parts[3] = len < rest.len ? bytes_of(rest.p + len, rest.len - len) : BYTES_LIT("/");
	}
	for (int i = 0; i < 4; i++)
		if (parts[i].len > LIMIT_CONTEXT_LEN)
			parts[i].len = LIMIT_CONTEXT_LEN;
	return h2_context_get(parts, is_grpc, 0);
}

/* What calls show of a head's fields; the list is made only where it is needed. */
static void read_head(struct http1_conn *x, struct call *c, enum call_side side,
		      const struct http1_event *ev, bool trailers)
{
	const struct want *want = decoder_of(x)->want;
	struct call_half *half = &c->half[side];
	struct hpack_list list = { 0 };

	if (!trailers)
		half->kind = grpc_kind(ev->head->content_type);
	if (!half->kind && !(want->headers && want->kind[KIND_CALL]))
		return;
	call_list_of_fields(ev->fields, &list);
	if (half->kind)
		call_read_fields(c, side, &list);
	call_keep(&x->calls, c, trailers ? &half->trailers : &half->headers, &list);
	hpack_list_release(&list);
}

static void evict_oldest(struct http1_conn *x)
{
	struct call *c = x->first;

	if (!c->half[CALL_RESPONSE].seen)
		x->evicted++;
	finish(x, c, OUTCOME_EVICTED);
}

/* HTTP2-Settings is base64url without padding (RFC 7540 §3.2.1). */
static void keep_settings(struct http1_conn *x, const struct http1_fields *fields)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const struct http1_field *f = http1_field_find(fields, BYTES_LIT("http2-settings"));
	struct bytes in = f ? f->value : (struct bytes){ 0 };
	uint8_t out[6 * 32], c;
	uint32_t v = 0;
	size_t n = 0;

	for (unsigned i = 1; bytes_get_u8(&in, &c) && n < sizeof(out); i++) {
		const char *at = c ? strchr(digits, c) : NULL;

		if (!at)
			return;
		v = v << 6 | (uint32_t)(at - digits);
		if (i % 4 != 1) /* each but the first of four ends a byte */
			out[n++] = (uint8_t)(v >> (i % 4 == 2 ? 4 : i % 4 == 3 ? 2 : 0));
	}
	decoder_set_settings(decoder_of(x), bytes_of(out, n));
}

/* Where responses may have been lost, one that did not come proves nothing; two requests in one
 * write do. */
static bool is_pipelined(const struct http1_conn *x, const struct stamp *st)
{
	return to_answer(x) && (!x->had_gaps || st->ts_ns == x->asked_ns);
}

static struct call *on_request(struct http1_conn *x, const struct http1_event *ev,
			       const struct stamp *st)
{
	struct bytes method = ev->head->method;
	struct call *c;

	if (x->was_unsure && is_pipelined(x, st))
		x->unsure = x->is_unpaired = true;
	else if (!to_answer(x) && x->heard_ns >= 0 &&
		 st->ts_ns - x->heard_ns >= LIMIT_HTTP1_SILENCE_NS)
		x->unsure = x->is_unpaired;
	x->has_begun = true;
	x->asked_ns = st->ts_ns;
	x->asked_read_ns = st->read_ns;
	if (x->unsure)
		lose_pairing(x);
	else if (x->cnt >= LIMIT_HTTP1_PIPELINE)
		evict_oldest(x);
	c = begin(x);
	if (ev->head->upgrade.len)
		keep_settings(x, ev->fields);
	c->is_head = bytes_equal(method, BYTES_LIT("HEAD"));
	c->is_connect = bytes_equal(method, BYTES_LIT("CONNECT"));
	c->ctx = context_of(ev->head, grpc_kind(ev->head->content_type) != GRPC_NONE);
	return c;
}

/* The connection is no longer HTTP/1 after this head. */
static void upgrade(struct http1_conn *x, const struct http1_head *head, struct call *c)
{
	bool h2c = !c->is_connect && http1_list_has(head->upgrade, BYTES_LIT("h2c"));

	x->switching = true;
	x->to = h2c ? &http2_handler : NULL;
	if (h2c) { /* the response comes on stream 1, RFC 7540 §3.2 */
		unlink_call(x, c);
		call_h2_upgraded(decoder_of(x), c);
	}
	http1_tunnel(&x->parser[0]);
	http1_tunnel(&x->parser[1]);
}

/* True if the response proves that requests which were not seen were waiting with others: it was
 * written before request c was read, or there are two that nobody asked for. */
static bool is_of_unseen(const struct http1_conn *x, const struct call *c, const struct stamp *st)
{
	if (c)
		return st->ts_ns < x->asked_read_ns;
	return !x->had_gaps && x->has_begun;
}

static struct call *on_response(struct http1_conn *x, int dir, const struct http1_event *ev,
				const struct stamp *st)
{
	int status = ev->head->status;
	struct call *c = to_answer(x);

	if (x->was_unsure && is_of_unseen(x, c, st))
		x->unsure = x->is_unpaired = true;
	if (x->is_unpaired)
		c = NULL;
	if (status < 200 && status != 101)
		return c;
	x->has_begun = true;
	if (!c || x->evicted) {
		x->evicted -= x->evicted > 0;
		c = begin_unasked(x);
	}
	if (status == 101 || (c->is_connect && status < 300))
		upgrade(x, ev->head, c);
	else if (c->is_head)
		http1_no_body(&x->parser[dir]);
	c->status = x->to ? -1 : status;
	return c;
}

static enum call_side side_of(const struct http1_conn *x, int dir)
{
	return x->parser[dir].is_response ? CALL_RESPONSE : CALL_REQUEST;
}

static void on_head(struct http1_conn *x, int dir, const struct http1_event *ev,
		    const struct stamp *st)
{
	const struct want *want = decoder_of(x)->want;
	enum call_side side = side_of(x, dir);
	const struct stamp *first = &x->message[dir].st;
	struct call *c = side == CALL_REQUEST ? on_request(x, ev, first)
					      : on_response(x, dir, ev, first);
	bool interim = side == CALL_RESPONSE && ev->head->status < 200 && ev->head->status != 101;

	decoder_of(x)->frames++;
	if (x->message[!dir].open && !x->message[!dir].given) /* heads go by their times */
		x->ready[!dir] = true;
	http1_message_begin(&x->message[dir], want, ev, c ? c->ctx : NULL);
	x->message[dir].is_believed = side == CALL_RESPONSE && c && c->ctx && x->unsure;
	if (x->parser[dir].drop) /* the head lies where the parser needs room */
		http1_message_keep(&x->message[dir]);
	if (x->switching) { /* there is no END */
		x->message[dir].complete = true;
		x->message[dir].open = false;
		x->ready[dir] = true;
	}
	x->call[dir] = interim || x->to ? NULL : c;
	if (!x->call[dir])
		return;
	c->half[side].seen = true;
	if (x->is_wanted) {
		call_head(c, side, first, st);
		read_head(x, c, side, ev, false);
	}
	if (x->switching)
		c->half[CALL_REQUEST].ended = c->half[CALL_RESPONSE].ended = true;
}

/* See http1_message_is_due(). */
static bool is_due(const struct http1_conn *x, int dir, bool used_up)
{
	return decoder_of(x)->want->kind[KIND_HTTP] &&
	       http1_message_is_due(&x->message[dir], used_up);
}

static void on_body(struct http1_conn *x, int dir, const struct http1_event *ev,
		    const struct stamp *st)
{
	struct call *c = x->call[dir];

	http1_message_body(&x->message[dir], decoder_of(x)->want, ev->body, st);
	x->ready[dir] |= is_due(x, dir, false);
	if (!c || !x->is_wanted)
		return;
	call_more(c, side_of(x, dir), ev->body.len, st);
	if (call_has_messages(c, side_of(x, dir)))
		call_body(&x->calls, c, side_of(x, dir), ev->body, st);
}

/* closing: what is incomplete ends with the connection, so its call is not over. */
static void on_end(struct http1_conn *x, int dir, const struct http1_event *ev,
		   const struct stamp *st, bool closing)
{
	struct call *c = x->call[dir];

	http1_message_end(&x->message[dir], decoder_of(x)->want, ev, st);
	x->ready[dir] = true;
	if (!c)
		return;
	c->half[side_of(x, dir)].ended = ev->complete || !closing;
	if (ev->fields->cnt && x->is_wanted)
		read_head(x, c, side_of(x, dir), ev, true);
}

/* Tells of bytes in which no message was found. */
static void report_skipped(struct http1_conn *x, int dir, const struct stamp *st, bool recovered)
{
	struct decoder *d = decoder_of(x);
	struct http1 *h = &x->parser[dir];
	uint64_t len = h->skipped - x->skipped[dir];

	if (!len)
		return;
	x->skipped[dir] = h->skipped;
	d->dir[dir].bytes.skipped += len;
	d->dir[dir].bytes.decoded -= len;
	decoder_add_gap(d, dir, st, GAP_DECODE_ERROR, len, 0, recovered, h->why);
}

/* Framing of a direction is gone: its message ends where it is. */
static void lose(struct http1_conn *x, int dir, const struct stamp *st)
{
	if (x->call[dir])
		x->call[dir]->half[side_of(x, dir)].ended = true;
	x->had_gaps = true;
	x->call[dir] = NULL;
	x->ready[dir] |= x->message[dir].open;
	if (x->message[dir].open)
		http1_message_end(&x->message[dir], decoder_of(x)->want, NULL, st);
	lose_pairing(x);
}

static void on_event(struct http1_conn *x, int dir, const struct http1_event *ev,
		     const struct stamp *st)
{
	switch (ev->what) {
	case HTTP1_HEAD:
		report_skipped(x, dir, st, true);
		on_head(x, dir, ev, st);
		break;
	case HTTP1_BODY:
		on_body(x, dir, ev, st);
		break;
	case HTTP1_END:
		if (x->call[dir])
			call_more(x->call[dir], side_of(x, dir), 0, st);
		on_end(x, dir, ev, st, false);
		if (x->message[dir].head.framing == HTTP1_UNKNOWN)
			lose(x, dir, st);
		break;
	}
	x->heard_ns = st->ts_ns;
}

/* False if next_due() would do nothing. */
static bool has_due(const struct http1_conn *x)
{
	return x->ready[0] || x->ready[1] || calls_has_next(&x->calls) ||
	       (x->first && is_over(x->first));
}

/* Records that are due without further input. Returns as calls_next(). */
static int next_due(struct http1_conn *x, struct batch *b)
{
	/* Messages of a body come before its end. */
	int rc = calls_has_next(&x->calls) ? calls_next(&x->calls, b) : 0;

	for (int i = 0; !rc && i < 2; i++) {
		int dir = call_dir(&x->calls, (enum call_side)i);

		if (!x->ready[dir])
			continue;
		if (decoder_of(x)->want->kind[KIND_HTTP])
			rc = http1_message_put(&x->message[dir], decoder_of(x), dir, b);
		x->ready[dir] = rc == -ENOSPC;
	}
	if (rc)
		return rc;
	while (x->first && is_over(x->first))
		finish(x, x->first, OUTCOME_COMPLETE);
	return calls_has_next(&x->calls) ? calls_next(&x->calls, b) : 0;
}

static int next_record(struct http1_conn *x, int dir, struct bytes in, size_t *used,
		       const struct stamp *st, struct batch *b)
{
	struct http1 *h = &x->parser[dir];
	struct http1_event ev;
	size_t n = 0;
	int rc;

	*used = 0;
	for (;;) {
		rc = decoder_of(x)->pending.len ? decoder_next_pending(decoder_of(x), b) : 0;
		if (!rc && has_due(x))
			rc = next_due(x, b);
		if (rc < 0 || (rc && !decoder_of(x)->fill))
			return rc;
		if (rc)
			continue;
		if (x->switching) {
			decoder_switch(decoder_of(x), x->to);
			return -EPROTONOSUPPORT;
		}
		if (h->state == HTTP1_AT_START) {
			if (!in.len)
				return 0;
			x->message[dir].st = *st;
		}
		rc = http1_next(h, in, &n, &ev);
		bytes_take(&in, n, &(struct bytes){ 0 });
		*used += n;
		if (rc == 0 && !is_due(x, dir, true))
			return 0;
		if (rc == 0)
			x->ready[dir] = true;
		else if (rc < 0)
			lose(x, dir, st);
		else
			on_event(x, dir, &ev, st);
	}
}

static int http1_handler_next(void *p, int dir, struct bytes in, size_t *used,
			      const struct stamp *st, struct batch *b)
{
	struct http1_conn *x = p;
	struct http1_message *m = &x->message[dir];
	int rc = next_record(x, dir, in, used, st, b);

	if (rc != 1 && rc != -ENOSPC && (m->open || x->ready[dir])) /* in is gone with this call */
		http1_message_keep(m);
	return rc;
}

static bool http1_handler_gap(void *p, int dir, uint64_t len, const struct stamp *st)
{
	struct http1_conn *x = p;
	struct call *c = x->call[dir];

	x->had_gaps = true;
	if (http1_gap(&x->parser[dir], len)) {
		http1_message_gap(&x->message[dir], len, st);
		if (c && x->is_wanted) {
			call_more(c, side_of(x, dir), len, st);
			call_body_gap(&x->calls, c, side_of(x, dir), len);
		}
		return true;
	}
	lose(x, dir, st);
	x->parser[dir].state = HTTP1_AT_START; /* sync() looks for the next */
	return false;
}

static long http1_sync(void *p, int dir, const struct backlog *log, bool last, size_t *skip)
{
	struct http1_conn *x = p;
	struct bytes in = buf_bytes(&log->bytes);
	enum http1_detected want = x->parser[dir].is_response ? HTTP1_RESPONSE : HTTP1_REQUEST;
	size_t at = 0;

	*skip = 0;
	while (in.len) {
		enum http1_detected found = http1_detect_within(in, &at);

		*skip += at;
		if (found == want)
			return (long)*skip;
		if (found == HTTP1_NOT)
			break;
		in = bytes_of(in.p + at + 1, in.len - at - 1);
		*skip += 1;
	}
	return -EAGAIN;
}

static int http1_handler_close(void *p, enum call_outcome outcome, const struct stamp *st,
			       struct batch *b)
{
	struct http1_conn *x = p;
	struct http1_event ev;
	int rc;

	for (int dir = 0; dir < 2; dir++) {
		rc = next_due(x, b);
		if (rc)
			return rc;
		if (http1_close(&x->parser[dir], &ev)) {
			ev.complete &= outcome == OUTCOME_CLOSED; /* an end that was seen */
			on_end(x, dir, &ev, st, true);
		}
		report_skipped(x, dir, st, false);
	}
	rc = next_due(x, b);
	while (!rc && x->first) {
		finish(x, x->first, x->is_unpaired ? OUTCOME_EVICTED : outcome);
		rc = calls_next(&x->calls, b);
	}
	return rc;
}

const struct handler http1_handler = {
	.proto = PROTO_HTTP1,
	.open = http1_open,
	.free = http1_free,
	.next = http1_handler_next,
	.gap = http1_handler_gap,
	.sync = http1_sync,
	.close = http1_handler_close,
};
