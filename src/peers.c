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
		bool is_answered;
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

static void keep(struct peers *p, const struct message_process *process)
{
	size_t slot = (size_t)process->pid & (CACHE_CNT - 1);

	p->cache[slot].process = *process;
	p->cache[slot].asked_ns = now_ns();
	p->cache[slot].is_answered = true;
}

/* Keeps the answers that have come. Returns false if there will be none. */
static bool take_answers(struct peers *p)
{
	struct message m;
	const char *why;
	int len;

	while ((len = message_recv(p->link, &m)) > 0) {
		if (message_check_answer(&m, (size_t)len, &why))
			return false;
		keep(p, &m.process);
	}
	return len == -EAGAIN;
}

static const struct message_process *describe(struct peers *p, int32_t pid)
{
	struct message m = { .kind = MESSAGE_ASK_PROCESS, .process = { .pid = pid } };
	const struct message_process none = { .pid = pid, .uid = -1 };
	size_t slot = (size_t)pid & (CACHE_CNT - 1);
	int64_t now = now_ns(), until = now + PATIENCE_MS * 1000000ll;

	take_answers(p); /* to what was asked before, and took too long */
	if (p->cache[slot].process.pid == pid && now - p->cache[slot].asked_ns < FRESH_MS * 1000000ll)
		return &p->cache[slot].process;
	/* No answer is an answer too: else a stuck monitor would cost 20 ms a connection. */
	keep(p, &none);
	p->cache[slot].is_answered = false;
	if (message_send(p->link, &m))
		return &p->cache[slot].process;
	while (take_answers(p) && !p->cache[slot].is_answered && now_ns() < until)
		poll(&(struct pollfd){ p->link, POLLIN, 0 }, 1, 1);
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
	e->exe = keep_exe(p, d->exe);
	if (!e->comm[0]) /* the writing thread's is known with its first bytes */
		memcpy(e->comm, d->comm, sizeof(e->comm));
}
