/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* THE contract between the BPF programs and user space.
 *
 * One ring carries events in the order in which the kernel's own locks decided them: a
 * direction's DATA events are in stream order, and a request's DATA stands before that of
 * its response. Every event's time is taken after its place in the ring was reserved, so
 * whatever is not in the ring at time T will carry a time after T.
 *
 * A direction is named by the id of the socket that sends it. Its counters live in a slot
 * of a mapped array, where user space reads them without a system call; they count what the
 * kernel accepted, whether or not the ring had room.
 */
#ifndef SPF_EVENT_H
#define SPF_EVENT_H

#ifdef __bpf__
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;
#else
#include <stdint.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;
#endif

enum {
	SPF_SLOTS = 32768,    /* directions watched at once; two make a connection */
	SPF_TARGETS = 32,     /* socket names to watch */
	SPF_NAME_LEN = 108,   /* sun_path */
	SPF_DATA_MAX = 32768, /* bytes of one DATA event */
	SPF_FOLLOWED = 8192,  /* processes that --follow knows at once */
};

enum spf_event_kind {
	SPF_EVENT_OPEN = 1,
	SPF_EVENT_DATA,
	SPF_EVENT_SENT,
	SPF_EVENT_EOF,
	SPF_EVENT_READ,
};

struct spf_event {
	u32 kind;
	u32 slot; /* of the sender's direction */
	u64 sock; /* id of the sending socket */
	u64 ts;   /* CLOCK_MONOTONIC, ns */
	u32 pid;  /* current: the reader on DATA, READ and EOF, the writer on SENT (and WRITTEN data) */
	u32 tid;
	char comm[16];
};

/* Bytes [off, off + len) left the socket; the first cap of them follow. */
struct spf_event_data {
	struct spf_event e;
	u64 off;
	u32 len;
	u32 cap;
	s32 fds; /* descriptors passed with these bytes (SCM_RIGHTS) */
	u32 flags;
};

enum {
	SPF_DATA_UNREAD = 1,  /* nobody read them: the receiver was closed */
	SPF_DATA_SENDING = 2, /* seen when they were sent, not when they were read */
	SPF_DATA_UNREADABLE = 4, /* the kernel did not let us: none follow */
	SPF_DATA_REMOTE = 8,  /* another machine sent them */
	SPF_DATA_WRITTEN = 16, /* seen when they were written, by the process of this event */
	SPF_DATA_FILL = 32,   /* TCP: passed unseen when they were sent, and are taken from their reader */
};

/* len bytes were written; off = how many the sender had written before. */
struct spf_event_sent {
	struct spf_event e;
	u64 off;
	u64 len;
};

/* What was seen when it was sent (SPF_DATA_SENDING) is read, up to offset end. */
struct spf_event_read {
	struct spf_event e;
	u64 end;
};

enum spf_role { SPF_ROLE_UNKNOWN, SPF_ROLE_CLIENT, SPF_ROLE_SERVER };

struct spf_end {
	u64 sock;
	u32 slot;
	s32 pid; /* who connected, listened or made the pair (sk_peer_pid); 0 unknown */
	s32 uid; /* -1 unknown */
	u32 ino; /* of the socket; 0 unknown */
};

/* A connection begins to be watched. Comes before every other event of it. */
struct spf_event_open {
	struct spf_event e; /* e.sock = end[0].sock; e.pid = 0 if found open */
	struct spf_end end[2];
	u8 role;   /* of end[0]: enum spf_role */
	u8 is_new; /* 0: was open before the capture began */
	u8 family; /* AF_UNIX … */
	u8 type;   /* SOCK_STREAM … */
	u32 name_len;
	u8 name[SPF_NAME_LEN]; /* sun_path of the bound end; abstract names begin with a NUL.
				* AF_INET: two struct spf_tcp_end, of end[0] and end[1] */
	u8 is_unmeant; /* see struct spf_slot */
	u8 match;      /* enum spf_match; AF_UNIX */
	u8 is_local;   /* TCP: both ends are of this machine, for all that is known */
	u8 reserved;
};

/* The reader saw the end of e.sock's direction. */
struct spf_event_eof {
	struct spf_event e;
	u32 is_dead; /* the sending socket is closed, not only shut down */
	u32 reserved;
};

/* Counters of a direction, in bytes. accepted - read wait in the socket;
 * read = captured + cut + lost + unreadable + filtered. */
struct spf_slot {
	u64 sock;     /* 0 = free */
	u64 accepted; /* written by senders since the capture began */
	u64 read;     /* taken by readers, captured or not: the offset of the next DATA */
	u64 captured;
	u64 cut;      /* not copied: --snaplen */
	u64 lost;     /* not copied: the ring was full */
	u64 unreadable; /* not copied: the kernel did not let us */
	u64 filtered; /* not copied: the two below */
	u64 unread;   /* of read: nobody did, the receiver was closed */
	u64 taken;    /* TCP that is seen when it is sent: how far its reader is, */
	u64 filled;   /* and up to where what passed unseen was taken from him */
	u32 is_unwanted; /* set by user space, which knows more of both ends */
	u32 is_unmeant; /* no process that struct spf_who means has used the connection yet */
	u32 seen;     /* number of the last sweep that found the socket alive */
	u32 seq;      /* TCP: sequence number of the byte at offset 0 */
	u32 seq_from; /* enum spf_seq: where that is known from */
	u8 has_reader;  /* TCP: the socket that it comes to is of this machine, and known; */
	u8 is_spliced;  /* bytes are taken from there where no hook is */
	u8 reserved[2];
};

enum spf_seq {
	SPF_SEQ_UNKNOWN,
	SPF_SEQ_READ, /* bytes are taken when a process reads them, */
	SPF_SEQ_SENT, /* or when one sends them: read, only the time is news; */
	SPF_SEQ_FILL, /* some passed unseen then: they, and what is behind them, when they are read */
};

/* Whose connections are captured: those that a process has used for which all of this holds. */
struct spf_who {
	u32 is_asked; /* else everybody's */
	s32 pid;      /* 0 any */
	u32 follows;  /* also the processes that descend from it */
	s32 uid;      /* effective; -1 any */
	u64 cgroup;   /* or one below it; 0 any */
	char comm[16]; /* of the process or the thread, NUL-padded; "" any */
};

/* Key of the trie of names to watch. A whole name matches with all bits, its length
 * included; a prefix with the bits of its bytes. Unused bytes are zero. */
struct spf_target {
	u32 bits;
	u8 name[SPF_NAME_LEN];
	u8 len;
	u8 reserved[3];
};

/* A file to watch, by its folder's inode and its name; with an empty name the folder, for a
 * glob, or the file itself. */
struct spf_file_target {
	u64 ino;
	u32 dev; /* as the kernel has it: major << 20 | minor */
	u8 name[SPF_NAME_LEN]; /* NUL-padded */
};

/* How a socket is one to watch. */
enum spf_match {
	SPF_MATCH_NONE,
	SPF_MATCH_NAME, /* by the first bytes of its name, or all of them */
	SPF_MATCH_FILE,
	SPF_MATCH_FOLDER, /* the file of its name is in a folder to watch */
};

enum { SPF_TARGET_BITS = (SPF_NAME_LEN + 1) * 8 };

/* An end of a TCP connection; IPv4 addresses as ::ffff:a.b.c.d. */
struct spf_tcp_end {
	u8 addr[16];
	u16 port;
	u16 reserved;
};

/* A TCP end to watch; an address of zeros is any. */
struct spf_tcp_target {
	u8 addr[16];
	u16 port;
	u16 reserved;
};

/* One page that both sides map. */
struct spf_control {
	u32 enabled;   /* SPF_ON: set by the worker when its scripts are ready */
	u32 listed;    /* set once the sockets that were open before are known */
	u32 sweep;     /* number of the running or next sweep for closed sockets */
	u32 swept;     /* number of the last sweep that ended */
	u64 no_slot;   /* sockets that were not watched because all slots were taken */
	u64 open_lost; /* OPEN events that did not fit (each is tried again) */
	u64 sent_lost; /* SENT events that did not fit: the times of those writes are unknown */
	u64 eof_lost;
	u64 follow_lost; /* processes that --follow had no place for */
	u32 own_pid[2]; /* monitor and worker: what they say is never captured */
	u32 trial_pid;  /* SPF_TRIAL: the only process that is watched, whatever the targets */
	u32 reserved;
};

enum { SPF_OFF, SPF_ON, SPF_TRIAL }; /* spf_control.enabled */

#endif
