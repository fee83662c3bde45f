/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bpf/event.h"
#include "capture/ring.h"
#include "capture/sockets.h"
#include "capture/tcp_target.h"
#include "util/buf.h"
#include "util/hash.h"
#include "util/xalloc.h"

/* One watched direction, by its socket's id. */
struct direction {
	uint64_t sock;
	uint32_t slot;
	bool is_closed;    /* CLOSE was given */
	bool is_forgotten; /* live_forget() */
	struct live_counts last; /* of a closed one, whose slot may have a new owner */
};

struct live {
	struct source base;
	struct ring ring;
	struct spf_control *control;
	struct spf_slot *slots;
	struct hash directions;
	struct direction *by_slot[SPF_SLOTS];
	uint32_t swept;        /* last sweep that was looked at */
	uint32_t sweep_at;     /* slot where that look goes on; SPF_SLOTS = done */
	int64_t settled_ns;
	int64_t round_ns;
	char addr[SPF_NAME_LEN * 4 + 2];
	live_free_slots *free_slots;
	void *free_arg;
	live_describe *describe;
	void *describe_arg;
};

static int64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* ---- the slots ---- */

static struct direction *direction_of(struct live *l, uint64_t sock, uint32_t slot)
{
	struct direction *d = hash_get(&l->directions, sock);

	if (d || slot >= SPF_SLOTS)
		return d;
	d = xcalloc(1, sizeof(*d));
	d->sock = sock;
	d->slot = slot;
	hash_put(&l->directions, sock, d);
	l->by_slot[slot] = d;
	return d;
}

static void read_slot(const struct spf_slot *s, struct live_counts *c)
{
	c->accepted = __atomic_load_n(&s->accepted, __ATOMIC_RELAXED);
	c->read = __atomic_load_n(&s->read, __ATOMIC_RELAXED);
	c->captured = __atomic_load_n(&s->captured, __ATOMIC_RELAXED);
	c->cut = __atomic_load_n(&s->cut, __ATOMIC_RELAXED);
	c->lost = __atomic_load_n(&s->lost, __ATOMIC_RELAXED);
	c->filtered = __atomic_load_n(&s->filtered, __ATOMIC_RELAXED);
	c->unreadable = __atomic_load_n(&s->unreadable, __ATOMIC_RELAXED);
	/* TCP that passed unseen when it was sent, and when it was read. */
	if (s->taken > c->read) {
		c->unreadable += s->taken - c->read;
		c->read = s->taken;
	}
}

bool live_counts(struct source *s, uint64_t sock, struct live_counts *c)
{
	struct live *l = (struct live *)s;
	struct direction *d = hash_get(&l->directions, sock);

	if (!d)
		return false;
	if (l->by_slot[d->slot] == d && l->slots[d->slot].sock == sock)
		read_slot(&l->slots[d->slot], &d->last);
	*c = d->last;
	return true;
}

int64_t live_unread(struct source *s, uint64_t sock, bool is_early)
{
	struct live *l = (struct live *)s;
	struct direction *d = hash_get(&l->directions, sock);
	const struct spf_slot *slot = d ? &l->slots[d->slot] : NULL;
	uint64_t end, taken;
	struct live_counts c;
	bool is_known, is_tcp;

	if (!d || !live_counts(s, sock, &c) || slot->sock != sock)
		return -1;
	end = c.accepted > c.read ? c.accepted : c.read;
	is_tcp = slot->seq_from != SPF_SEQ_UNKNOWN;
	taken = is_tcp ? slot->taken : c.read - slot->unread;
	is_known = is_tcp ? slot->has_reader && slot->seq_from != SPF_SEQ_READ : !is_early;
	if (end && !is_known)
		return -1;
	return end > taken ? (int64_t)(end - taken) : 0;
}

void live_ignore(struct source *s, uint64_t sock)
{
	struct live *l = (struct live *)s;
	struct direction *d = hash_get(&l->directions, sock);

	if (d && l->by_slot[d->slot] == d && l->slots[d->slot].sock == sock)
		__atomic_store_n(&l->slots[d->slot].is_unwanted, 1, __ATOMIC_RELAXED);
}

void live_forget(struct source *s, uint64_t sock)
{
	struct direction *d = hash_get(&((struct live *)s)->directions, sock);

	if (d)
		d->is_closed = d->is_forgotten = true;
}

void live_totals(struct source *s, struct live_totals *t)
{
	const struct spf_control *c = ((struct live *)s)->control;

	*t = (struct live_totals){
		.no_slot = c->no_slot,
		.open_lost = c->open_lost,
		.sent_lost = c->sent_lost,
		.eof_lost = c->eof_lost,
		.follow_lost = c->follow_lost,
	};
}

static void direction_free(struct live *l, struct direction *d)
{
	if (l->by_slot[d->slot] == d)
		l->by_slot[d->slot] = NULL;
	hash_del(&l->directions, d->sock);
	free(d);
}

/* Looks for the next socket that the last sweep did not find: 1 and a CLOSE chunk, else 0. One of
 * which nothing was heard yet may be about to be known: it is given another sweep. */
static int next_dead(struct live *l, struct chunk *out)
{
	for (; l->sweep_at < SPF_SLOTS; l->sweep_at++) {
		struct spf_slot *s = &l->slots[l->sweep_at];
		struct direction *d = l->by_slot[l->sweep_at];
		struct live_counts c = { 0 };

		if (!s->sock || (int32_t)(s->seen - l->swept) >= (d ? 0 : -1))
			continue;
		if (d && !d->is_closed) {
			live_counts(&l->base, d->sock, &c);
			d->is_closed = true;
			chunk_init(out, CHUNK_CLOSE);
			out->sock = d->sock;
			out->off = c.read;
			out->ts_ns = l->round_ns;
			return 1;
		}
		if (d && !d->is_forgotten)
			continue;
		if (d)
			direction_free(l, d);
		s->sock = 0;
		if (l->free_slots)
			l->free_slots(l->free_arg, &l->sweep_at, 1);
	}
	return 0;
}

/* ---- events to chunks ---- */

static void common(struct chunk *c, const struct spf_event *e, enum chunk_kind kind)
{
	chunk_init(c, kind);
	c->sock = e->sock;
	c->ts_ns = (int64_t)e->ts;
}

static void set_reader(struct chunk *c, const struct spf_event *e)
{
	c->read_ns = c->ts_ns;
	c->reader_pid = (int32_t)e->pid;
	c->reader_tid = (int32_t)e->tid;
	memcpy(c->reader_comm, e->comm, sizeof(c->reader_comm));
}

static void set_writer(struct chunk *c, const struct spf_event *e)
{
	c->has_writer = true;
	c->pid = (int32_t)e->pid;
	c->tid = (int32_t)e->tid;
	memcpy(c->comm, e->comm, sizeof(c->comm));
}

static int on_data(struct live *l, struct bytes rec, struct chunk *c)
{
	const struct spf_event_data *d = (const void *)rec.p;

	if (rec.len < sizeof(*d) || d->cap > rec.len - sizeof(*d) || d->cap > d->len)
		return -EBADMSG;
	direction_of(l, d->e.sock, d->e.slot);
	common(c, &d->e, CHUNK_DATA);
	c->off = d->off;
	c->len = d->len;
	c->data = bytes_of(rec.p + sizeof(*d), d->cap);
	c->fds = d->fds;
	if (d->flags & SPF_DATA_UNREADABLE) {
		c->kind = CHUNK_LOST;
		c->cause = GAP_UNREADABLE;
		return 1;
	}
	c->remote = d->flags & SPF_DATA_REMOTE;
	if (d->flags & SPF_DATA_WRITTEN)
		set_writer(c, &d->e);
	else if (!(d->flags & (SPF_DATA_UNREAD | SPF_DATA_SENDING)))
		set_reader(c, &d->e);
	return 1;
}

static int on_read(struct bytes rec, struct chunk *c)
{
	const struct spf_event_read *r = (const void *)rec.p;

	if (rec.len < sizeof(*r))
		return -EBADMSG;
	common(c, &r->e, CHUNK_READ);
	c->off = r->end;
	set_reader(c, &r->e);
	return 1;
}

static int on_sent(struct bytes rec, struct chunk *c)
{
	const struct spf_event_sent *s = (const void *)rec.p;

	if (rec.len < sizeof(*s))
		return -EBADMSG;
	common(c, &s->e, CHUNK_SENT);
	c->off = s->off;
	c->len = s->len;
	set_writer(c, &s->e);
	return 1;
}

static int on_eof(struct live *l, struct bytes rec, struct chunk *c)
{
	const struct spf_event_eof *e = (const void *)rec.p;
	struct direction *d;
	struct live_counts n;

	if (rec.len < sizeof(*e))
		return -EBADMSG;
	d = hash_get(&l->directions, e->e.sock);
	if (!d || d->is_closed || !live_counts(&l->base, d->sock, &n))
		return 0;
	if (!e->is_dead) /* shut down for writing only: the connection goes on */
		return 0;
	d->is_closed = true;
	common(c, &e->e, CHUNK_CLOSE);
	c->off = n.read;
	return 1;
}

void live_describe_end(struct source *s, struct endpoint *e, int64_t ts_ns)
{
	struct live *l = (struct live *)s;

	if (l->describe && e->pid > 0)
		l->describe(l->describe_arg, e, ts_ns);
}

static void end_of(struct live *l, struct endpoint *to, const struct spf_end *from, int64_t ts_ns)
{
	*to = (struct endpoint){ .pid = from->pid > 0 ? from->pid : -1, .uid = from->uid };
	live_describe_end(&l->base, to, ts_ns);
}

/* Its ends, and as its address that of the service: of the end that did not open the connection;
 * where that was not seen, of the one with the smaller port. */
static void on_open_tcp(const struct spf_event_open *o, struct chunk *c, char *addr)
{
	struct spf_tcp_end end[2];
	int server;

	memcpy(end, o->name, sizeof(end));
	for (int i = 0; i < 2; i++)
		c->net[i] = tcp_net(&end[i]);
	if (o->role == SPF_ROLE_UNKNOWN)
		server = end[1].port < end[0].port;
	else
		server = o->role == SPF_ROLE_CLIENT;
	tcp_print_addr(addr, end[server].addr, end[server].port);
	c->transport = TRANSPORT_TCP;
}

static int on_open(struct live *l, struct bytes rec, struct chunk *c)
{
	static const enum role roles[] = {
		[SPF_ROLE_UNKNOWN] = ROLE_UNKNOWN,
		[SPF_ROLE_CLIENT] = ROLE_CLIENT,
		[SPF_ROLE_SERVER] = ROLE_SERVER,
	};
	const struct spf_event_open *o = (const void *)rec.p;

	if (rec.len < sizeof(*o) || o->role > SPF_ROLE_SERVER)
		return -EBADMSG;
	direction_of(l, o->end[0].sock, o->end[0].slot);
	direction_of(l, o->end[1].sock, o->end[1].slot);
	common(c, &o->e, CHUNK_OPEN);
	c->sock = o->end[0].sock;
	c->peer = o->end[1].sock;
	c->early = o->is_new;
	c->local = o->is_local;
	c->unmeant = o->is_unmeant;
	c->role = roles[o->role];
	if (o->family == AF_INET) {
		on_open_tcp(o, c, l->addr);
	} else {
		sockets_print_name(l->addr, o->name,
				   o->name_len < SPF_NAME_LEN ? o->name_len : SPF_NAME_LEN);
		c->transport = TRANSPORT_UNIX;
		c->match = o->match;
	}
	c->addr = l->addr;
	end_of(l, &c->end[0], &o->end[0], c->ts_ns);
	end_of(l, &c->end[1], &o->end[1], c->ts_ns);
	return 1;
}

static int convert(struct live *l, struct bytes rec, struct chunk *c)
{
	const struct spf_event *e = (const void *)rec.p;

	if (rec.len < sizeof(*e))
		return -EBADMSG;
	switch (e->kind) {
	case SPF_EVENT_DATA:
		return on_data(l, rec, c);
	case SPF_EVENT_SENT:
		return on_sent(rec, c);
	case SPF_EVENT_READ:
		return on_read(rec, c);
	case SPF_EVENT_OPEN:
		return on_open(l, rec, c);
	case SPF_EVENT_EOF:
		return on_eof(l, rec, c);
	}
	return -EBADMSG;
}

/* ---- the source ---- */

static int live_next(struct source *s, struct chunk *out, int64_t *settled_ns)
{
	struct live *l = (struct live *)s;
	struct bytes rec;
	int rc;

	ring_done(&l->ring);
	while ((rc = ring_next(&l->ring, &rec)) > 0) {
		rc = convert(l, rec, out);
		if (rc < 0) {
			s->why = "the kernel's event is malformed";
			return rc;
		}
		if (rc > 0)
			return 1;
	}
	if (rc == 0 && next_dead(l, out))
		return 1;
	if (rc == 0)
		l->settled_ns = l->round_ns;
	*settled_ns = l->settled_ns;
	/* The next round: the clock first, then the end of what was reserved by then. */
	if (rc == 0) {
		uint32_t swept = __atomic_load_n(&l->control->swept, __ATOMIC_ACQUIRE);

		l->round_ns = now_ns(CLOCK_MONOTONIC);
		ring_round(&l->ring);
		if (swept != l->swept) {
			l->swept = swept;
			l->sweep_at = 0;
		}
	}
	return 0;
}

/* The ring is polled: a wake-up for each event would be its greatest cost. */
static void live_wait(struct source *s, int timeout_ms)
{
	struct timespec ts = { .tv_nsec = 1000000 };

	if (timeout_ms > 0)
		nanosleep(&ts, NULL);
}

static void live_free(struct source *s)
{
	struct live *l = (struct live *)s;
	struct direction *d;
	size_t at = 0;

	while ((d = hash_each(&l->directions, &at)))
		free(d);
	hash_release(&l->directions);
	ring_release(&l->ring);
	if (l->slots)
		munmap(l->slots, SPF_SLOTS * sizeof(*l->slots));
	if (l->control)
		munmap(l->control, sizeof(*l->control));
	free(l);
}

static const struct source_ops ops = { live_next, live_wait, live_free };

static void *map(int fd, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

struct source *live_new(const struct live_maps *maps, live_free_slots *free_slots, void *arg)
{
	struct live *l = xcalloc(1, sizeof(*l));
	int rc;

	l->base = (struct source){ .ops = &ops, .is_live = true };
	l->base.epoch_ns = now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC);
	l->free_slots = free_slots;
	l->free_arg = arg;
	l->sweep_at = SPF_SLOTS;
	l->control = map(maps->control, sizeof(*l->control));
	l->slots = l->control ? map(maps->slots, SPF_SLOTS * sizeof(*l->slots)) : NULL;
	if (!l->slots) {
		rc = errno;
		live_free(&l->base);
		errno = rc;
		return NULL;
	}
	rc = ring_init(&l->ring, maps->ring, maps->ring_size);
	if (rc < 0) {
		live_free(&l->base);
		errno = -rc;
		return NULL;
	}
	close(maps->ring);
	close(maps->control);
	close(maps->slots);
	return &l->base;
}

void live_describe_by(struct source *s, live_describe *describe, void *arg)
{
	struct live *l = (struct live *)s;

	l->describe = describe;
	l->describe_arg = arg;
}

void live_start(struct source *s)
{
	struct live *l = (struct live *)s;

	s->start_ns = l->round_ns = l->settled_ns = now_ns(CLOCK_MONOTONIC);
	l->control->own_pid[1] = (uint32_t)getpid();
	__atomic_store_n(&l->control->enabled, 1, __ATOMIC_RELEASE);
}

void live_stop(struct source *s)
{
	__atomic_store_n(&((struct live *)s)->control->enabled, 0, __ATOMIC_RELEASE);
}
