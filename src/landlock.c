/* SPDX-License-Identifier: BSD-2-Clause */
/* No file system, network, signal or abstract socket, by Landlock: a second refusal of what
 * the seccomp filter refuses, by other code of the kernel and by object instead of by call.
 * Kernels from 5.13 have it; without it the filter stands alone.
 */
#include "sandbox.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sizes and rights of the running kernel, not of the headers (linux/landlock.h of 6.12). */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

/* What each version of Landlock can refuse. A right that the kernel does not know would make
 * it refuse the whole ruleset. */
static struct ruleset landlock_rights(int abi)
{
	struct ruleset r = { .fs = (1u << 13) - 1 };  /* version 1: all but link across folders */

	if (abi >= 2)
		r.fs |= 1u << 13; /* REFER */
	if (abi >= 3)
		r.fs |= 1u << 14; /* TRUNCATE */
	if (abi >= 4)
		r.net = 3;        /* TCP bind, connect */
	if (abi >= 5)
		r.fs |= 1u << 15; /* ioctl of devices */
	if (abi >= 6)
		r.scoped = 3;     /* abstract unix sockets, signals */
	return r;
}

int sandbox_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

int landlock_enter(bool unsafe)
{
	int abi = sandbox_landlock_abi();
	struct ruleset r = landlock_rights(abi);
	size_t len = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	int fd, err = 0;

	if (unsafe)
		r.fs = 0; /* the user's files, and the seccomp filter, still bound it */
	if (abi == 0 || !(r.fs | r.net | r.scoped))
		return 0;
	fd = (int)syscall(SYS_landlock_create_ruleset, &r, len, 0);
	if (fd < 0)
		return -errno;
	if (syscall(SYS_landlock_restrict_self, fd, 0))
		err = -errno;
	close(fd);
	return err;
}
