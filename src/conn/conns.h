/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of connections: which connection and direction a socket's id means, with each
 * connection's decoder and the account of its bytes. */
#ifndef SPF_CONN_CONNS_H
#define SPF_CONN_CONNS_H

#include "conn/stream.h"
#include "util/hash.h"

struct conn {
	struct conn_info info;   /* info.id counts from 1 */
	struct decoder *decoder; /* NULL before conns_begin() */
	uint64_t sock[2];        /* ids of the sending sockets; 0 = not known */
	struct stream stream[2];
	/* No process that is meant has used it yet: its bytes are counted, not decoded. */
	bool is_unmeant;
	bool is_filtered; /* no target means it, nor ever will: likewise */
	uint64_t filtered[2]; /* bytes that came meanwhile */
	struct chunk *open; /* its OPEN, kept for -w until it is meant */
	uint32_t learned;   /* how often a process of an end was learned */
	char *addr;
};

struct conns {
	struct hash by_sock; /* of conn, bit 0 of the pointer = direction */
	const struct want *want;
	uint32_t last_id;
	size_t cnt;
	size_t any_at; /* where conns_any() goes on */
};

/* want is borrowed. */
void conns_init(struct conns *t, const struct want *want);
void conns_release(struct conns *t);

/* The connection that an OPEN chunk announces, or says more of: *is_new says whether it was
 * unknown. */
struct conn *conns_open(struct conns *t, const struct chunk *c, int64_t epoch_ns, bool *is_new);

/* Keeps the connection's OPEN chunk as c->open. */
void conn_keep_open(struct conn *c, const struct chunk *open);

/* Gives the connection its decoder. */
void conns_begin(struct conns *t, struct conn *c);

/* The connection and direction (0 or 1) of a socket, or NULL. */
struct conn *conns_find(const struct conns *t, uint64_t sock, int *dir);

/* The same; a socket that was never announced gets a connection of its own ("?"). */
struct conn *conns_get(struct conns *t, const struct chunk *c, int64_t epoch_ns, int *dir,
		       bool *is_new);

/* Walks all connections: start with *at = 0; NULL ends. None may be removed meanwhile. */
struct conn *conns_each(const struct conns *t, size_t *at);

/* Any connection, or NULL: to empty the table. */
struct conn *conns_any(struct conns *t);

/* Forgets the connection and frees it with its decoder. */
void conns_remove(struct conns *t, struct conn *c);

/* Takes over what an OPEN or CLOSE chunk of either end says that nobody has read. */
void conn_unread(struct conn *conn, const struct chunk *c);

/* An OPEN chunk that says what was learned. */
struct chunk conn_learned(const struct conn *c, int64_t ts_ns);

/* Times and processes of a chunk as the decoder takes them; epoch_ns, start_ns: of its source. */
struct stamp chunk_stamp(const struct chunk *c, int64_t epoch_ns, int64_t start_ns);

/* A KIND_CHUNK record of a chunk of direction dir, with its bytes if has_data: the room that it
 * takes in a batch, and its making. */
uint32_t conn_record_len(const struct conn *c, const struct chunk *chunk, bool has_data);
void conn_record(struct batch *b, const struct conn *c, int dir, const struct chunk *chunk,
		 const struct stamp *st, bool has_data);

/* Learns who really writes and reads from a DATA chunk of direction dir. Returns 1 << i for each
 * end[i] that is another process than was known; of that only pid and comm are known then. */
int conn_learn(struct conn *c, int dir, const struct chunk *chunk);

#endif
