/* SPDX-License-Identifier: BSD-2-Clause */
/* Every kind of connection: how its two ends come to be. */
#include "gen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void socket_pair(int fd[2], int type)
{
	if (socketpair(AF_UNIX, type, 0, fd))
		die("socketpair");
}

static void open_pair(int fd[2], const char *dir)
{
	socket_pair(fd, SOCK_STREAM);
}

static void open_seqpacket_pair(int fd[2], const char *dir)
{
	socket_pair(fd, SOCK_SEQPACKET);
}

static void open_dgram_pair(int fd[2], const char *dir)
{
	socket_pair(fd, SOCK_DGRAM);
}

/* Binds, listens, connects, accepts. */
static void join(int fd[2], int family, int type, struct sockaddr *addr, socklen_t len)
{
	int listener = socket(family, type, 0);

	if (bind(listener, addr, len) || listen(listener, 8))
		die("bind");
	if (family != AF_UNIX)
		getsockname(listener, addr, &len);
	fd[1] = socket(family, type, 0);
	if (connect(fd[1], addr, len))
		die("connect");
	fd[0] = accept(listener, NULL, NULL);
	close(listener);
}

static socklen_t path_addr(struct sockaddr_un *a, const char *dir, const char *name)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(a->sun_path, sizeof(a->sun_path), "%s/%s", dir, name);
	unlink(a->sun_path);
	return (socklen_t)(sizeof(sa_family_t) + strlen(a->sun_path) + 1);
}

static void open_path(int fd[2], const char *dir)
{
	struct sockaddr_un a;
	socklen_t len = path_addr(&a, dir, "stream.sock");

	join(fd, AF_UNIX, SOCK_STREAM, (void *)&a, len);
}

static void open_seqpacket(int fd[2], const char *dir)
{
	struct sockaddr_un a;
	socklen_t len = path_addr(&a, dir, "seqpacket.sock");

	join(fd, AF_UNIX, SOCK_SEQPACKET, (void *)&a, len);
}

static void open_abstract(int fd[2], const char *dir)
{
	static const char name[] = "\0gen\0with\0zeros";
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	memcpy(a.sun_path, name, sizeof(name) - 1);
	join(fd, AF_UNIX, SOCK_STREAM, (void *)&a,
	     (socklen_t)(sizeof(sa_family_t) + sizeof(name) - 1));
}

static void open_abstract_107(int fd[2], const char *dir)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	memset(a.sun_path + 1, 'g', 107);
	join(fd, AF_UNIX, SOCK_STREAM, (void *)&a, sizeof(a));
}

static struct sockaddr_un dgram_to;
static socklen_t dgram_to_len;

static void open_dgram_to(int fd[2], const char *dir)
{
	dgram_to_len = path_addr(&dgram_to, dir, "dgram.sock");
	fd[0] = socket(AF_UNIX, SOCK_DGRAM, 0);
	fd[1] = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (bind(fd[0], (void *)&dgram_to, dgram_to_len))
		die("bind");
}

static void open_dgram(int fd[2], const char *dir)
{
	open_dgram_to(fd, dir);
	if (connect(fd[1], (void *)&dgram_to, dgram_to_len))
		die("connect");
}

static int by_sendto_named(int fd, const uint8_t *data, size_t len)
{
	size_t turn = 0;

	while (len) {
		size_t n = next_size(&turn, len);

		if (sendto(fd, data, n, 0, (void *)&dgram_to, dgram_to_len) != (ssize_t)n)
			die("sendto");
		data += n;
		len -= n;
	}
	return 0;
}

static void open_tcp4(int fd[2], const char *dir)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	join(fd, AF_INET, SOCK_STREAM, (void *)&a, sizeof(a));
}

static void open_tcp6(int fd[2], const char *dir)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	join(fd, AF_INET6, SOCK_STREAM, (void *)&a, sizeof(a));
}

const struct kind kinds[] = {
	{ .name = "stream-pair", .open = open_pair, .has_all = 1 },
	{ .name = "stream-path", .open = open_path },
	{ .name = "abstract-zeros", .open = open_abstract },
	{ .name = "abstract-107", .open = open_abstract_107 },
	{ .name = "seqpacket-pair", .open = open_seqpacket_pair, .is_message = 1 },
	{ .name = "seqpacket-path", .open = open_seqpacket, .is_message = 1 },
	{ .name = "dgram-pair", .open = open_dgram_pair, .is_message = 1 },
	{ .name = "dgram-path", .open = open_dgram, .is_message = 1, .is_one_way = 1 },
	{
		.name = "dgram-sendto",
		.open = open_dgram_to,
		.is_message = 1,
		.is_one_way = 1,
		.way = by_sendto_named,
	},
	{ .name = "tcp4", .open = open_tcp4, .has_all = 1 },
	{ .name = "tcp6", .open = open_tcp6 },
	{ 0 },
};
