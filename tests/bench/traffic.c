/* SPDX-License-Identifier: BSD-2-Clause */
/* Traffic whose cost shows what a tracer adds.
 *
 *     traffic WHERE pair SIZE COUNT    one thread writes SIZE bytes and reads them back
 *     traffic WHERE bulk SIZE COUNT    a child reads what the parent writes
 *     traffic WHERE call SIZE COUNT    ping-pong between two processes on one CPU
 *     traffic - getppid 0 COUNT        an unrelated system call
 *     traffic - null SIZE COUNT        write() to /dev/null
 *
 * WHERE is the path of a unix socket, or a port of 127.0.0.1. COUNT rounds are made in slices
 * of a millisecond or two. Prints nanoseconds a round: of the fastest slice and of the median one.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char buf[1 << 20];

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void connect_by(int family, const struct sockaddr *sa, socklen_t len, int fd[2])
{
	int l = socket(family, SOCK_STREAM, 0), on = 1;

	fd[0] = socket(family, SOCK_STREAM, 0);
	if (family == AF_INET && setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		fail("SO_REUSEADDR");
	if (bind(l, sa, len) || listen(l, 1) || connect(fd[0], sa, len))
		fail("connect");
	fd[1] = accept(l, NULL, NULL);
	if (fd[1] < 0)
		fail("accept");
	close(l);
	for (int i = 0; i < 2 && family == AF_INET; i++)
		if (setsockopt(fd[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
			fail("TCP_NODELAY");
}

static void connect_pair(const char *where, int fd[2])
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(where)) };

	if (strchr(where, '/')) {
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", where);
		unlink(where);
		connect_by(AF_UNIX, (void *)&un, sizeof(un), fd);
		unlink(where);
	} else {
		in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		connect_by(AF_INET, (void *)&in, sizeof(in), fd);
	}
}

static void write_all(int fd, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n <= 0)
			fail("write");
		len -= (size_t)n;
	}
}

static void read_all(int fd, size_t len)
{
	while (len) {
		ssize_t n = read(fd, buf, len);

		if (n <= 0)
			fail("read");
		len -= (size_t)n;
	}
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* ---- the rounds ---- */

struct load {
	const char *mode;
	int fd[2];
	size_t size;
	pid_t kid; /* the other end's process */
};

static int is(const struct load *l, const char *mode)
{
	return !strcmp(l->mode, mode);
}

/* The other end, until the connection ends. */
static void serve(const struct load *l)
{
	close(l->fd[0]);
	for (;;) {
		size_t len = 0;

		while (len < l->size) {
			ssize_t n = read(l->fd[1], buf + len, l->size - len);

			if (n <= 0)
				_exit(0);
			len += (size_t)n;
		}
		if (is(l, "call"))
			write_all(l->fd[1], l->size);
	}
}

static void begin(struct load *l, const char *where)
{
	if (is(l, "null"))
		l->fd[0] = open("/dev/null", O_WRONLY);
	if (is(l, "null") || is(l, "getppid"))
		return;
	connect_pair(where, l->fd);
	if (is(l, "pair"))
		return;
	if (is(l, "call"))
		pin(0);
	l->kid = fork();
	if (l->kid == 0)
		serve(l);
	close(l->fd[1]);
}

static void play(const struct load *l, long count)
{
	for (long i = 0; i < count; i++) {
		if (is(l, "getppid")) {
			syscall(SYS_getppid);
			continue;
		}
		write_all(l->fd[0], l->size);
		if (is(l, "call"))
			read_all(l->fd[0], l->size);
		else if (is(l, "pair"))
			read_all(l->fd[1], l->size);
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

enum { SLICES = 100 };

int main(int argc, char **argv)
{
	struct load l = { 0 };
	double ns[SLICES];
	long count;

	if (argc != 5) {
		fputs("usage: traffic WHERE pair|bulk|call|getppid|null SIZE COUNT\n", stderr);
		return 2;
	}
	l.mode = argv[2];
	l.size = (size_t)atol(argv[3]);
	count = atol(argv[4]) / SLICES + 1;
	if (l.size > sizeof(buf))
		return 2;
	begin(&l, argv[1]);
	play(&l, count); /* warm */
	for (int i = 0; i < SLICES; i++) {
		int64_t t = now_ns();

		play(&l, count);
		ns[i] = (double)(now_ns() - t) / (double)count;
	}
	close(l.fd[0]);
	if (l.kid)
		waitpid(l.kid, NULL, 0);
	qsort(ns, SLICES, sizeof(*ns), by_value);
	printf("%.1f %.1f\n", ns[0], ns[SLICES / 2]);
	return 0;
}
