/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/reorder.h"

#include <stdlib.h>

#include "util/hash.h"
#include "util/limits.h"
#include "util/xalloc.h"

/* How long a chunk waits for the report of its write, which the writer makes microseconds
 * after queueing the bytes unless it is interrupted just there. */
#define AUTHOR_WAIT_NS 5000000

struct node {
	struct node *next;
	struct chunk c;
	int64_t order_ns;
	bool wants_author;
	bool wants_reader;
	char *addr; /* of OPEN */
	uint8_t bytes[];
};

/* A write that was reported: [off, end) of the direction. */
struct write {
	uint64_t off, end;
	int64_t ts_ns;
	int32_t pid, tid;
	char comm[16];
};

struct direction {
	uint64_t sock;
	struct node *head, *tail;
	struct node *no_author; /* the first chunk that may still get its author */
	struct node *no_reader; /* likewise its reader */
	struct write *writes; /* a ring of cap entries, oldest at first */
	uint32_t first, cnt, cap;
	uint64_t read_off;     /* end of what was read, by DATA */
	int64_t last_ns;       /* order_ns of the newest chunk */
	int64_t key_ns;        /* place in the heap: the earliest thing that can come of it */
	int32_t heap_at;       /* -1 = not in the heap */
	uint64_t overdue;      /* writes up to here have held others back long enough */
	bool has_reader;       /* whoever reads is seen reading */
	bool is_forgotten;     /* nothing will be pushed of it any more */
	bool is_open;          /* its OPEN was seen, */
	bool is_orphan;        /* or given up: it may still come */
};

struct reorder {
	struct hash directions;
	struct direction **heap;
	int32_t heap_cnt, heap_cap;
	int64_t window_ns;
	int64_t released_ns; /* order_ns of the youngest chunk given */
	size_t held;
	struct node *given;  /* the chunk that the caller is looking at */
	struct reorder_stats stats;
};

/* ---- the heap of directions, by key_ns ---- */

static void heap_set(struct reorder *r, int32_t i, struct direction *d)
{
	r->heap[i] = d;
	d->heap_at = i;
}

static void heap_up(struct reorder *r, int32_t i)
{
	struct direction *d = r->heap[i];

	while (i > 0 && r->heap[(i - 1) / 2]->key_ns > d->key_ns) {
		heap_set(r, i, r->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_set(r, i, d);
}

static void heap_down(struct reorder *r, int32_t i)
{
	struct direction *d = r->heap[i];

	for (;;) {
		int32_t kid = 2 * i + 1;

		if (kid >= r->heap_cnt)
			break;
		if (kid + 1 < r->heap_cnt && r->heap[kid + 1]->key_ns < r->heap[kid]->key_ns)
			kid++;
		if (r->heap[kid]->key_ns >= d->key_ns)
			break;
		heap_set(r, i, r->heap[kid]);
		i = kid;
	}
	heap_set(r, i, d);
}

static void heap_remove(struct reorder *r, struct direction *d)
{
	int32_t i = d->heap_at;
	struct direction *last;

	if (i < 0)
		return;
	d->heap_at = -1;
	last = r->heap[--r->heap_cnt];
	if (last == d)
		return;
	heap_set(r, i, last);
	heap_up(r, i);
	heap_down(r, last->heap_at);
}

static void heap_place(struct reorder *r, struct direction *d, int64_t key_ns)
{
	d->key_ns = key_ns;
	if (d->heap_at < 0) {
		if (r->heap_cnt == r->heap_cap) {
			r->heap_cap = r->heap_cap ? r->heap_cap * 2 : 64;
			r->heap = xrealloc(r->heap, (size_t)r->heap_cap * sizeof(struct direction *));
		}
		heap_set(r, r->heap_cnt++, d);
	}
	heap_up(r, d->heap_at);
	heap_down(r, d->heap_at);
}

/* ---- reported writes ---- */

static struct write *write_at(const struct direction *d, uint32_t i)
{
	return &d->writes[(d->first + i) & (d->cap - 1)];
}

static void writes_push(struct direction *d, const struct chunk *c)
{
	struct write *w;

	if (d->cnt == d->cap) {
		uint32_t cap = d->cap ? d->cap * 2 : 4;
		struct write *grown = xmalloc(cap * sizeof(*grown));

		for (uint32_t i = 0; i < d->cnt; i++)
			grown[i] = *write_at(d, i);
		free(d->writes);
		d->writes = grown;
		d->first = 0;
		d->cap = cap;
	}
	w = write_at(d, d->cnt++);
	*w = (struct write){ .off = c->off, .end = c->off + c->len, .ts_ns = c->ts_ns,
			     .pid = c->pid, .tid = c->tid };
	memcpy(w->comm, c->comm, sizeof(w->comm));
}

/* Drops the writes that were read whole. */
static void writes_trim(struct direction *d)
{
	while (d->cnt && write_at(d, 0)->end <= d->read_off) {
		d->first = (d->first + 1) & (d->cap - 1);
		d->cnt--;
	}
}

/* The write that a stretch of the stream begins in, or NULL if it was not reported (yet). */
static const struct write *writes_find(const struct direction *d, uint64_t off)
{
	for (uint32_t i = 0; i < d->cnt; i++) {
		const struct write *w = write_at(d, i);

		if (off < w->end)
			return off >= w->off ? w : NULL;
	}
	return NULL;
}

/* ---- directions ---- */

static struct direction *direction_of(struct reorder *r, uint64_t sock)
{
	struct direction *d = hash_get(&r->directions, sock);

	if (d)
		return d;
	d = xcalloc(1, sizeof(*d));
	d->sock = sock;
	d->heap_at = -1;
	d->last_ns = INT64_MIN;
	hash_put(&r->directions, sock, d);
	return d;
}

static void node_free(struct node *n)
{
	if (n)
		free(n->addr);
	free(n);
}

static void direction_free(struct reorder *r, struct direction *d)
{
	struct node *n;

	heap_remove(r, d);
	while ((n = d->head)) {
		d->head = n->next;
		node_free(n);
	}
	hash_del(&r->directions, d->sock);
	free(d->writes);
	free(d);
}

/* Puts the direction where the earliest thing that can come of it belongs: its first chunk,
 * or the first write that nobody has read. */
static void place(struct reorder *r, struct direction *d)
{
	if (d->head)
		heap_place(r, d, d->head->order_ns);
	else if (d->cnt && write_at(d, d->cnt - 1)->end > d->overdue)
		heap_place(r, d, write_at(d, 0)->ts_ns);
	else
		heap_remove(r, d);
}

/* ---- taking ---- */

static void set_author(struct node *n, const struct write *w)
{
	n->c.has_writer = true;
	n->c.pid = w->pid;
	n->c.tid = w->tid;
	memcpy(n->c.comm, w->comm, sizeof(n->c.comm));
	n->wants_author = false;
}

static struct node *node_new(struct reorder *r, const struct chunk *c)
{
	struct node *n = xmalloc(sizeof(*n) + c->data.len);

	*n = (struct node){ .c = *c, .order_ns = c->ts_ns };
	if (c->data.len)
		memcpy(n->bytes, c->data.p, c->data.len);
	n->c.data = bytes_of(n->bytes, c->data.len);
	if (c->addr)
		n->c.addr = n->addr = xstrdup(c->addr);
	r->held += sizeof(*n) + c->data.len;
	return n;
}

static void append(struct direction *d, struct node *n)
{
	if (n->order_ns < d->last_ns)
		n->order_ns = d->last_ns;
	d->last_ns = n->order_ns;
	if (d->tail)
		d->tail->next = n;
	else
		d->head = n;
	d->tail = n;
}

static void push_data(struct reorder *r, struct direction *d, const struct chunk *c)
{
	struct node *n = node_new(r, c);
	const struct write *w;

	if (c->kind == CHUNK_DATA && !c->has_writer) {
		w = writes_find(d, c->off);
		n->wants_author = !w && !c->remote;
		if (w) {
			set_author(n, w);
			if (w->ts_ns < n->order_ns)
				n->order_ns = w->ts_ns;
		}
	}
	n->wants_reader = d->has_reader && c->kind == CHUNK_DATA && c->read_ns < 0;
	if (n->order_ns < r->released_ns && c->kind == CHUNK_DATA)
		r->stats.late++;
	append(d, n);
	if (n->wants_reader && !d->no_reader)
		d->no_reader = n;
	if (n->wants_author && !d->no_author)
		d->no_author = n;
	if (c->off + c->len > d->read_off)
		d->read_off = c->off + c->len;
	writes_trim(d);
}

/* A write was reported: chunks of it that were read before get their author. */
static void push_sent(struct direction *d, const struct chunk *c)
{
	const struct write *w;

	writes_push(d, c);
	w = write_at(d, d->cnt - 1);
	for (struct node *n = d->no_author; n && n->c.off < w->end; n = n->next) {
		d->no_author = n->next;
		if (!n->wants_author || n->c.off < w->off)
			continue;
		set_author(n, w);
		if (n == d->head && w->ts_ns < n->order_ns)
			n->order_ns = w->ts_ns;
	}
	writes_trim(d);
}

/* A chunk is read when its last byte is. */
static void push_read(struct direction *d, const struct chunk *c)
{
	struct node *n = d->no_reader;

	d->has_reader = true;
	for (; n && n->c.off + n->c.len <= c->off; n = n->next) {
		if (!n->wants_reader)
			continue;
		n->wants_reader = false;
		n->c.read_ns = c->read_ns;
		n->c.reader_pid = c->reader_pid;
		n->c.reader_tid = c->reader_tid;
		memcpy(n->c.reader_comm, c->reader_comm, sizeof(n->c.reader_comm));
	}
	d->no_reader = n;
}

/* Nobody will read the rest. */
static void push_close(struct reorder *r, struct direction *d, const struct chunk *c)
{
	d->cnt = 0;
	for (struct node *n = d->no_reader; n; n = n->next)
		n->wants_reader = false;
	d->no_reader = NULL;
	append(d, node_new(r, c));
}

/* The connection's first news: before everything that either end has waiting. */
static void push_open(struct reorder *r, struct direction *d, const struct chunk *c)
{
	struct direction *peer = direction_of(r, c->peer);
	struct node *n;

	d->has_reader |= c->local;
	peer->has_reader |= c->local;
	if (d->is_open)
		return;
	n = node_new(r, c);
	if (d->head && d->head->order_ns <= n->order_ns)
		n->order_ns = d->head->order_ns - 1;
	if (peer->head && peer->head->order_ns <= n->order_ns)
		n->order_ns = peer->head->order_ns - 1;
	n->next = d->head;
	d->head = n;
	if (!d->tail)
		d->tail = n;
	d->is_open = peer->is_open = true;
	if (d->last_ns < n->order_ns)
		d->last_ns = n->order_ns;
	if (peer->last_ns < n->order_ns)
		peer->last_ns = n->order_ns;
	place(r, peer);
}

void reorder_push(struct reorder *r, const struct chunk *c)
{
	struct direction *d = direction_of(r, c->sock);

	switch (c->kind) {
	case CHUNK_SENT:
		push_sent(d, c);
		break;
	case CHUNK_OPEN:
		push_open(r, d, c);
		break;
	case CHUNK_READ:
		push_read(d, c);
		break;
	case CHUNK_CLOSE:
		push_close(r, d, c);
		break;
	case CHUNK_DATA:
	case CHUNK_LOST:
		push_data(r, d, c);
		break;
	}
	place(r, d);
}

/* ---- giving ---- */

/* True if the first chunk of d may go. */
static bool is_ready(struct reorder *r, const struct direction *d, int64_t settled_ns)
{
	const struct node *n = d->head;

	if (settled_ns == INT64_MAX || r->held > LIMIT_REORDER_LEN)
		return true;
	if (n->order_ns > settled_ns)
		return false;
	if (!d->is_open && !d->is_orphan && n->c.kind != CHUNK_CLOSE)
		return settled_ns - n->c.ts_ns > r->window_ns;
	if (n->wants_reader && settled_ns - n->c.ts_ns <= r->window_ns)
		return false;
	return !n->wants_author || settled_ns - n->c.ts_ns > AUTHOR_WAIT_NS;
}

static void give(struct reorder *r, struct direction *d, struct chunk *out)
{
	struct node *n = d->head;

	d->head = n->next;
	if (!d->head)
		d->tail = NULL;
	if (d->no_author == n)
		d->no_author = n->next;
	if (d->no_reader == n)
		d->no_reader = n->next;
	r->held -= sizeof(*n) + n->c.data.len;
	r->given = n;
	*out = n->c;
	if (n->c.kind != CHUNK_CLOSE)
		out->ts_ns = n->order_ns;
	if (n->order_ns > r->released_ns)
		r->released_ns = n->order_ns;
	if (n->c.kind == CHUNK_DATA) {
		r->stats.no_writer += n->wants_author;
		if (!d->is_open && !d->is_orphan) {
			r->stats.orphans++;
			d->is_orphan = true;
		}
	}
	if ((n->c.kind == CHUNK_CLOSE || d->is_forgotten) && !d->head)
		direction_free(r, d);
	else
		place(r, d);
}

int reorder_next(struct reorder *r, int64_t settled_ns, struct chunk *out)
{
	node_free(r->given);
	r->given = NULL;
	while (r->heap_cnt) {
		struct direction *d = r->heap[0];

		if (d->head) {
			if (!is_ready(r, d, settled_ns))
				return 0;
			if (r->held > LIMIT_REORDER_LEN)
				r->stats.forced++;
			give(r, d, out);
			return 1;
		}
		/* An older write that nobody has read yet. */
		if (settled_ns != INT64_MAX && r->held <= LIMIT_REORDER_LEN &&
		    settled_ns - d->key_ns <= r->window_ns)
			return 0;
		d->overdue = write_at(d, d->cnt - 1)->end;
		place(r, d);
	}
	return 0;
}

void reorder_forget(struct reorder *r, uint64_t sock)
{
	struct direction *d = hash_get(&r->directions, sock);

	if (d && !d->head)
		direction_free(r, d);
	else if (d)
		d->is_forgotten = true;
}

uint64_t reorder_unread(const struct reorder *r, uint64_t sock)
{
	const struct direction *d = hash_get(&r->directions, sock);

	if (!d || !d->cnt || write_at(d, d->cnt - 1)->end < d->read_off)
		return 0;
	return write_at(d, d->cnt - 1)->end - d->read_off;
}

size_t reorder_held(const struct reorder *r)
{
	return r->held;
}

const struct reorder_stats *reorder_stats(const struct reorder *r)
{
	return &r->stats;
}

struct reorder *reorder_new(int64_t window_ns)
{
	struct reorder *r = xcalloc(1, sizeof(*r));

	r->window_ns = window_ns;
	r->released_ns = INT64_MIN;
	return r;
}

void reorder_free(struct reorder *r)
{
	struct direction *d;
	size_t at = 0;

	if (!r)
		return;
	node_free(r->given);
	while ((d = hash_each(&r->directions, &at))) {
		for (struct node *n = d->head, *next; n; n = next) {
			next = n->next;
			node_free(n);
		}
		free(d->writes);
		free(d);
	}
	hash_release(&r->directions);
	free(r->heap);
	free(r);
}
