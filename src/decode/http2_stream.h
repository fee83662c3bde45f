/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams of an HTTP/2 connection and what their requests were about. For http2.c. */
#ifndef SPF_DECODE_HTTP2_STREAM_H
#define SPF_DECODE_HTTP2_STREAM_H

#include "decode/http2.h"
#include "decode/http2_message.h"

/* Opens stream id, evicting the oldest past LIMIT_STREAMS: *evicted is then that one, unlinked
 * and to be freed with h2_stream_free(). */
struct h2_stream *h2_stream_open(struct h2 *h, uint32_t id, struct h2_stream **evicted);

/* Takes it out of the connection's list and table. */
void h2_stream_unlink(struct h2 *h, struct h2_stream *s);
void h2_stream_free(struct h2 *h, struct h2_stream *s);

/* Sets the stream's context from its request's header block. */
void h2_stream_set_context(struct h2_stream *s, const struct h2_message *m);

/* The direction's peer has sent END_STREAM, or the stream was reset. */
void h2_stream_ended(struct h2 *h, struct h2_stream *s, int dir);
void h2_stream_reset(struct h2 *h, struct h2_stream *s, int dir);

/* A context of method, scheme, authority and path (p NULL: absent), with a reference for the
 * caller: one that is there already, if it was asked for of late. */
struct h2_context *h2_context_get(const struct bytes parts[4], bool grpc, uint8_t path_unknown);
void h2_context_unref(struct h2_context *ctx);

#endif
