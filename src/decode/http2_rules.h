/* SPDX-License-Identifier: BSD-2-Clause */
/* What a frame means for its connection (settings, flow control) and what in it breaks the rules
 * because of what came before. Rules that need the whole story are silent once part of it is
 * missing (h->exact). For http2.c. */
#ifndef SPF_DECODE_HTTP2_RULES_H
#define SPF_DECODE_HTTP2_RULES_H

#include "decode/http2.h"
#include "decode/http2_message.h"

/* The settings of an upgrade's request bind the server from the start (RFC 7540 §3.2.1). */
void h2_rules_upgrade(struct h2 *h, struct bytes settings);

/* The header of the direction's current frame is there. */
void h2_rules_header(struct h2 *h, int dir);

/* A DATA frame, ev->frame, is whole. f is the same, to take a violation; so below. */
void h2_rules_data(struct h2 *h, struct h2_frame *f, struct h2_event *ev);

/* The direction has ended its half of the stream: does its body have the length that it said? */
const char *h2_rules_end(const struct h2 *h, int dir, const struct h2_stream *s);

/* Another frame without a header block is whole. */
void h2_rules_frame(struct h2 *h, struct h2_frame *f, struct h2_event *ev);

/* A CONTINUATION that continues nothing: what it would have inserted is unknown. */
void h2_rules_stray_continuation(struct h2 *h, int dir);

/* A header block is decoded, says m, and its stream is known: what is wrong with it, or NULL. */
const char *h2_rules_block(struct h2 *h, int dir, const struct h2_event *ev,
			   const struct h2_message *m);

#endif
