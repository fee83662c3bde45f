/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What all backends do alike: judge a socket, keep its state and its direction's counters,
 * announce it, say what was sent. A backend defines, before it includes this,
 *
 *     state_find(sk)        the state of a socket, or NULL
 *     state_make(sk, init)  the same, made from init if there was none; NULL if that failed
 *     peer_of(sk)           the socket that sk is connected to, or NULL
 *     fill_task(e)          who runs: pid, tid and comm of an event
 *     GET(pointer, member)  a member of a kernel struct
 *
 * since what the verifier accepts for them differs. See README.md for the backends.
 */
#ifndef SPF_BODY_H
#define SPF_BODY_H

const volatile u32 cfg_snaplen = 0xffffffff;
const volatile u32 cfg_early; /* bytes are taken when they are written */

struct spf_control control SEC(".data.control");

/* The trial wants all of its message. */
static __always_inline u32 snaplen(void)
{
	return cfg_snaplen != 0xffffffff && control.enabled == SPF_TRIAL ? 0xffffffff : cfg_snaplen;
}

#include "match.h"
#include "who.h"

/* A socket is judged once, when it is first seen. States die with their sockets. */
struct sock_state {
	u64 id;
	u32 slot;
	u8 is_watched; /* enum spf_match */
	u8 is_announced;
	u8 is_eof;
	u8 is_aligned; /* of an old socket: what was written is counted from the right place */
	u8 is_new;
	u8 is_tcp;
	u8 is_local; /* TCP: so is the other end, for all that is known */
	u8 has_urgent; /* somebody read with MSG_OOB */
	u32 looks;     /* at processes that are not meant: */
	u64 others[2]; /* who wrote and read last (pid and tid) */
	u32 peer_slot; /* the other direction's; SPF_SLOTS: not known. TCP: lives as long */
	u64 peer_id;
	u64 skb;     /* stream: the buffer that is being read, */
	u32 skb_len; /* how much is in it, */
	u32 skb_end; /* how far it is read, */
	u32 skb_at;  /* and from where in the last call; */
	u32 ports;   /* TCP: of both ends */
	/* Stream: what the counters said before that call. */
	u64 read, captured, cut, lost, unreadable, filtered;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SPF_SLOTS);
	__type(key, u32);
	__type(value, struct spf_slot);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, SPF_SLOTS);
	__type(value, u32);
} free_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024);
} ring SEC(".maps");

/* ---- names and verdicts ------------------------------------------------------------------ */

static __always_inline bool is_active(void)
{
	u32 enabled = control.enabled;

	if (enabled == SPF_TRIAL)
		return bpf_get_current_pid_tgid() >> 32 == control.trial_pid;
	return enabled;
}

static __always_inline bool is_own(u32 pid)
{
	return pid == control.own_pid[0] || pid == control.own_pid[1];
}

static __always_inline u32 sock_ino(struct sock *sk)
{
	struct socket *s = BPF_CORE_READ(sk, sk_socket);

	return s ? (u32)BPF_CORE_READ(s, file, f_inode, i_ino) : 0;
}

static __always_inline void fill_end(struct spf_end *end, struct sock *sk, struct sock *peer)
{
	struct pid *pid = BPF_CORE_READ(peer, sk_peer_pid); /* the peer's view of sk's process */
	const struct cred *cred = BPF_CORE_READ(peer, sk_peer_cred);

	end->pid = pid ? BPF_CORE_READ(pid, numbers[0].nr) : 0;
	end->uid = cred ? (s32)BPF_CORE_READ(cred, euid.val) : -1;
	end->ino = sock_ino(sk);
}

/* ---- events ------------------------------------------------------------------------------ */

static __always_inline void fill_event(struct spf_event *e, u32 kind, u32 slot, u64 sock)
{
	e->kind = kind;
	e->slot = slot;
	e->sock = sock;
	fill_task(e);
	e->ts = bpf_ktime_get_ns(); /* after the reservation: see event.h */
}

/* pst: NULL for a datagram socket that is not connected. Its messages may go to many; the
 * name is that of the first, if it is known. */
static __always_inline int announce(struct sock *sk, struct sock_state *st, struct sock *peer,
				    struct sock_state *pst, bool is_unmeant)
{
	struct spf_event_open *o = bpf_ringbuf_reserve(&ring, sizeof(*o), 0);
	struct unix_sock *us = (struct unix_sock *)sk, *up = (struct unix_sock *)peer;

	if (!o) {
		__sync_fetch_and_add(&control.open_lost, 1);
		return -1;
	}
	__builtin_memset(o, 0, sizeof(*o));
	o->family = AF_UNIX;
	o->type = BPF_CORE_READ(sk, sk_type);
	o->is_new = st->is_new;
	o->name_len = read_name(us, o->name);
	if (o->name_len) {
		/* Both ends bound: whose name is the service's is not known here. */
		o->role = BPF_CORE_READ(up, addr) ? SPF_ROLE_UNKNOWN : SPF_ROLE_SERVER;
	} else {
		o->name_len = read_name(up, o->name);
		o->role = o->name_len ? SPF_ROLE_CLIENT : SPF_ROLE_UNKNOWN;
	}
	o->end[0].sock = st->id;
	o->end[0].slot = st->slot;
	fill_end(&o->end[0], sk, peer);
	o->end[1].sock = pst ? pst->id : st->id | 1ull << 63;
	o->end[1].slot = pst ? pst->slot : SPF_SLOTS;
	if (peer)
		fill_end(&o->end[1], peer, sk);
	o->is_unmeant = is_unmeant;
	o->match = st->is_watched;
	fill_event(&o->e, SPF_EVENT_OPEN, st->slot, st->id);
	bpf_ringbuf_submit(o, BPF_RB_NO_WAKEUP);
	st->is_announced = 1;
	if (pst)
		pst->is_announced = 1;
	return 0;
}

/* ---- whose it is (who.h) ----------------------------------------------------------------- */

/* What was written to a connection before anybody read from it, as it would have been reported
 * had the connection been meant by then: a server that is meant is known when it reads. */
struct first_writes {
	u32 cnt;
	struct spf_event_sent w[4];
};

/* By slot; one entry where everybody is meant. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SPF_SLOTS);
	__type(key, u32);
	__type(value, struct first_writes);
} first_writes SEC(".maps");

static __always_inline bool is_asked(void)
{
	return cfg_who.is_asked && control.enabled != SPF_TRIAL;
}

static __always_inline void forget_writes(u32 slot_nr)
{
	struct first_writes *f = cfg_who.is_asked ? bpf_map_lookup_elem(&first_writes, &slot_nr) : 0;

	if (f)
		f->cnt = 0;
}

static __always_inline void keep_write(struct sock_state *st, u64 off, u64 len)
{
	struct first_writes *f = bpf_map_lookup_elem(&first_writes, &st->slot);
	u32 cnt = f ? f->cnt : 4;

	if (cnt >= 4)
		return;
	f->w[cnt].off = off;
	f->w[cnt].len = len;
	fill_event(&f->w[cnt].e, SPF_EVENT_SENT, st->slot, st->id);
	f->cnt = cnt + 1;
}

/* From here on the direction is captured. */
static __always_inline void mean(u32 slot_nr, struct spf_slot *slot)
{
	struct first_writes *f = bpf_map_lookup_elem(&first_writes, &slot_nr);
	int i;

	slot->is_unmeant = 0;
	for (i = 0; f && i < 4 && i < f->cnt; i++)
		if (f->w[i].e.sock == slot->sock &&
		    bpf_ringbuf_output(&ring, &f->w[i], sizeof(f->w[i]), BPF_RB_NO_WAKEUP))
			__sync_fetch_and_add(&control.sent_lost, 1);
}

/* A process reads or writes by the connection of st: if it is meant, so is the connection. */
static __always_inline void used_by(struct sock_state *st, struct spf_slot *slot,
				    struct task_struct *task)
{
	u32 other = st->peer_slot;

	if (!slot->is_unmeant || !is_meant(task))
		return;
	mean(st->slot, slot);
	slot = bpf_map_lookup_elem(&slots, &other);
	if (slot && slot->sock == st->peer_id && slot->is_unmeant)
		mean(other, slot);
}

enum { WRITER, READER };

/* The running process writes or reads. One that was looked at is looked at again only now and
 * then, for it may change its name, user or cgroup. */
static __always_inline void used(struct sock_state *st, struct spf_slot *slot, int as)
{
	u64 id = bpf_get_current_pid_tgid();

	if (!slot->is_unmeant || (st->others[as] == id && ++st->looks & 63))
		return;
	st->others[as] = id;
	used_by(st, slot, current_task());
}

/* The process reads by the socket of st, whose slot is that of what it sends. */
static __always_inline void reads(struct sock_state *st)
{
	struct spf_slot *slot = st && st->is_watched ? bpf_map_lookup_elem(&slots, &st->slot) : 0;

	if (slot)
		used(st, slot, READER);
}

/* The process that connected, or made the pair. */
static __always_inline struct task_struct *opener_of(struct sock *sk, struct sock *peer)
{
	struct pid *pid;

	if (peer && BPF_CORE_READ((struct unix_sock *)peer, addr))
		pid = BPF_CORE_READ(peer, sk_peer_pid);
	else
		pid = BPF_CORE_READ(sk, sk_peer_pid);
	return pid_task(pid);
}

/* True if nobody who is meant has used the connection, by what is known when it is first seen. */
static __always_inline bool is_nobodys(struct sock *sk, struct sock *peer, struct task_struct *user)
{
	struct task_struct *opener;

	if (!is_asked() || is_meant(user))
		return false;
	opener = opener_of(sk, peer);
	return !opener || !is_meant(opener);
}

/* Each direction knows the other, and what is meant of one is meant of both. */
static __always_inline bool pair(struct sock_state *a, struct sock_state *b)
{
	struct spf_slot *sa, *sb;

	a->peer_slot = b->slot;
	a->peer_id = b->id;
	b->peer_slot = a->slot;
	b->peer_id = a->id;
	sa = bpf_map_lookup_elem(&slots, &a->slot);
	sb = bpf_map_lookup_elem(&slots, &b->slot);
	if (!is_asked() || !sa || !sb)
		return false;
	if (sa->is_unmeant && !sb->is_unmeant)
		mean(a->slot, sa);
	if (sb->is_unmeant && !sa->is_unmeant)
		mean(b->slot, sb);
	return sa->is_unmeant;
}

/* ---- states ------------------------------------------------------------------------------ */

/* Bytes that wait to be read by the socket. */
static __always_inline u64 queued(struct sock *receiver)
{
	struct unix_sock *u = (struct unix_sock *)receiver;
	struct sk_buff *skb, *head;
	u64 sum = 0;
	int i;

	if (!receiver)
		return 0;
	if (bpf_core_field_exists(u->inq_len)) /* seen in 6.18, not in 6.12 */
		return (u32)BPF_CORE_READ(u, inq_len);
	head = (struct sk_buff *)&receiver->sk_receive_queue;
	skb = BPF_CORE_READ(receiver, sk_receive_queue.next);
	for (i = 0; i < 64 && skb != head && skb; i++) {
		struct unix_skb_parms *cb = (struct unix_skb_parms *)skb->cb;

		sum += BPF_CORE_READ(skb, len) - BPF_CORE_READ(cb, consumed);
		skb = BPF_CORE_READ(skb, next);
	}
	return sum;
}

/* A slot for the direction of socket id, its number in *nr; NULL if all are taken. */
static __always_inline struct spf_slot *new_slot(u64 id, u32 *nr, bool is_unmeant)
{
	struct spf_slot *slot;

	if (bpf_map_pop_elem(&free_slots, nr)) {
		__sync_fetch_and_add(&control.no_slot, 1);
		return 0;
	}
	slot = bpf_map_lookup_elem(&slots, nr);
	if (!slot)
		return 0;
	__builtin_memset(slot, 0, sizeof(*slot));
	slot->seen = control.sweep;
	slot->sock = id;
	slot->is_unmeant = is_unmeant;
	forget_writes(*nr);
	return slot;
}

/* Gives the state a slot; false if all are taken. */
static __always_inline bool take_slot(struct sock_state *st, struct sock *peer, bool is_unmeant)
{
	struct spf_slot *slot = new_slot(st->id, &st->slot, is_unmeant);

	if (slot && !st->is_new && !cfg_early)
		slot->accepted = queued(peer);
	return slot;
}

static __always_inline void give_slot_back(struct sock_state *st)
{
	struct spf_slot *slot = bpf_map_lookup_elem(&slots, &st->slot);

	if (slot)
		slot->sock = 0;
	bpf_map_push_elem(&free_slots, &st->slot, BPF_ANY);
}

/* For the sweep: the socket is alive. */
static __always_inline void is_alive(struct sock_state *st)
{
	u32 number = st->slot;
	struct spf_slot *slot = bpf_map_lookup_elem(&slots, &number);

	if (slot)
		slot->seen = control.sweep;
	if (!st->is_tcp)
		return;
	number = st->peer_slot;
	slot = bpf_map_lookup_elem(&slots, &number);
	if (slot)
		slot->seen = control.sweep;
}

/* peer: where what sk sends is queued. The slot is ready before anybody can find it. */
static __always_inline struct sock_state *new_state(struct sock *sk, struct sock *peer,
						    u8 is_watched, bool is_unmeant)
{
	struct sock_state init = {};
	struct sock_state *st;

	/* Unique without an atomic counter: two CPUs never share time and number. */
	init.id = bpf_ktime_get_ns() << 8 | (bpf_get_smp_processor_id() & 0xff);
	init.is_new = control.listed;
	init.peer_slot = SPF_SLOTS;
	if (is_watched && take_slot(&init, peer, is_unmeant))
		init.is_watched = is_watched;
	st = state_make(sk, &init);
	if (!st)
		st = state_find(sk);
	if (init.is_watched && (!st || st->id != init.id)) /* somebody else was first */
		give_slot_back(&init);
	else if (init.is_watched) /* for a sweep that began after the slot was taken */
		is_alive(st);
	return st;
}

/* The state of the sending socket of a buffer, made if it is new. Its peer cannot be looked
 * up from here (the verifier does not trust the pointer), so the OPEN event is left to the
 * end of the write that is just being read; but who is closed writes nothing more. */
static __always_inline struct sock_state *state_at_read(struct sock *sk)
{
	struct sock_state *st = state_find(sk);
	u8 is_watched = SPF_MATCH_NONE;
	struct sock *peer;
	bool is_unmeant;

	if (st)
		return st;
	peer = BPF_CORE_READ((struct unix_sock *)sk, peer);
	if (!is_own(bpf_get_current_pid_tgid() >> 32))
		is_watched = match_of(sk, peer);
	is_unmeant = is_nobodys(sk, peer, current_task());
	st = new_state(sk, peer, is_watched, is_unmeant);
	if (st && st->is_watched && BPF_CORE_READ(sk, __sk_common.skc_flags) & 1) /* SOCK_DEAD */
		announce(sk, st, 0, 0, is_unmeant);
	return st;
}

/* The state of a socket that a process uses, made if it is new, with both ends announced.
 * to: where a datagram socket that is not connected sends to, or NULL if that is not known. */
static __always_inline struct sock_state *state_of(struct sock *sk, struct sock *to,
						   struct task_struct *user)
{
	struct sock_state *st = state_find(sk), *pst = 0;
	struct sock *peer;
	bool is_unmeant;
	u8 is_watched;

	if (st && (st->is_announced || !st->is_watched))
		return st;
	peer = peer_of(sk);
	if (!peer && BPF_CORE_READ(sk, sk_type) == SOCK_STREAM)
		return st;
	if (peer)
		to = peer;
	is_watched = is_own(BPF_CORE_READ(user, tgid)) ? SPF_MATCH_NONE : match_of(sk, to);
	is_unmeant = is_nobodys(sk, to, user);
	if (!st)
		st = new_state(sk, to, is_watched, is_unmeant);
	if (peer) {
		pst = state_find(peer);
		if (!pst)
			pst = new_state(peer, sk, is_watched, is_unmeant);
	}
	if (!st || !st->is_watched || (peer && !(pst && pst->is_watched)))
		return st;
	if (pst)
		is_unmeant = pair(st, pst);
	announce(sk, st, to, pst, is_unmeant);
	return st;
}

/* A process holds the socket of st, found when the capture began. */
static __always_inline void held(struct sock_state *st, struct task_struct *task)
{
	struct spf_slot *slot = 0;

	if (is_asked() && st && st->is_watched)
		slot = bpf_map_lookup_elem(&slots, &st->slot);
	if (slot)
		used_by(st, slot, task);
}

/* A socket of a running process: a connection that was open before is announced. */
static __always_inline void list_socket(struct sock *sk, struct task_struct *task)
{
	if (sk && task && BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX &&
	    BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_ESTABLISHED)
		held(state_of(sk, 0, task), task);
}

/* ---- what is said without bytes ---------------------------------------------------------- */

/* len bytes were written by the socket of st. */
static __always_inline void sent(struct sock_state *st, u64 len)
{
	struct spf_slot *slot = bpf_map_lookup_elem(&slots, &st->slot);
	struct spf_event_sent *s;
	u64 off;

	if (!slot)
		return;
	off = slot->accepted;
	__sync_fetch_and_add(&slot->accepted, len);
	if (is_asked())
		used(st, slot, WRITER);
	if (slot->is_unmeant && !slot->read)
		keep_write(st, off, len);
	if (slot->is_unwanted | slot->is_unmeant)
		return;
	s = bpf_ringbuf_reserve(&ring, sizeof(*s), 0);
	if (!s) {
		__sync_fetch_and_add(&control.sent_lost, 1);
		return;
	}
	s->off = off;
	s->len = len;
	fill_event(&s->e, SPF_EVENT_SENT, st->slot, st->id);
	bpf_ringbuf_submit(s, BPF_RB_NO_WAKEUP);
}

/* The next len bytes of a direction passed, and cannot be copied. */
static __always_inline void unreadable(u32 slot_nr, struct spf_slot *slot, u32 len)
{
	struct spf_event_data *d;

	if (slot->is_unwanted | slot->is_unmeant) {
		slot->filtered += len;
		slot->read += len;
		return;
	}
	d = bpf_ringbuf_reserve(&ring, sizeof(*d), 0);
	if (d) {
		d->off = slot->read;
		d->len = len;
		d->cap = 0;
		d->fds = 0;
		d->flags = SPF_DATA_UNREADABLE;
		fill_event(&d->e, SPF_EVENT_DATA, slot_nr, slot->sock);
		bpf_ringbuf_submit(d, BPF_RB_NO_WAKEUP);
		slot->unreadable += len;
	} else {
		slot->lost += len;
	}
	slot->read += len;
}

/* ---- what is read ------------------------------------------------------------------------ */

/* A reader whose memory is none (EFAULT) leaves the bytes in the socket, but is seen like any
 * other: that the same buffer is read from an earlier place tells. What was counted then is
 * taken back, and the bytes are captured again at the same offset. The mark is removed when
 * the buffer's address may become another's: see unmark(). Only an urgent byte's buffer takes
 * an address unseen; it holds nothing else. */
static __always_inline void mark(struct sock_state *st, struct spf_slot *slot, u64 skb, u32 skb_len,
				 u32 at, u32 end)
{
	if (skb_len == 1 && (st->skb_len != 1 || st->has_urgent))
		st->skb = 0;
	if (st->skb == skb && at < st->skb_end && at >= st->skb_at) {
		slot->read = st->read;
		slot->captured = st->captured;
		slot->cut = st->cut;
		slot->lost = st->lost;
		slot->unreadable = st->unreadable;
		slot->filtered = st->filtered;
	}
	st->skb = skb;
	st->skb_len = skb_len;
	st->skb_at = at;
	st->skb_end = end;
	st->read = slot->read;
	st->captured = slot->captured;
	st->cut = slot->cut;
	st->lost = slot->lost;
	st->unreadable = slot->unreadable;
	st->filtered = slot->filtered;
}

/* A stream's buffer was read, or peeked at, up to end, and nobody who is meant has used the
 * connection: counted only, each byte once. known: how far the buffer was known. */
static __always_inline void filter_read(struct sock_state *st, struct spf_slot *slot, u64 skb,
					u32 known, u32 end)
{
	u32 len = end > known ? end - known : 0;

	st->skb = skb;
	st->skb_end = known + len;
	st->skb_at = 0xffffffff; /* nothing to go back to: see mark() */
	slot->read += len;
	slot->filtered += len;
}

static __always_inline void unmark(struct sock_state *st, u64 skb)
{
	if (st->skb == skb)
		st->skb = 0;
}

/* Nothing more will be read of what the socket of st sends. */
static __always_inline void ended(struct sock_state *st, bool is_dead)
{
	struct spf_event_eof *e;

	if (!st->is_watched || !st->is_announced || st->is_eof)
		return;
	e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&control.eof_lost, 1);
		return;
	}
	st->is_eof = 1;
	e->is_dead = is_dead;
	e->reserved = 0;
	fill_event(&e->e, SPF_EVENT_EOF, st->slot, st->id);
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

#endif
