/* SPDX-License-Identifier: BSD-2-Clause */
/* The unix sockets of this machine, as the kernel's sock_diag tells: what can be watched, and
 * by whom it is used. */
#ifndef SPF_CAPTURE_SOCKETS_H
#define SPF_CAPTURE_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unix_socket {
	uint32_t ino;
	uint32_t peer;     /* inode of the other end, 0 = none */
	uint32_t unread;   /* bytes that wait in it (a listener: connections to accept) */
	int type;          /* SOCK_STREAM … */
	bool listens;
	char *name;        /* printable: path or @abstract; NULL = not bound */
	int32_t pid;       /* one of the processes that hold it, -1 = none is known */
	char comm[16];
};

struct sockets {
	struct unix_socket *list; /* sorted by ino */
	size_t cnt;
};

/* Reads all of this network namespace's. Returns 0, or -errno; *s is empty then. Without root
 * only the own processes are named. */
int sockets_read(struct sockets *s);
void sockets_release(struct sockets *s);

/* The socket with that inode, or NULL. */
const struct unix_socket *sockets_find(const struct sockets *s, uint32_t ino);

/* The bound name that a mistyped path probably means, or NULL; points into s. */
const struct unix_socket *sockets_near(const struct sockets *s, const char *path);

/* Makes a name of the kernel printable: "@" for the NUL of an abstract one, \x… for what is
 * no text. out has room for 4 * len + 2 bytes. */
void sockets_print_name(char *out, const uint8_t *name, size_t len);

#endif
