/* SPDX-License-Identifier: BSD-2-Clause */
/* The lock-down of the worker: what it gives up before it reads the first byte of a script
 * or of traffic, both of which are hostile.
 *
 * The worker opens and maps all that it needs, calls sandbox_enter() and from then on can
 * compute, read and write the descriptors it was given, and sleep. It has no privilege, no
 * file system, no network, no other process, and no memory that is writable and executable.
 * The Lua environment (script/) is the first fence; this one holds when that one has fallen.
 */
#ifndef SPF_SANDBOX_H
#define SPF_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* C stack of the worker: nested coroutines and gsub callbacks need 64 MiB before LuaJIT's
 * own limits end them with a clean error; four times that, as frames differ by build. */
#define SANDBOX_STACK_LEN (256u << 20)

struct sandbox_user {
	uid_t uid;
	gid_t gid;
	char name[64];   /* for messages; the number if the user has no name */
	char home[256];  /* "" if unknown */
};

/* Whom the worker becomes: name (of --user: a name or a number; NULL none), else who called
 * sudo, doas or pkexec, else nobody. Started without root, the user stays who it is.
 * Returns 0, or -EINVAL with *why set (no such user; root, which never runs scripts). */
int sandbox_target_user(const char *name, struct sandbox_user *user, const char **why);

struct sandbox_options {
	uid_t uid;           /* of sandbox_target_user(); not used when not root */
	gid_t gid;
	pid_t monitor;       /* the parent, whose end ends the worker; 0 = whoever it is now */
	uint32_t read_fds;   /* 1 << fd of what is read; descriptors from 3 that are in */
	uint32_t write_fds;  /* neither mask are closed (maps stay mapped) */
	uint32_t truncate_fds; /* of these: -o and -w empty their files */
	bool jit;            /* memory may turn from writable to executable (never both) */
	bool unsafe;         /* --unsafe: the user's files may be opened; nothing else is added */
	bool explain;        /* say which system call was refused instead of dying silently */
};

/* Locks this process for good. Call it single-threaded, after everything is open and mapped
 * and before anything hostile is read. Returns 0, or -errno with *why naming the step; then
 * the process must end, as it may be locked in part. */
int sandbox_enter(const struct sandbox_options *o, const char **why);

/* The system calls that sandbox_enter() leaves, as a seccomp filter for the running process:
 * its id is compiled in. Returns 0, or -errno (-EINVAL: a kernel without filters). */
int seccomp_enter(const struct sandbox_options *o);

/* The refusals of Landlock, as far as the running kernel knows them; none of files if unsafe.
 * Needs no_new_privs. Returns 0 (also without Landlock), or -errno. */
int landlock_enter(bool unsafe);

/* For the monitor, before it forks and executes the worker: raises the stack limit to
 * SANDBOX_STACK_LEN, or as far as is allowed. Returns the limit set, in bytes. */
size_t sandbox_limit_stack(void);

/* For the monitor: no core dump, and no process of the same user may look into it. */
void sandbox_protect_monitor(void);

/* True if memory may turn from writable to executable: what a JIT compiler needs. Policies
 * such as systemd's MemoryDenyWriteExecute= or SELinux's execmem forbid it. */
bool sandbox_jit_allowed(void);

/* Landlock's version in the running kernel, 0 if it has none. */
int sandbox_landlock_abi(void);

#endif
