/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/http1_record.h"

#include "decode/call.h"
#include "decode/http2_stream.h"
#include "decode/inflate.h"
#include "util/limits.h"

void http1_message_release(struct http1_message *m)
{
	buf_release(&m->text);
	buf_release(&m->body);
	hpack_list_release(&m->fields);
	hpack_list_release(&m->trailers);
	h2_context_unref(m->ctx);
	*m = (struct http1_message){ 0 };
}

void http1_message_keep(struct http1_message *m)
{
	size_t len = 1; /* so that an empty part has memory too */

	if (m->is_kept)
		return;
	for (int i = 0; i < HTTP1_PARTS; i++)
		len += m->part[i].len;
	buf_consume(&m->text, m->text.len);
	buf_reserve(&m->text, len);
	for (int i = 0; i < HTTP1_PARTS; i++) {
		struct bytes in = m->part[i];

		if (!in.p)
			continue;
		m->part[i].p = buf_reserve(&m->text, in.len);
		buf_append(&m->text, in);
	}
	m->is_kept = true;
}

/* The head's parts, as far as somebody sees them; the coding says how to read the body. */
static void take_parts(struct http1_message *m, const struct http1_head *h, bool no_parts)
{
	struct bytes none = { 0 };

	m->is_kept = false;
	m->part[HTTP1_VERSION] = no_parts ? none : h->version;
	m->part[HTTP1_REASON] = no_parts ? none : h->reason;
	m->part[HTTP1_UPGRADE] = no_parts ? none : h->upgrade;
	m->part[HTTP1_TYPE] = no_parts ? none : h->content_type;
	m->part[HTTP1_ENCODING] = h->content_encoding;
}

void http1_message_begin(struct http1_message *m, const struct want *want,
			 const struct http1_event *ev, struct h2_context *ctx)
{
	const struct http1_head *h = ev->head;

	m->head.is_response = h->is_response;
	m->head.keep_alive = h->keep_alive;
	m->head.framing = h->framing;
	m->head.status = h->status;
	m->head.content_length = h->content_length;
	m->body_len = 0;
	m->open = true;
	m->given = false;
	m->complete = false;
	m->why = h->why;
	h2_context_unref(m->ctx);
	m->ctx = ctx;
	if (ctx)
		ctx->refs++;
	buf_consume(&m->body, m->body.len);
	call_list_clear(&m->fields);
	call_list_clear(&m->trailers);
	m->is_kept = true;
	if (!want->kind[KIND_HTTP])
		return;
	take_parts(m, h, want->no_parts);
	if (want->headers)
		call_list_of_fields(ev->fields, &m->fields);
}

static bool is_compressed(const struct http1_message *m)
{
	enum inflate_coding coding;

	if (!m->part[HTTP1_ENCODING].p)
		return false;
	coding = inflate_coding(m->part[HTTP1_ENCODING]);
	return coding == INFLATE_GZIP || coding == INFLATE_DEFLATE;
}

/* What comes after the head was shown has times of its own. */
static void begin_piece(struct http1_message *m, const struct stamp *st)
{
	if (m->given && (!m->body_len || is_compressed(m)))
		m->st = *st;
}

bool http1_message_is_due(const struct http1_message *m, bool used_up)
{
	if (!m->open)
		return false;
	if (!m->given && m->head.framing == HTTP1_LENGTH &&
	    m->head.content_length <= LIMIT_HTTP1_HELD)
		return false;
	if (is_compressed(m))
		return used_up && !m->given;
	return m->body_len >= LIMIT_HTTP1_HELD || (used_up && (!m->given || m->body_len));
}

void http1_message_body(struct http1_message *m, const struct want *want, struct bytes body,
			const struct stamp *st)
{
	begin_piece(m, st);
	m->body_len += body.len;
	if (!want->kind[KIND_HTTP] || !want->data)
		return;
	if (body.len > LIMIT_HTTP1_BODY - m->body.len)
		body.len = LIMIT_HTTP1_BODY - m->body.len;
	buf_append(&m->body, body);
}

void http1_message_gap(struct http1_message *m, uint64_t len, const struct stamp *st)
{
	begin_piece(m, st);
	m->body_len += len;
}

void http1_message_end(struct http1_message *m, const struct want *want,
		       const struct http1_event *ev, const struct stamp *st)
{
	begin_piece(m, st);
	m->open = false;
	if (!ev)
		return;
	m->complete = ev->complete;
	if (!m->why)
		m->why = ev->why;
	if (want->kind[KIND_HTTP] && want->headers)
		call_list_of_fields(ev->fields, &m->trailers);
}

static size_t text_room(const struct http1_message *m)
{
	size_t len = (m->why ? strlen(m->why) : 0) + (HTTP1_PARTS + 2) * 16;

	for (int i = 0; i < HTTP1_PARTS; i++)
		len += m->part[i].len;
	return len;
}

/* The body as it was before its content coding; as it was sent where that cannot be undone. */
static struct bytes plain_body(const struct http1_message *m, struct buf *plain)
{
	if (!is_compressed(m))
		return buf_bytes(&m->body);
	if (m->open) /* it comes as a whole */
		return (struct bytes){ 0 };
	if (inflate_bytes(inflate_coding(m->part[HTTP1_ENCODING]), buf_bytes(&m->body), plain) &&
	    !plain->len)
		return buf_bytes(&m->body);
	return buf_bytes(plain);
}

/* Most parts are not there. */
static struct str put_part(const struct http1_message *m, int i, struct batch *b)
{
	return m->part[i].p ? batch_str(b, m->part[i]) : (struct str){ 0 };
}

static void put_head(const struct http1_message *m, struct batch *b, struct rec_http *r)
{
	r->what = m->head.is_response ? HTTP_RESPONSE : HTTP_REQUEST;
	r->chunked = m->head.framing == HTTP1_CHUNKED;
	r->keep_alive = m->head.keep_alive;
	r->status = m->head.status;
	r->content_length = m->head.content_length;
	r->version = put_part(m, HTTP1_VERSION, b);
	if (m->head.is_response)
		r->reason = put_part(m, HTTP1_REASON, b);
	r->upgrade = put_part(m, HTTP1_UPGRADE, b);
	r->headers = call_put_list(b, &m->fields);
}

static void put(struct http1_message *m, struct batch *b, struct rec_http *r)
{
	if (m->given) {
		r->what = HTTP_BODY;
		r->status = -1;
		r->content_length = -1;
	} else {
		put_head(m, b, r);
	}
	r->more = m->open ? TRI_TRUE : TRI_ABSENT;
	r->body_complete = m->complete;
	r->body_length = is_compressed(m) && m->open ? 0 : (int64_t)m->body_len;
	r->content_type = put_part(m, HTTP1_TYPE, b);
	r->content_encoding = put_part(m, HTTP1_ENCODING, b);
	if (m->why)
		r->why = batch_str(b, bytes_str(m->why));
	r->trailers = call_put_list(b, &m->trailers);
}

/* What the record showed is over with. */
static void given(struct http1_message *m)
{
	m->given = true;
	m->why = NULL;
	if (is_compressed(m) && m->open)
		return;
	m->body_len = 0;
	buf_consume(&m->body, m->body.len);
}

int http1_message_put(struct http1_message *m, struct decoder *d, int dir, struct batch *b)
{
	struct buf plain = { 0 };
	struct bytes body = plain_body(m, &plain);
	uint32_t need = (uint32_t)(sizeof(struct rec_http) + text_room(m) + body.len + 16) +
			call_list_room(&m->fields) + call_list_room(&m->trailers) +
			decoder_head_room(d, b) + (m->ctx ? h2_context_room(m->ctx, b) : 0);
	struct record head;
	struct rec_http *r;
	int rc = 1;

	if (!batch_room(b, need) || !decoder_head(d, KIND_HTTP, dir, &m->st, b, &head)) {
		rc = decoder_no_room(d, need);
	} else {
		r = batch_record(b, sizeof(*r), &head);
		if (m->ctx)
			h2_context_put(m->ctx, b, &r->ctx);
		put(m, b, r);
		r->r.exact &= !m->is_believed;
		if (d->want->data && !(is_compressed(m) && m->open))
			r->body = batch_str(b, body.len ? body : BYTES_LIT(""));
		given(m);
	}
	buf_release(&plain);
	return rc;
}
