/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/sockets.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/near.h"
#include "util/xalloc.h"

enum { TCP_LISTEN_STATE = 10, NAME_MAX_LEN = 108 };

void sockets_print_name(char *out, const uint8_t *name, size_t len)
{
	size_t i = 0;

	if (len && !name[0]) {
		*out++ = '@';
		i = 1;
	}
	for (; i < len; i++) {
		if (name[i] < ' ' || name[i] == 0x7f || name[i] == '\\')
			out += sprintf(out, "\\x%02x", name[i]);
		else
			*out++ = (char)name[i];
	}
	*out = '\0';
}

/* ---- sock_diag ---- */

static char *name_of(const struct rtattr *a)
{
	const uint8_t *name = RTA_DATA(a);
	size_t len = RTA_PAYLOAD(a);
	char out[NAME_MAX_LEN * 4 + 2];

	if (len && name[0] && !name[len - 1]) /* a path may come with its NUL */
		len--;
	if (!len || len > NAME_MAX_LEN)
		return NULL;
	sockets_print_name(out, name, len);
	return xstrdup(out);
}

static void add(struct sockets *s, const struct nlmsghdr *h)
{
	const struct unix_diag_msg *m = NLMSG_DATA(h);
	struct unix_socket u = { .ino = m->udiag_ino, .type = m->udiag_type, .pid = -1 };
	int len = (int)(h->nlmsg_len - NLMSG_LENGTH(sizeof(*m)));

	u.listens = m->udiag_state == TCP_LISTEN_STATE;
	for (struct rtattr *a = (struct rtattr *)(uintptr_t)(m + 1); RTA_OK(a, len);
	     a = RTA_NEXT(a, len)) {
		if (a->rta_type == UNIX_DIAG_NAME && !u.name)
			u.name = name_of(a);
		if (a->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(a) >= 4)
			memcpy(&u.peer, RTA_DATA(a), 4);
		if (a->rta_type == UNIX_DIAG_RQLEN && RTA_PAYLOAD(a) >= 4)
			memcpy(&u.unread, RTA_DATA(a), 4);
	}
	if ((s->cnt & (s->cnt - 1)) == 0)
		s->list = xrealloc(s->list, (s->cnt ? s->cnt * 2 : 1) * sizeof(*s->list));
	s->list[s->cnt++] = u;
}

/* Takes one datagram of answers: 1 to go on, 0 at the end, or -errno. */
static int take(struct sockets *s, const char *buf, ssize_t len)
{
	for (struct nlmsghdr *h = (struct nlmsghdr *)(uintptr_t)buf; NLMSG_OK(h, len);
	     h = NLMSG_NEXT(h, len)) {
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR)
			return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
		if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct unix_diag_msg)))
			add(s, h);
	}
	return 1;
}

static int dump(struct sockets *s)
{
	struct {
		struct nlmsghdr h;
		struct unix_diag_req r;
	} req = {
		.h = { .nlmsg_len = sizeof(req), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.r = { .sdiag_family = AF_UNIX, .udiag_states = ~0u,
		       .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN },
	};
	static char buf[65536] __attribute__((aligned(8)));
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	ssize_t n;
	int rc = 1;

	if (fd < 0)
		return -errno;
	if (send(fd, &req, sizeof(req), 0) < 0)
		rc = -errno;
	while (rc > 0) {
		n = recv(fd, buf, sizeof(buf), 0);
		rc = n < 0 ? -errno : take(s, buf, n);
	}
	close(fd);
	return rc;
}

/* ---- who holds them ---- */

static int by_ino(const void *a, const void *b)
{
	const struct unix_socket *x = a, *y = b;

	return (x->ino > y->ino) - (x->ino < y->ino);
}

const struct unix_socket *sockets_find(const struct sockets *s, uint32_t ino)
{
	const struct unix_socket key = { .ino = ino };

	if (!s->cnt || !ino)
		return NULL;
	return bsearch(&key, s->list, s->cnt, sizeof(*s->list), by_ino);
}

static void read_comm(const char *pid, char comm[16])
{
	char *path = xasprintf("/proc/%s/comm", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, comm, 15);

	if (fd >= 0)
		close(fd);
	free(path);
	comm[n > 0 ? n : 0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
}

static void name_holders(struct sockets *s, const char *pid)
{
	char *path = xasprintf("/proc/%s/fd", pid), comm[16] = "", link[64];
	DIR *dir = opendir(path);
	struct dirent *e;

	free(path);
	while (dir && (e = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, link, sizeof(link) - 1);
		struct unix_socket *u;
		uint32_t ino;

		link[n > 0 ? n : 0] = '\0';
		if (sscanf(link, "socket:[%u]", &ino) != 1)
			continue;
		u = (struct unix_socket *)(uintptr_t)sockets_find(s, ino);
		if (!u || u->pid >= 0)
			continue;
		if (!comm[0])
			read_comm(pid, comm);
		u->pid = atoi(pid);
		memcpy(u->comm, comm, sizeof(u->comm));
	}
	if (dir)
		closedir(dir);
}

int sockets_read(struct sockets *s)
{
	struct dirent *e;
	DIR *proc;
	int rc;

	*s = (struct sockets){ 0 };
	rc = dump(s);
	if (rc < 0) {
		sockets_release(s);
		return rc;
	}
	qsort(s->list, s->cnt, sizeof(*s->list), by_ino);
	proc = opendir("/proc");
	while (proc && (e = readdir(proc)))
		if (isdigit((unsigned char)e->d_name[0]))
			name_holders(s, e->d_name);
	if (proc)
		closedir(proc);
	return 0;
}

void sockets_release(struct sockets *s)
{
	for (size_t i = 0; i < s->cnt; i++)
		free(s->list[i].name);
	free(s->list);
	*s = (struct sockets){ 0 };
}

const struct unix_socket *sockets_near(const struct sockets *s, const char *path)
{
	const char *base = strrchr(path, '/');
	const struct unix_socket *same = NULL;
	struct near best = { NULL, 0 };

	for (size_t i = 0; i < s->cnt; i++) {
		const struct unix_socket *u = &s->list[i];
		const char *slash = u->name ? strrchr(u->name, '/') : NULL;

		if (!u->name || !u->listens)
			continue;
		if (base && slash && base[1] && !strcmp(slash, base))
			same = u; /* the file's name, in another folder */
		near_offer(&best, path, u->name);
	}
	for (size_t i = 0; best.name && i < s->cnt; i++)
		if (s->list[i].name == best.name)
			return &s->list[i];
	return same;
}
