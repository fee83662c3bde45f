/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of calls that deals with gRPC messages: cuts them out of bodies, undoes their
 * compression, writes them as records. Messages that nobody wants are only counted. */
#include "decode/call.h"

#include <errno.h>
#include <stdlib.h>

#include "decode/inflate.h"
#include "util/xalloc.h"

static int base64_digit(uint8_t c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* gRPC-Web's text form is base64 (RFC 4648 §4), of which several pieces, each with its own
 * padding, may follow one another. What is no digit is passed over. */
static struct bytes untext(struct calls *cs, struct call_body *b, struct bytes in)
{
	uint8_t c;

	buf_consume(&cs->untexted, cs->untexted.len);
	while (bytes_get_u8(&in, &c)) {
		int digit = base64_digit(c);

		if (c == '=')
			b->base64_cnt = 0;
		if (digit < 0)
			continue;
		b->base64 = b->base64 << 6 | (uint32_t)digit;
		if (b->base64_cnt++ % 4) /* each but the first of four ends a byte */
			buf_putc(&cs->untexted,
				 (char)(b->base64 >> (6 - 2 * ((b->base64_cnt - 1) % 4))));
		b->base64_cnt %= 4;
	}
	return buf_bytes(&cs->untexted);
}

/* The one that was dropped last: the next message needs it. */
static struct call_body *spare;

static struct call_body *body_of(const struct calls *cs, struct call_half *half)
{
	if (!half->body) {
		half->body = spare ? spare : xmalloc(sizeof(*half->body));
		spare = NULL;
		*half->body = (struct call_body){
			.grpc.keep = cs->d->want->kind[KIND_MESSAGE] && cs->d->want->data,
			.grpc.index = half->messages,
		};
	}
	return half->body;
}

/* Between two messages a side needs nothing but their number, so that a stream that is open for
 * long costs little. */
static void drop_body(struct call_half *half)
{
	const struct grpc *g = &half->body->grpc;

	if (g->prefix_len || g->is_lost || half->body->base64_cnt)
		return;
	grpc_release(&half->body->grpc);
	if (spare)
		free(half->body);
	else
		spare = half->body;
	half->body = NULL;
}

void call_body(struct calls *cs, struct call *c, enum call_side side, struct bytes body,
	       const struct stamp *st)
{
	struct call_half *half = &c->half[side];
	struct call_body *b = body_of(cs, half);

	cs->body_call = c;
	cs->body_side = side;
	cs->body = half->kind == GRPC_WEB_TEXT ? untext(cs, b, body) : body;
	cs->body_st = *st;
}

/* gRPC-Web sends its trailers as the last message of the body, as HTTP/1 field lines. */
static void read_web_trailers(const struct calls *cs, struct call *c, enum call_side side,
			      struct bytes text)
{
	struct http1_fields fields = { 0 };
	struct hpack_list list = { 0 };
	const char *why = NULL;

	http1_fields_take(&text, &fields, &why);
	call_list_of_fields(&fields, &list);
	call_read_fields(c, side, &list);
	call_keep(cs, c, &c->half[side].trailers, &list);
	http1_fields_release(&fields);
	hpack_list_release(&list);
}

/* A message has been cut out: makes it ready to become a record. */
static void take(struct calls *cs, struct call *c, enum call_side side)
{
	struct grpc_message *m = &cs->message;
	enum inflate_coding coding;

	if (m->is_trailers)
		read_web_trailers(cs, c, side, m->raw);
	if (m->is_trailers || !cs->d->want->kind[KIND_MESSAGE] || !c->is_grpc)
		return;
	cs->has_message = true;
	cs->message_call = c;
	cs->message_side = side;
	cs->decoded = !m->compressed;
	buf_consume(&cs->plain, cs->plain.len);
	if (!m->compressed || !cs->d->want->data || !m->complete)
		return;
	coding = inflate_coding(bytes_str(c->half[side].encoding ? c->half[side].encoding : ""));
	cs->decoded = coding != INFLATE_IDENTITY && !inflate_bytes(coding, m->raw, &cs->plain);
}

static struct str put_bytes(struct batch *b, const struct calls *cs, struct bytes in)
{
	if (!cs->d->want->data)
		return (struct str){ 0 };
	return batch_str(b, in.len ? in : BYTES_LIT(""));
}

static int put_message(struct calls *cs, struct batch *b)
{
	const struct grpc_message *m = &cs->message;
	const struct call *c = cs->message_call;
	const struct call_half *half = &c->half[cs->message_side];
	int dir = call_dir(cs, cs->message_side);
	uint32_t need = (uint32_t)(sizeof(struct rec_message) + 96 + m->raw.len + cs->plain.len) +
			decoder_head_room(cs->d, b) + h2_context_room(c->ctx, b);
	struct record head;
	struct rec_message *r;

	if (!batch_room(b, need) ||
	    !decoder_head(cs->d, KIND_MESSAGE, dir, &half->body->message_st, b, &head))
		return decoder_no_room(cs->d, need);
	r = batch_record(b, sizeof(*r), &head);
	r->r.exact = !c->inexact;
	if (c->ctx)
		h2_context_put(c->ctx, b, &r->ctx);
	r->ctx.is_grpc = 1;
	r->stream_id = c->stream_id < 0 ? 0 : (uint32_t)c->stream_id;
	r->index = m->index;
	r->length = m->length;
	r->compressed = m->compressed;
	r->complete = m->complete;
	r->decoded = cs->decoded;
	if (half->encoding)
		r->encoding = batch_str(b, bytes_str(half->encoding));
	r->raw = put_bytes(b, cs, m->raw);
	if (!m->compressed)
		r->data = r->raw;
	else if (cs->decoded)
		r->data = put_bytes(b, cs, buf_bytes(&cs->plain));
	cs->has_message = false;
	return 1;
}

/* Where the content-type is not known, a message that ends just where its DATA does tells gRPC:
 * five bytes would have to announce the length by chance. */
static void learn_from_message(const struct calls *cs, struct call *c, enum call_side side)
{
	if (c->half[side].maybe_grpc && !cs->body.len && !cs->message.is_trailers)
		c->is_grpc = true;
}

int message_next(struct calls *cs, struct batch *b)
{
	struct call_half *half;
	size_t used;

	while (cs->body_call && !cs->has_message) {
		half = &cs->body_call->half[cs->body_side];
		if (!half->body->grpc.prefix_len)
			half->body->message_st = cs->body_st;
		if (grpc_next(&half->body->grpc, cs->body, &used, &cs->message) <= 0) {
			drop_body(half);
			cs->body_call = NULL;
			break;
		}
		bytes_take(&cs->body, used, &(struct bytes){ 0 });
		half->messages += !cs->message.is_trailers;
		learn_from_message(cs, cs->body_call, cs->body_side);
		take(cs, cs->body_call, cs->body_side);
	}
	return cs->has_message ? put_message(cs, b) : 0;
}

void call_body_gap(struct calls *cs, struct call *c, enum call_side side, uint64_t len)
{
	struct call_body *body = body_of(cs, &c->half[side]);

	c->inexact = true;
	if (!grpc_gap(&body->grpc, len, &cs->message))
		return;
	c->half[side].messages++;
	take(cs, c, side);
}

void call_lose_messages(const struct calls *cs, struct call *c, enum call_side side)
{
	struct grpc_message cut;

	c->inexact = true;
	grpc_gap(&body_of(cs, &c->half[side])->grpc, 0, &cut);
}

int message_cut_next(struct calls *cs, struct call *c, struct batch *b)
{
	for (int side = 0; !cs->has_message && side < 2; side++)
		if (c->half[side].body && grpc_close(&c->half[side].body->grpc, &cs->message))
			take(cs, c, (enum call_side)side);
	return cs->has_message ? put_message(cs, b) : 0;
}
