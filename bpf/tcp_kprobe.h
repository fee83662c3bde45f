/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The programs of kprobe.bpf.c that are about TCP (tcp.h). */
#ifndef SPF_TCP_KPROBE_H
#define SPF_TCP_KPROBE_H

/* A global function, so that what it has on the stack is not there while bytes are copied. */
__noinline int begin_tcp(u64 sk, u32 is_opening)
{
	tcp_state((struct sock *)sk, is_opening, current_task());
	return 0;
}

struct queue_event {
	u64 common;
	struct sk_buff *skb;
};

/* A segment of a local process goes out. */
SEC("tp/net/net_dev_queue")
int on_segment(struct queue_event *e)
{
	struct sk_buff *skb = e->skb;
	struct sock *sk = BPF_CORE_READ(skb, sk);
	struct segment seg = {};
	struct sock_state *st;
	struct spf_slot *slot;

	if (!sk || !is_active() || !is_tcp(sk) || !parse_segment(skb, &seg))
		return 0;
	st = state_find(sk);
	if (!st) {
		begin_tcp((u64)sk, seg.is_syn && !seg.is_ack);
		st = state_find(sk);
	}
	if (!st || !st->is_watched)
		return 0;
	slot = bpf_map_lookup_elem(&slots, &st->slot);
	if (slot && place(st, slot, &seg))
		walk((u64)skb, seg.at, seg.len, st->slot, SENDING);
	if (seg.is_fin)
		ended(st, false);
	return 0;
}

struct sent_event {
	u64 common;
	struct sock *sk;
	u16 family;
	u16 protocol;
	int ret;
};

SEC("tp/sock/sock_send_length")
int on_tcp_sent(struct sent_event *e)
{
	struct sock_state *st;

	if (!is_active() || e->ret <= 0 || e->family == AF_UNIX)
		return 0;
	st = state_find(e->sk);
	if (st && st->is_watched)
		sent(st, e->ret);
	return 0;
}

/* Before 6.3: whoever wrote lets go of the socket, with all its bytes accepted. */
SEC("kprobe/release_sock")
int BPF_KPROBE(on_tcp_unlock, struct sock *sk)
{
	struct sock_state *st;
	u32 seq, len;
	u8 state;

	if (!is_active() || !is_tcp(sk))
		return 0;
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	st = state_find(sk);
	if (!st || !st->is_watched || !st->has_seq)
		return 0;
	/* Later states have counted a FIN. */
	if (state != TCP_ESTABLISHED && state != TCP_CLOSE_WAIT)
		return 0;
	seq = BPF_CORE_READ((struct tcp_sock *)sk, write_seq);
	len = seq - st->sent_seq;
	if ((s32)len <= 0)
		return 0;
	st->sent_seq = seq;
	sent(st, len);
	return 0;
}

SEC("kprobe/tcp_recvmsg")
int BPF_KPROBE(on_tcp_reader, struct sock *sk)
{
	if (is_active())
		reads(state_find(sk));
	return 0;
}

SEC("kprobe/inet_sock_destruct")
int BPF_KPROBE(on_tcp_destroy, u64 sk)
{
	bpf_map_delete_elem(&socks, &sk);
	return 0;
}

#endif
