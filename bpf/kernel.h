/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The kernel's types, trimmed by hand to the members that spf reads. libbpf relocates each
 * access to where the running kernel keeps the member (CO-RE), so layout and order here do
 * not matter. ___suffixed types are other kernels' versions of the same one. */
#ifndef SPF_KERNEL_H
#define SPF_KERNEL_H

#define __VMLINUX_H__ /* tells bpf_tracing.h by which names registers go here */

#define CORE __attribute__((preserve_access_index))

typedef _Bool bool;
enum { false, true };
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef s32 __s32;
typedef s64 __s64;
typedef u8 __u8;
typedef u16 __be16;
typedef u32 __be32;
typedef u32 __wsum;

/* uapi/linux/bpf.h, which the kernel also keeps in its BTF */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_QUEUE = 22,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_F_NO_PREALLOC = 1, BPF_F_MMAPABLE = 1024, BPF_RB_NO_WAKEUP = 1 };
enum { BPF_SK_STORAGE_GET_F_CREATE = 1 };

enum { AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10 };
enum { IPPROTO_TCP = 6 };
enum { SOCK_STREAM = 1 };
enum { TCP_ESTABLISHED = 1, TCP_TIME_WAIT = 6, TCP_CLOSE = 7, TCP_CLOSE_WAIT = 8, TCP_LISTEN = 10 };
enum { TCP_NEW_SYN_RECV = 12 };
enum { MSG_OOB = 1, MSG_PEEK = 2 };
enum { RCV_SHUTDOWN = 1 };
enum { SOCK_BINDPORT_LOCK = 8 };
enum { PIDTYPE_TGID = 1 };
enum { S_IFMT = 0170000, S_IFSOCK = 0140000 };

struct upid {
	int nr;
} CORE;

struct hlist_node {
	struct hlist_node *next;
} CORE;

struct hlist_head {
	struct hlist_node *first;
} CORE;

struct pid {
	struct hlist_head tasks[4]; /* by enum pid_type */
	struct upid numbers[1];
} CORE;

typedef struct kuid {
	u32 val;
} kuid_t;

struct cred {
	kuid_t euid;
} CORE;

struct inode {
	u16 i_mode;
	unsigned long i_ino;
} CORE;

struct super_block {
	u32 s_dev;
} CORE;

struct qstr {
	const unsigned char *name;
} CORE;

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
} CORE;

struct path {
	struct dentry *dentry;
} CORE;

struct file {
	struct inode *f_inode;
	void *private_data;
} CORE;

struct in6_addr {
	u8 s6_addr[16]; /* a union in the kernel */
};

struct ns_common {
	u32 inum;
} CORE;

struct net {
	struct ns_common ns;
} CORE;

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	u16 skc_family;
	volatile u8 skc_state;
	unsigned long skc_flags;
	possible_net_t skc_net;
} CORE;

struct socket {
	struct sock *sk;
	struct file *file;
} CORE;

struct sk_buff;

struct sk_buff_head {
	struct sk_buff *next;
	u32 qlen;
} CORE;

struct sock {
	struct sock_common __sk_common;
	u16 sk_type;
	u16 sk_protocol;
	struct socket *sk_socket;
	struct pid *sk_peer_pid;
	const struct cred *sk_peer_cred;
	struct sk_buff_head sk_receive_queue;
	u8 sk_shutdown;
	u8 sk_userlocks : 4;
} CORE;

struct tcp_sock {
	u32 write_seq;
	u32 snd_nxt;
	u32 rcv_nxt;
	u32 copied_seq;
	u64 bytes_received;
	u64 bytes_sent;
} CORE;

struct tcp_skb_cb {
	u32 seq;
} CORE;

struct sockaddr_un_any {
	char first;
};

struct unix_address {
	int len;
	struct sockaddr_un_any name[1];
} CORE;

struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
	struct path path; /* of what it is bound to */
	struct sock *peer;
	int inq_len;
} CORE;

struct scm_fp_list {
	short count;
} CORE;

struct unix_skb_parms {
	struct scm_fp_list *fp;
	u32 consumed;
} CORE;

struct sk_buff {
	struct sk_buff *next;
	struct sock *sk;
	char cb[48];
	u32 len;
	u32 data_len;
	u16 transport_header;
	u16 network_header;
	u32 end; /* 64-bit kernels: an offset from head */
	unsigned char *head;
	unsigned char *data;
} CORE;

struct page {
	unsigned long flags;
} CORE;

/* struct bio_vec in 5.10, skb_frag_t later; the same in memory */
struct frag {
	u64 page;
	u32 len;
	u32 off;
};

struct frag_any {
	char first;
};

struct skb_shared_info {
	u8 nr_frags;
	struct frag_any frags[1];
} CORE;

struct unix_stream_read_state {
	int flags;
} CORE;

#ifdef __TARGET_ARCH_arm64
struct user_pt_regs {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 pstate;
} CORE;

struct pt_regs {
	struct user_pt_regs user_regs;
	s32 syscallno;
} CORE;
#else
struct pt_regs {
	unsigned long r10;
	unsigned long ax;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
} CORE;
#endif

struct kernfs_node {
	u64 id;
} CORE;

struct cgroup_subsys_state {
	struct cgroup_subsys_state *parent;
} CORE;

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
} CORE;

struct css_set {
	struct cgroup *dfl_cgrp; /* of version 2 */
} CORE;

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live; /* threads */
} CORE;

struct task_struct {
	int pid; /* of the thread */
	int tgid;
	struct task_struct *group_leader;
	struct hlist_node pid_links[4]; /* by enum pid_type */
	const struct cred *cred;
	char comm[16];
	struct signal_struct *signal;
	struct css_set *cgroups;
} CORE;

struct timespec64 {
	s64 tv_sec;
	long tv_nsec;
} CORE;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} CORE;

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	u32 fd;
	struct file *file;
} CORE;

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	void *map;
	void *key;
	void *value;
} CORE;

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct sock *sk;
	void *value;
} CORE;

/* Not a forward declaration: libbpf compares kfunc prototypes kind by kind. */
struct __sk_buff {
	u32 len;
};

struct bpf_dynptr {
	u64 opaque[2];
} __attribute__((aligned(8)));

#endif
