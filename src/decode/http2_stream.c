/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/http2_stream.h"

#include <stdlib.h>

#include "util/limits.h"
#include "util/xalloc.h"

struct h2_stream *h2_stream_find(struct h2 *h, uint32_t id)
{
	struct h2_stream *s = id ? hash_get(&h->streams, id) : NULL;

	if (s)
		h->found = s;
	return s;
}

void h2_stream_unlink(struct h2 *h, struct h2_stream *s)
{
	hash_del(&h->streams, s->id);
	h->found = NULL;
	*(s->prev ? &s->prev->next : &h->oldest) = s->next;
	*(s->next ? &s->next->prev : &h->newest) = s->prev;
	if (!--h->stream_cnt && h->streams.cap > 8) /* of a burst, or of many at once */
		hash_release(&h->streams);
}

/* Streams that are over, kept for those to come: malloc() takes longer than all else that opening
 * a stream does. 180 KiB at most. */
enum { SPARE_MAX = KEEPS_SPARES ? 1024 : 0 };
static struct h2_stream *spare;
static uint32_t spare_cnt;

static struct h2_stream *take_spare(void)
{
	struct h2_stream *s = spare;

	if (!s)
		return xmalloc(sizeof(*s));
	spare = s->next;
	spare_cnt--;
	return s;
}

void h2_stream_free(struct h2 *h, struct h2_stream *s)
{
	if (h->stream_free)
		h->stream_free(s);
	h2_context_unref(s->ctx);
	if (spare_cnt == SPARE_MAX) {
		free(s);
		return;
	}
	s->next = spare;
	spare = s;
	spare_cnt++;
}

struct h2_stream *h2_stream_open(struct h2 *h, uint32_t id, struct h2_stream **evicted)
{
	struct h2_stream *s = take_spare();

	*s = (struct h2_stream){ 0 };
	if (h->stream_cnt >= LIMIT_STREAMS) {
		*evicted = h->oldest;
		h2_stream_unlink(h, h->oldest);
	}
	s->id = id;
	s->half[0].content_length = s->half[1].content_length = -1;
	s->half[0].window = h->dir[0].window_init;
	s->half[1].window = h->dir[1].window_init;
	s->prev = h->newest;
	*(s->prev ? &s->prev->next : &h->oldest) = s;
	h->newest = s;
	h->stream_cnt++;
	hash_put(&h->streams, id, s);
	h->found = s;
	return s;
}

static void end_stream(struct h2 *h, struct h2_stream *s)
{
	if (s->over)
		return;
	s->over = true;
	h2_stream_unlink(h, s);
	s->next = h->over;
	h->over = s;
}

void h2_stream_ended(struct h2 *h, struct h2_stream *s, int dir)
{
	s->half[dir].ended = true;
	/* Without a request seen, the response's end is all there is to wait for. */
	if (s->half[!dir].ended || (!s->ctx && h->client >= 0 && dir != h->client))
		end_stream(h, s);
}

void h2_stream_reset(struct h2 *h, struct h2_stream *s, int dir)
{
	uint32_t at = h->reset_cnt++ % (sizeof(h->resets) / sizeof(h->resets[0]));

	h->resets[at] = s->id;
	h->reset_dir[at] = (uint8_t)dir;
	s->reset = true;
	end_stream(h, s);
}

static bool same_context(const struct h2_context *c, const struct bytes parts[H2_PARTS], bool grpc,
			 uint8_t path_unknown)
{
	const uint8_t *p = c->text;

	if (c->is_grpc != grpc || c->path_unknown != path_unknown)
		return false;
	for (int i = 0; i < H2_PARTS; i++)
		if (c->len[i] != (parts[i].p ? parts[i].len : UINT32_MAX))
			return false;
	for (int i = 0; i < H2_PARTS; i++) {
		if (parts[i].len && memcmp(parts[i].p, p, parts[i].len))
			return false;
		p += parts[i].len;
	}
	return true;
}

static struct h2_context *make_context(const struct bytes parts[H2_PARTS], bool grpc,
				       uint8_t path_unknown)
{
	size_t len = 0, at = 0;
	struct h2_context *c;

	for (int i = 0; i < H2_PARTS; i++)
		len += parts[i].len;
	c = xmalloc(sizeof(*c) + len);
	*c = (struct h2_context){ .refs = 1, .is_grpc = grpc, .path_unknown = path_unknown };
	for (int i = 0; i < H2_PARTS; i++) {
		c->len[i] = parts[i].p ? (uint32_t)parts[i].len : UINT32_MAX;
		if (parts[i].len)
			memcpy(c->text + at, parts[i].p, parts[i].len);
		at += parts[i].len;
	}
	return c;
}

/* Paths of one service differ in the middle or at their end: all of a path counts, and of the
 * rest how long it is. */
static uint32_t hash_of(const struct bytes parts[H2_PARTS])
{
	struct bytes path = parts[H2_PATH];
	uint64_t h = parts[H2_METHOD].len + (parts[H2_AUTHORITY].len << 8), v = 0;

	for (; path.len > sizeof(v); path.p += sizeof(v), path.len -= sizeof(v)) {
		memcpy(&v, path.p, sizeof(v));
		h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	}
	for (size_t i = 0; i < path.len; i++)
		h = (h ^ path.p[i]) * 0x9e3779b97f4a7c15ull;
	return (uint32_t)(h >> 32);
}

/* What was asked last, on any connection: mostly it is asked again, and then it is one context,
 * whose strings are in a batch once. */
enum { RECENT = 64 };
static struct h2_context *recent[RECENT];

struct h2_context *h2_context_get(const struct bytes parts[H2_PARTS], bool grpc,
				  uint8_t path_unknown)
{
	struct h2_context **c = &recent[hash_of(parts) % RECENT];

	if (!*c || !same_context(*c, parts, grpc, path_unknown)) {
		h2_context_unref(*c);
		*c = make_context(parts, grpc, path_unknown);
	}
	(*c)->refs++;
	return *c;
}

void h2_context_unref(struct h2_context *ctx)
{
	if (ctx && --ctx->refs == 0)
		free(ctx);
}

void h2_stream_set_context(struct h2_stream *s, const struct h2_message *m)
{
	struct bytes parts[H2_PARTS];

	/* a huge path is on its HEADERS; others show its start */
	for (int i = 0; i < H2_PARTS; i++) {
		parts[i] = m->parts[i];
		if (parts[i].len > LIMIT_CONTEXT_LEN)
			parts[i].len = LIMIT_CONTEXT_LEN;
	}
	h2_context_unref(s->ctx);
	s->ctx = h2_context_get(parts, m->is_grpc, m->path_unknown);
}

uint32_t h2_context_len(const struct h2_context *ctx)
{
	uint32_t n = 0;

	for (int i = 0; i < H2_PARTS; i++)
		n += ctx->len[i] == UINT32_MAX ? 0 : ctx->len[i] + 16;
	return n;
}

bool h2_context_cache(struct h2_context *ctx, struct batch *b)
{
	struct str *to[H2_PARTS] = { &ctx->cached.method, &ctx->cached.scheme,
				     &ctx->cached.authority, &ctx->cached.path };
	const uint8_t *p = ctx->text;

	if (!batch_fits(b, h2_context_len(ctx)))
		return false;
	ctx->cached =
		(struct context){ .is_grpc = ctx->is_grpc, .path_unknown = ctx->path_unknown };
	for (int i = 0; i < H2_PARTS; i++) {
		if (ctx->len[i] == UINT32_MAX)
			continue;
		*to[i] = batch_str(b, bytes_of(p, ctx->len[i]));
		p += ctx->len[i];
	}
	ctx->batch_id = b->id;
	return true;
}
