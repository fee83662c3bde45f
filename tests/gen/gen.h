/* SPDX-License-Identifier: BSD-2-Clause */
/* The generator of known bytes: talks with itself over sockets by every path that a program
 * can take, and keeps what the reading end got as the truth for a capture to be compared with.
 * It shares no code with spf, on purpose.
 */
#ifndef GEN_H
#define GEN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Where a reader puts what it got, in the order in which it got it. */
struct store {
	int fd;
	size_t len;
};

void store_put(struct store *s, const void *p, size_t len);

/* A way to write: sends all len bytes on fd. Returns 0, or -errno if this kernel does not
 * know the way (nothing was written then). Any other failure ends the program. */
typedef int write_way(int fd, const uint8_t *data, size_t len);

/* A way to read: takes len bytes from fd, or fewer at its end, into s. Returns likewise. */
typedef int read_way(int fd, size_t len, struct store *s);

struct writer {
	const char *name;
	write_way *way;
	size_t len; /* that make sense for it; 0 = the usual */
};

struct reader {
	const char *name;
	read_way *way;
};

extern const struct writer writers[]; /* ends with a NULL name; the first is the plain one */
extern const struct reader readers[];

/* Of unix sockets only. */
extern write_way write_fds, write_oob, write_last_oob;
extern read_way read_messages, read_oob, read_oob_at_mark, read_after_close;

/* A kind of connection. */
struct kind {
	const char *name;
	/* fd[0] is where the known bytes are read, fd[1] where they are written. */
	void (*open)(int fd[2], const char *dir);
	int is_message; /* has message boundaries */
	int is_one_way;
	int has_all;    /* every way to write and to read is tried on it */
	write_way *way; /* the only way to write, if not NULL */
};

extern const struct kind kinds[];

/* Messages of odd and even sizes, one after the other: how much to write next. */
size_t next_size(size_t *turn, size_t left);

void write_all(int fd, const void *p, size_t len, const char *what);

/* Memory for the descriptors that go with a message (SCM_RIGHTS). */
enum { MAX_FDS = 2 };
union control {
	char mem[CMSG_SPACE(MAX_FDS * sizeof(int))];
	struct cmsghdr head;
};

void attach_fds(struct msghdr *m, union control *c, const int *fds, size_t cnt);

void die(const char *what);

#endif
