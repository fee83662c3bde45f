/* SPDX-License-Identifier: BSD-2-Clause */
/* What every source gives and every stage up to conn/ takes: one piece of news about one
 * direction of one connection. Live capture and files look alike behind it.
 *
 * A direction is named by the id of the socket (or file endpoint) that sends it; ids are
 * unique within a capture, never 0, and never reused.
 */
#ifndef SPF_CAPTURE_CHUNK_H
#define SPF_CAPTURE_CHUNK_H

#include "bpf/event.h"
#include "decode/decoder.h"

enum chunk_kind {
	CHUNK_DATA,  /* bytes [off, off + len) of a direction; data may hold fewer (cut) */
	CHUNK_SENT,  /* len bytes at off were written, at ts, by that process; no bytes */
	CHUNK_LOST,  /* [off, off + len) was accepted but is not captured, cause says why */
	CHUNK_OPEN,  /* a connection: sock and peer, ends, addr */
	CHUNK_CLOSE, /* the sending end of sock is closed; off = its final length */
	CHUNK_READ,  /* what came before off is read, at ts, by that reader; only up to reorder */
};

/* The network address of one end; family 0 where there is none (unix sockets) or none is known. */
struct chunk_net {
	uint8_t family; /* 0, 4 or 6 */
	uint8_t ip[16]; /* in network order; IPv4: the first four bytes */
	uint16_t port;
};

struct chunk {
	enum chunk_kind kind;
	enum gap_cause cause;  /* LOST */
	uint64_t sock;         /* id of the sender's socket */
	uint64_t peer;         /* id of the other end; OPEN only */
	uint64_t off;
	uint64_t len;          /* accepted by the kernel */
	struct bytes data;     /* borrowed from the source until its next call */
	int64_t ts_ns;         /* CLOCK_MONOTONIC; written, where known, else read */
	int64_t read_ns;       /* CLOCK_MONOTONIC; < 0 unknown */
	bool has_writer;       /* pid, tid, comm are the writer's */
	bool early;            /* OPEN: seen being opened, not open before the capture */
	enum spf_match match;  /* OPEN of a unix socket, live: how it is one of the targets */
	bool learned;          /* OPEN: said again, with processes learned from who reads and writes */
	bool remote;           /* DATA: another machine sent them: nobody here reports the write */
	bool local;            /* OPEN: whoever reads from either end is seen reading */
	bool unmeant;          /* OPEN: its bytes are filtered until a process that is meant uses it */
	int32_t pid, tid;
	int32_t reader_pid, reader_tid;
	int32_t fds;           /* SCM_RIGHTS, < 0 unknown */
	/* OPEN and CLOSE: bytes that sock, and that its peer, wrote and nobody has read; < 0 unknown */
	int64_t unread[2];
	char comm[16];
	char reader_comm[16];
	enum transport transport; /* OPEN, likewise what follows */
	enum role role;           /* of sock */
	const char *addr;         /* printable: path, @abstract, host:port; borrowed */
	struct endpoint end[2];   /* of sock, of peer */
	struct chunk_net net[2];  /* TCP: of sock, of peer */
};

/* Of which nothing is known. */
static const struct chunk chunk_unknown = {
	.read_ns = -1,
	.pid = -1,
	.tid = -1,
	.reader_pid = -1,
	.reader_tid = -1,
	.fds = -1,
	.unread = { -1, -1 },
	.end = { { .pid = -1, .uid = -1 }, { .pid = -1, .uid = -1 } },
};

/* Makes c a chunk of that kind of which nothing else is known. */
static inline void chunk_init(struct chunk *c, enum chunk_kind kind)
{
	*c = chunk_unknown;
	c->kind = kind;
}

static inline struct chunk chunk_of(enum chunk_kind kind)
{
	struct chunk c;

	chunk_init(&c, kind);
	return c;
}

#endif
