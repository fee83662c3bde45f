/* SPDX-License-Identifier: BSD-2-Clause */
/* How a protocol hangs on a connection's decoder: the table of functions that decoder.c calls,
 * and what they may use of the decoder. Only files of decode/ include this. */
#ifndef SPF_DECODE_HANDLER_H
#define SPF_DECODE_HANDLER_H

#include "decode/backlog.h"
#include "decode/decoder.h"

struct h2;
struct h2_event;
struct h2_stream;

/* Made by open() once the protocol of a connection is known. */
struct handler {
	enum proto proto;

	/* client: direction of the client, < 0 unknown. late: the connection's beginning was not
	 * seen, and each direction begins where sync() said. Returns the handler's own state. */
	void *(*open)(struct decoder *d, int client, bool late);
	void (*free)(void *x);

	/* Appends the next record that comes of the bytes, or with d->fill as many as it likes;
	 * *used is how many bytes this call consumed. Returns 1 if it appended any, 0 if all of in
	 * is used, -ENOSPC as decoder_next() (call decoder_no_room() for that), -EPROTO if framing
	 * is gone: what was not used is kept and sync() looks through it; -EPROTONOSUPPORT after
	 * decoder_switch(). After 1 and -ENOSPC it is called again for the same direction before
	 * anything else, maybe with nothing left in in. */
	int (*next)(void *x, int dir, struct bytes in, size_t *used, const struct stamp *st,
		    struct batch *b);

	/* len bytes are missing here (0: unknown). False if framing is gone with them. */
	bool (*gap)(void *x, int dir, uint64_t len, const struct stamp *st);

	/* Looks for the place where decoding can begin in the middle of a direction.
	 * last: nothing more will come. Returns its offset in log, or -EAGAIN if more bytes are
	 * needed; then *skip bytes at the front are of no use. */
	long (*sync)(void *x, int dir, const struct backlog *log, bool last, size_t *skip);

	/* The connection is closed: called until it returns 0; each 1 is a record. */
	int (*close)(void *x, enum call_outcome outcome, const struct stamp *st, struct batch *b);
};

extern const struct handler http2_handler;
extern const struct handler http1_handler;

/* What stands on the streams of HTTP/2: messages and calls (call.c). Every event comes here
 * after its own record; its spans hold until next() has returned 0. */
struct h2_user {
	/* The connection begins, maybe after an upgrade that left d->user behind. */
	void (*open)(struct decoder *d, struct h2 *h);
	void (*event)(struct decoder *d, struct h2 *h, const struct h2_event *ev);
	int (*next)(struct decoder *d, struct h2 *h, struct batch *b); /* 1, 0, -ENOSPC */
	/* len bytes of the stream's body in that direction are missing (0: unknown). s NULL:
	 * framing is gone, bytes of any stream may be. */
	void (*gap)(struct decoder *d, struct h2 *h, int dir, struct h2_stream *s, uint64_t len);
	/* The connection ends; h->oldest … are the streams still open. next() follows. */
	void (*close)(struct decoder *d, struct h2 *h, enum call_outcome outcome,
		      const struct stamp *st);
	void (*stream_free)(struct h2_stream *s);
	void (*release)(struct decoder *d); /* frees d->user */
};

extern const struct h2_user call_user;

/* A gap record that is due when the search for a boundary is over. */
struct decoder_loss {
	struct stamp st;
	enum gap_cause cause;
	uint64_t missing;
	uint64_t skipped_before; /* bytes.skipped when it began */
};

struct decoder_dir {
	struct bytes in;        /* given by decoder_feed(), not yet used */
	struct stamp st;
	size_t used;            /* of the next part; the handler may still point there */
	bool searching;         /* in and log wait for a protocol or a frame boundary */
	bool inexact;           /* bytes were lost: records say so from here on */
	struct backlog log;     /* read before in */
	struct decoder_bytes bytes;
	size_t next_try;        /* length of log at which the search goes on */
	struct decoder_loss *loss; /* why it is searched again; NULL: it begins */
};

struct decoder {
	const struct want *want;
	struct conn_info *info;
	const struct handler *handler; /* NULL: not known yet, or nothing spf knows */
	void *x;                       /* the handler's */
	void *user;                    /* call.c's own, for the connection */
	struct decoder_dir dir[2];
	struct buf pending;            /* struct pending: records of decoder.c itself */
	uint64_t calls, frames;        /* so far, for rec_conn */
	uint32_t need;
	bool given_up;                 /* no protocol found: bytes are skipped */
	bool closing;
	bool resume;                   /* the handler has more to give of direction cur */
	bool fill;                     /* it may append several records at once */
	int cur;
	const struct handler *to;      /* of decoder_switch() */
	struct buf *settings;          /* payload of the upgrade's HTTP2-Settings; NULL none */
	enum call_outcome outcome;
	const char *reason;
	struct stamp close_st;

	uint32_t batch_id;             /* of the batch that these point into */
	struct str addr;
	struct str comm[2];
	char comm_text[2][16];
};

static inline enum proto handler_proto(const struct decoder *d)
{
	return d->handler ? d->handler->proto : PROTO_UNKNOWN;
}

/* The head of a record that dir's endpoint wrote at st, with its strings in the batch.
 * False if there is no room for them; decoder_head_room() is what they may take. */
bool decoder_head(struct decoder *d, enum record_kind kind, int dir, const struct stamp *st,
		  struct batch *b, struct record *head);
uint32_t decoder_head_room(const struct decoder *d, const struct batch *b);

/* The same where the room is known to be there. */
void decoder_put_head(struct decoder *d, enum record_kind kind, int dir, const struct stamp *st,
		      struct batch *b, struct record *head);

/* Says what an empty batch must hold for the record that did not fit; returns -ENOSPC. */
int decoder_no_room(struct decoder *d, uint32_t len);

/* Queues a gap record: it comes before the next record of the handler. detail is static. */
void decoder_add_gap(struct decoder *d, int dir, const struct stamp *st, enum gap_cause cause,
		     uint64_t missing, uint32_t stream_id, bool recovered, const char *detail);

/* Queues a record of the connection likewise. */
void decoder_add_conn(struct decoder *d, enum conn_op op, const struct stamp *st);

/* Writes the next record that waits in d->pending. Returns 1, 0 if there is none, -ENOSPC. */
int decoder_next_pending(struct decoder *d, struct batch *b);

/* The protocol tells who is who; direction client is the client's. */
void decoder_set_client(struct decoder *d, int client);

/* Keeps (or, without any, drops) the settings that a request for an upgrade to h2c carries. */
void decoder_set_settings(struct decoder *d, struct bytes payload);

/* The connection speaks another protocol from here on, in both directions: the handler's next()
 * then returns -EPROTONOSUPPORT and is freed. to NULL: find out. After 101 and CONNECT. */
void decoder_switch(struct decoder *d, const struct handler *to);

#endif
