// SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only)
/* The kprobe backends: for kernels from 5.10 on, and for preemptible ones, where programs of
 * the tracepoint backend are skipped when they are interrupted by themselves.
 *
 * Bytes are taken where the reader gets them, by a kprobe on skb_copy_datagram_iter (or the
 * perf tracepoint in it), by a walk through the socket buffer's pages; when, where to and by
 * whom they were written, under the lock that puts a buffer into the receiver's queue
 * (skb_queue_tail). Besides these: splice out of a socket, and what nobody had read when the
 * receiver was closed. States are in a table by the socket's address, and leave it when the
 * kernel frees the socket.
 */
#include "event.h"
#include "kernel.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct sock_state;
static struct sock_state *state_find(struct sock *sk);
static struct sock_state *state_make(struct sock *sk, const struct sock_state *init);
static struct sock *peer_of(struct sock *sk);

#define GET(pointer, member) BPF_CORE_READ(pointer, member)

static __always_inline void fill_task(struct spf_event *e)
{
	u64 id = bpf_get_current_pid_tgid();

	e->pid = id >> 32;
	e->tid = (u32)id;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
}

#include "body.h"
#include "sizes.h"
#include "early.h"
#include "tcp.h"

enum { MAX_UNREAD = 512 }; /* buffers in the queue of a socket that is closed */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, u64);
	__type(value, struct sock_state);
} socks SEC(".maps");

/* Threads that are in a call with MSG_PEEK or MSG_OOB, and the flags. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, u32);
} flagged SEC(".maps");

/* Threads in a call whose outcome is known only at its end: what it works on. */
struct call {
	u64 skb;
	u32 at;
	u32 slot;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct call);
} calls SEC(".maps");

static __always_inline struct sock_state *state_find(struct sock *sk)
{
	u64 key = (u64)sk;

	return bpf_map_lookup_elem(&socks, &key);
}

static __always_inline struct sock_state *state_make(struct sock *sk, const struct sock_state *init)
{
	u64 key = (u64)sk;

	bpf_map_update_elem(&socks, &key, init, BPF_NOEXIST);
	return bpf_map_lookup_elem(&socks, &key);
}

static __always_inline struct sock *peer_of(struct sock *sk)
{
	return BPF_CORE_READ((struct unix_sock *)sk, peer);
}

static __always_inline bool is_wanted(struct sock *sk)
{
	return sk && is_active() && BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX;
}

#include "copy_kprobe.h"

static __always_inline u32 passed_fds(struct sk_buff *skb)
{
	struct scm_fp_list *fp = BPF_CORE_READ((struct unix_skb_parms *)skb->cb, fp);

	return fp ? (u16)BPF_CORE_READ(fp, count) : 0;
}

/* A global function, so that what it has on the stack is not there while bytes are copied. */
__noinline int make_tcp(u64 sk, u32 is_opening, u32 len)
{
	tcp_state((struct sock *)sk, is_opening, len, current_task());
	return 0;
}

/* The kernel runs no program inside of another, so the end of a socket that an interrupt brings may
 * pass unseen: at its address there may be another one. */
static __always_inline struct sock_state *tcp_find(struct sock *sk)
{
	struct sock_state *st = state_find(sk);
	u64 key = (u64)sk;

	if (!st || st->ports == ports_of(sk))
		return st;
	bpf_map_delete_elem(&socks, &key);
	return 0;
}

static __always_inline struct sock_state *tcp_begin(struct sock *sk, bool is_opening, u32 len)
{
	make_tcp((u64)sk, is_opening, len);
	return state_find(sk);
}

static __always_inline void take_segment(struct sk_buff *skb, u32 slot_nr, struct spf_slot *slot,
					 struct segment *s, u32 flags)
{
	walk((u64)skb, s->at, s->len, slot_nr, flags << 16);
}

/* ---- reading ----------------------------------------------------------------------------- */

static __always_inline void set_flags(u32 flags)
{
	u64 id = bpf_get_current_pid_tgid();

	if (flags & (MSG_PEEK | MSG_OOB))
		bpf_map_update_elem(&flagged, &id, &flags, BPF_ANY);
	else if (bpf_map_lookup_elem(&flagged, &id))
		bpf_map_delete_elem(&flagged, &id);
}

/* What is read is unix or TCP. Each is a global function, since what one has on the stack the other
 * has not; so is meeting a socket, which is done before anything is copied. */
enum { AT_READER = 0xffffffff }; /* the place in the buffer is where its reader is */

__noinline int read_unix(u64 addr, u32 at, u32 len)
{
	struct sk_buff *skb = (struct sk_buff *)addr;
	struct sock *sk = BPF_CORE_READ(skb, sk);
	u64 id = bpf_get_current_pid_tgid();
	struct sock_state *st;
	struct spf_slot *slot;
	bool is_stream;
	u32 *flags;

	if (!is_wanted(sk) || !len)
		return 0;
	st = state_at_read(sk);
	if (!st || !st->is_watched)
		return 0;
	flags = bpf_map_lookup_elem(&flagged, &id);
	if (flags && *flags & MSG_PEEK)
		return 0;
	slot = bpf_map_lookup_elem(&slots, &st->slot);
	if (!slot)
		return 0;
	if (is_asked())
		used(st, slot, READER);
	is_stream = BPF_CORE_READ(sk, sk_type) == SOCK_STREAM;
	if (at == AT_READER)
		at = is_stream ? BPF_CORE_READ((struct unix_skb_parms *)skb->cb, consumed) : 0;
	if (flags)
		st->has_urgent = 1;
	else if (cfg_early)
		return 0;
	else if (is_stream)
		mark(st, slot, (u64)skb, BPF_CORE_READ(skb, len), at, at + len);
	walk((u64)skb, at, len, st->slot, passed_fds(skb));
	return 0;
}

/* What another machine sent, or news of when it was read. */
__noinline int read_tcp(u64 addr, u32 at, u32 len)
{
	struct sk_buff *skb = (struct sk_buff *)addr;
	struct sock *sk = BPF_CORE_READ(skb, sk);
	u32 has = BPF_CORE_READ(skb, len);

	if (at == AT_READER)
		at = reading_at(skb, sk);
	if (at < has && len <= has - at)
		segment_read(skb, sk, at, len);
	return 0;
}

/* Returns 1 if the buffer is TCP's, its socket known from here on. */
__noinline int meet(u64 addr)
{
	struct sock *sk = BPF_CORE_READ((struct sk_buff *)addr, sk);

	if (!sk || BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX)
		return 0;
	meet_reader(sk);
	return 1;
}

static __always_inline int read_any(u64 skb, u32 at, u32 len)
{
	if (!is_active())
		return 0;
	if (cfg_tcp && meet(skb))
		read_tcp(skb, at, len);
	else
		read_unix(skb, at, len);
	return 0;
}

SEC("kprobe/skb_copy_datagram_iter")
int BPF_KPROBE(on_read, u64 skb, int at, void *to, int len)
{
	return read_any(skb, at, len);
}

struct copy_event {
	u64 common;
	struct sk_buff *skb;
	int len;
};

SEC("tp/skb/skb_copy_datagram_iovec")
int on_read_event(struct copy_event *e)
{
	return read_any((u64)e->skb, AT_READER, e->len);
}

SEC("kprobe/unix_stream_read_generic")
int BPF_KPROBE(on_stream_call, struct unix_stream_read_state *call)
{
	if (is_active())
		set_flags(BPF_CORE_READ(call, flags));
	return 0;
}

/* Also of __unix_dgram_recvmsg, which has its flags at the same place. */
SEC("kprobe/unix_dgram_recvmsg")
int BPF_KPROBE(on_dgram_call, void *sock, void *msg, u64 size, int flags)
{
	if (is_active())
		set_flags(flags);
	return 0;
}

/* Splice out of a socket tells only at its end how much it took. */
SEC("kprobe/unix_stream_splice_actor")
int BPF_KPROBE(on_splice, struct sk_buff *skb, int skip, int chunk)
{
	struct sock *sk = BPF_CORE_READ(skb, sk);
	u64 id = bpf_get_current_pid_tgid();
	struct call s = { .skb = (u64)skb };
	struct sock_state *st;

	if (cfg_early || !is_wanted(sk))
		return 0;
	st = state_at_read(sk);
	if (!st || !st->is_watched)
		return 0;
	s.at = BPF_CORE_READ((struct unix_skb_parms *)skb->cb, consumed) + skip;
	s.slot = st->slot;
	bpf_map_update_elem(&calls, &id, &s, BPF_ANY);
	return 0;
}

SEC("kretprobe/unix_stream_splice_actor")
int BPF_KRETPROBE(on_spliced, int len)
{
	u64 id = bpf_get_current_pid_tgid();
	struct call *s = bpf_map_lookup_elem(&calls, &id);

	if (!s)
		return 0;
	if (len > 0)
		walk(s->skb, s->at, len, s->slot, passed_fds((struct sk_buff *)s->skb));
	bpf_map_delete_elem(&calls, &id);
	return 0;
}

/* ---- writing ----------------------------------------------------------------------------- */

SEC("kprobe/skb_queue_tail")
int BPF_KPROBE(on_queue, void *list, struct sk_buff *skb)
{
	struct sock *sk = BPF_CORE_READ(skb, sk), *to;
	struct sock_state *st;
	u32 len;

	if (!is_wanted(sk))
		return 0;
	len = BPF_CORE_READ(skb, len);
	if (!len)
		return 0;
	to = (struct sock *)(list - bpf_core_field_offset(struct sock, sk_receive_queue));
	st = state_of(sk, to, current_task());
	if (!st || !st->is_watched)
		return 0;
	unmark(st, (u64)skb);
	if (!cfg_early)
		sent(st, len);
	else if (wrote(st, len))
		walk((u64)skb, 0, len, st->slot, WRITTEN | passed_fds(skb));
	return 0;
}

/* Up to 6.4 sendfile and splice into a socket add pages to the last buffer of the queue. The
 * call fails, and is made again with a new buffer, where all places for pages are taken. */
SEC("kprobe/skb_append_pagefrags")
int BPF_KPROBE(on_append, struct sk_buff *skb, u64 page, int off, u64 len)
{
	struct sock *sk = BPF_CORE_READ(skb, sk);
	struct skb_shared_info *info;
	struct sock_state *st;
	u32 cnt;

	if (!is_wanted(sk))
		return 0;
	info = (void *)((u64)BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, end));
	cnt = BPF_CORE_READ(info, nr_frags);
	if (cnt >= 17) { /* MAX_SKB_FRAGS of these kernels */
		struct frag f = {};

		bpf_probe_read_kernel(&f, sizeof(f), (void *)((u64)&info->frags + 16 * sizeof(f)));
		if (f.page != page || f.off + f.len != (u32)off)
			return 0;
	}
	st = state_of(sk, 0, current_task());
	if (!st || !st->is_watched)
		return 0;
	if (!cnt)
		unmark(st, (u64)skb);
	if (!cfg_early)
		sent(st, len);
	else if (wrote(st, len))
		emit_range(page_address(page) + off, len, cfg_snaplen, st->slot, WRITTEN);
	return 0;
}

#include "tcp_kprobe.h"

/* ---- the end ----------------------------------------------------------------------------- */

/* A buffer in the queue of a socket that is closed: nobody will read it. */
__noinline int drop(u64 addr)
{
	struct sk_buff *skb = (struct sk_buff *)addr;
	struct sock *from = BPF_CORE_READ(skb, sk);
	u32 at = BPF_CORE_READ((struct unix_skb_parms *)skb->cb, consumed);
	u32 len = BPF_CORE_READ(skb, len);
	struct sock_state *st = from && at < len ? state_find(from) : 0;
	struct spf_slot *slot = st && st->is_watched ? bpf_map_lookup_elem(&slots, &st->slot) : 0;

	if (slot) {
		slot->unread += len - at;
		walk(addr, at, len - at, st->slot, UNREAD | passed_fds(skb));
	}
	return 0;
}

SEC("kprobe/unix_release_sock")
int BPF_KPROBE(on_release, struct sock *sk)
{
	struct sk_buff *skb, *head = (struct sk_buff *)&sk->sk_receive_queue;
	struct sock *peer = peer_of(sk);
	struct sock_state *st;
	struct spf_slot *slot;
	int i;

	if (!is_active())
		return 0;
	skb = BPF_CORE_READ(sk, sk_receive_queue.next);
	for (i = 0; !cfg_early && i < MAX_UNREAD && skb && skb != head; i++) {
		drop((u64)skb);
		skb = BPF_CORE_READ(skb, next);
	}
	st = peer ? state_find(peer) : 0;
	if (st)
		ended(st, true);
	st = state_find(sk);
	slot = st && st->is_watched ? bpf_map_lookup_elem(&slots, &st->slot) : 0;
	/* An urgent byte that waits is not in accepted, a message that is just read not in the queue;
	 * until its event is made it is only in read. */
	if (slot && !(peer && BPF_CORE_READ(peer, sk_receive_queue.qlen)) &&
	    slot->accepted <= slot->captured + slot->cut + slot->lost + slot->unreadable + slot->filtered)
		ended(st, true);
	return 0;
}

/* A new socket: what is known of its address is of one whose end was not seen. */
SEC("kprobe/sock_init_data")
int BPF_KPROBE(on_create, void *socket, u64 sk)
{
	bpf_map_delete_elem(&socks, &sk);
	return 0;
}

SEC("kprobe/unix_sock_destructor")
int BPF_KPROBE(on_destroy, u64 sk)
{
	bpf_map_delete_elem(&socks, &sk);
	return 0;
}

/* ---- run by the monitor ------------------------------------------------------------------ */

SEC("iter/task_file")
int list_open(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct socket *so = 0;

	if (file && (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) == S_IFSOCK)
		so = BPF_CORE_READ(file, private_data);
	if (so)
		list_any(BPF_CORE_READ(so, sk), ctx->task);
	return 0;
}

/* Marks the slots of the sockets that are still alive. */
SEC("iter/bpf_map_elem")
int sweep_dead(struct bpf_iter__bpf_map_elem *ctx)
{
	struct sock_state *st = ctx->value;
	u64 *key = ctx->key;
	struct sock *sk;

	if (!st || !key || !st->is_watched)
		return 0;
	sk = (struct sock *)*key;
	if (st->is_tcp && (st->ports != ports_of(sk) ||
			   BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_CLOSE))
		return 0;
	is_alive(st);
	if (st->is_tcp)
		note_reader(sk, st);
	return 0;
}
