/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/call.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "decode/http2_stream.h"
#include "util/limits.h"
#include "util/xalloc.h"

enum { ENCODING_MAX = 23 }; /* of a grpc-encoding; the names in use have 4 to 8 letters */

/* Bytes of header lists that calls of all connections keep together. */
static uint64_t kept_total;

/* The one that was freed last: the next call needs it. */
static struct call *spare;

struct call *call_new(struct calls *cs, int64_t stream_id)
{
	struct call *c = spare ? spare : xmalloc(sizeof(*c));

	spare = NULL;
	memset(c, 0, sizeof(*c));
	cs->d->calls++;
	c->stream_id = stream_id;
	c->status = -1;
	c->grpc_status = -1;
	c->timeout_ns = -1;
	c->error_code = -1;
	for (int i = 0; i < 2; i++) {
		c->half[i].head_read_ns = -1;
		c->half[i].last_read_ns = -1;
		c->half[i].last_ns = -1;
	}
	return c;
}

static void free_list(struct hpack_list *l)
{
	if (l)
		hpack_list_release(l);
	free(l);
}

void call_free(struct call *c)
{
	if (!c)
		return;
	kept_total -= c->kept;
	for (int i = 0; i < 2; i++) {
		struct call_half *half = &c->half[i];

		if (half->body)
			grpc_release(&half->body->grpc);
		free(half->body);
		free(half->encoding);
		free_list(half->headers);
		free_list(half->trailers);
	}
	if (c->grpc_message)
		buf_release(c->grpc_message);
	free(c->grpc_message);
	h2_context_unref(c->ctx);
	free(KEEPS_SPARES ? spare : c);
	spare = KEEPS_SPARES ? c : NULL;
}

void calls_release(struct calls *cs)
{
	while (cs->done) {
		struct call *c = cs->done;

		cs->done = c->next;
		call_free(c);
	}
	buf_release(&cs->plain);
	buf_release(&cs->untexted);
}

void call_head(struct call *c, enum call_side side, const struct stamp *first,
	       const struct stamp *last)
{
	struct call_half *half = &c->half[side];

	half->seen = true;
	half->st = *first;
	half->head_read_ns = last->read_ns;
	call_more(c, side, 0, last);
}

void call_more(struct call *c, enum call_side side, uint64_t len, const struct stamp *last)
{
	struct call_half *half = &c->half[side];

	half->bytes += len;
	half->last_ns = last->ts_ns;
	half->last_read_ns = last->read_ns;
}

static bool is_named(struct bytes name, const char *want)
{
	return name.len == strlen(want) && strncasecmp((const char *)name.p, want, name.len) == 0;
}

static void read_status(struct call *c, struct bytes value, bool unknown)
{
	c->is_grpc = true;
	if (unknown)
		c->status_hidden = true;
	else
		c->grpc_status = grpc_status(value);
}

static void read_message(struct call *c, struct bytes value, bool unknown)
{
	if (unknown)
		return;
	if (!c->grpc_message)
		c->grpc_message = xcalloc(1, sizeof(*c->grpc_message));
	buf_release(c->grpc_message);
	grpc_unescape(value, c->grpc_message);
}

static void read_encoding(struct call_half *half, struct bytes value)
{
	size_t len = value.len < ENCODING_MAX ? value.len : ENCODING_MAX;

	free(half->encoding);
	half->encoding = xcalloc(1, len + 1);
	if (len)
		memcpy(half->encoding, value.p, len);
}

static void read_field(struct call *c, enum call_side side, struct bytes name, struct bytes value,
		       bool unknown)
{
	struct call_half *half = &c->half[side];

	if (is_named(name, "content-type")) {
		half->kind = unknown ? GRPC_NONE : grpc_kind(value);
		half->maybe_grpc = unknown;
		half->typed = !unknown;
		c->is_grpc |= half->kind != GRPC_NONE;
	} else if (is_named(name, "grpc-status") && side == CALL_RESPONSE) {
		read_status(c, value, unknown);
	} else if (is_named(name, "grpc-message")) {
		read_message(c, value, unknown);
	} else if (is_named(name, "grpc-timeout") && !unknown) {
		c->timeout_ns = grpc_timeout(value);
	} else if (is_named(name, "grpc-encoding")) {
		read_encoding(half, value);
	}
}

/* Quick to say no: the names of read_field() have 11 to 13 letters and begin with c or g. */
static bool may_matter(struct bytes name)
{
	uint8_t first = name.len ? name.p[0] | 0x20 : 0;

	return name.len >= 11 && name.len <= 13 && (first == 'c' || first == 'g');
}

void call_read_fields(struct call *c, enum call_side side, const struct hpack_list *l)
{
	c->inexact |= l->missing > 0;
	for (uint32_t i = 0; i < l->cnt; i++) {
		const struct header *f = &l->v[i];
		struct bytes name = hpack_text(l, f->name);

		if (f->unknown >= 2 && f->unknown != HEADER_HINTED) /* the name: it may be any field */
			c->half[side].maybe_grpc |= !c->half[side].typed;
		else if (may_matter(name))
			read_field(c, side, name, hpack_text(l, f->value), f->unknown == 1);
	}
}

bool call_has_messages(const struct call *c, enum call_side side)
{
	const struct call_half *half = &c->half[side];

	return half->kind != GRPC_NONE || half->maybe_grpc ||
	       (c->is_grpc && !half->typed);
}

void call_keep(const struct calls *cs, struct call *c, struct hpack_list **slot,
	       const struct hpack_list *l)
{
	size_t len = l->cnt * sizeof(*l->v) + l->len;
	struct hpack_list *kept;

	if (!cs->d->want->headers || !cs->d->want->kind[KIND_CALL] || *slot || !l->cnt)
		return;
	if (kept_total + len > LIMIT_CALLS_KEPT) {
		c->inexact = true;
		return;
	}
	*slot = kept = xcalloc(1, sizeof(*kept));
	kept->v = xmalloc(l->cnt * sizeof(*l->v));
	memcpy(kept->v, l->v, l->cnt * sizeof(*l->v));
	kept->cnt = kept->cap = l->cnt;
	kept->text = xmalloc(l->len + 1);
	if (l->len)
		memcpy(kept->text, l->text, l->len);
	kept->len = kept->text_cap = l->len;
	c->kept += (uint32_t)len;
	kept_total += len;
}

void call_finish(struct calls *cs, struct call *c, enum call_outcome outcome)
{
	c->outcome = outcome;
	c->next = NULL;
	if (!cs->done)
		cs->done_tail = &cs->done;
	*cs->done_tail = c;
	cs->done_tail = &c->next;
}

static uint32_t padded(size_t len)
{
	return (uint32_t)(len + 15) & ~7u;
}

uint32_t call_list_room(const struct hpack_list *l)
{
	return l ? padded(l->cnt * sizeof(struct header)) + padded(l->len) : 0;
}

static struct str add_text(struct hpack_list *l, struct bytes text)
{
	struct str s = { l->len, (uint32_t)text.len };

	if (l->len + text.len > l->text_cap) {
		l->text_cap = (l->len + (uint32_t)text.len) * 2;
		l->text = xrealloc(l->text, l->text_cap);
	}
	if (text.len)
		memcpy(l->text + l->len, text.p, text.len);
	l->len += (uint32_t)text.len;
	return s;
}

void call_list_of_fields(const struct http1_fields *fields, struct hpack_list *out)
{
	if (out->cap < out->cnt + fields->cnt) {
		out->cap = out->cnt + fields->cnt;
		out->v = xrealloc(out->v, out->cap * sizeof(*out->v));
	}
	for (uint32_t i = 0; i < fields->cnt; i++)
		out->v[out->cnt++] = (struct header){
			.name = add_text(out, fields->v[i].name),
			.value = add_text(out, fields->v[i].value),
			.wire_len = fields->v[i].wire_len,
		};
}

struct list call_put_list(struct batch *b, const struct hpack_list *l)
{
	struct header *v = l && l->cnt ? batch_alloc(b, l->cnt * (uint32_t)sizeof(*v)) : NULL;
	struct list out = { 0 };
	uint32_t base;

	if (!v)
		return out;
	out.off = (uint32_t)((char *)v - (char *)b);
	out.count = l->cnt;
	base = batch_str(b, bytes_of(l->text ? (const void *)l->text : "", l->len)).off;
	for (uint32_t i = 0; i < l->cnt; i++) {
		v[i] = l->v[i];
		v[i].name.off += base;
		v[i].value.off += base;
	}
	return out;
}

int call_dir(const struct calls *cs, enum call_side side)
{
	int client = cs->d->info->role[1] == ROLE_CLIENT;

	return side == CALL_REQUEST ? client : !client;
}

/* Who sends that side: the writer of its head, else what is known of the connection's end. */
static void put_process(struct batch *b, const struct calls *cs, const struct call *c,
			enum call_side side, int32_t *pid, struct str *comm)
{
	const struct call_half *half = &c->half[side];
	const struct endpoint *end = &cs->d->info->end[call_dir(cs, side)];
	const char *name = end->comm;

	*pid = end->pid;
	if (half->seen && half->st.pid >= 0) {
		*pid = half->st.pid;
		name = half->st.comm;
	} else if (c->half[!side].seen && c->half[!side].st.reader_pid >= 0) {
		if (*pid != c->half[!side].st.reader_pid)
			name = "";
		*pid = c->half[!side].st.reader_pid;
	}
	if (name[0])
		*comm = batch_str(b, bytes_of(name, strnlen(name, 16)));
}

static int64_t span(int64_t from, int64_t to)
{
	if (from < 0 || to < 0)
		return -1;
	return to > from ? to - from : 0;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Where nobody saw the reading (files from elsewhere), a byte counts as read when written. */
static int64_t read_or_written(int64_t read_ns, int64_t ts_ns)
{
	return read_ns >= 0 ? read_ns : ts_ns;
}

static void put_times(const struct call *c, struct rec_call *r)
{
	const struct call_half *req = &c->half[CALL_REQUEST], *resp = &c->half[CALL_RESPONSE];
	int64_t end = req->last_ns;

	r->latency_ns = r->server_ns = r->call_queue_ns = r->duration_ns = -1;
	r->start_ns = req->seen ? req->st.ts_ns : resp->st.ts_ns;
	if (resp->last_ns >= 0)
		end = later(end, read_or_written(resp->last_read_ns, resp->last_ns));
	r->duration_ns = span(r->start_ns, end);
	if (!req->seen || !resp->seen)
		return;
	r->latency_ns = span(req->st.ts_ns, read_or_written(resp->head_read_ns, resp->st.ts_ns));
	r->server_ns = span(req->head_read_ns, resp->st.ts_ns);
	if (r->server_ns >= 0 && resp->head_read_ns >= 0)
		r->call_queue_ns = span(r->server_ns, r->latency_ns);
}

static bool is_failed(const struct call *c)
{
	bool over = c->outcome == OUTCOME_COMPLETE || c->outcome == OUTCOME_CLOSED;

	if (c->status >= 500 || c->grpc_status > 0 || c->outcome == OUTCOME_RESET ||
	    c->outcome == OUTCOME_GOAWAY)
		return true;
	if (!over || c->status_hidden)
		return false;
	return !c->half[CALL_RESPONSE].seen || !c->half[CALL_RESPONSE].ended ||
	       (c->is_grpc && c->grpc_status < 0 && !c->inexact);
}

static uint32_t record_room(const struct calls *cs, const struct call *c, const struct batch *b)
{
	uint32_t n = (uint32_t)sizeof(struct rec_call) + decoder_head_room(cs->d, b) + 2 * 32 +
		     (c->grpc_message ? padded(c->grpc_message->len) : 0) + h2_context_room(c->ctx, b);

	for (int i = 0; i < 2; i++)
		n += call_list_room(c->half[i].headers) + call_list_room(c->half[i].trailers);
	return n;
}

static void put_call(struct batch *b, const struct calls *cs, const struct call *c,
		     struct rec_call *r)
{
	const struct call_half *req = &c->half[CALL_REQUEST], *resp = &c->half[CALL_RESPONSE];

	r->r.queue_ns = -1;
	r->r.from = ROLE_CLIENT;
	r->r.exact = !c->inexact;
	if (c->ctx)
		h2_context_put(c->ctx, b, &r->ctx);
	r->ctx.is_grpc = c->is_grpc;
	put_times(c, r);
	r->timeout_ns = c->timeout_ns;
	r->req_bytes = req->bytes;
	r->resp_bytes = resp->bytes;
	if (c->is_grpc) {
		r->req_messages = req->messages;
		r->resp_messages = resp->messages;
	}
	r->stream_id = c->stream_id;
	r->status = c->status;
	r->grpc_status = c->grpc_status;
	r->grpc_status_likely = c->grpc_status < 0 && c->is_likely_ok ? 0 : -1;
	r->error_code = c->error_code;
	r->failed = is_failed(c);
	r->outcome = (uint8_t)c->outcome;
	r->complete = !c->inexact && req->seen && c->outcome <= OUTCOME_GOAWAY;
	put_process(b, cs, c, CALL_REQUEST, &r->client_pid, &r->client_comm);
	put_process(b, cs, c, CALL_RESPONSE, &r->server_pid, &r->server_comm);
	r->r.pid = r->client_pid;
	r->r.comm = r->client_comm;
	if (c->grpc_message)
		r->grpc_message = batch_str(b, c->grpc_message->len ? buf_bytes(c->grpc_message)
								    : BYTES_LIT(""));
	r->req_headers = call_put_list(b, req->headers);
	r->req_trailers = call_put_list(b, req->trailers);
	r->resp_headers = call_put_list(b, resp->headers);
	r->resp_trailers = call_put_list(b, resp->trailers);
}

static int put_done(struct calls *cs, struct call *c, struct batch *b)
{
	const struct call_half *first = &c->half[!c->half[CALL_REQUEST].seen];
	int dir = call_dir(cs, CALL_REQUEST);
	struct record head;
	uint32_t need;

	if (!cs->d->want->kind[KIND_CALL])
		return 0;
	need = record_room(cs, c, b);
	if (!batch_room(b, need) || !decoder_head(cs->d, KIND_CALL, dir, &first->st, b, &head))
		return decoder_no_room(cs->d, need);
	put_call(b, cs, c, batch_record(b, sizeof(struct rec_call), &head));
	return 1;
}

int calls_next(struct calls *cs, struct batch *b)
{
	int rc = message_next(cs, b);

	while (!rc && cs->done) {
		struct call *c = cs->done;

		rc = message_cut_next(cs, c, b);
		if (rc)
			break;
		rc = put_done(cs, c, b);
		if (rc < 0)
			break;
		cs->done = c->next;
		call_free(c);
	}
	return rc;
}
