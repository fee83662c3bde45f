/* SPDX-License-Identifier: BSD-2-Clause */
/* What worker and monitor say to each other: packets of one fixed size on a socketpair.
 *
 * The worker may be hostile, so the monitor takes nothing on trust: a packet has the exact
 * size, a known kind, counts and numbers in range, and zeros in all that its kind does not
 * use. One that has not ends the worker; there is no honest way to send it. What a request can
 * obtain at most stands at its kind.
 */
#ifndef SPF_MESSAGE_H
#define SPF_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

enum message_kind {
	/* worker → monitor: these slots' connections were accounted for; use them again.
	 * At most it loses the worker its own bytes. */
	MESSAGE_FREE_SLOTS = 1,
	/* worker → monitor: who is process pid? Gets what MESSAGE_PROCESS holds, at most
	 * MESSAGE_ASKS_MAX a second. */
	MESSAGE_ASK_PROCESS,
	/* monitor → worker: the answer. */
	MESSAGE_PROCESS,
};

enum { MESSAGE_SLOTS_MAX = 60, MESSAGE_ASKS_MAX = 200, MESSAGE_EXE_LEN = 192 };

struct message_process {
	int32_t pid;
	int32_t uid;     /* -1 unknown, as when the process is gone */
	uint64_t cgroup; /* 0 unknown */
	int64_t start_ns; /* CLOCK_MONOTONIC; 0 unknown */
	char comm[16];   /* "" unknown */
	char exe[MESSAGE_EXE_LEN]; /* "" unknown */
};

struct message {
	uint32_t kind;
	uint32_t cnt; /* of slot */
	union {
		uint32_t slot[MESSAGE_SLOTS_MAX];
		struct message_process process; /* of a request: its pid alone */
		uint8_t all[240];
	};
};

_Static_assert(sizeof(struct message) == 248, "one size for all messages");

/* Judges what came. Returns 0, or -EPROTO with *why set. */
int message_check_request(const struct message *m, size_t len, const char **why);
int message_check_answer(const struct message *m, size_t len, const char **why);

/* Sends without waiting. Returns 0, -EAGAIN if the other side does not read, or -errno. */
int message_send(int fd, const struct message *m);

/* Takes what came, without waiting; the caller checks it. Returns its length, 0 at the end,
 * -EAGAIN if there is nothing, or -errno. Neither passes descriptors. */
int message_recv(int fd, struct message *m);

#endif
