// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* The tracepoint backend: needs no kprobes and no knowledge of addresses.
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
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sock_state);
} socks SEC(".maps");

#define state_find(sk) ((struct sock_state *)bpf_sk_storage_get(&socks, sk, 0, 0))
#define state_make(sk, init)                                                                       \
	((struct sock_state *)bpf_sk_storage_get(&socks, sk, init, BPF_SK_STORAGE_GET_F_CREATE))

static __always_inline struct sock *peer_of(struct sock *sk)
{
	struct unix_sock *u = bpf_skc_to_unix_sock(sk);

	return u ? u->peer : 0;
}

/* Since 6.2. What it points to is read by plain loads, as from any kernel pointer of a tp_btf
 * program; a call of bpf_probe_read_kernel() costs more than the rest of such a read. */
extern void *bpf_rdonly_cast(const void *obj, u32 type) __ksym __weak;

#define cast_to(type, pointer)                                                                     \
	((type *)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(type)))

#define GET(pointer, member) ((pointer)->member)

/* Who runs. */
static __always_inline void fill_task(struct spf_event *e)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	struct timespec64 *comm = cast_to(struct timespec64, task->comm); /* any two words */

	e->pid = task->tgid;
	e->tid = task->pid;
	__builtin_memcpy(e->comm, &(u64){ comm->tv_sec }, 8);
	__builtin_memcpy(e->comm + 8, &(u64){ comm->tv_nsec }, 8);
}

#include "body.h"
#include "sizes.h"
#include "tcp.h"

extern int bpf_dynptr_from_skb(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *p) __ksym __weak;

static __always_inline bool is_unix(struct sock *sk)
{
	return sk->__sk_common.skc_family == AF_UNIX;
}

/* ---- the hooks --------------------------------------------------------------------------- */

/* Where the kernel's functions begin and end, from its own list; 0 if it has none. They tell
 * who frees a buffer. */
const volatile u64 cfg_reader_from, cfg_reader_to;   /* unix_stream_read_generic */
const volatile u64 cfg_release_from, cfg_release_to; /* unix_release_sock */

#ifdef __TARGET_ARCH_arm64
enum { NR_RECVFROM = 207, NR_RECVMSG = 212, NR_SPLICE = 76, NR_RECVMMSG = 243 };
#define CALL_NUMBER syscallno
#else
enum { NR_RECVFROM = 45, NR_RECVMSG = 47, NR_SPLICE = 275, NR_RECVMMSG = 299 };
#define CALL_NUMBER orig_ax
#endif

/* The number of the running system call, and its flags if it is one that receives. They are
 * still in the registers of the caller; io_uring's are not seen. */
static __always_inline u64 running_call(u64 *flags)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	u64 nr = regs->CALL_NUMBER;

	if (nr == NR_RECVFROM || nr == NR_RECVMMSG)
		*flags = PT_REGS_PARM4_SYSCALL(regs);
	else if (nr == NR_RECVMSG)
		*flags = PT_REGS_PARM3_SYSCALL(regs);
	return nr;
}

static __always_inline struct unix_skb_parms *parms_of(struct sk_buff *skb)
{
	return cast_to(struct unix_skb_parms, skb->cb);
}

struct piece {
	u64 off;  /* in the stream */
	u32 slot;
	u32 at;   /* in the socket buffer */
	u32 len;
	u32 cap;
	s32 fds;
	u32 flags;
};

#define EMIT(SIZE)                                                                                 \
	do {                                                                                       \
		struct {                                                                           \
			struct spf_event_data d;                                                   \
			u8 bytes[SIZE];                                                            \
		} *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);                                  \
		u64 n = p->cap;                                                                    \
		if (!r)                                                                            \
			break;                                                                     \
		asm volatile("" : "+r"(n));                                                        \
		if (n > SIZE)                                                                      \
			n = SIZE;                                                                  \
		r->d.off = p->off;                                                                 \
		r->d.len = p->len;                                                                 \
		r->d.cap = (u32)n;                                                                 \
		r->d.fds = p->fds;                                                                 \
		r->d.flags = p->flags;                                                             \
		if (n && bpf_dynptr_read(r->bytes, n, skb, p->at, 0)) {                            \
			r->d.cap = 0;                                                              \
			r->d.flags |= SPF_DATA_UNREADABLE;                                         \
		}                                                                                  \
		fill_event(&r->d.e, SPF_EVENT_DATA, p->slot, slot->sock);                          \
		got = r->d.cap;                                                                    \
		bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);                                           \
	} while (0)

/* Longer than PIECES of SPF_DATA_MAX are large datagrams, and buffers that the kernel joins when it
 * receives TCP. */
enum { PIECES = 4, JOINED_MAX = 1 << 18 };

/* Returns the bytes copied, or -1 if the ring is full. */
static __always_inline int emit_data(struct bpf_dynptr *skb, struct spf_slot *slot, struct piece *p)
{
	int got = -1;

	if (p->cap > SPF_DATA_MAX)
		EMIT(JOINED_MAX);
	else
		BY_SIZE(p->cap, EMIT);
	return got;
}

/* Copies len bytes from the socket buffer's offset at on, in pieces that fit an event. */
static __always_inline void copy_out(struct bpf_dynptr *skb, struct spf_slot *slot, struct piece p,
				     u32 len)
{
	u32 snap = snaplen(), max = len > PIECES * SPF_DATA_MAX ? JOINED_MAX : SPF_DATA_MAX;
	int i, got;

	for (i = 0; i < PIECES && len; i++) {
		p.cap = len < snap ? len : snap;
		if (p.cap > max)
			p.cap = max;
		snap -= p.cap;
		p.len = snap ? p.cap : len; /* the last piece carries what is cut */
		got = emit_data(skb, slot, &p);
		if (got < 0) {
			slot->lost += p.len;
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
	slot->unreadable += len; /* of more than PIECES of JOINED_MAX, which was not seen yet */
}

/* Hands on [at, at + len) of a buffer. */
static __always_inline void take(struct sk_buff *skb, u32 slot_nr, struct spf_slot *slot, u32 at,
				 u32 len, u32 flags)
{
	struct piece p = { .slot = slot_nr, .at = at, .off = slot->read, .flags = flags };
	struct bpf_dynptr data;

	if (slot->is_unwanted | slot->is_unmeant) {
		slot->filtered += len;
		slot->read += len;
		return;
	}
	if (bpf_dynptr_from_skb((struct __sk_buff *)skb, 0, &data)) {
		unreadable(slot_nr, slot, len);
		return;
	}
	slot->read += len;
	if (!(flags & (SPF_DATA_SENDING | SPF_DATA_REMOTE | SPF_DATA_FILL))) {
		struct scm_fp_list *fp = parms_of(skb)->fp;

		p.fds = fp ? fp->count : 0;
	}
	copy_out(&data, slot, p, len);
}

static __always_inline struct sock_state *tcp_find(struct sock *sk)
{
	return state_find(sk);
}

static __always_inline struct sock_state *tcp_begin(struct sock *sk, bool is_opening, u32 len)
{
	return tcp_state(sk, is_opening, len, current_task());
}

static __always_inline void take_segment(struct sk_buff *skb, u32 slot_nr, struct spf_slot *slot,
					 struct segment *s, u32 flags)
{
	take(skb, slot_nr, slot, s->at, s->len, flags);
}

/* How far a stream's buffer is known. What was spliced out of it passed no hook: it is found
 * by the next read, or when the buffer is freed, and still there. */
static __always_inline u32 known_end(struct sock_state *st, struct sk_buff *skb, u32 at)
{
	if (!cfg_reader_from || (!st->skb && !st->is_new && !st->read))
		return at; /* before the capture, for all that is known */
	return st->skb == (u64)skb ? st->skb_end : 0;
}

SEC("tp_btf/skb_copy_datagram_iovec")
int BPF_PROG(on_read, struct sk_buff *skb, int len)
{
	struct sock_state *st;
	struct spf_slot *slot;
	struct sock *sk;
	u64 flags = 0;
	u32 at, end;

	if (!is_active() || len <= 0)
		return 0;
	sk = skb->sk;
	if (cfg_tcp && sk && !is_unix(sk)) {
		st = is_tcp(sk) ? state_find(sk) : 0;
		if (st && !st->is_watched)
			return 0;
		at = reading_at(skb, sk);
		meet_reader(sk);
		if (at < skb->len && len <= skb->len - at)
			segment_read(skb, sk, at, len);
		return 0;
	}
	if (!sk || !is_unix(sk))
		return 0;
	st = state_at_read(sk);
	if (!st || !st->is_watched)
		return 0;
	slot = bpf_map_lookup_elem(&slots, &st->slot);
	if (!slot)
		return 0;
	at = parms_of(skb)->consumed;
	if (is_asked()) {
		used(st, slot, READER);
		if (slot->is_unmeant && sk->sk_type == SOCK_STREAM) {
			filter_read(st, slot, (u64)skb, known_end(st, skb, at), at + len);
			return 0;
		}
	}
	running_call(&flags);
	if (flags & MSG_PEEK)
		return 0;
	if (sk->sk_type == SOCK_STREAM && !(flags & MSG_OOB)) {
		end = known_end(st, skb, at);
		if (end < at) {
			len += at - end;
			at = end;
		}
		if (cfg_reader_from)
			mark(st, slot, (u64)skb, skb->len, at, at + len);
	}
	take(skb, st->slot, slot, at, len, 0);
	return 0;
}

/* The reader frees a buffer that is read to its end: by splice, unseen. */
SEC("tp_btf/consume_skb")
int BPF_PROG(on_consumed, struct sk_buff *skb, u64 location)
{
	struct sock_state *st;
	struct spf_slot *slot;
	struct sock *sk;
	u64 flags = 0;
	u32 end;

	if (location < cfg_reader_from || location >= cfg_reader_to || !is_active())
		return 0;
	sk = skb->sk;
	if (!sk || !is_unix(sk))
		return 0;
	st = state_at_read(sk);
	if (!st || !st->is_watched)
		return 0;
	end = known_end(st, skb, 0);
	unmark(st, (u64)skb);
	slot = bpf_map_lookup_elem(&slots, &st->slot);
	if (!slot)
		return 0;
	if (is_asked())
		used(st, slot, READER);
	if (end < skb->len && running_call(&flags) == NR_SPLICE)
		take(skb, st->slot, slot, end, skb->len - end, 0);
	return 0;
}

/* A socket is closed: what it has not read, nobody will. */
SEC("tp_btf/kfree_skb")
int BPF_PROG(on_dropped, struct sk_buff *skb, u64 location)
{
	struct sock_state *st;
	struct spf_slot *slot;
	struct sock *sk;
	u32 at;

	if (location < cfg_release_from || location >= cfg_release_to || !is_active())
		return 0;
	sk = skb->sk;
	if (!sk || !is_unix(sk))
		return 0;
	st = state_find(sk);
	if (!st || !st->is_watched)
		return 0;
	at = parms_of(skb)->consumed;
	asm volatile("" : "+r"(at)); /* else one load is made of two, of different pointers */
	if (st->skb == (u64)skb)
		at = st->skb_end;
	slot = bpf_map_lookup_elem(&slots, &st->slot);
	if (!slot || at >= skb->len)
		return 0;
	slot->unread += skb->len - at;
	take(skb, st->slot, slot, at, skb->len - at, SPF_DATA_UNREAD);
	return 0;
}

/* A segment of a local process goes out. */
SEC("tp_btf/net_dev_queue")
int BPF_PROG(on_segment, struct sk_buff *skb)
{
	struct sock *sk = skb->sk;

	if (sk && is_active())
		segment_sent(skb, sk);
	return 0;
}

/* A socket that was open before the capture is first seen at any time, also between a write
 * and its report here: then its bytes are counted twice, as waiting and as written. A write
 * that was just made ends where the queue does, so more than that was never written. What
 * waits is read before what was taken: a reader in between can only make the sum too large. */
static __always_inline void align(struct sock *sk, struct sock_state *st, u32 len)
{
	struct spf_slot *slot = bpf_map_lookup_elem(&slots, &st->slot);
	u64 end = queued(BPF_CORE_READ((struct unix_sock *)sk, peer));

	if (!slot)
		return;
	end += *(volatile u64 *)&slot->read;
	if (slot->accepted + len > end && end >= len)
		slot->accepted = end - len;
	st->is_aligned = slot->accepted + len == end;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_sent, struct sock *sk, int ret, int flags)
{
	struct sock_state *st;

	if (!is_active() || ret <= 0)
		return 0;
	st = state_find(sk);
	if (is_unix(sk) && (!st || (st->is_watched && !st->is_announced)))
		st = state_of(sk, 0, current_task());
	if (!st || !st->is_watched)
		return 0;
	if (!st->is_new && !st->is_aligned && is_unix(sk) && sk->sk_type == SOCK_STREAM)
		align(sk, st, ret);
	if (is_unix(sk))
		sent(st, ret);
	else
		tcp_sent(sk, st, ret);
	return 0;
}

/* A writer has queued something for the socket, and nobody was told yet: so a reader that waits
 * finds the connection judged. The end of the write would be too late for that. */
SEC("tp_btf/sk_data_ready")
int BPF_PROG(on_queued, struct sock *sk)
{
	struct sock_state *st;
	struct spf_slot *slot;
	struct sock *from;

	if (!is_active() || !is_unix(sk))
		return 0;
	from = peer_of(sk);
	st = from ? state_of(from, 0, current_task()) : 0;
	if (!st || !st->is_watched)
		return 0;
	slot = bpf_map_lookup_elem(&slots, &st->slot);
	if (slot)
		used(st, slot, WRITER);
	return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_received, struct sock *sk, int ret, int flags)
{
	struct sock_state *st;
	struct sock *peer;

	if (!is_active())
		return 0;
	if (ret > 0 && is_asked() && !is_unix(sk) && is_tcp(sk))
		reads(state_find(sk));
	if (ret || !is_unix(sk))
		return 0;
	/* Nothing is also what a read of no bytes gets, an empty message, and from 5.15 to 6.9.7 a read
	 * that begins where an urgent byte was taken. It is the end if nothing waits. */
	if (!(sk->sk_shutdown & RCV_SHUTDOWN) || sk->sk_receive_queue.qlen)
		return 0;
	peer = peer_of(sk);
	st = peer ? state_find(peer) : 0;
	if (st)
		ended(st, BPF_CORE_READ(peer, __sk_common.skc_flags) & 1); /* SOCK_DEAD */
	return 0;
}

/* ---- run by the monitor ------------------------------------------------------------------ */

SEC("iter/task_file")
int list_open(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct socket *so = file ? bpf_sock_from_file(file) : 0;

	if (so)
		list_any(so->sk, ctx->task);
	return 0;
}

/* Marks the slots of the sockets that are still alive. */
SEC("iter/bpf_sk_storage_map")
int sweep_dead(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct sock_state *st = ctx->value;
	struct sock *sk = ctx->sk;

	if (!st || !st->is_watched)
		return 0;
	is_alive(st);
	if (st->is_tcp && sk)
		note_reader(sk, st);
	return 0;
}
