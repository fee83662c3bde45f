/* SPDX-License-Identifier: BSD-2-Clause */
/* The seccomp filter of the worker, written as classic BPF by hand.
 *
 * What is not listed ends the process. A script never gets so far, so whoever does runs
 * native code through a hole of LuaJIT or of a decoder, and should not get a second try.
 * Calls that honest library code makes and whose refusal it survives (opening a locale,
 * asking a limit) fail with EPERM instead, or a new glibc could end spf in the field.
 * With --unsafe everything refused fails with EPERM: there the script is the user's own.
 */
#include "sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#else
#error "the sandbox knows x86-64 and aarch64 only"
#endif

#define X32_BIT 0x40000000u

/* Always allowed: memory that exists, time, sleep, own signals, the end. */
static const int allowed[] = {
	SYS_munmap, SYS_mremap, SYS_brk, SYS_madvise, SYS_futex, SYS_sched_yield,
	SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
	SYS_ppoll, SYS_epoll_pwait, SYS_restart_syscall,
	SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_setitimer,
	SYS_exit, SYS_exit_group, SYS_getpid, SYS_gettid, SYS_getuid, SYS_getrandom,
	SYS_fstat, SYS_lseek, SYS_close, SYS_fsync, SYS_fdatasync,
#ifdef __x86_64__
	SYS_time, SYS_poll, SYS_epoll_wait,
#endif
};

static const int reads[] = { SYS_read, SYS_pread64, SYS_readv };
static const int writes[] = { SYS_write, SYS_writev, SYS_pwrite64 };

/* Refused with EPERM: glibc asks these and goes on without. */
static const int asked[] = {
	SYS_openat, SYS_newfstatat, SYS_statx, SYS_faccessat, SYS_readlinkat, SYS_fcntl, SYS_getcwd,
	SYS_ioctl, SYS_prlimit64, SYS_getrlimit, SYS_sysinfo, SYS_uname, SYS_sched_getaffinity,
	SYS_getrusage, SYS_times, SYS_getppid, SYS_geteuid, SYS_getgid, SYS_getegid,
#ifdef __x86_64__
	SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink,
#endif
};

/* With --unsafe: the files of the user, through io, os and ffi. */
static const int files[] = {
	SYS_openat, SYS_newfstatat, SYS_statx, SYS_faccessat, SYS_readlinkat, SYS_fcntl, SYS_getcwd,
	SYS_read, SYS_pread64, SYS_readv, SYS_write, SYS_pwrite64, SYS_writev, SYS_ftruncate,
	SYS_getdents64, SYS_mkdirat, SYS_unlinkat, SYS_renameat, SYS_dup, SYS_chdir,
#ifdef __x86_64__
	SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_mkdir, SYS_unlink, SYS_rmdir,
	SYS_rename,
#endif
};

struct filter {
	struct sock_filter ins[512];
	unsigned short len;
	uint32_t refuse; /* what happens to a call that is not allowed */
};

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define ARG_LOW(n) (offsetof(struct seccomp_data, args[n])) /* both machines are little-endian */

static void put(struct filter *f, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	if (f->len < ARRAY_LEN(f->ins))
		f->ins[f->len] = (struct sock_filter){ code, jt, jf, k };
	f->len++;
}

static void put_load(struct filter *f, uint32_t offset)
{
	put(f, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
}

static void put_return(struct filter *f, uint32_t action)
{
	put(f, BPF_RET | BPF_K, 0, 0, action);
}

/* The head of every rule: skips the skip instructions after it unless the call is nr. The
 * accumulator holds the call's number here, and rules that load over it end in a return. */
static void put_call(struct filter *f, int nr, uint8_t skip)
{
	put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, skip, (uint32_t)nr);
}

static void put_each(struct filter *f, const int *nr, size_t cnt, uint32_t action)
{
	for (size_t i = 0; i < cnt; i++) {
		put_call(f, nr[i], 1);
		put_return(f, action);
	}
}

/* Allows nr when its first argument is a descriptor of the mask. */
static void put_fd(struct filter *f, int nr, uint32_t mask)
{
	put_call(f, nr, 8);
	put_load(f, ARG_LOW(0));
	put(f, BPF_JMP | BPF_JGT | BPF_K, 5, 0, 31);
	put(f, BPF_MISC | BPF_TAX, 0, 0, 0);
	put(f, BPF_LD | BPF_IMM, 0, 0, 1);
	put(f, BPF_ALU | BPF_LSH | BPF_X, 0, 0, 0);
	put(f, BPF_JMP | BPF_JSET | BPF_K, 0, 1, mask);
	put_return(f, SECCOMP_RET_ALLOW);
	put_return(f, f->refuse);
}

/* Allows nr when the low word of an argument is value. */
static void put_equal(struct filter *f, int nr, unsigned int arg, uint32_t value)
{
	put_call(f, nr, 4);
	put_load(f, ARG_LOW(arg));
	put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value);
	put_return(f, SECCOMP_RET_ALLOW);
	put_load(f, offsetof(struct seccomp_data, nr));
}

/* mmap: anonymous and never executable. Of files only with --unsafe (ffi.load, require of a
 * C module), and then executable only if not writable. */
static void put_mmap(struct filter *f, bool unsafe)
{
	if (unsafe) {
		put_call(f, SYS_mmap, 5);
		put_load(f, ARG_LOW(2));
		put(f, BPF_JMP | BPF_JSET | BPF_K, 0, 1, PROT_WRITE);
		put(f, BPF_JMP | BPF_JSET | BPF_K, 1, 0, PROT_EXEC);
		put_return(f, SECCOMP_RET_ALLOW);
		put_return(f, f->refuse);
		return;
	}
	put_call(f, SYS_mmap, 6);
	put_load(f, ARG_LOW(3));
	put(f, BPF_JMP | BPF_JSET | BPF_K, 0, 3, MAP_ANONYMOUS);
	put_load(f, ARG_LOW(2));
	put(f, BPF_JMP | BPF_JSET | BPF_K, 1, 0, ~(uint32_t)(PROT_READ | PROT_WRITE));
	put_return(f, SECCOMP_RET_ALLOW);
	put_return(f, f->refuse);
}

/* mprotect: executable only for a JIT, and then not writable. */
static void put_mprotect(struct filter *f, bool exec)
{
	uint32_t known = PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0);

	put_call(f, SYS_mprotect, 6);
	put_load(f, ARG_LOW(2));
	put(f, BPF_JMP | BPF_JSET | BPF_K, 3, 0, ~known);
	put(f, BPF_JMP | BPF_JSET | BPF_K, 0, 1, PROT_WRITE);
	put(f, BPF_JMP | BPF_JSET | BPF_K, 1, 0, PROT_EXEC);
	put_return(f, SECCOMP_RET_ALLOW);
	put_return(f, f->refuse);
}

static void put_head(struct filter *f)
{
	put_load(f, offsetof(struct seccomp_data, arch));
	put(f, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, OWN_ARCH);
	put_return(f, SECCOMP_RET_KILL_PROCESS);
	put_load(f, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
	put(f, BPF_JMP | BPF_JSET | BPF_K, 0, 1, X32_BIT);
	put_return(f, SECCOMP_RET_KILL_PROCESS);
#endif
}

static void build(struct filter *f, const struct sandbox_options *o)
{
	put_head(f);
	if (o->unsafe)
		put_each(f, files, ARRAY_LEN(files), SECCOMP_RET_ALLOW);
	for (size_t i = 0; i < ARRAY_LEN(writes); i++)
		put_fd(f, writes[i], o->write_fds);
	for (size_t i = 0; i < ARRAY_LEN(reads); i++)
		put_fd(f, reads[i], o->read_fds);
	put_fd(f, SYS_ftruncate, o->truncate_fds);
	put_mmap(f, o->unsafe);
	put_mprotect(f, o->jit || o->unsafe);
	put_equal(f, SYS_tgkill, 0, (uint32_t)getpid()); /* abort() */
	put_equal(f, SYS_ioctl, 1, TIOCGWINSZ);
	put_equal(f, SYS_ioctl, 1, TCGETS);              /* isatty() */
	put_each(f, allowed, ARRAY_LEN(allowed), SECCOMP_RET_ALLOW);
	put_each(f, asked, ARRAY_LEN(asked), SECCOMP_RET_ERRNO | EPERM);
	put_return(f, f->refuse);
}

/* Runs in the refused call's place: prints its number and ends. Only async-signal-safe calls. */
static void on_refused(int sig, siginfo_t *info, void *context)
{
	char text[] = "spf: the sandbox refused system call      \n";
	char *at = text + sizeof(text) - 3;

	for (int nr = info->si_syscall; at > text; nr /= 10) {
		*at-- = (char)('0' + nr % 10);
		if (nr < 10)
			break;
	}
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	_exit(1);
}

int seccomp_enter(const struct sandbox_options *o)
{
	struct sigaction act = { .sa_sigaction = on_refused, .sa_flags = SA_SIGINFO };
	struct filter f = { .refuse = SECCOMP_RET_KILL_PROCESS };
	struct sock_fprog prog;

	if (o->unsafe)
		f.refuse = SECCOMP_RET_ERRNO | EPERM;
	else if (o->explain)
		f.refuse = SECCOMP_RET_TRAP;
	if (o->explain && sigaction(SIGSYS, &act, NULL))
		return -errno;
	build(&f, o);
	if (f.len > ARRAY_LEN(f.ins))
		return -E2BIG;
	prog = (struct sock_fprog){ f.len, f.ins };
	/* All threads or none: one that stays outside would be the way out. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog))
		return errno == ENOSYS ? -EINVAL : -errno;
	return 0;
}
