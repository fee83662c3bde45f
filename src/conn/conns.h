/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of connections: which connection and direction a socket's id means, with each
 * connection's decoder and the account of its bytes. */
#ifndef SPF_CONN_CONNS_H
#define SPF_CONN_CONNS_H

#include "conn/stream.h"
#include "util/hash.h"

struct conn {
	struct conn_info info;   /* info.id counts from 1 */
	struct decoder *decoder;
	uint64_t sock[2];        /* ids of the sending sockets; 0 = not known */
	struct stream stream[2];
	bool is_unjudged; /* its processes are not known yet, and the command line asks for one */
	bool is_filtered; /* no target means it: its bytes are counted, not decoded */
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

/* The connection that an OPEN chunk announces: *is_new says whether it was unknown. */
struct conn *conns_open(struct conns *t, const struct chunk *c, int64_t epoch_ns, bool *is_new);

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

/* Learns who really writes and reads from a DATA chunk of direction dir. */
void conn_learn(struct conn *c, int dir, const struct chunk *chunk);

#endif
