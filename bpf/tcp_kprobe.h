/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The programs of kprobe.bpf.c that are about TCP (tcp.h). */
#ifndef SPF_TCP_KPROBE_H
#define SPF_TCP_KPROBE_H

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

	if (sk && is_active())
		segment_sent(skb, sk);
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
	st = tcp_find(e->sk);
	if (st && st->is_watched)
		tcp_sent(e->sk, st, e->ret);
	return 0;
}

/* Before 6.3: whoever wrote lets go of the socket, with all its bytes accepted. */
SEC("kprobe/release_sock")
int BPF_KPROBE(on_tcp_unlock, struct sock *sk)
{
	struct sock_state *st;
	struct spf_slot *slot;
	s64 len;
	u8 state;

	if (!is_active() || !is_tcp(sk))
		return 0;
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	st = tcp_find(sk);
	/* Later states have counted a FIN. */
	if (!st || !st->is_watched || (state != TCP_ESTABLISHED && state != TCP_CLOSE_WAIT))
		return 0;
	slot = bpf_map_lookup_elem(&slots, &st->slot);
	if (!slot || slot->seq_from == SPF_SEQ_UNKNOWN)
		return 0;
	len = seq_offset(slot, BPF_CORE_READ((struct tcp_sock *)sk, write_seq)) - slot->accepted;
	if (len > 0)
		sent(st, len);
	return 0;
}

SEC("kprobe/tcp_recvmsg")
int BPF_KPROBE(on_tcp_reader, struct sock *sk)
{
	if (is_active())
		reads(tcp_find(sk));
	return 0;
}

/* Splice out of a TCP socket. What it does not take after all is not taken twice. */
SEC("kprobe/tcp_splice_data_recv")
int BPF_KPROBE(on_tcp_splice, void *desc, u64 skb, u32 at, u64 len)
{
	if (is_active() && meet(skb))
		read_tcp(skb, at, len);
	return 0;
}

SEC("kprobe/inet_sock_destruct")
int BPF_KPROBE(on_tcp_destroy, u64 sk)
{
	bpf_map_delete_elem(&socks, &sk);
	return 0;
}

#endif
