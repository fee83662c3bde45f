/* SPDX-License-Identifier: BSD-2-Clause */
#include "peers.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "message.h"
#include "util/limits.h"
#include "util/xalloc.h"

enum {
	CACHE_CNT = 256, /* a power of two; by process id */
	/* How long an answer holds: exec() changes name and file of a process. */
	FRESH_MS = 1000,
	/* How long the monitor may take. It wakes at once, if it gets a CPU. */
	PATIENCE_MS = 20,
	/* A process counts as there before its first 10 ms tick is over. */
	TICK_MS = 10,
};

struct peers {
	int link;
	struct {
		struct message_process process;
		int64_t asked_ns;
	} cache[CACHE_CNT];
	char *exe[LIMIT_EXECUTABLES];
	size_t exe_cnt;
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

struct peers *peers_new(int link)
{
	struct peers *p = xcalloc(1, sizeof(*p));

	p->link = link;
	return p;
}

void peers_free(struct peers *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->exe_cnt; i++)
		free(p->exe[i]);
	free(p);
}

/* One copy of each name, for good: connections point at it. NULL past the limit. */
static const char *keep_exe(struct peers *p, const char *name)
{
	for (size_t i = 0; i < p->exe_cnt; i++)
		if (!strcmp(p->exe[i], name))
			return p->exe[i];
	if (!*name || p->exe_cnt == LIMIT_EXECUTABLES)
		return NULL;
	p->exe[p->exe_cnt] = xstrdup(name);
	return p->exe[p->exe_cnt++];
}

/* Asks for pid. False if no answer came in time; one that comes later is skipped by the next
 * question. */
static bool ask(struct peers *p, int32_t pid, struct message_process *out)
{
	struct message m = { .kind = MESSAGE_ASK_PROCESS, .process = { .pid = pid } };
	int64_t until = now_ns() + PATIENCE_MS * 1000000ll;
	const char *why;

	if (message_send(p->link, &m))
		return false;
	while (now_ns() < until) {
		int len = message_recv(p->link, &m);

		if (len == -EAGAIN) {
			poll(&(struct pollfd){ p->link, POLLIN, 0 }, 1, 1);
			continue;
		}
		if (len <= 0 || message_check_answer(&m, (size_t)len, &why))
			return false;
		if (m.process.pid != pid)
			continue;
		*out = m.process;
		return true;
	}
	return false;
}

static const struct message_process *describe(struct peers *p, int32_t pid)
{
	size_t slot = (size_t)pid & (CACHE_CNT - 1);
	int64_t now = now_ns();

	if (p->cache[slot].process.pid == pid && now - p->cache[slot].asked_ns < FRESH_MS * 1000000ll)
		return &p->cache[slot].process;
	/* No answer is an answer too: else a stuck monitor would cost 20 ms a connection. */
	p->cache[slot].process = (struct message_process){ .pid = pid, .uid = -1 };
	p->cache[slot].asked_ns = now;
	ask(p, pid, &p->cache[slot].process);
	return &p->cache[slot].process;
}

void peers_describe(void *arg, struct endpoint *e, int64_t ts_ns)
{
	struct peers *p = arg;
	const struct message_process *d = describe(p, e->pid);

	if (!d->start_ns || d->start_ns > ts_ns + TICK_MS * 1000000ll)
		return;
	if (e->uid < 0)
		e->uid = d->uid;
	e->cgroup = d->cgroup;
	e->exe = keep_exe(p, d->exe); /* comm is the writing thread's, known with its first bytes */
}
