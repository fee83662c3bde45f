// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* Capture of AF_UNIX stream sockets.
 *
 * Bytes are taken where the reader gets them (skb_copy_datagram_iovec, under the reader's
 * lock): the kernel has already put any kind of write into socket buffers, and this order
 * is the stream's order. When and by whom they were written is taken at the end of the
 * write (sock_send_length). Nothing here touches a system call's entry or exit: processes
 * that use no unix socket pay nothing.
 *
 * A socket is judged once, when it is first seen: its state (struct sock_state) says
 * whether it is watched and names its slot of counters. States die with their sockets.
 */
#include "event.h"
#include "kernel.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile u32 cfg_watch_all; /* no target was named: every socket is watched */
const volatile u32 cfg_snaplen = 0xffffffff;

struct spf_control control SEC(".data.control");

struct sock_state {
	u64 id;
	u32 slot;
	u8 is_watched;
	u8 is_announced;
	u8 is_eof;
	u8 is_new;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sock_state);
} socks SEC(".maps");

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

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *p) __ksym __weak;

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

static __always_inline void fill_event(struct spf_event *e, u32 kind, struct sock_state *st)
{
	u64 id = bpf_get_current_pid_tgid();

	e->kind = kind;
	e->slot = st->slot;
	e->sock = st->id;
	e->pid = id >> 32;
	e->tid = (u32)id;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	e->ts = bpf_ktime_get_ns(); /* after the reservation: see event.h */
}

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
	o->type = SOCK_STREAM;
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
	o->end[1].sock = pst->id;
	o->end[1].slot = pst->slot;
	fill_end(&o->end[1], peer, sk);
	fill_event(&o->e, SPF_EVENT_OPEN, st);
	bpf_ringbuf_submit(o, BPF_RB_NO_WAKEUP);
	st->is_announced = pst->is_announced = 1;
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

/* peer: where what sk sends is queued. */
static __always_inline struct sock_state *new_state(struct sock *sk, struct sock *peer,
						    bool is_watched)
{
	struct sock_state init = {};
	struct sock_state *st;
	struct spf_slot *slot;

	if (is_watched && bpf_map_pop_elem(&free_slots, &init.slot)) {
		__sync_fetch_and_add(&control.no_slot, 1);
		is_watched = false;
	}
	/* Unique without an atomic counter: two CPUs never share time and number. */
	init.id = bpf_ktime_get_ns() << 8 | (bpf_get_smp_processor_id() & 0xff);
	init.is_watched = is_watched;
	init.is_new = control.listed;
	st = bpf_sk_storage_get(&socks, sk, &init, BPF_SK_STORAGE_GET_F_CREATE);
	if (is_watched && (!st || st->id != init.id)) /* somebody else was first */
		bpf_map_push_elem(&free_slots, &init.slot, BPF_ANY);
	if (!st || st->id != init.id || !is_watched)
		return st;
	slot = bpf_map_lookup_elem(&slots, &init.slot);
	if (slot) {
		__builtin_memset(slot, 0, sizeof(*slot));
		slot->seen = control.sweep;
		slot->sock = init.id;
		if (!init.is_new)
			slot->accepted = queued(peer);
	}
	return st;
}

static __always_inline bool is_target(struct sock *sk, struct sock *peer)
{
	struct spf_target key = {};
	u32 len;

	if (cfg_watch_all)
		return true;
	len = read_name((struct unix_sock *)sk, key.name);
	if (!len)
		len = read_name((struct unix_sock *)peer, key.name);
	key.len = (u8)len;
	key.bits = SPF_TARGET_BITS;
	return len && bpf_map_lookup_elem(&targets, &key);
}

static __always_inline bool is_stream(struct sock *sk)
{
	return sk->__sk_common.skc_family == AF_UNIX && sk->sk_type == SOCK_STREAM;
}

/* The state of the sending socket of a buffer, made if it is new. Its peer cannot be looked
 * up from here (the verifier does not trust the pointer), so the OPEN event is left to the
 * end of the write that is just being read. */
static __always_inline struct sock_state *state_at_read(struct sock *sk)
{
	struct sock_state *st = bpf_sk_storage_get(&socks, sk, 0, 0);
	struct sock *peer;

	if (st)
		return st;
	peer = BPF_CORE_READ((struct unix_sock *)sk, peer);
	return new_state(sk, peer, is_target(sk, peer) && !is_own(bpf_get_current_pid_tgid() >> 32));
}

/* The state of a connected socket that process pid uses, made if it is new, with both ends
 * announced. */
static __always_inline struct sock_state *state_of(struct sock *sk, u32 pid)
{
	struct sock_state *st = bpf_sk_storage_get(&socks, sk, 0, 0), *pst;
	struct unix_sock *u;
	struct sock *peer;
	bool is_watched;

	if (st && (st->is_announced || !st->is_watched))
		return st;
	u = bpf_skc_to_unix_sock(sk);
	peer = u ? u->peer : 0;
	if (!peer)
		return st;
	is_watched = is_target(sk, peer) && !is_own(pid);
	if (!st)
		st = new_state(sk, peer, is_watched);
	pst = bpf_sk_storage_get(&socks, peer, 0, 0);
	if (!pst)
		pst = new_state(peer, sk, is_watched);
	if (st && pst && st->is_watched && pst->is_watched)
		announce(sk, st, peer, pst);
	return st;
}

/* ---- the hooks --------------------------------------------------------------------------- */

/* True if the running system call only looks at the bytes. The flags are still in the
 * registers of the caller; io_uring's peeks are not seen. */
static __always_inline bool is_peek(void)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	u64 nr = BPF_CORE_READ(regs, orig_ax), flags = 0;

	if (nr == 45 || nr == 299) /* recvfrom, recvmmsg */
		flags = BPF_CORE_READ(regs, r10);
	else if (nr == 47) /* recvmsg */
		flags = BPF_CORE_READ(regs, dx);
	return flags & MSG_PEEK;
}

struct piece {
	u64 off;  /* in the stream */
	u32 at;   /* in the socket buffer */
	u32 len;
	u32 cap;
	s32 fds;
};

/* Ring records come in constant sizes, since the verifier wants to know them. */
#define EMIT(SIZE)                                                                                 \
	do {                                                                                       \
		struct {                                                                           \
			struct spf_event_data d;                                                   \
			u8 bytes[SIZE];                                                            \
		} *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);                                  \
		u64 n = p->cap;                                                                    \
		if (!r)                                                                            \
			return -1;                                                                 \
		asm volatile("" : "+r"(n));                                                        \
		if (n > SIZE)                                                                      \
			n = SIZE;                                                                  \
		r->d.off = p->off;                                                                 \
		r->d.len = p->len;                                                                 \
		r->d.cap = (u32)n;                                                                 \
		r->d.fds = p->fds;                                                                 \
		r->d.reserved = 0;                                                                 \
		if (n && bpf_dynptr_read(r->bytes, n, skb, p->at, 0))                              \
			r->d.cap = 0;                                                              \
		fill_event(&r->d.e, SPF_EVENT_DATA, st);                                           \
		got = r->d.cap;                                                                    \
		bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);                                           \
		return got;                                                                        \
	} while (0)

/* Returns the bytes copied, or -1 if the ring is full. */
static __always_inline int emit_data(struct bpf_dynptr *skb, struct sock_state *st, struct piece *p)
{
	int got;

	if (p->cap <= 128)
		EMIT(128);
	if (p->cap <= 512)
		EMIT(512);
	if (p->cap <= 2048)
		EMIT(2048);
	if (p->cap <= 8192)
		EMIT(8192);
	if (p->cap <= 16384)
		EMIT(16384);
	EMIT(SPF_DATA_MAX);
}

/* Copies len bytes from the socket buffer's offset at on, in pieces that fit an event. */
static __always_inline void copy_out(struct bpf_dynptr *skb, struct sock_state *st,
				     struct spf_slot *slot, struct piece p, u32 len)
{
	u32 snap = cfg_snaplen;
	int i, got;

	for (i = 0; i < 4 && len; i++) {
		p.cap = len < snap ? len : snap;
		if (p.cap > SPF_DATA_MAX)
			p.cap = SPF_DATA_MAX;
		snap -= p.cap;
		p.len = snap ? p.cap : len; /* the last piece carries what is cut */
		got = emit_data(skb, st, &p);
		if (got < 0) {
			slot->lost += p.len;
			slot->lost_events++;
		} else if ((u32)got < p.cap) {
			slot->unreadable += p.len;
		} else {
			slot->captured += p.cap;
			slot->cut += p.len - p.cap;
		}
		p.off += p.len;
		p.at += p.len;
		len -= p.len;
		p.fds = 0;
	}
	slot->lost += len;
}

SEC("tp_btf/skb_copy_datagram_iovec")
int BPF_PROG(on_read, struct sk_buff *skb, int len)
{
	struct unix_skb_parms *cb;
	struct sock_state *st;
	struct bpf_dynptr data;
	struct spf_slot *slot;
	struct scm_fp_list *fp;
	struct piece p = {};
	struct sock *sk;

	if (!control.enabled || len <= 0)
		return 0;
	sk = skb->sk;
	if (!sk || !is_stream(sk))
		return 0;
	st = state_at_read(sk);
	if (!st || !st->is_watched || is_peek())
		return 0;
	slot = bpf_map_lookup_elem(&slots, &st->slot);
	if (!slot)
		return 0;
	p.off = slot->read;
	slot->read += len;
	cb = (struct unix_skb_parms *)skb->cb;
	p.at = BPF_CORE_READ(cb, consumed);
	fp = BPF_CORE_READ(cb, fp);
	p.fds = fp ? BPF_CORE_READ(fp, count) : 0;
	if (bpf_dynptr_from_skb((struct __sk_buff *)skb, 0, &data)) {
		slot->unreadable += len;
		return 0;
	}
	copy_out(&data, st, slot, p, len);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_sent, struct sock *sk, int ret, int flags)
{
	struct spf_event_sent *s;
	struct sock_state *st;
	struct spf_slot *slot;
	u64 off;

	if (!control.enabled || ret <= 0 || !is_stream(sk))
		return 0;
	st = state_of(sk, bpf_get_current_pid_tgid() >> 32);
	if (!st || !st->is_watched)
		return 0;
	slot = bpf_map_lookup_elem(&slots, &st->slot);
	if (!slot)
		return 0;
	off = slot->accepted;
	__sync_fetch_and_add(&slot->accepted, ret);
	s = bpf_ringbuf_reserve(&ring, sizeof(*s), 0);
	if (!s) {
		__sync_fetch_and_add(&control.sent_lost, 1);
		return 0;
	}
	s->off = off;
	s->len = ret;
	fill_event(&s->e, SPF_EVENT_SENT, st);
	bpf_ringbuf_submit(s, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_received, struct sock *sk, int ret, int flags)
{
	struct spf_event_eof *e;
	struct sock_state *st;
	struct unix_sock *u;
	struct sock *peer;

	if (ret || !control.enabled || sk->__sk_common.skc_family != AF_UNIX)
		return 0;
	if (!(BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN))
		return 0;
	u = bpf_skc_to_unix_sock(sk);
	peer = u ? u->peer : 0;
	st = peer ? bpf_sk_storage_get(&socks, peer, 0, 0) : 0;
	if (!st || !st->is_watched || !st->is_announced || st->is_eof)
		return 0;
	e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&control.eof_lost, 1);
		return 0;
	}
	st->is_eof = 1;
	e->is_dead = BPF_CORE_READ(peer, __sk_common.skc_flags) & 1; /* SOCK_DEAD */
	e->reserved = 0;
	fill_event(&e->e, SPF_EVENT_EOF, st);
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 0;
}

/* ---- run by the monitor ------------------------------------------------------------------ */

/* Finds the connections that were open before. */
SEC("iter/task_file")
int list_open(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct socket *so;
	struct sock *sk;

	if (!file || !task)
		return 0;
	so = bpf_sock_from_file(file);
	if (!so)
		return 0;
	sk = so->sk;
	if (sk && is_stream(sk) && sk->__sk_common.skc_state == TCP_ESTABLISHED)
		state_of(sk, task->tgid);
	return 0;
}

/* Marks the slots of the sockets that are still alive. */
SEC("iter/bpf_sk_storage_map")
int sweep_dead(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock_state *st = ctx->value;
	struct spf_slot *slot;
	u32 i;

	if (!st || !st->is_watched)
		return 0;
	i = st->slot;
	slot = bpf_map_lookup_elem(&slots, &i);
	if (slot)
		slot->seen = control.sweep;
	return 0;
}
