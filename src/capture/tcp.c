/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/tcp.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/net.h"
#include "util/hash.h"
#include "util/limits.h"
#include "util/xalloc.h"

#define PATIENCE 16		   /* segments of the connection after an acknowledged hole */
#define WINDOW_MAX (1 << 30)	   /* the largest window, RFC 7323 §2.3 */

/* A segment that waits for earlier ones. */
struct piece {
	struct piece *next;
	uint32_t seq, len;
	int64_t ts_ns;
	size_t captured;
	uint8_t data[];
};

struct half {
	uint64_t sock;
	uint64_t off;          /* stream offset of next */
	uint32_t next;         /* sequence number expected */
	uint32_t isn;
	uint32_t fin_seq;
	uint32_t pending_len;
	struct piece *pending; /* sorted by seq, without overlap; none at or before next */
	uint16_t patience;     /* segments until an acknowledged hole is given up; 0 = none is */
	int64_t closed_ns;
	bool has_seq, has_isn, has_fin, closed;
};

struct flow {
	struct flow *chain;        /* of the same hash */
	struct flow *newer, *older; /* of its list */
	uint64_t hash;
	struct chunk_net net[2];
	struct half half[2];
	bool is_open;    /* the OPEN chunk was given */
	bool is_over;
};

struct flow_list {
	struct flow *newest, *oldest;
	size_t cnt;
};

/* What tcp_next() will give. */
struct item {
	struct chunk c;
	struct piece *own; /* holds c.data; freed once given */
};

struct tcp {
	struct hash flows;
	struct flow_list live, over;
	uint64_t sock_cnt;
	int64_t ts_ns; /* of the newest segment */
	uint32_t pending_len;
	struct item *items;
	size_t item_at, item_cnt, item_cap;
	struct piece *given;
	struct tcp_counts counts;
	char addr[INET6_ADDRSTRLEN + 16];
};

static int32_t seq_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static void list_remove(struct flow_list *l, struct flow *f)
{
	*(f->newer ? &f->newer->older : &l->newest) = f->older;
	*(f->older ? &f->older->newer : &l->oldest) = f->newer;
	l->cnt--;
}

static void list_add(struct flow_list *l, struct flow *f)
{
	f->newer = NULL;
	f->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = f;
	l->newest = f;
	l->cnt++;
}

/* The same for both directions. */
static uint64_t flow_hash(const struct segment *s)
{
	uint64_t h = net_hash(&s->src) + net_hash(&s->dst);

	return h ? h : 1;
}

static bool flow_is(const struct flow *f, int dir, const struct segment *s)
{
	return net_equal(&f->net[dir], &s->src) && net_equal(&f->net[!dir], &s->dst);
}

/* The flow of a segment and the direction in which it goes, or NULL. */
static struct flow *flow_find(struct tcp *t, const struct segment *s, uint64_t hash, int *dir)
{
	struct flow *f = hash_get(&t->flows, hash);

	for (; f; f = f->chain)
		for (*dir = 0; *dir < 2; ++*dir)
			if (flow_is(f, *dir, s))
				return f;
	*dir = 0;
	return NULL;
}

static void drop_pending(struct tcp *t, struct half *h)
{
	while (h->pending) {
		struct piece *p = h->pending;

		h->pending = p->next;
		free(p);
	}
	t->pending_len -= h->pending_len;
	h->pending_len = 0;
}

static void flow_free(struct tcp *t, struct flow *f)
{
	struct flow *first = hash_get(&t->flows, f->hash);

	if (first == f && !f->chain) {
		hash_del(&t->flows, f->hash);
	} else if (first == f) {
		hash_put(&t->flows, f->hash, f->chain);
	} else {
		while (first->chain != f)
			first = first->chain;
		first->chain = f->chain;
	}
	list_remove(f->is_over ? &t->over : &t->live, f);
	drop_pending(t, &f->half[0]);
	drop_pending(t, &f->half[1]);
	free(f);
}

static struct chunk *item_add(struct tcp *t, struct flow *f, int dir, enum chunk_kind kind,
			      int64_t ts_ns)
{
	struct item *i;

	if (t->item_cnt == t->item_cap) {
		t->item_cap = t->item_cap ? 2 * t->item_cap : 16;
		t->items = xrealloc(t->items, t->item_cap * sizeof(*t->items));
	}
	i = &t->items[t->item_cnt++];
	i->own = NULL;
	chunk_init(&i->c, kind);
	i->c.sock = f->half[dir].sock;
	i->c.off = f->half[dir].off;
	i->c.ts_ns = ts_ns;
	return &i->c;
}

static void flow_open(struct tcp *t, struct flow *f, int dir, enum role role, int64_t ts_ns)
{
	struct chunk *c = item_add(t, f, dir, CHUNK_OPEN, ts_ns);

	f->is_open = true;
	c->off = 0;
	c->peer = f->half[!dir].sock;
	c->transport = TRANSPORT_TCP;
	c->role = role;
	c->early = role != ROLE_UNKNOWN;
	c->net[0] = f->net[dir];
	c->net[1] = f->net[!dir];
}

static struct flow *flow_new(struct tcp *t, const struct segment *s, uint64_t hash)
{
	struct flow *f = xcalloc(1, sizeof(*f));

	/* Full: the connection that was silent longest goes. conn/ has the same limit. */
	if (t->live.cnt == LIMIT_CONNECTIONS)
		flow_free(t, t->live.oldest);
	f->hash = hash;
	f->net[0] = s->src;
	f->net[1] = s->dst;
	f->half[0].sock = ++t->sock_cnt;
	f->half[1].sock = ++t->sock_cnt;
	f->chain = hash_get(&t->flows, hash);
	hash_put(&t->flows, hash, f);
	list_add(&t->live, f);
	return f;
}

/* The addresses stay known for a while, so that stragglers do not open the connection anew. */
static void flow_over(struct tcp *t, struct flow *f)
{
	if (f->is_over)
		return;
	list_remove(&t->live, f);
	f->is_over = true;
	list_add(&t->over, f);
	if (t->over.cnt > LIMIT_TCP_CLOSED)
		flow_free(t, t->over.oldest);
}

static void give(struct tcp *t, struct flow *f, int dir, struct bytes data, uint32_t len,
		 int64_t ts_ns, struct piece *own)
{
	struct half *h = &f->half[dir];
	struct chunk *c = item_add(t, f, dir, CHUNK_DATA, ts_ns);

	c->data = data;
	c->len = len;
	if (data.len < len)
		c->cause = GAP_TRUNCATED;
	t->items[t->item_cnt - 1].own = own;
	h->next += len;
	h->off += len;
	t->counts.bytes += len;
}

/* Gives what waits and is next now. */
static void drain(struct tcp *t, struct flow *f, int dir)
{
	struct half *h = &f->half[dir];

	while (h->pending && seq_diff(h->pending->seq, h->next) <= 0) {
		struct piece *p = h->pending;
		uint32_t skip = h->next - p->seq;

		h->pending = p->next;
		h->pending_len -= p->len;
		t->pending_len -= p->len;
		if (skip >= p->len) {
			t->counts.again += p->len;
			free(p);
			continue;
		}
		t->counts.again += skip;
		give(t, f, dir,
		     bytes_of(p->data + skip, p->captured > skip ? p->captured - skip : 0),
		     p->len - skip, p->ts_ns, p);
	}
	if (!h->pending)
		h->patience = 0;
}

/* The bytes before seq are not in the file. */
static void lose(struct tcp *t, struct flow *f, int dir, uint32_t seq, int64_t ts_ns)
{
	struct half *h = &f->half[dir];
	uint32_t len = seq - h->next;
	struct chunk *c = item_add(t, f, dir, CHUNK_LOST, ts_ns);

	c->cause = GAP_NOT_IN_FILE;
	c->len = len;
	h->next = seq;
	h->off += len;
	h->patience = 0;
	t->counts.lost += len;
	drain(t, f, dir);
}

/* Told once both ends have: the other one may still answer, and the first end ends it for conn/. */
static void tell_close(struct tcp *t, struct flow *f, int dir)
{
	if (f->is_open)
		item_add(t, f, dir, CHUNK_CLOSE, f->half[dir].closed_ns);
}

static void close_half(struct tcp *t, struct flow *f, int dir, int64_t ts_ns)
{
	struct half *h = &f->half[dir];

	if (h->closed)
		return;
	h->closed = true;
	h->closed_ns = ts_ns;
	drop_pending(t, h);
	if (!f->half[!dir].closed)
		return;
	tell_close(t, f, !dir);
	tell_close(t, f, dir);
	flow_over(t, f);
}

/* Gives everything that waits, with the gaps between. */
static void flush(struct tcp *t, struct flow *f, int dir, int64_t ts_ns)
{
	struct half *h = &f->half[dir];

	while (h->pending)
		lose(t, f, dir, h->pending->seq, ts_ns);
	if (h->has_fin && seq_diff(h->fin_seq, h->next) > 0)
		lose(t, f, dir, h->fin_seq, ts_ns);
}

static struct piece *piece_new(uint32_t seq, struct bytes data, uint32_t len, int64_t ts_ns)
{
	struct piece *p = xmalloc(sizeof(*p) + data.len);

	*p = (struct piece){ .seq = seq, .len = len, .ts_ns = ts_ns, .captured = data.len };
	if (data.len)
		memcpy(p->data, data.p, data.len);
	return p;
}

/* Keeps a segment that came early: its parts that do not wait there yet. */
static void keep(struct tcp *t, struct half *h, uint32_t seq, struct bytes data, uint32_t len,
		 int64_t ts_ns)
{
	struct piece **at = &h->pending;

	while (len) {
		uint32_t n = len;
		struct bytes head;

		while (*at && seq_diff((*at)->seq + (*at)->len, seq) <= 0)
			at = &(*at)->next;
		if (*at && seq_diff((*at)->seq, seq) <= 0) {
			/* inside of a piece that came before */
			n = (*at)->seq + (*at)->len - seq;
			n = n < len ? n : len;
			t->counts.again += n;
		} else {
			struct piece *p;

			if (*at && (*at)->seq - seq < n)
				n = (*at)->seq - seq;
			p = piece_new(seq, bytes_of(data.p, data.len < n ? data.len : n), n, ts_ns);
			p->next = *at;
			*at = p;
			h->pending_len += n;
			t->pending_len += n;
		}
		seq += n;
		len -= n;
		bytes_take(&data, data.len < n ? data.len : n, &head);
	}
}

static void take_data(struct tcp *t, struct flow *f, int dir, const struct segment *s,
		      uint32_t seq, int64_t ts_ns)
{
	struct half *h = &f->half[dir];
	struct bytes data = s->data, old;
	uint32_t len = s->len;
	int32_t early = seq_diff(seq, h->next);

	if (h->closed || (h->has_fin && seq_diff(seq, h->fin_seq) >= 0)) {
		t->counts.after_end += early >= 0 ? len : 0;
		return;
	}
	if (early < -WINDOW_MAX || early > WINDOW_MAX) {
		t->counts.ignored++;
		return;
	}
	if (early < 0) {
		uint32_t n = (uint32_t)-early < len ? (uint32_t)-early : len;

		t->counts.again += n;
		bytes_take(&data, data.len < n ? data.len : n, &old);
		seq += n;
		len -= n;
		early = 0;
	}
	if (!len)
		return;
	if (early == 0 && (!h->pending || seq_diff(h->pending->seq, seq + len) >= 0)) {
		give(t, f, dir, data, len, ts_ns, NULL);
		drain(t, f, dir);
		return;
	}
	keep(t, h, seq, data, len, ts_ns);
	drain(t, f, dir);
	while (h->pending && (h->pending_len > LIMIT_TCP_PENDING ||
			      t->pending_len > LIMIT_TCP_PENDING_ALL))
		lose(t, f, dir, h->pending->seq, ts_ns);
}

/* The receiver of direction dir says that it has all before ack. */
static void take_ack(struct tcp *t, struct flow *f, int dir, const struct segment *s, int64_t ts_ns)
{
	struct half *h = &f->half[dir];

	if (!(s->flags & TCP_ACK) || !h->pending)
		return;
	if (!h->patience && seq_diff(s->ack, h->pending->seq) >= 0)
		h->patience = PATIENCE + 1;
	if (!h->patience)
		return;
	if (--h->patience == 0 || (s->len && seq_diff(s->ack, h->pending->seq) >= 0))
		lose(t, f, dir, h->pending->seq, ts_ns);
}

static void take_fin(struct tcp *t, struct flow *f, int dir, const struct segment *s,
		     int64_t ts_ns)
{
	struct half *h = &f->half[dir];

	if (s->flags & TCP_FIN && !h->has_seq) {
		h->has_seq = true;
		h->next = s->seq;
	}
	if (s->flags & TCP_FIN && !h->has_fin && seq_diff(s->seq + s->len, h->next) >= 0) {
		h->has_fin = true;
		h->fin_seq = s->seq + s->len;
	}
	if (h->has_fin && seq_diff(h->next, h->fin_seq) >= 0)
		close_half(t, f, dir, ts_ns);
}

static void take_rst(struct tcp *t, struct flow *f, int dir, const struct segment *s,
		     int64_t ts_ns)
{
	struct half *h = &f->half[dir];
	int32_t at = seq_diff(s->seq, h->next);

	/* RFC 9293 §3.10.7.4: out of the window it means nothing, here to within a margin */
	if (h->has_seq && s->seq && (at < -65536 || at > (int32_t)LIMIT_TCP_PENDING)) {
		t->counts.ignored++;
		return;
	}
	for (int i = 0; i < 2; i++) {
		flush(t, f, i, ts_ns);
		close_half(t, f, i, ts_ns);
	}
}

/* A new connection with the addresses of one that is known: that one is over. */
static void end_old(struct tcp *t, struct flow *f, int64_t ts_ns)
{
	for (int i = 0; i < 2; i++) {
		flush(t, f, i, ts_ns);
		close_half(t, f, i, ts_ns);
	}
}

static bool is_other_syn(const struct flow *f, int dir, const struct segment *s)
{
	const struct half *h = &f->half[dir];

	if (h->has_isn)
		return h->isn != s->seq;
	/* without its SYN: this is it, late, if the stream began right after it */
	return f->is_over || (h->has_seq && h->next - (uint32_t)h->off != s->seq + 1);
}

static struct flow *take_syn(struct tcp *t, struct flow *f, const struct segment *s, uint64_t hash,
			     int *dir, int64_t ts_ns)
{
	struct half *h;

	if (f && is_other_syn(f, *dir, s)) {
		end_old(t, f, ts_ns);
		f = flow_find(t, s, hash, dir);
		if (f)
			flow_free(t, f);
		f = NULL;
		*dir = 0;
	}
	if (!f)
		f = flow_new(t, s, hash);
	h = &f->half[*dir];
	h->has_isn = true;
	h->isn = s->seq;
	if (!h->has_seq)
		h->next = s->seq + 1;
	h->has_seq = true;
	if (!f->is_open)
		flow_open(t, f, *dir, s->flags & TCP_ACK ? ROLE_SERVER : ROLE_CLIENT, ts_ns);
	return f;
}

void tcp_push(struct tcp *t, const struct segment *s, int64_t ts_ns)
{
	uint64_t hash = flow_hash(s);
	int dir;
	struct flow *f = flow_find(t, s, hash, &dir);
	uint32_t seq = s->seq;
	struct half *h;

	t->counts.segments++;
	t->ts_ns = ts_ns;
	if (s->flags & TCP_SYN) {
		f = take_syn(t, f, s, hash, &dir, ts_ns);
		seq++;
	}
	if (!f && !s->len)
		return;
	if (!f)
		f = flow_new(t, s, hash);
	if (!f->is_over && f->newer) {
		list_remove(&t->live, f);
		list_add(&t->live, f);
	}
	h = &f->half[dir];
	take_ack(t, f, !dir, s, ts_ns);
	if (s->len && !h->has_seq) {
		h->has_seq = true;
		h->next = seq;
	}
	if (s->len && !f->is_open)
		flow_open(t, f, dir, ROLE_UNKNOWN, ts_ns);
	if (s->len)
		take_data(t, f, dir, s, seq, ts_ns);
	take_fin(t, f, dir, s, ts_ns);
	if (s->flags & TCP_RST && !f->is_over)
		take_rst(t, f, dir, s, ts_ns);
}

void tcp_finish(struct tcp *t)
{
	for (struct flow *f = t->live.oldest, *newer; f; f = newer) {
		newer = f->newer;
		for (int i = 0; i < 2; i++) {
			struct half *h = &f->half[i];

			flush(t, f, i, t->ts_ns);
			if (h->has_fin && !h->closed)
				close_half(t, f, i, t->ts_ns);
		}
		for (int i = 0; i < 2; i++)
			if (f->half[i].closed && !f->half[!i].closed)
				tell_close(t, f, i);
	}
}

/* The server's address; where nobody is known to be the server, the lower port's. */
static const char *print_addr(struct tcp *t, const struct chunk *c)
{
	const struct chunk_net *n = &c->net[c->role == ROLE_CLIENT];
	char ip[INET6_ADDRSTRLEN];

	if (c->role == ROLE_UNKNOWN)
		n = &c->net[c->net[1].port < c->net[0].port];
	inet_ntop(n->family == 4 ? AF_INET : AF_INET6, n->ip, ip, sizeof(ip));
	snprintf(t->addr, sizeof(t->addr), n->family == 4 ? "%s:%u" : "[%s]:%u", ip, n->port);
	return t->addr;
}

bool tcp_next(struct tcp *t, struct chunk *out)
{
	struct item *i;

	free(t->given);
	t->given = NULL;
	if (t->item_at == t->item_cnt) {
		t->item_at = t->item_cnt = 0;
		return false;
	}
	i = &t->items[t->item_at++];
	t->given = i->own;
	*out = i->c;
	if (out->kind == CHUNK_OPEN)
		out->addr = print_addr(t, out);
	return true;
}

struct tcp_counts tcp_counts(const struct tcp *t)
{
	return t->counts;
}

struct tcp *tcp_new(void)
{
	return xcalloc(1, sizeof(struct tcp));
}

void tcp_free(struct tcp *t)
{
	struct chunk c;

	if (!t)
		return;
	while (tcp_next(t, &c))
		;
	while (t->live.oldest)
		flow_free(t, t->live.oldest);
	while (t->over.oldest)
		flow_free(t, t->over.oldest);
	hash_release(&t->flows);
	free(t->items);
	free(t);
}
