/* SPDX-License-Identifier: BSD-2-Clause */
/* An HTTP/2 connection (RFC 9113): bytes of two directions in, frames and bodies out.
 *
 * Framing and HPACK run per direction; settings and streams belong to both. Pull: feed one
 * direction's bytes, take events until there are none:
 *
 *     while ((rc = h2_next(h, dir, in, &used, st, &ev)) > 0)
 *
 * A frame is given when its last byte is there; HEADERS and PUSH_PROMISE when their block is,
 * with the CONTINUATION frames behind them. DATA that nobody reads is counted, not kept.
 * What breaks the RFC is named in the frame and decoding goes on.
 */
#ifndef SPF_DECODE_HTTP2_H
#define SPF_DECODE_HTTP2_H

#include "decode/decoder.h"
#include "decode/hpack.h"
#include "decode/http2_frame.h"
#include "util/buf.h"
#include "util/hash.h"

/* What a stream's request was about. Shared by streams that ask the same, of all connections,
 * with its strings put once into a batch for all their records. */
struct h2_context {
	uint32_t refs;
	uint32_t batch_id;     /* of the batch that cached points into; 0 none */
	struct context cached;
	bool is_grpc;
	uint8_t path_unknown;
	uint32_t len[4];       /* method, scheme, authority, path; UINT32_MAX absent */
	uint8_t text[];
};

/* Who sends in a direction of a stream, and how far it is. */
struct h2_half {
	uint64_t data_len;      /* bytes of DATA, without padding */
	int64_t window;         /* flow control: what may still be sent */
	int64_t used_up_ns;     /* epoch; when the window was; 0 it is open */
	int64_t content_length; /* < 0 not said */
	uint16_t blocks;        /* header blocks, interim responses not counted */
	bool ended;             /* END_STREAM was sent */
	bool lost;              /* bytes of it are missing: no longer exact */
};

/* Freed when both halves have ended or it was reset, after the event that ended it has been
 * drained. half[] goes by direction of the connection (0, 1), as everywhere. */
struct h2_stream {
	uint32_t id;
	bool reset;
	bool over;                    /* to be freed before the next event */
	struct h2_context *ctx;       /* NULL: the request was not seen */
	struct h2_half half[2];
	struct h2_stream *prev, *next; /* all of the connection, oldest first */
	void *call;                   /* call.c's own */
};

enum h2_what {
	H2_FRAME,   /* a whole frame */
	H2_BODY,    /* part of a DATA frame that is not whole yet, if h->want_body */
	H2_GONE,    /* stream was evicted: LIMIT_STREAMS */
};

struct h2_continuation {
	uint32_t length;
	uint8_t flags;
	struct stamp st;
};

struct h2_event {
	enum h2_what what;
	int dir;
	const struct h2_frame *frame;
	struct h2_stream *stream; /* NULL on stream 0, and where none is known */
	const struct stamp *st;   /* of the frame's first byte */
	const struct stamp *end;  /* of the bytes that completed it */
	struct bytes body;        /* DATA: what no H2_BODY gave before, without padding */
	struct bytes payload;     /* what rec_frame.data shows, if it is whole */
	bool truncated;           /* payload is not: not kept, or lost */
	bool has_block;           /* HEADERS, PUSH_PROMISE: list and block_len are set */
	bool block_lost;          /* the block could not be decoded (to its end) */
	bool trailers, interim;   /* what kind of block it is */
	int status;               /* :status, < 0 none */
	const struct hpack_list *list;
	uint32_t block_len;
	uint32_t continuation_cnt;
	const struct h2_continuation *continuations;
	int64_t window, conn_window; /* see rec_frame, likewise the next */
	int64_t stalled_ns;
	const char *why;          /* violation, NULL none */
};

/* What a SETTINGS frame sets; the acknowledgement makes it so. */
struct h2_settings {
	bool has_table, has_window, has_frame_max, has_streams_max;
	uint32_t table_min, table_last; /* HEADER_TABLE_SIZE: the least and the last */
	uint32_t window_init;
	uint32_t frame_max;
	uint32_t streams_max;
};

/* A header block that goes on in CONTINUATION frames. */
struct h2_block {
	struct h2_frame frame; /* that began it */
	struct stamp start;
	bool bad;              /* it is not kept: too long, or bytes are missing */
	struct buf bytes;
	struct h2_continuation *continuations;
	uint32_t cnt, cap;     /* of them */
};

/* One direction. */
struct h2_dir {
	uint8_t head[H2_HEADER_LEN]; /* of a frame whose header is not whole yet */
	uint8_t head_len;
	bool preface;          /* expected next */
	bool in_frame;         /* f is set and its payload not over */
	bool data_started;     /* DATA: body_left is set */
	bool truncated;        /* bytes of f are missing */
	struct h2_frame f;
	struct stamp start;    /* of f's first byte */
	uint32_t left;         /* bytes of the payload still to come */
	uint32_t body_left;    /* of these, DATA before the padding */
	struct buf buf;        /* payload so far; DATA only if h->keep_data */

	uint32_t block_stream; /* a header block is open on this stream; 0 none */
	uint32_t flood_stream; /* its block went past the limits and still goes on; 0 none */
	struct h2_block *block; /* that one; NULL none */
	bool block_given;      /* it was the last event: to be forgotten */

	struct hpack hpack;    /* of the blocks that this direction sends */
	uint32_t frame_max;    /* MAX_FRAME_SIZE that the other direction set */
	uint32_t window_init;  /* INITIAL_WINDOW_SIZE that the other direction set */
	int64_t window;        /* of the connection */
	int64_t used_up_ns;    /* as in h2_half */
	uint32_t streams_max;  /* MAX_CONCURRENT_STREAMS that the other direction set */
	struct h2_settings *unacked; /* sent in this direction, not yet acknowledged */
	uint8_t unacked_cnt;
	bool settings_lost;    /* a gap, or more than UNACKED_MAX: the peer's ACKs say nothing */
	bool settings_seen;
	uint32_t last_id;      /* highest stream that this direction opened */
	uint32_t probation;    /* frames to come that may still show a boundary to be none */
};

struct h2 {
	uint32_t conn_id;
	int client;            /* direction of the client; < 0 not known yet */
	bool exact;            /* seen from the beginning, without a gap */
	bool windows_lost;     /* a gap hid what opened or sized a flow-control window */
	bool want_body;        /* set by the user: H2_BODY, and h2_event.body */
	bool keep_data;        /* set by the user: h2_event.payload of DATA */
	struct h2_dir dir[2];
	struct hash streams;   /* by id */
	struct h2_stream *oldest, *newest;
	struct h2_stream *found;     /* the one that was looked for last; NULL none */
	uint32_t stream_cnt;
	struct h2_stream *over;      /* to be freed before the next event, by next */
	struct h2_stream *evicted;   /* to be given as H2_GONE */
	uint32_t resets[8];          /* streams reset last, and in which direction */
	uint8_t reset_dir[8];
	uint32_t reset_cnt;
	void (*stream_free)(struct h2_stream *s); /* set by the user, for what it owns; or NULL */
};

/* Starts at the first byte of a connection (client: direction that sends the preface), or with
 * late = true in its middle: settings and tables are unknown, client may be -1. */
void h2_init(struct h2 *h, uint32_t conn_id, int client, bool late);
void h2_release(struct h2 *h);

/* Decodes the next piece of a direction.
 * in: unread bytes; *used is how many of them this call consumed, also when it returns 0.
 * st: of these bytes; copied. ev: valid until the next call on h, and as long as in.
 * Returns 1 with *ev set, 0 if more input is needed, -EPROTO if the boundary that h2_sync() found
 * turns out to be none: h2_gap() has then been done. */
int h2_next(struct h2 *h, int dir, struct bytes in, size_t *used, const struct stamp *st,
	    struct h2_event *ev);

/* Says that len bytes of the direction are missing (0: an unknown number).
 * Returns true if they lie within a frame's payload, so that framing holds; false if framing is
 * gone: h2_sync() finds it again. Header tables are lost unless what is missing
 * is provably no header block. */
bool h2_gap(struct h2 *h, int dir, uint64_t len);

/* Drops the header block that a direction has open. For http2_sync.c. */
void h2_close_block(struct h2_dir *d);

/* The stream, or NULL. Frames of one stream often follow each other: the last one is at hand. */
struct h2_stream *h2_stream_find(struct h2 *h, uint32_t id);
static inline struct h2_stream *h2_stream(struct h2 *h, uint32_t id)
{
	if (h->found && h->found->id == id)
		return h->found;
	return h2_stream_find(h, id);
}

/* Bytes that h2_context_put() may take. */
uint32_t h2_context_len(const struct h2_context *ctx);
static inline uint32_t h2_context_room(const struct h2_context *ctx, const struct batch *b)
{
	return ctx && ctx->batch_id != b->id ? h2_context_len(ctx) : 0;
}

/* The context's strings as the batch has them, put there if they are not. False: no room. */
bool h2_context_cache(struct h2_context *ctx, struct batch *b);
static inline bool h2_context_put(struct h2_context *ctx, struct batch *b, struct context *out)
{
	if (ctx->batch_id != b->id && !h2_context_cache(ctx, b))
		return false;
	*out = ctx->cached;
	return true;
}

#endif
