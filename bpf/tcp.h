/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* TCP. What a local process sends is taken from the segments where they are handed to the network
 * (net_dev_queue, loopback too); what another machine sends, where a local process reads it. A
 * segment's sequence number is its place in the stream, so what is sent again, passes several
 * devices, or was seen when it was sent, is taken once, and a hole is known. Of bytes that were
 * seen being sent, the reader tells the time of reading; of others, if he is here, the bytes.
 *
 * A connection is known by its two addresses. Both directions get their ids and slots when the
 * first end of it sends or reads; the other end finds them, in whatever network namespace it is.
 * Behind a translation of addresses (NAT) it has others: there the two ends of a connection are
 * two connections, each of them whole.
 */
#ifndef SPF_TCP_H
#define SPF_TCP_H

const volatile u32 cfg_tcp; /* some TCP connections are watched */
const volatile u32 cfg_watch_tcp; /* every one is */

struct tcp_key {
	struct spf_tcp_end end[2]; /* the smaller first */
	u32 netns; /* of addresses that mean something else in each; else 0 */
};

struct tcp_pair {
	u64 sk[2]; /* the sockets, where they are known */
	u64 id[2];
	u32 slot[2];
	u8 is_watched;
	u8 is_new;
	u8 is_client; /* which end opened it; 2 = unknown */
	u8 is_local;
	u8 reserved[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SPF_SLOTS);
	__type(key, struct tcp_key);
	__type(value, struct tcp_pair);
} tcp_pairs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SPF_TARGETS);
	__type(key, struct spf_tcp_target);
	__type(value, u32);
} tcp_targets SEC(".maps");

/* A backend says how a state is found, and made, where its bytes are copied: */
static struct sock_state *tcp_find(struct sock *sk);
static struct sock_state *tcp_begin(struct sock *sk, bool is_opening, u32 len);

struct segment {
	u32 seq;
	u32 at; /* of the payload, in the buffer */
	u32 len;
	bool is_syn, is_ack, is_fin;
};

/* ---- whose segment ----------------------------------------------------------------------- */

static __always_inline bool is_tcp(struct sock *sk)
{
	u16 family = GET(sk, __sk_common.skc_family);
	u8 state = GET(sk, __sk_common.skc_state);

	return (family == AF_INET || family == AF_INET6) && state != TCP_TIME_WAIT &&
	       state != TCP_NEW_SYN_RECV && state != TCP_LISTEN &&
	       GET(sk, sk_protocol) == IPPROTO_TCP;
}

static __always_inline void map_ipv4(u8 *addr, u32 ipv4)
{
	__builtin_memset(addr, 0, 16);
	addr[10] = addr[11] = 0xff;
	__builtin_memcpy(addr + 12, &ipv4, 4);
}

/* Addresses that do not leave the network namespace: 127.0.0.0/8, ::1, one's own. */
static __always_inline bool is_inside(const struct spf_tcp_end *a, const struct spf_tcp_end *b)
{
	u64 of_a[2], of_b[2];

	__builtin_memcpy(of_a, a->addr, sizeof(of_a));
	__builtin_memcpy(of_b, b->addr, sizeof(of_b));
	if (of_a[0] == of_b[0] && of_a[1] == of_b[1])
		return true;
	return !of_a[0] && (of_a[1] & 0xffffffffffull) == 0x7fffff0000ull;
}

/* Fills the key; returns which of its ends is sk's. */
static __always_inline u32 fill_key(struct tcp_key *key, struct sock *sk)
{
	struct spf_tcp_end own = {}, other = {};
	u64 a, b;
	u32 mine;

	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
		map_ipv4(own.addr, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		map_ipv4(other.addr, BPF_CORE_READ(sk, __sk_common.skc_daddr));
	} else {
		bpf_core_read(own.addr, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(other.addr, 16, &sk->__sk_common.skc_v6_daddr);
	}
	own.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	other.port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (is_inside(&own, &other))
		key->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	/* Any order will do, if both ends find the same. */
	__builtin_memcpy(&a, own.addr + 8, 8);
	__builtin_memcpy(&b, other.addr + 8, 8);
	if (a == b) {
		__builtin_memcpy(&a, own.addr, 8);
		__builtin_memcpy(&b, other.addr, 8);
	}
	if (a == b) {
		a = own.port;
		b = other.port;
	}
	mine = a > b;
	if (mine) {
		key->end[0] = other;
		key->end[1] = own;
	} else {
		key->end[0] = own;
		key->end[1] = other;
	}
	return mine;
}

static __always_inline bool is_tcp_target(const struct spf_tcp_target *t)
{
	u64 is_there = bpf_map_lookup_elem(&tcp_targets, t) != 0;

	asm volatile("" : "+r"(is_there)); /* two pointers may not be or-ed, as clang would */
	return is_there;
}

/* Which ends of the connection are a target: 1 and 2; both if every connection is watched. */
static __always_inline u32 targets_of(struct tcp_key *key)
{
	u32 ends = 0;
	int i;

	if (cfg_watch_tcp)
		return 3;
	for (i = 0; i < 2; i++) {
		struct spf_tcp_target t = {};

		t.port = key->end[i].port;
		if (is_tcp_target(&t))
			ends |= 1 << i;
		__builtin_memcpy(t.addr, key->end[i].addr, 16);
		if (is_tcp_target(&t))
			ends |= 1 << i;
	}
	return ends;
}

/* False if what follows the packet's outermost IP header (and, of IPv6, the option of a large
 * packet) is not TCP's: a tunnel has taken it, which was seen before. */
static __always_inline bool has_tcp_header(struct sk_buff *skb)
{
	u64 ip = (u64)BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, network_header);
	u8 raw[10], next = 0;

	if (bpf_probe_read_kernel(raw, sizeof(raw), (void *)ip))
		return false;
	if (raw[0] >> 4 == 4)
		return raw[9] == IPPROTO_TCP;
	if (!raw[6])
		bpf_probe_read_kernel(&next, sizeof(next), (void *)(ip + 40));
	return raw[6] == IPPROTO_TCP || next == IPPROTO_TCP;
}

static __always_inline bool parse_segment(struct sk_buff *skb, struct segment *s)
{
	u64 th = (u64)GET(skb, head) + GET(skb, transport_header);
	u64 data = (u64)GET(skb, data);
	u32 len = GET(skb, len);
	u8 raw[20];
	u32 seq;

	if (!has_tcp_header(skb) || bpf_probe_read_kernel(raw, sizeof(raw), (void *)th))
		return false;
	__builtin_memcpy(&seq, raw + 4, 4);
	s->seq = bpf_ntohl(seq);
	s->at = (u32)(th - data) + (raw[12] >> 4) * 4;
	s->is_fin = raw[13] & 1;
	s->is_syn = raw[13] & 2;
	s->is_ack = raw[13] & 16;
	if (s->at > len)
		return false;
	s->len = len - s->at;
	return true;
}

/* ---- whose it is (who.h) ----------------------------------------------------------------- */

/* A request passes before the server has anything to do with the connection. So what goes to a
 * port that a process which is meant listens on is meant too, whoever serves it. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, u32);
} meant_ports SEC(".maps");

static __always_inline bool is_meant_port(u32 port)
{
	return bpf_map_lookup_elem(&meant_ports, &port);
}

static __always_inline void listens(const struct sock *sk, struct task_struct *task)
{
	u32 port = BPF_CORE_READ(sk, __sk_common.skc_num), one = 1;

	if (is_meant(task))
		bpf_map_update_elem(&meant_ports, &port, &one, BPF_ANY);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_listen, const struct sock *sk, int from, int to)
{
	if (to == TCP_LISTEN)
		listens(sk, current_task());
	return 0;
}

/* ---- the connection ---------------------------------------------------------------------- */

/* A slot for end i of the pair. */
static __always_inline bool take_pair_slot(struct tcp_pair *pair, int i, bool is_unmeant)
{
	pair->id[i] = (bpf_ktime_get_ns() << 8 | (bpf_get_smp_processor_id() & 0x7f)) + i * 128;
	return new_slot(pair->id[i], &pair->slot[i], is_unmeant);
}

static __always_inline void announce_pair(struct tcp_key *key, struct tcp_pair *pair,
					  bool is_unmeant)
{
	struct spf_event_open *o = bpf_ringbuf_reserve(&ring, sizeof(*o), 0);
	int i;

	if (!o) {
		__sync_fetch_and_add(&control.open_lost, 1);
		return;
	}
	__builtin_memset(o, 0, sizeof(*o));
	o->family = AF_INET;
	o->type = SOCK_STREAM;
	o->is_new = pair->is_new;
	o->role = pair->is_client == 0 ? SPF_ROLE_CLIENT
		: pair->is_client == 1 ? SPF_ROLE_SERVER : SPF_ROLE_UNKNOWN;
	o->is_unmeant = is_unmeant;
	o->is_local = pair->is_local;
	o->name_len = sizeof(key->end);
	__builtin_memcpy(o->name, key->end, sizeof(key->end));
	for (i = 0; i < 2; i++) {
		o->end[i].sock = pair->id[i];
		o->end[i].slot = pair->slot[i];
		o->end[i].uid = -1;
	}
	fill_event(&o->e, SPF_EVENT_OPEN, pair->slot[0], pair->id[0]);
	bpf_ringbuf_submit(o, BPF_RB_NO_WAKEUP);
}

/* True if nobody has read or sent anything on the socket, but for the len bytes that it is just
 * sending: the other end opened the connection, and nothing of it was missed. */
static __always_inline bool is_fresh(struct sock *sk, u32 len)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	u32 waiting = BPF_CORE_READ(tp, rcv_nxt) - BPF_CORE_READ(tp, copied_seq);

	/* Less than nothing where a FIN waits too. */
	return (s32)((u32)BPF_CORE_READ(tp, bytes_received) - waiting) <= 0 &&
	       BPF_CORE_READ(tp, bytes_sent) == len;
}

/* Which end opened the connection: 2 where that is not known. A port that was asked for is a
 * server's, also of the sockets that it accepts; else the target is the service. */
static __always_inline u8 client_of(struct sock *sk, u32 mine, bool is_opening, u32 targets)
{
	if (is_opening)
		return mine;
	if (BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks) & SOCK_BINDPORT_LOCK)
		return !mine;
	return targets == 1 ? 1 : targets == 2 ? 0 : 2;
}

/* The connection of key, found or made for sk, its end number mine. */
static __always_inline struct tcp_pair *find_pair(struct tcp_key *key, u32 mine, struct sock *sk,
						  bool is_opening, u32 len,
						  struct task_struct *user)
{
	struct tcp_pair *pair = is_opening ? 0 : bpf_map_lookup_elem(&tcp_pairs, key);
	struct tcp_pair init = {};
	bool is_unmeant;
	u32 targets;

	/* An entry in which another socket has this place is of a connection that is gone. */
	if (pair && (!pair->sk[mine & 1] || pair->sk[mine & 1] == (u64)sk)) {
		pair->sk[mine & 1] = (u64)sk;
		return pair;
	}
	targets = targets_of(key);
	if (!targets || is_own(BPF_CORE_READ(user, tgid)))
		return 0;
	init.is_new = is_opening || is_fresh(sk, len);
	init.is_client = client_of(sk, mine, is_opening, targets);
	init.is_local = key->netns != 0;
	init.sk[mine & 1] = (u64)sk;
	is_unmeant = is_asked() && !(is_opening && is_meant(user)) &&
		     !is_meant_port(key->end[0].port) && !is_meant_port(key->end[1].port);
	init.is_watched = take_pair_slot(&init, 0, is_unmeant) &&
			  take_pair_slot(&init, 1, is_unmeant);
	bpf_map_update_elem(&tcp_pairs, key, &init, BPF_ANY);
	if (init.is_watched)
		announce_pair(key, &init, is_unmeant);
	return bpf_map_lookup_elem(&tcp_pairs, key);
}

static __always_inline u32 ports_of(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_num) |
	       (u32)BPF_CORE_READ(sk, __sk_common.skc_dport) << 16;
}

/* The state of a socket, made if it is seen for the first time. */
static __always_inline struct sock_state *tcp_state(struct sock *sk, bool is_opening, u32 len,
						    struct task_struct *user)
{
	struct sock_state *st = tcp_find(sk), init = {};
	struct tcp_pair *pair;
	struct spf_slot *slot;
	struct tcp_key key;
	u32 mine;

	if (st)
		return st;
	__builtin_memset(&key, 0, sizeof(key));
	mine = fill_key(&key, sk);
	pair = find_pair(&key, mine, sk, is_opening, len, user);
	if (pair) {
		init.is_watched = pair->is_watched;
		init.is_aligned = pair->is_new;
		init.is_local = pair->is_local;
		init.id = pair->id[mine & 1];
		init.slot = pair->slot[mine & 1];
		init.peer_slot = pair->slot[!mine];
		init.peer_id = pair->id[!mine];
		slot = bpf_map_lookup_elem(&slots, &init.peer_slot);
		if (slot && slot->sock == init.peer_id)
			slot->has_reader = 1;
	}
	init.is_announced = 1;
	init.is_tcp = 1;
	init.ports = ports_of(sk);
	st = state_make(sk, &init);
	if (st && st->is_watched) /* for a sweep that began after the slots were taken */
		is_alive(st);
	return st;
}

/* A socket of a running process, before the capture. */
static __always_inline void list_tcp(struct sock *sk, struct task_struct *task)
{
	u16 family = sk ? BPF_CORE_READ(sk, __sk_common.skc_family) : 0;

	if (!is_asked() || !task || (family != AF_INET && family != AF_INET6))
		return;
	if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN)
		listens(sk, task);
	else if (is_tcp(sk) && is_meant(task))
		held(tcp_state(sk, false, 0, task), task);
}

static __always_inline void list_any(struct sock *sk, struct task_struct *task)
{
	list_socket(sk, task);
	list_tcp(sk, task);
}

/* ---- its bytes --------------------------------------------------------------------------- */

#include "tcp_place.h"

static void take_segment(struct sk_buff *skb, u32 slot_nr, struct spf_slot *slot, struct segment *s,
			 u32 flags);

static __always_inline void segment_sent(struct sk_buff *skb, struct sock *sk)
{
	struct segment seg = {};
	struct sock_state *st;
	struct spf_slot *slot;
	u32 nr;

	if (!is_tcp(sk))
		return;
	st = tcp_find(sk);
	if ((st && !st->is_watched) || !parse_segment(skb, &seg))
		return;
	if (!st)
		st = tcp_begin(sk, seg.is_syn && !seg.is_ack, seg.len);
	if (!st || !st->is_watched)
		return;
	nr = st->slot;
	slot = bpf_map_lookup_elem(&slots, &nr);
	if (slot && place_sent(nr, slot, &seg, st->is_local))
		take_segment(skb, nr, slot, &seg, SPF_DATA_SENDING);
	if (seg.is_fin)
		ended(st, false);
}

/* A process reads from a socket that may not have been seen yet. */
static __always_inline void meet_reader(struct sock *sk)
{
	if (is_tcp(sk) && !tcp_find(sk))
		tcp_begin(sk, false, 0);
}

/* It takes len bytes at offset at of a buffer in the queue of sk. */
static __always_inline void segment_read(struct sk_buff *skb, struct sock *sk, u32 at, u32 len)
{
	struct segment seg = { .at = at, .len = len };
	struct sock_state *st;
	struct spf_slot *slot;
	u32 nr;

	st = state_find(sk);
	if (!st || !st->is_watched || !st->is_tcp)
		return;
	nr = st->slot;
	slot = is_asked() ? bpf_map_lookup_elem(&slots, &nr) : 0;
	if (slot)
		used(st, slot, READER);
	nr = st->peer_slot;
	slot = bpf_map_lookup_elem(&slots, &nr);
	seg.seq = BPF_CORE_READ((struct tcp_skb_cb *)skb->cb, seq) + at;
	if (!slot || !place_read(nr, slot, &seg, st->is_local))
		return;
	if (slot->seq_from == SPF_SEQ_READ) {
		take_segment(skb, nr, slot, &seg, SPF_DATA_REMOTE);
		return;
	}
	take_segment(skb, nr, slot, &seg, SPF_DATA_FILL);
	slot->taken = slot->filled = slot->read;
}

/* How far the reader of sk is, who may take bytes where no hook is. */
static __always_inline void note_reader(struct sock *sk, struct sock_state *st)
{
	u32 nr = st->peer_slot;
	struct spf_slot *slot = bpf_map_lookup_elem(&slots, &nr);
	s64 end;

	if (!slot || slot->seq_from < SPF_SEQ_SENT)
		return;
	end = seq_offset(slot, BPF_CORE_READ((struct tcp_sock *)sk, copied_seq));
	if (end > (s64)slot->accepted) /* a FIN counts too */
		end = slot->accepted;
	if (end <= (s64)*(volatile u64 *)&slot->taken)
		return;
	slot->taken = end;
	slot->is_spliced = 1;
}

/* Where in a buffer the reader of sk is; behind its end if that is another one. */
static __always_inline u32 reading_at(struct sk_buff *skb, struct sock *sk)
{
	return BPF_CORE_READ((struct tcp_sock *)sk, copied_seq) -
	       BPF_CORE_READ((struct tcp_skb_cb *)skb->cb, seq);
}

/* len bytes were written; the last has the number before write_seq. Later ones are counted from
 * there, since several threads may write at once. */
static __always_inline void tcp_sent(struct sock *sk, struct sock_state *st, u32 len)
{
	struct spf_slot *slot = bpf_map_lookup_elem(&slots, &st->slot);
	s64 end;

	if (!slot || slot->seq_from == SPF_SEQ_UNKNOWN) {
		st->is_aligned = 0;
		return;
	}
	if (!st->is_aligned || slot->seq_from == SPF_SEQ_READ) {
		end = seq_offset(slot, BPF_CORE_READ((struct tcp_sock *)sk, write_seq));
		if (end < len) /* it began before the capture */
			len = end > 0 ? end : 0;
		slot->accepted = end - len;
		st->is_aligned = 1;
	}
	if (len)
		sent(st, len);
}

#endif
