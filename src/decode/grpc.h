/* SPDX-License-Identifier: BSD-2-Clause */
/* gRPC over HTTP/2 (and gRPC-Web over either HTTP): messages of one direction of one call.
 *
 *     +------------+-------------------+----------------
 *     | flag (1)   | length (4)        | message (length)      again and again
 *     +------------+-------------------+----------------
 *
 * Takes the payload of DATA frames in order, split anywhere, and gives whole messages. A
 * message that lies in one piece is a span into the input; one that does not is gathered, up
 * to LIMIT_GRPC_MESSAGE, and only if the caller wants to see it.
 * Format: gRPC's PROTOCOL-HTTP2 and PROTOCOL-WEB documents.
 */
#ifndef SPF_DECODE_GRPC_H
#define SPF_DECODE_GRPC_H

#include "util/buf.h"

struct grpc_message {
	uint32_t index;     /* 1, 2, … */
	uint32_t length;    /* on the wire, without the prefix */
	bool compressed;
	bool is_trailers;   /* gRPC-Web: the trailers, as HTTP/1 field lines; has no index */
	bool complete;      /* false: raw is not all of it, see grpc_close() and grpc_gap() */
	struct bytes raw;   /* as sent; empty if the assembler does not keep */
};

/* Zeroed but for keep = ready for the first byte of a call's direction. */
struct grpc {
	bool keep;          /* gather the bytes of messages, not their sizes only */
	bool is_lost;       /* framing gone: nothing more is given */
	bool cut;           /* bytes of the message at hand are missing */
	bool drop;          /* buf belongs to the message given last */
	uint8_t flag;
	uint8_t prefix_len; /* bytes of the prefix read so far; all 5 = within the message */
	uint32_t index;
	uint32_t length;
	uint32_t left;      /* bytes of the message still to come */
	struct buf buf;
	const char *why;    /* is_lost: the reason; static */
};

void grpc_release(struct grpc *g);

/* Gives the next message.
 * in:   unread payload; *used is how much of it was consumed.
 * out:  raw is valid until the next call on g, and as long as in is.
 * Returns 1 with *out set, 0 if more is needed, -EPROTO with g->why set at a flag that gRPC
 * does not know: from then on all input is consumed and nothing given. */
int grpc_next(struct grpc *g, struct bytes in, size_t *used, struct grpc_message *out);

/* Says that len bytes are missing here (0: an unknown number). The message that they lie in
 * will be given as incomplete; if they hit a prefix, the direction is lost.
 * Returns 1 with *out set if the gap ends that message, else 0. */
int grpc_gap(struct grpc *g, uint64_t len, struct grpc_message *out);

/* The direction ended. Returns 1 with the message that was cut off, if one was begun. */
int grpc_close(struct grpc *g, struct grpc_message *out);

/* What a content-type says of the body. */
enum grpc_kind {
	GRPC_NONE,
	GRPC_PLAIN,
	GRPC_WEB,
	GRPC_WEB_TEXT, /* base64 */
};
enum grpc_kind grpc_kind(struct bytes content_type);

/* The nanoseconds of a grpc-timeout ("100m"), -1 if it is none. */
int64_t grpc_timeout(struct bytes value);

/* The number of a grpc-status, -1 if it is none. */
int32_t grpc_status(struct bytes value);

/* Appends a grpc-message without its percent-encoding. What is no escape stays as it is. */
void grpc_unescape(struct bytes value, struct buf *out);

/* Cuts "/helloworld.Greeter/SayHello" into service and method. False if the path is not of
 * that shape. */
bool grpc_split_path(struct bytes path, struct bytes *service, struct bytes *method);

#endif
