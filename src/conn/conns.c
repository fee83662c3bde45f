/* SPDX-License-Identifier: BSD-2-Clause */
#include "conn/conns.h"

#include <stdlib.h>

#include "util/xalloc.h"

static const enum role other_role[] = { ROLE_UNKNOWN, ROLE_SERVER, ROLE_CLIENT };

/* A table entry is the connection's address with the direction in its lowest bit. */
static void *entry(struct conn *c, int dir)
{
	return (void *)((uintptr_t)c | (uintptr_t)dir);
}

static struct conn *entry_conn(void *e)
{
	return (struct conn *)((uintptr_t)e & ~(uintptr_t)1);
}

void conns_init(struct conns *t, const struct want *want)
{
	*t = (struct conns){ .want = want };
}

static void conn_free(struct conn *c)
{
	decoder_free(c->decoder);
	free(c->open);
	free(c->addr);
	free(c);
}

void conns_release(struct conns *t)
{
	struct conn *c;

	while ((c = conns_any(t)))
		conns_remove(t, c);
	hash_release(&t->by_sock);
}

static struct conn *conn_new(struct conns *t, const struct chunk *c, const char *addr)
{
	struct conn *conn = xcalloc(1, sizeof(*conn));

	conn->addr = xstrdup(addr);
	conn->info = (struct conn_info){
		.id = ++t->last_id,
		.transport = c->transport,
		.seen_open = c->early,
		.role = { ROLE_UNKNOWN, ROLE_UNKNOWN },
		.addr = conn->addr,
		.end = { { .pid = -1, .uid = -1 }, { .pid = -1, .uid = -1 } },
		.unread = { -1, -1 },
	};
	conn->sock[0] = c->sock;
	hash_put(&t->by_sock, c->sock, entry(conn, 0));
	t->cnt++;
	return conn;
}

void conn_keep_open(struct conn *c, const struct chunk *open)
{
	if (!c->open)
		c->open = xmalloc(sizeof(*c->open));
	*c->open = *open;
	c->open->addr = c->addr;
}

void conns_begin(struct conns *t, struct conn *c)
{
	c->decoder = decoder_new(t->want, &c->info);
}

/* A connection of which only one socket was known, by its bytes, gets the other one. */
static void complete(struct conns *t, struct conn *conn, const struct chunk *c)
{
	uint64_t sock = conn->sock[0] == c->sock ? c->peer : c->sock;

	if (conn->sock[1] || !sock || sock == conn->sock[0])
		return;
	conn->sock[1] = sock;
	hash_put(&t->by_sock, sock, entry(conn, 1));
	if (!c->addr)
		return;
	free(conn->addr);
	conn->addr = xstrdup(c->addr);
	conn->info.addr = conn->addr;
}

void conn_unread(struct conn *conn, const struct chunk *c)
{
	int own = c->sock == conn->sock[1];

	conn->info.unread[own] = c->unread[0];
	conn->info.unread[!own] = c->unread[1];
}

/* What an OPEN says of a connection that is known already. What was learned from who reads and
 * writes is better than what it says, unless that is why it is said again. */
static void update(struct conn *conn, const struct chunk *c)
{
	int own = c->sock == conn->sock[1];

	for (int i = 0; i < 2; i++) {
		struct endpoint *end = &conn->info.end[own ^ i];

		if (c->learned || end->pid < 0)
			*end = c->end[i];
	}
	conn_unread(conn, c);
	if (conn->info.role[0] != ROLE_UNKNOWN)
		return;
	conn->info.role[own] = c->role;
	conn->info.role[!own] = other_role[c->role];
}

struct conn *conns_open(struct conns *t, const struct chunk *c, int64_t epoch_ns, bool *is_new)
{
	int dir;
	struct conn *conn = conns_find(t, c->sock, &dir);

	if (!conn && c->peer)
		conn = conns_find(t, c->peer, &dir);
	*is_new = !conn;
	if (conn) {
		complete(t, conn, c);
		update(conn, c);
		return conn;
	}
	conn = conn_new(t, c, c->addr ? c->addr : "?");
	conn->info.role[0] = c->role;
	conn->info.role[1] = other_role[c->role];
	conn->info.end[0] = c->end[0];
	conn->info.end[1] = c->end[1];
	conn->info.open_ns = c->ts_ns + epoch_ns;
	if (c->early)
		conn->info.unread[0] = conn->info.unread[1] = 0;
	else
		conn_unread(conn, c);
	if (c->peer) {
		conn->sock[1] = c->peer;
		hash_put(&t->by_sock, c->peer, entry(conn, 1));
	}
	return conn;
}

struct conn *conns_find(const struct conns *t, uint64_t sock, int *dir)
{
	void *e = hash_get(&t->by_sock, sock);

	*dir = (int)((uintptr_t)e & 1);
	return entry_conn(e);
}

struct conn *conns_get(struct conns *t, const struct chunk *c, int64_t epoch_ns, int *dir,
		       bool *is_new)
{
	struct conn *conn = conns_find(t, c->sock, dir);

	*is_new = !conn;
	if (!conn) {
		conn = conn_new(t, c, "?");
		conn->info.open_ns = c->ts_ns + epoch_ns;
	}
	return conn;
}

struct conn *conns_each(const struct conns *t, size_t *at)
{
	void *e;

	while ((e = hash_each(&t->by_sock, at)))
		if (((uintptr_t)e & 1) == 0)
			return entry_conn(e);
	return NULL;
}

struct conn *conns_any(struct conns *t)
{
	struct conn *c = conns_each(t, &t->any_at);

	if (!c && t->cnt) { /* removals move entries to the front */
		t->any_at = 0;
		c = conns_each(t, &t->any_at);
	}
	return c;
}

void conns_remove(struct conns *t, struct conn *c)
{
	for (int dir = 0; dir < 2; dir++)
		if (c->sock[dir])
			hash_del(&t->by_sock, c->sock[dir]);
	t->cnt--;
	conn_free(c);
}

/* True if it is another process: what was known of the last one does not hold for it. */
static bool learn(struct endpoint *end, int32_t pid, const char *comm)
{
	bool is_other = pid >= 0 && end->pid != pid;

	if (is_other)
		*end = (struct endpoint){ .pid = pid, .uid = -1 };
	if (pid >= 0)
		memcpy(end->comm, comm, sizeof(end->comm));
	return is_other;
}

int conn_learn(struct conn *c, int dir, const struct chunk *chunk)
{
	int others = 0;

	if (chunk->has_writer && learn(&c->info.end[dir], chunk->pid, chunk->comm))
		others |= 1 << dir;
	if (learn(&c->info.end[!dir], chunk->reader_pid, chunk->reader_comm))
		others |= 1 << !dir;
	return others;
}

struct chunk conn_learned(const struct conn *c, int64_t ts_ns)
{
	struct chunk open = chunk_of(CHUNK_OPEN);

	open.learned = true;
	open.early = c->info.seen_open;
	open.sock = c->sock[0];
	open.peer = c->sock[1];
	open.addr = c->addr;
	open.transport = c->info.transport;
	open.role = c->info.role[0];
	open.ts_ns = ts_ns;
	memcpy(open.end, c->info.end, sizeof(open.end));
	memcpy(open.unread, c->info.unread, sizeof(open.unread));
	return open;
}

struct stamp chunk_stamp(const struct chunk *c, int64_t epoch_ns, int64_t start_ns)
{
	struct stamp st = {
		.ts_ns = c->ts_ns + epoch_ns,
		.elapsed_ns = c->ts_ns - start_ns,
		.read_ns = c->read_ns < 0 ? -1 : c->read_ns + epoch_ns,
		.pid = c->pid,
		.tid = c->tid,
		.reader_pid = c->reader_pid,
	};

	memcpy(st.comm, c->comm, sizeof(st.comm));
	return st;
}

uint32_t conn_record_len(const struct conn *c, const struct chunk *chunk, bool has_data)
{
	size_t data = has_data ? chunk->data.len : 0;

	return (uint32_t)(sizeof(struct rec_chunk) + data + strlen(c->addr) + 128);
}

void conn_record(struct batch *b, const struct conn *c, int dir, const struct chunk *chunk,
		 const struct stamp *st, bool has_data)
{
	struct record head = {
		.ts_ns = st->ts_ns,
		.elapsed_ns = st->elapsed_ns,
		/* Without its writer it has the time of its reading. */
		.queue_ns = chunk->read_ns < 0 || st->pid < 0 ? -1 : chunk->read_ns - chunk->ts_ns,
		.conn_id = c->info.id,
		.pid = chunk->pid,
		.kind = KIND_CHUNK,
		.from = (uint8_t)c->info.role[dir],
		.transport = (uint8_t)c->info.transport,
		.proto = (uint8_t)decoder_proto(c->decoder),
		.exact = 1,
	};
	struct rec_chunk *r = batch_record(b, sizeof(*r), &head);

	r->offset = chunk->off;
	r->read_ns = st->read_ns;
	r->length = (uint32_t)chunk->len;
	r->captured = (uint32_t)chunk->data.len;
	r->tid = chunk->tid;
	r->reader_pid = chunk->reader_pid;
	r->fds = chunk->fds;
	r->r.addr = batch_str(b, bytes_str(c->addr));
	if (chunk->has_writer)
		r->r.comm = batch_str(b, bytes_of(chunk->comm, strnlen(chunk->comm, 16)));
	if (has_data)
		r->data = batch_str(b, chunk->data);
}
