/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* TCP: what local processes send, taken from the segments where they are handed to the network
 * (net_dev_queue, loopback too). A segment's sequence number is its place in the stream, so
 * what is sent again, or passes several devices, is taken once, and a hole is known.
 *
 * A connection is known by its two addresses. Both directions get their ids and slots when
 * the first end of it sends; where the other end is another machine, its direction stays empty.
 */
#ifndef SPF_TCP_H
#define SPF_TCP_H

const volatile u32 cfg_watch_tcp; /* every TCP connection is watched */

struct tcp_key {
	struct spf_tcp_end end[2]; /* the smaller first */
};

struct tcp_pair {
	u64 id[2];
	u32 slot[2];
	u8 is_watched;
	u8 is_new;
	u8 is_client; /* which end opened it; 2 = unknown */
	u8 reserved[5];
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

struct segment {
	u32 seq;
	u32 at; /* of the payload, in the buffer */
	u32 len;
	bool is_syn, is_ack, is_fin;
};

/* ---- whose segment ----------------------------------------------------------------------- */

static __always_inline bool is_tcp(struct sock *sk)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	return (family == AF_INET || family == AF_INET6) && state != TCP_TIME_WAIT &&
	       state != TCP_NEW_SYN_RECV && state != TCP_LISTEN &&
	       BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP;
}

static __always_inline void map_ipv4(u8 *addr, u32 ipv4)
{
	__builtin_memset(addr, 0, 16);
	addr[10] = addr[11] = 0xff;
	__builtin_memcpy(addr + 12, &ipv4, 4);
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

static __always_inline bool is_tcp_target(struct tcp_key *key)
{
	int i;

	if (cfg_watch_tcp)
		return true;
	for (i = 0; i < 2; i++) {
		struct spf_tcp_target t = {};

		t.port = key->end[i].port;
		if (bpf_map_lookup_elem(&tcp_targets, &t))
			return true;
		__builtin_memcpy(t.addr, key->end[i].addr, 16);
		if (bpf_map_lookup_elem(&tcp_targets, &t))
			return true;
	}
	return false;
}

static __always_inline bool parse_segment(struct sk_buff *skb, struct segment *s)
{
	u64 th = (u64)BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, transport_header);
	u64 data = (u64)BPF_CORE_READ(skb, data);
	u32 len = BPF_CORE_READ(skb, len);
	u8 raw[20];
	u32 seq;

	if (bpf_probe_read_kernel(raw, sizeof(raw), (void *)th))
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
	struct sock_state st = { .is_new = true };

	st.id = (bpf_ktime_get_ns() << 8 | (bpf_get_smp_processor_id() & 0x7f)) + i * 128;
	if (!take_slot(&st, 0, is_unmeant))
		return false;
	pair->id[i] = st.id;
	pair->slot[i] = st.slot;
	return true;
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
	o->name_len = sizeof(*key);
	__builtin_memcpy(o->name, key, sizeof(*key));
	for (i = 0; i < 2; i++) {
		o->end[i].sock = pair->id[i];
		o->end[i].slot = pair->slot[i];
		o->end[i].uid = -1;
	}
	fill_event(&o->e, SPF_EVENT_OPEN, pair->slot[0], pair->id[0]);
	bpf_ringbuf_submit(o, BPF_RB_NO_WAKEUP);
}

/* The connection of key; a new one if this is its first segment, or the first that is seen. */
static __always_inline struct tcp_pair *find_pair(struct tcp_key *key, u32 mine, bool is_opening,
						  struct task_struct *user)
{
	struct tcp_pair *pair = is_opening ? 0 : bpf_map_lookup_elem(&tcp_pairs, key);
	struct tcp_pair init = {};
	bool is_unmeant;

	if (pair)
		return pair;
	init.is_new = is_opening;
	init.is_client = is_opening ? mine : 2;
	init.is_watched = is_tcp_target(key) && !is_own(BPF_CORE_READ(user, tgid));
	is_unmeant = is_asked() && !(is_opening && is_meant(user)) &&
		     !is_meant_port(key->end[0].port) && !is_meant_port(key->end[1].port);
	if (init.is_watched)
		init.is_watched = take_pair_slot(&init, 0, is_unmeant) &&
				  take_pair_slot(&init, 1, is_unmeant);
	bpf_map_update_elem(&tcp_pairs, key, &init, BPF_ANY);
	if (init.is_watched)
		announce_pair(key, &init, is_unmeant);
	return bpf_map_lookup_elem(&tcp_pairs, key);
}

static __always_inline struct sock_state *tcp_state(struct sock *sk, bool is_opening,
						    struct task_struct *user)
{
	struct sock_state *st = state_find(sk), init = {};
	struct tcp_pair *pair;
	struct tcp_key key;
	u32 mine;

	if (st)
		return st;
	__builtin_memset(&key, 0, sizeof(key));
	mine = fill_key(&key, sk);
	pair = find_pair(&key, mine, is_opening, user);
	if (!pair)
		return 0;
	init.is_watched = pair->is_watched;
	init.is_announced = 1;
	init.id = pair->id[mine & 1];
	init.slot = pair->slot[mine & 1];
	init.peer_slot = pair->slot[!mine];
	init.peer_id = pair->id[!mine];
	init.is_tcp = 1;
	return state_make(sk, &init);
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
		held(tcp_state(sk, false, task), task);
}

static __always_inline void list_any(struct sock *sk, struct task_struct *task)
{
	list_socket(sk, task);
	list_tcp(sk, task);
}

/* Places a segment in its stream: what is left of it is new. Returns false if nothing is. */
static __always_inline bool place(struct sock_state *st, struct spf_slot *slot, struct segment *s)
{
	s32 ahead;

	if (s->is_syn) {
		st->next_seq = st->sent_seq = s->seq + 1;
		st->has_seq = 1;
		return false;
	}
	if (!s->len)
		return false;
	if (!st->has_seq)
		st->next_seq = st->sent_seq = s->seq;
	st->has_seq = 1;
	ahead = s->seq - st->next_seq;
	if (ahead > 0) { /* passed unseen */
		unreadable(st, slot, ahead);
	} else if (ahead < 0) { /* sent again */
		if (s->len <= (u32)-ahead)
			return false;
		s->at += -ahead;
		s->len -= -ahead;
		s->seq += -ahead;
	}
	st->next_seq = s->seq + s->len;
	return true;
}

#endif
