/* SPDX-License-Identifier: BSD-2-Clause */
#include "message.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "bpf/event.h"

static int refuse(const char **why, const char *text)
{
	*why = text;
	return -EPROTO;
}

/* True if nothing but the first used bytes of the body is set. */
static bool rest_is_zero(const struct message *m, size_t used)
{
	for (size_t i = used; i < sizeof(m->all); i++)
		if (m->all[i])
			return false;
	return true;
}

static int check_slots(const struct message *m, const char **why)
{
	if (m->cnt == 0 || m->cnt > MESSAGE_SLOTS_MAX)
		return refuse(why, "a count of slots out of range");
	for (uint32_t i = 0; i < m->cnt; i++)
		if (m->slot[i] >= SPF_SLOTS)
			return refuse(why, "a slot out of range");
	if (!rest_is_zero(m, m->cnt * sizeof(m->slot[0])))
		return refuse(why, "bytes after the slots");
	return 0;
}

static int check_pid(const struct message *m, const char **why)
{
	if (m->cnt)
		return refuse(why, "a count where there is none");
	if (m->process.pid <= 0)
		return refuse(why, "not a process id");
	return 0;
}

int message_check_request(const struct message *m, size_t len, const char **why)
{
	if (len != sizeof(*m))
		return refuse(why, "a wrong size");
	switch (m->kind) {
	case MESSAGE_FREE_SLOTS:
		return check_slots(m, why);
	case MESSAGE_ASK_PROCESS:
		if (!rest_is_zero(m, sizeof(m->process.pid)))
			return refuse(why, "bytes after the process id");
		return check_pid(m, why);
	default:
		return refuse(why, "an unknown kind");
	}
}

int message_check_answer(const struct message *m, size_t len, const char **why)
{
	const struct message_process *p = &m->process;

	if (len != sizeof(*m))
		return refuse(why, "a wrong size");
	if (m->kind != MESSAGE_PROCESS)
		return refuse(why, "an unknown kind");
	if (!memchr(p->comm, 0, sizeof(p->comm)) || !memchr(p->exe, 0, sizeof(p->exe)))
		return refuse(why, "a name without an end");
	if (!rest_is_zero(m, sizeof(*p)))
		return refuse(why, "bytes after the process");
	return check_pid(m, why);
}

static bool is_ready(int fd, short what)
{
	struct pollfd p = { fd, what, 0 };

	return poll(&p, 1, 0) == 1;
}

/* read() and write(), as the sandbox allows no other; on a socket of packets each takes one. */
int message_send(int fd, const struct message *m)
{
	if (!is_ready(fd, POLLOUT))
		return -EAGAIN;
	return write(fd, m, sizeof(*m)) < 0 ? -errno : 0;
}

int message_recv(int fd, struct message *m)
{
	char raw[sizeof(*m) + 1]; /* so that one that is too long is not cut to fit */
	ssize_t n;

	if (!is_ready(fd, POLLIN))
		return -EAGAIN;
	n = read(fd, raw, sizeof(raw));
	if (n < 0)
		return -errno;
	memset(m, 0, sizeof(*m));
	memcpy(m, raw, (size_t)n < sizeof(*m) ? (size_t)n : sizeof(*m));
	return (int)n;
}
