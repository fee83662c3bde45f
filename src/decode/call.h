/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls: one request with its response, over HTTP/1 or HTTP/2, from its first byte to the end.
 *
 * The protocol's side (call_h2.c, call_http1.c) tells a call what happened to it; once finished
 * it waits in struct calls until it has been written as a record. Three times come of the four
 * that a unix socket gives (written and read, of request and response):
 *
 *     client   written ●━━━━━━━━━━━━━━━━ latency ━━━━━━━━━━━━━━━━● read
 *     server          read ●━━━━ server ━━━━● written
 *     sockets         ━━━━━━                ━━━━━━               queue: both together
 */
#ifndef SPF_DECODE_CALL_H
#define SPF_DECODE_CALL_H

#include "decode/grpc.h"
#include "decode/handler.h"
#include "decode/hpack.h"
#include "decode/http1_head.h"
#include "decode/http2.h"

enum call_side { CALL_REQUEST, CALL_RESPONSE };

/* What cutting messages out of a side's body takes; there once the body has begun. */
struct call_body {
	struct grpc grpc;
	struct stamp message_st; /* of the first byte of the message at hand */
	uint32_t base64;       /* GRPC_WEB_TEXT: bits read and not yet used, */
	uint8_t base64_cnt;    /* of so many characters */
};

struct call_half {
	struct stamp st;       /* of its head's first byte */
	int64_t head_read_ns;  /* when the head's last byte was read; < 0 unknown */
	int64_t last_ns;       /* its last byte written, and read; < 0 unknown */
	int64_t last_read_ns;
	uint64_t bytes;        /* of the body */
	uint32_t messages;     /* that came to their end */
	uint8_t kind;          /* enum grpc_kind, of its content-type */
	bool typed : 1;        /* its content-type was sent and is known */
	bool maybe_grpc : 1;   /* it may have been sent: messages are counted in case */
	bool seen : 1;         /* its head was */
	bool ended : 1;
	char *encoding;        /* grpc-encoding; NULL none */
	struct call_body *body; /* NULL: no messages so far */
	struct hpack_list *headers, *trailers; /* NULL: none, or not wanted */
};

struct call {
	struct call *next;
	struct h2_context *ctx; /* NULL: the request was not seen */
	int64_t stream_id;      /* < 0 HTTP/1 */
	bool inexact;           /* bytes or header fields of it are not known */
	bool is_grpc;
	bool is_head, is_connect; /* HTTP/1: the method, for how the response is framed */
	bool status_hidden;     /* a status (HTTP or gRPC) was sent but is not known */
	bool is_likely_ok;      /* grpc_status is hidden; see call_find_status() */
	int status;             /* < 0 none */
	int32_t grpc_status;    /* < 0 none */
	int64_t timeout_ns;     /* < 0 none */
	int64_t error_code;     /* < 0 none */
	enum call_outcome outcome;
	uint32_t kept;          /* bytes of header lists */
	struct buf *grpc_message; /* decoded; NULL none */
	struct call_half half[2]; /* by enum call_side */
};

enum { CALL_NO_STATUS = 8 }; /* servers put three or four fields of their own in a response */

/* The calls of one connection. Set d, the rest zeroed. */
struct calls {
	struct decoder *d;
	struct call *upgraded;          /* see call_h2_upgraded() */

	uint32_t no_status[CALL_NO_STATUS]; /* call_status.c: entries that are no grpc-status, */
	uint32_t no_status_cnt;
	uint32_t ok_entries;                /* and those that likely say OK; 0 none */

	struct call *done, **done_tail; /* finished, to become records */

	struct call *body_call;      /* message.c: the body that messages are cut out of */
	struct bytes body;
	struct stamp body_st;
	struct grpc_message message; /* and the message that is to become a record */
	struct call *message_call;
	enum call_side body_side, message_side;
	bool has_message;
	bool decoded;
	struct buf plain;            /* the message decompressed */
	struct buf untexted;         /* the body without its base64 */
};

void calls_release(struct calls *cs);

/* A call that has just begun. Ends in call_finish(), or call_free() if nobody is to see it. */
struct call *call_new(struct calls *cs, int64_t stream_id);
void call_free(struct call *c);

/* Its head on that side: first and last are stamps of its first and last byte. */
void call_head(struct call *c, enum call_side side, const struct stamp *first,
	       const struct stamp *last);

/* More bytes of that side; len of them body. */
void call_more(struct call *c, enum call_side side, uint64_t len, const struct stamp *last);

/* Reads of a header list what a call shows: gRPC's fields and the content-type. */
void call_read_fields(struct call *c, enum call_side side, const struct hpack_list *l);

/* Reads a response's block in which names or values are unknown: gives the call the grpc-status
 * that it provably has, or says that OK is likely. is_end: it ends the stream. */
void call_find_status(struct calls *cs, struct call *c, const struct hpack_list *l, bool is_end,
		      bool is_trailers);

/* Keeps the list for c.request and c.response, if that is wanted and there is room. */
void call_keep(const struct calls *cs, struct call *c, struct hpack_list **slot,
	       const struct hpack_list *l);

/* True if messages of that side are to be cut out of the body. */
bool call_has_messages(const struct call *c, enum call_side side);

/* The call is over. It goes to the records if they are wanted, and is freed. */
void call_finish(struct calls *cs, struct call *c, enum call_outcome outcome);

/* Gives the next bytes of a side's body. They are borrowed until calls_next() returns 0, which
 * it must have before the next such call. */
void call_body(struct calls *cs, struct call *c, enum call_side side, struct bytes body,
	       const struct stamp *st);

/* Says that len bytes (0: an unknown number) of a side's body are missing. Like call_body(). */
void call_body_gap(struct calls *cs, struct call *c, enum call_side side, uint64_t len);

/* Bytes of the connection are missing, maybe of this body: where messages begin is not known. */
void call_lose_messages(const struct calls *cs, struct call *c, enum call_side side);

/* Writes the next record: messages of the body given last, then finished calls, each after the
 * messages that its end cut off. Returns 1, 0 if there is none, or decoder_no_room(). */
int calls_next(struct calls *cs, struct batch *b);

/* False if calls_next() has nothing to write. */
static inline bool calls_has_next(const struct calls *cs)
{
	return cs->body_call || cs->has_message || cs->done;
}

/* An HTTP/1 request with Upgrade: h2c was accepted: its call goes on as stream 1. Takes it over. */
void call_h2_upgraded(struct decoder *d, struct call *c);

/* For call.c: the messages of the body, and the one that the end of a side cut off. */
int message_next(struct calls *cs, struct batch *b);
int message_cut_next(struct calls *cs, struct call *c, struct batch *b);

/* The direction of the connection in which that side of a call is sent. */
int call_dir(const struct calls *cs, enum call_side side);

/* Bytes of a header list (NULL: none) in a batch, and the list put there. */
uint32_t call_list_room(const struct hpack_list *l);
struct list call_put_list(struct batch *b, const struct hpack_list *l);

/* The field lines as a header list (appended to *out). */
void call_list_of_fields(const struct http1_fields *fields, struct hpack_list *out);

/* Forgets the fields, not the memory. */
static inline void call_list_clear(struct hpack_list *l)
{
	l->cnt = l->len = l->missing = l->cut = 0;
}

#endif
