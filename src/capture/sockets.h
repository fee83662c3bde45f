/* SPDX-License-Identifier: BSD-2-Clause */
/* The sockets of this machine, unix and TCP, as the kernel's sock_diag tells: what can be
 * watched, who holds it, and what waits in it. */
#ifndef SPF_CAPTURE_SOCKETS_H
#define SPF_CAPTURE_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "bpf/event.h"

struct socket_holder {
	int32_t pid;
	char comm[16];
};

struct socket_entry {
	uint32_t ino;
	uint32_t peer;     /* inode of the other end, 0 = none or elsewhere */
	uint32_t unread;   /* bytes that wait in it (a listener: connections to accept) */
	uint32_t unsent;   /* TCP: bytes written that the other end has not acknowledged */
	uint64_t sent, received; /* TCP: bytes since it was opened */
	int family, type;  /* AF_UNIX, AF_INET (both versions); SOCK_STREAM … */
	bool listens;
	char *name;        /* printable: path, @abstract, host:port; NULL = not bound */
	struct spf_tcp_end end[2]; /* TCP: own, other */
	uint64_t file_ino; /* of what it is bound to, 0 = no file */
	uint32_t file_dev; /* as the kernel has it */
	struct socket_holder *holder; /* processes that hold it, by pid */
	size_t holder_cnt;
};

struct sockets {
	struct socket_entry *list; /* sorted by ino */
	size_t cnt;
};

/* Reads all of this network namespace's. Returns 0, or -errno; *s is empty then. Without root
 * only the own processes are named. */
int sockets_read(struct sockets *s);
void sockets_release(struct sockets *s);

/* The socket with that inode, or NULL. */
const struct socket_entry *sockets_find(const struct sockets *s, uint32_t ino);

/* True if a socket is bound to the file. */
bool sockets_bound(const struct sockets *s, const struct stat *file);

/* True if a socket is bound to that name, as names are printed. */
bool sockets_named(const struct sockets *s, const char *name);

/* The bound name that a mistyped path probably means, or NULL; points into s. */
const struct socket_entry *sockets_near(const struct sockets *s, const char *path);

/* Makes a name of the kernel printable: "@" for the NUL of an abstract one, \x… for what is
 * no text. out has room for 4 * len + 2 bytes. */
void sockets_print_name(char *out, const uint8_t *name, size_t len);

#endif
