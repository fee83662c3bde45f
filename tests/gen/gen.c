/* SPDX-License-Identifier: BSD-2-Clause */
/* gen DIR [PATTERN]...: one talk for each kind of connection and way to write and to read whose
 * name KIND/WRITER/READER matches a pattern (all, without one). For each direction it stores
 * in DIR what the reader got, and prints a line, fields separated by tabs:
 *
 *     NAME/forth  READ  WRITTEN  FILE  WRITER-PID  READER-PID
 *
 * Every direction's bytes begin with the line "gen PID NAME/forth" (or back), PID that of this
 * program, by which a capture of it is recognised, also beside another run of it; the rest is
 * pseudo-random, seeded by that line. Where fewer bytes were
 * read than written, FILE goes on with those that nobody read.
 * A way that this kernel does not have prints "# NAME skipped: why".
 */
#include "gen.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USUAL_LEN = 400000, BACK_LEN = 5000, UNREAD_LEN = 100000, SECONDS = 60 };

/* What is tried in one talk. */
struct talk {
	const char *dir;
	char name[128];
	const struct kind *kind;
	write_way *write;
	read_way *read;
	size_t len;
	size_t read_len; /* the reader stops there and closes */
	int is_passed;   /* the writer gets its end by SCM_RIGHTS */
	int is_one_way;  /* nothing comes back: the writer closes when it has written */
};

void die(const char *what)
{
	fprintf(stderr, "gen: %s: %s\n", what, strerror(errno));
	_exit(1);
}

void write_all(int fd, const void *p, size_t len, const char *what)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = write(fd, (const char *)p + at, len - at);

		if (n < 0)
			die(what);
		at += (size_t)n;
	}
}

void store_put(struct store *s, const void *p, size_t len)
{
	write_all(s->fd, p, len, "store");
	s->len += len;
}

void attach_fds(struct msghdr *m, union control *c, const int *fds, size_t cnt)
{
	m->msg_control = c;
	m->msg_controllen = CMSG_SPACE(cnt * sizeof(*fds));
	c->head = (struct cmsghdr){
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
		.cmsg_len = CMSG_LEN(cnt * sizeof(*fds)),
	};
	memcpy(CMSG_DATA(&c->head), fds, cnt * sizeof(*fds));
}

static pid_t self;

/* The known bytes of a direction. */
static uint8_t *known_bytes(const char *name, const char *direction, size_t len)
{
	uint8_t *p = malloc(len + 8);
	uint64_t x = 88172645463325252ull;
	size_t n = (size_t)sprintf((char *)p, "gen %d %s/%s\n", (int)self, name, direction);

	for (size_t i = 0; i < n; i++)
		x = (x ^ p[i]) * 0x9e3779b97f4a7c15ull;
	for (; n < len; n += sizeof(x)) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(p + n, &x, len - n < sizeof(x) ? len - n : sizeof(x));
	}
	return p;
}

/* ---- a descriptor by way of another socket ---- */

static void pass_fd(int by, int fd)
{
	union control control;
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	attach_fds(&m, &control, &fd, 1);
	if (sendmsg(by, &m, 0) != 1)
		die("pass");
}

static int take_fd(int by)
{
	union control control;
	char byte;
	struct iovec v = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(by, &m, 0) != 1 || !CMSG_FIRSTHDR(&m))
		die("take");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* ---- one talk ---- */

static void store_path(const struct talk *t, const char *direction, char *path)
{
	char *end = path + sprintf(path, "%s/", t->dir);

	sprintf(end, "%s.%s", t->name, direction);
	for (; *end; end++)
		if (*end == '/')
			*end = '_';
}

static struct store store_open(const struct talk *t, const char *direction, char *path)
{
	struct store s = { 0 };

	store_path(t, direction, path);
	s.fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	if (s.fd < 0)
		die(path);
	return s;
}

/* The writing process: says the known bytes, then hears those that come back. Its exit
 * status is the errno of a way that is not there. */
static void write_side(const struct talk *t, int fd)
{
	uint8_t *bytes = known_bytes(t->name, "forth", t->len);
	char path[256];
	struct store s;
	int rc = (t->kind->way ? t->kind->way : t->write)(fd, bytes, t->len);

	if (!t->kind->is_message)
		shutdown(fd, SHUT_WR);
	if (!rc && !t->is_one_way) {
		s = store_open(t, "back", path);
		readers[0].way(fd, BACK_LEN, &s);
	}
	_exit(-rc);
}

static void print_direction(const struct talk *t, const char *direction, size_t read_len,
			    size_t len, const char *path, pid_t writer, pid_t reader)
{
	printf("%s/%s\t%zu\t%zu\t%s\t%d\t%d\n", t->name, direction, read_len, len, path, (int)writer,
	       (int)reader);
	fflush(stdout);
}

static void read_side(const struct talk *t, int fd, pid_t writer)
{
	char path[256], back_path[256];
	struct store s = store_open(t, "forth", path);
	uint8_t *bytes;
	int rc, status;
	size_t got, back_len = 0;

	rc = t->read(fd, t->read_len, &s);
	got = s.len;
	if (!rc && got && !t->is_one_way) {
		bytes = known_bytes(t->name, "back", BACK_LEN);
		writers[0].way(fd, bytes, BACK_LEN);
		free(bytes);
		store_path(t, "back", back_path);
		back_len = BACK_LEN;
	}
	if (t->read_len < t->len && !rc) {
		waitpid(writer, &status, 0); /* all of it waits in the socket */
		close(fd);
		bytes = known_bytes(t->name, "forth", t->len);
		store_put(&s, bytes + got, t->len - got);
		free(bytes);
	} else {
		close(fd);
		waitpid(writer, &status, 0);
	}
	if (WIFSIGNALED(status) || rc || WEXITSTATUS(status)) {
		printf("# %s skipped: %s\n", t->name,
		       WIFSIGNALED(status) ? "the writer was killed"
					   : strerror(rc ? -rc : WEXITSTATUS(status)));
		fflush(stdout);
		_exit(WIFSIGNALED(status) || WEXITSTATUS(status) == 1);
	}
	print_direction(t, "forth", got, t->len, path, writer, getpid());
	if (back_len)
		print_direction(t, "back", back_len, BACK_LEN, back_path, getpid(), writer);
	_exit(0);
}

/* Both sides are processes of their own, so that a way that hangs can be ended. */
static void hold(const struct talk *t)
{
	int fd[2], by[2];
	pid_t writer;

	alarm(SECONDS);
	signal(SIGPIPE, SIG_IGN);
	if (t->is_passed) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, by))
			die("socketpair");
	} else {
		t->kind->open(fd, t->dir);
	}
	writer = fork();
	if (writer == 0) {
		alarm(SECONDS);
		if (t->is_passed)
			fd[1] = take_fd(by[0]);
		else
			close(fd[0]);
		write_side(t, fd[1]);
	}
	if (t->is_passed) {
		t->kind->open(fd, t->dir);
		pass_fd(by[1], fd[1]);
	}
	close(fd[1]);
	read_side(t, fd[0], writer);
}

/* ---- all talks ---- */

static char *const *patterns;
static int failed;

static void try(struct talk *t, const char *what)
{
	char *const *p = patterns;
	pid_t pid;
	int status;

	snprintf(t->name, sizeof(t->name), "%s/%s", t->kind->name, what);
	while (*p && fnmatch(*p, t->name, 0))
		p++;
	if (patterns[0] && !*p)
		return;
	if (!t->len)
		t->len = USUAL_LEN;
	if (!t->read_len)
		t->read_len = t->len;
	t->is_one_way |= t->kind->is_one_way || t->read_len < t->len;
	pid = fork();
	if (pid == 0)
		hold(t);
	waitpid(pid, &status, 0);
	if (status) {
		printf("# %s FAILED: status %x\n", t->name, status);
		fflush(stdout);
		failed = 1;
	}
}

static void try_kind(const char *dir, const struct kind *k)
{
	struct talk plain = { .dir = dir, .kind = k, .write = writers->way, .read = readers->way };
	char what[64];

	for (const struct writer *w = writers; w == writers || (k->has_all && w->name); w++) {
		struct talk t = plain;

		t.write = w->way;
		t.len = w->len;
		snprintf(what, sizeof(what), "%s/%s", w->name, readers->name);
		try(&t, what);
	}
	for (const struct reader *r = readers + 1; k->has_all && r->name; r++) {
		struct talk t = plain;

		t.read = r->way;
		snprintf(what, sizeof(what), "%s/%s", writers->name, r->name);
		try(&t, what);
	}
}

/* What is tried on a pair of streams only. */
static void try_special(const char *dir)
{
	static const struct {
		const char *what;
		struct talk t;
	} all[] = {
		{ "scm-rights/recvmsg", { .write = write_fds, .read = read_messages } },
		{ "oob/oob", { .write = write_oob, .read = read_oob, .len = 300000 } },
		{ "oob/oob-at-mark", { .write = write_oob, .read = read_oob_at_mark, .len = 300000 } },
		{ "last-oob/oob-after-close",
		  { .write = write_last_oob, .read = read_after_close, .is_one_way = 1 } },
		{ "write/after-close", { .read = read_after_close, .is_one_way = 1 } },
		{ "passed-by-scm-rights/read", { .is_passed = 1 } },
		{ "write/unread-at-close", { .len = UNREAD_LEN, .read_len = 30000 } },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		struct talk t = all[i].t;

		t.dir = dir;
		t.kind = kinds;
		if (!t.write)
			t.write = writers->way;
		if (!t.read)
			t.read = readers->way;
		try(&t, all[i].what);
	}
}

int main(int argc, char **argv)
{
	const char *dir = argv[1];

	if (argc < 2) {
		fprintf(stderr, "usage: gen DIR [PATTERN]...\n");
		return 2;
	}
	self = getpid();
	patterns = argv + 2;
	for (const struct kind *k = kinds; k->name; k++)
		try_kind(dir, k);
	try_special(dir);
	return failed;
}
