/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/sockets.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "capture/tcp_target.h"
#include "util/near.h"
#include "util/xalloc.h"

enum { STATE_TIME_WAIT = 6, STATE_LISTEN = 10, STATE_NEW_SYN_RECV = 12, NAME_MAX_LEN = 108 };

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

static void append(struct sockets *s, const struct socket_entry *e)
{
	if ((s->cnt & (s->cnt - 1)) == 0)
		s->list = xrealloc(s->list, (s->cnt ? s->cnt * 2 : 1) * sizeof(*s->list));
	s->list[s->cnt++] = *e;
}

static void add_unix(struct sockets *s, const struct nlmsghdr *h)
{
	const struct unix_diag_msg *m = NLMSG_DATA(h);
	struct socket_entry u = { .ino = m->udiag_ino, .family = AF_UNIX, .type = m->udiag_type };
	int len = (int)(h->nlmsg_len - NLMSG_LENGTH(sizeof(*m)));
	struct unix_diag_vfs vfs;

	u.listens = m->udiag_state == STATE_LISTEN;
	for (struct rtattr *a = (struct rtattr *)(uintptr_t)(m + 1); RTA_OK(a, len);
	     a = RTA_NEXT(a, len)) {
		if (a->rta_type == UNIX_DIAG_NAME && !u.name)
			u.name = name_of(a);
		if (a->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(a) >= 4)
			memcpy(&u.peer, RTA_DATA(a), 4);
		if (a->rta_type == UNIX_DIAG_RQLEN && RTA_PAYLOAD(a) >= 4)
			memcpy(&u.unread, RTA_DATA(a), 4);
		if (a->rta_type == UNIX_DIAG_VFS && RTA_PAYLOAD(a) >= sizeof(vfs)) {
			memcpy(&vfs, RTA_DATA(a), sizeof(vfs));
			u.file_ino = vfs.udiag_vfs_ino;
			u.file_dev = vfs.udiag_vfs_dev;
		}
	}
	append(s, &u);
}

static void fill_end(struct spf_tcp_end *end, bool is_ipv4, const void *addr, uint16_t port)
{
	*end = (struct spf_tcp_end){ .addr = { [10] = 0xff, [11] = 0xff } };
	if (is_ipv4)
		memcpy(end->addr + 12, addr, 4);
	else
		memcpy(end->addr, addr, 16);
	end->port = (uint16_t)(port << 8 | port >> 8);
}

static void add_tcp(struct sockets *s, const struct nlmsghdr *h)
{
	const struct inet_diag_msg *m = NLMSG_DATA(h);
	struct socket_entry t = { .ino = m->idiag_inode, .family = AF_INET, .type = SOCK_STREAM,
				  .unread = m->idiag_rqueue, .unsent = m->idiag_wqueue };
	int len = (int)(h->nlmsg_len - NLMSG_LENGTH(sizeof(*m)));
	bool is_ipv4 = m->idiag_family == AF_INET;
	struct tcp_info info = { 0 };
	char name[TCP_ADDR_LEN];

	if (!t.ino) /* not accepted yet, or of no process any more */
		return;
	t.listens = m->idiag_state == STATE_LISTEN;
	fill_end(&t.end[0], is_ipv4, m->id.idiag_src, m->id.idiag_sport);
	fill_end(&t.end[1], is_ipv4, m->id.idiag_dst, m->id.idiag_dport);
	tcp_print_addr(name, t.end[0].addr, t.end[0].port);
	t.name = xstrdup(name);
	for (struct rtattr *a = (struct rtattr *)(uintptr_t)(m + 1); RTA_OK(a, len);
	     a = RTA_NEXT(a, len)) {
		size_t n = RTA_PAYLOAD(a) < sizeof(info) ? RTA_PAYLOAD(a) : sizeof(info);

		if (a->rta_type == INET_DIAG_INFO)
			memcpy(&info, RTA_DATA(a), n);
	}
	t.sent = t.listens ? 0 : info.tcpi_bytes_acked;
	t.received = t.listens ? 0 : info.tcpi_bytes_received;
	append(s, &t);
}

/* Takes one datagram of answers: 1 to go on, 0 at the end, or -errno. */
static int take(struct sockets *s, const char *buf, ssize_t len, int family)
{
	for (struct nlmsghdr *h = (struct nlmsghdr *)(uintptr_t)buf; NLMSG_OK(h, len);
	     h = NLMSG_NEXT(h, len)) {
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR)
			return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
		if (family == AF_UNIX && h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct unix_diag_msg)))
			add_unix(s, h);
		if (family != AF_UNIX && h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
			add_tcp(s, h);
	}
	return 1;
}

static int ask(int fd, int family)
{
	struct {
		struct nlmsghdr h;
		union {
			struct unix_diag_req local;
			struct inet_diag_req_v2 inet;
		};
	} req = { .h = { .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	size_t len;

	if (family == AF_UNIX) {
		req.local = (struct unix_diag_req){
			.sdiag_family = AF_UNIX, .udiag_states = ~0u,
			.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER |
				      UDIAG_SHOW_RQLEN,
		};
		len = sizeof(req.local);
	} else {
		req.inet = (struct inet_diag_req_v2){
			.sdiag_family = (uint8_t)family, .sdiag_protocol = IPPROTO_TCP,
			.idiag_states = ~(1u << STATE_TIME_WAIT | 1u << STATE_NEW_SYN_RECV),
			.idiag_ext = 1 << (INET_DIAG_INFO - 1),
		};
		len = sizeof(req.inet);
	}
	req.h.nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
	return send(fd, &req, req.h.nlmsg_len, 0) < 0 ? -errno : 1;
}

static int dump(struct sockets *s, int family)
{
	static char buf[65536] __attribute__((aligned(8)));
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	ssize_t n;
	int rc;

	if (fd < 0)
		return -errno;
	rc = ask(fd, family);
	while (rc > 0) {
		n = recv(fd, buf, sizeof(buf), 0);
		rc = n < 0 ? -errno : take(s, buf, n, family);
	}
	close(fd);
	return rc;
}

/* ---- which belong together ---- */

static int by_ino(const void *a, const void *b)
{
	const struct socket_entry *x = a, *y = b;

	return (x->ino > y->ino) - (x->ino < y->ino);
}

/* By own address, then by the other's. */
static int by_ends(const void *a, const void *b)
{
	const struct socket_entry *x = *(const struct socket_entry *const *)a;
	const struct socket_entry *y = *(const struct socket_entry *const *)b;

	return memcmp(x->end, y->end, sizeof(x->end));
}

/* Of a TCP connection within this machine both ends are here. */
static void pair_tcp(struct sockets *s)
{
	struct socket_entry **tcp = xcalloc(s->cnt + 1, sizeof(struct socket_entry *));
	size_t cnt = 0;

	for (size_t i = 0; i < s->cnt; i++)
		if (s->list[i].family == AF_INET && !s->list[i].listens)
			tcp[cnt++] = &s->list[i];
	qsort(tcp, cnt, sizeof(struct socket_entry *), by_ends);
	for (size_t i = 0; i < cnt; i++) {
		struct socket_entry other = { .end = { tcp[i]->end[1], tcp[i]->end[0] } };
		const struct socket_entry *key = &other, **found;

		found = bsearch(&key, tcp, cnt, sizeof(struct socket_entry *), by_ends);
		if (found && *found != tcp[i])
			tcp[i]->peer = (*found)->ino;
	}
	free(tcp);
}

/* ---- who holds them ---- */

const struct socket_entry *sockets_find(const struct sockets *s, uint32_t ino)
{
	const struct socket_entry key = { .ino = ino };

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
		struct socket_entry *u;
		uint32_t ino;

		link[n > 0 ? n : 0] = '\0';
		if (sscanf(link, "socket:[%u]", &ino) != 1)
			continue;
		u = (struct socket_entry *)(uintptr_t)sockets_find(s, ino);
		if (!u || (u->holder_cnt && u->holder[u->holder_cnt - 1].pid == atoi(pid)))
			continue;
		if (!comm[0])
			read_comm(pid, comm);
		u->holder = xrealloc(u->holder, (u->holder_cnt + 1) * sizeof(*u->holder));
		u->holder[u->holder_cnt].pid = atoi(pid);
		memcpy(u->holder[u->holder_cnt++].comm, comm, sizeof(comm));
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
	rc = dump(s, AF_UNIX);
	if (rc < 0) {
		sockets_release(s);
		return rc;
	}
	dump(s, AF_INET); /* the kernel may have none, or no way to tell of them */
	dump(s, AF_INET6);
	qsort(s->list, s->cnt, sizeof(*s->list), by_ino);
	pair_tcp(s);
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
	for (size_t i = 0; i < s->cnt; i++) {
		free(s->list[i].name);
		free(s->list[i].holder);
	}
	free(s->list);
	*s = (struct sockets){ 0 };
}

bool sockets_bound(const struct sockets *s, const struct stat *file)
{
	uint32_t dev = major(file->st_dev) << 20 | minor(file->st_dev);

	for (size_t i = 0; i < s->cnt; i++)
		if (s->list[i].file_ino == (uint32_t)file->st_ino && s->list[i].file_dev == dev)
			return true;
	return false;
}

bool sockets_named(const struct sockets *s, const char *name)
{
	for (size_t i = 0; i < s->cnt; i++) {
		const struct socket_entry *u = &s->list[i];

		if (u->name && u->family == AF_UNIX && (u->listens || u->type == SOCK_DGRAM) &&
		    !strcmp(u->name, name))
			return true; /* and not an accepted one, whose listener may be gone */
	}
	return false;
}

const struct socket_entry *sockets_near(const struct sockets *s, const char *path)
{
	const char *base = strrchr(path, '/');
	const struct socket_entry *same = NULL;
	struct near best = { NULL, 0 };

	for (size_t i = 0; i < s->cnt; i++) {
		const struct socket_entry *u = &s->list[i];
		const char *slash = u->name ? strrchr(u->name, '/') : NULL;

		if (!u->name || !u->listens || u->family != AF_UNIX)
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
