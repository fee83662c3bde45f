/* SPDX-License-Identifier: BSD-2-Clause */
/* Traffic whose cost shows what a tracer adds.
 *
 *     traffic PATH pair SIZE COUNT    one thread writes SIZE bytes and reads them back
 *     traffic PATH bulk SIZE COUNT    a child reads what the parent writes
 *     traffic PATH call SIZE COUNT    ping-pong between two processes on one CPU
 *     traffic - syscall 0 COUNT       getppid(), an unrelated system call
 *
 * Prints nanoseconds a round.
 */
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

static void connect_pair(const char *path, int fd[2])
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int l = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	unlink(path);
	fd[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(l, (void *)&sa, sizeof(sa)) || listen(l, 1) ||
	    connect(fd[0], (void *)&sa, sizeof(sa)))
		fail(path);
	fd[1] = accept(l, NULL, NULL);
	if (fd[1] < 0)
		fail("accept");
	close(l);
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

static void run(const char *mode, int fd[2], size_t size, long count)
{
	pid_t kid;

	if (!strcmp(mode, "pair")) {
		for (long i = 0; i < count; i++) {
			write_all(fd[0], size);
			read_all(fd[1], size);
		}
		return;
	}
	if (!strcmp(mode, "call"))
		pin(0);
	kid = fork();
	if (kid == 0) {
		for (long i = 0; i < count; i++) {
			read_all(fd[1], size);
			if (!strcmp(mode, "call"))
				write_all(fd[1], size);
		}
		_exit(0);
	}
	for (long i = 0; i < count; i++) {
		write_all(fd[0], size);
		if (!strcmp(mode, "call"))
			read_all(fd[0], size);
	}
	waitpid(kid, NULL, 0);
}

int main(int argc, char **argv)
{
	size_t size;
	int64_t t;
	long count;
	int fd[2];

	if (argc != 5) {
		fputs("usage: traffic PATH pair|bulk|call|syscall SIZE COUNT\n", stderr);
		return 2;
	}
	size = (size_t)atol(argv[3]);
	count = atol(argv[4]);
	if (size > sizeof(buf))
		return 2;
	if (!strcmp(argv[2], "syscall")) {
		t = now_ns();
		for (long i = 0; i < count; i++)
			syscall(SYS_getppid);
	} else {
		connect_pair(argv[1], fd);
		run(argv[2], fd, size, count / 10 + 1);
		t = now_ns();
		run(argv[2], fd, size, count);
		unlink(argv[1]);
	}
	printf("%.1f\n", (double)(now_ns() - t) / (double)count);
	return 0;
}
