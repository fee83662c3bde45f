/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* What all backends do alike: judge a socket, keep its state and its direction's counters,
 * announce it, say what was sent. A backend defines, before it includes this,
 *
 *     state_find(sk)        the state of a socket, or NULL
 *     state_make(sk, init)  the same, made from init if there was none; NULL if that failed
 *     peer_of(sk)           the socket that sk is connected to, or NULL
 *
 * since what the verifier accepts for them differs. See README.md for the backends.
 */
#ifndef SPF_BODY_H
#define SPF_BODY_H

const volatile u32 cfg_watch_all; /* no target was named: every socket is watched */
const volatile u32 cfg_snaplen = 0xffffffff;

struct spf_control control SEC(".data.control");

/* A socket is judged once, when it is first seen. States die with their sockets. */
struct sock_state {
	u64 id;
	u32 slot;
	u8 is_watched;
	u8 is_announced;
	u8 is_eof;
	u8 is_aligned; /* of an old socket: what was written is counted from the right place */
	u8 is_new;
	u8 is_tcp;
	u8 has_seq;
	u8 has_urgent; /* somebody read with MSG_OOB */
	u32 next_seq;  /* TCP: of the next new byte; */
	u32 sent_seq;  /* of the next that nobody has written */
	u32 peer_slot; /* TCP: the other direction's, which lives as long */
	u64 skb;     /* stream: the buffer that is being read, */
	u32 skb_len; /* how much is in it, */
	u32 skb_end; /* how far it is read, */
	u32 skb_at;  /* and from where in the last call; before that the counters said: */
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
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct spf_target);
	__type(value, u32);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024);
} ring SEC(".maps");

/* ---- names and verdicts ------------------------------------------------------------------ */

/* Reads the name a socket is bound to; returns its length, 0 if it has none. */
static __always_inline u32 read_name(struct unix_sock *u, u8 *name)
{
	struct unix_address *a = BPF_CORE_READ(u, addr);
	u64 len; /* 64 bits wide: the verifier loses the bounds of a narrower one */

	if (!a)
		return 0;
	len = (u32)BPF_CORE_READ(a, len) - 2; /* without sun_family */
	if (len == SPF_NAME_LEN + 1)
		len = SPF_NAME_LEN; /* the kernel counts the NUL after a path of 108 bytes */
	asm volatile("" : "+r"(len));
	if (len == 0 || len > SPF_NAME_LEN)
		return 0;
	if (bpf_probe_read_kernel(name, len, (char *)&a->name + 2))
		return 0;
	if (name[0] && len > 1 && !name[(len - 1) & 127])
		len--; /* a path: the NUL is not part of it */
	return len;
}

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
	end->uid = cred ? (s32)BPF_CORE_READ(cred, uid.val) : -1;
	end->ino = sock_ino(sk);
}

/* ---- events ------------------------------------------------------------------------------ */

static __always_inline void fill_event(struct spf_event *e, u32 kind, u32 slot, u64 sock)
{
	u64 id = bpf_get_current_pid_tgid();

	e->kind = kind;
	e->slot = slot;
	e->sock = sock;
	e->pid = id >> 32;
	e->tid = (u32)id;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	e->ts = bpf_ktime_get_ns(); /* after the reservation: see event.h */
}

/* pst: NULL for a datagram socket that is not connected. Its messages may go to many; the
 * name is that of the first, if it is known. */
static __always_inline int announce(struct sock *sk, struct sock_state *st, struct sock *peer,
				    struct sock_state *pst)
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
	fill_event(&o->e, SPF_EVENT_OPEN, st->slot, st->id);
	bpf_ringbuf_submit(o, BPF_RB_NO_WAKEUP);
	st->is_announced = 1;
	if (pst)
		pst->is_announced = 1;
	return 0;
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

/* Gives the state a slot; false if all are taken. */
static __always_inline bool take_slot(struct sock_state *st, struct sock *peer)
{
	struct spf_slot *slot;

	if (bpf_map_pop_elem(&free_slots, &st->slot)) {
		__sync_fetch_and_add(&control.no_slot, 1);
		return false;
	}
	slot = bpf_map_lookup_elem(&slots, &st->slot);
	if (!slot)
		return false;
	__builtin_memset(slot, 0, sizeof(*slot));
	slot->seen = control.sweep;
	slot->sock = st->id;
	if (!st->is_new)
		slot->accepted = queued(peer);
	return true;
}

static __always_inline void give_slot_back(struct sock_state *st)
{
	struct spf_slot *slot = bpf_map_lookup_elem(&slots, &st->slot);

	if (slot)
		slot->sock = 0;
	bpf_map_push_elem(&free_slots, &st->slot, BPF_ANY);
}

/* peer: where what sk sends is queued. The slot is ready before anybody can find it. */
static __always_inline struct sock_state *new_state(struct sock *sk, struct sock *peer,
						    bool is_watched)
{
	struct sock_state init = {};
	struct sock_state *st;

	/* Unique without an atomic counter: two CPUs never share time and number. */
	init.id = bpf_ktime_get_ns() << 8 | (bpf_get_smp_processor_id() & 0xff);
	init.is_new = control.listed;
	init.is_watched = is_watched && take_slot(&init, peer);
	st = state_make(sk, &init);
	if (!st)
		st = state_find(sk);
	if (init.is_watched && (!st || st->id != init.id)) /* somebody else was first */
		give_slot_back(&init);
	return st;
}

static __always_inline bool is_target(struct sock *sk, struct sock *peer)
{
	struct spf_target key = {};
	u32 len;

	if (cfg_watch_all || control.enabled == SPF_TRIAL)
		return true;
	len = read_name((struct unix_sock *)sk, key.name);
	if (!len)
		len = read_name((struct unix_sock *)peer, key.name);
	key.len = (u8)len;
	key.bits = SPF_TARGET_BITS;
	return len && bpf_map_lookup_elem(&targets, &key);
}

/* The state of the sending socket of a buffer, made if it is new. Its peer cannot be looked
 * up from here (the verifier does not trust the pointer), so the OPEN event is left to the
 * end of the write that is just being read. */
static __always_inline struct sock_state *state_at_read(struct sock *sk)
{
	struct sock_state *st = state_find(sk);
	struct sock *peer;

	if (st)
		return st;
	peer = BPF_CORE_READ((struct unix_sock *)sk, peer);
	return new_state(sk, peer, is_target(sk, peer) && !is_own(bpf_get_current_pid_tgid() >> 32));
}

/* The state of a socket that process pid uses, made if it is new, with both ends announced.
 * to: where a datagram socket that is not connected sends to, or NULL if that is not known. */
static __always_inline struct sock_state *state_of(struct sock *sk, struct sock *to, u32 pid)
{
	struct sock_state *st = state_find(sk), *pst = 0;
	struct sock *peer;
	bool is_watched;

	if (st && (st->is_announced || !st->is_watched))
		return st;
	peer = peer_of(sk);
	if (!peer && BPF_CORE_READ(sk, sk_type) == SOCK_STREAM)
		return st;
	if (peer)
		to = peer;
	is_watched = is_target(sk, to) && !is_own(pid);
	if (!st)
		st = new_state(sk, to, is_watched);
	if (peer) {
		pst = state_find(peer);
		if (!pst)
			pst = new_state(peer, sk, is_watched);
	}
	if (st && st->is_watched && (!peer || (pst && pst->is_watched)))
		announce(sk, st, to, pst);
	return st;
}

/* A socket of a running process: a connection that was open before is announced. */
static __always_inline void list_socket(struct sock *sk, struct task_struct *task)
{
	if (sk && task && BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX &&
	    BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_ESTABLISHED)
		state_of(sk, 0, task->tgid);
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
	if (slot->is_unwanted)
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
