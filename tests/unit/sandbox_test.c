/* SPDX-License-Identifier: BSD-2-Clause */
/* The lock-down from both sides: what native code tries in it, and what honest code needs. */
#include "sandbox.h"

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>

/* Descriptors as every child of these tests has them. */
enum { FD_OUT = 3, FD_IN = 4, FD_CLOSED = 5 };

static pid_t parent;
static long page[8192 / sizeof(long)] __attribute__((aligned(4096)));

/* ---- attacks. Each returns true if the kernel acted on it. Those that would harm the
 * machine get arguments that are refused only behind the check of privileges, so that they
 * can be tried without the sandbox too: one that fails there as well proves nothing. */

static bool reached(long rc)
{
	return rc >= 0 || (errno != EPERM && errno != EACCES && errno != ENOSYS);
}

#define ATTACK(name, ...)                       \
	static bool name(void)                  \
	{                                       \
		return reached(__VA_ARGS__);    \
	}

#define CALL(nr, ...) syscall(SYS_##nr, ##__VA_ARGS__)

ATTACK(read_a_file, open("/etc/passwd", O_RDONLY))
ATTACK(create_a_file, open("/tmp", O_TMPFILE | O_WRONLY, 0600))
ATTACK(open_own_memory, open("/proc/self/mem", O_RDWR))
ATTACK(openat2_a_file, CALL(openat2, AT_FDCWD, "/etc/passwd", (uint64_t[3]){ 0 }, 24))
ATTACK(stat_a_file, faccessat(AT_FDCWD, "/etc/passwd", R_OK, 0))
ATTACK(remove_a_file, unlink("/nonexistent-spf"))
ATTACK(rename_a_file, rename("/nonexistent-spf", "/nonexistent-spf2"))
ATTACK(change_a_mode, chmod("/nonexistent-spf", 0777))
ATTACK(link_a_file, symlink("/nonexistent-spf", ""))
ATTACK(open_a_unix_socket, socket(AF_UNIX, SOCK_STREAM, 0))
ATTACK(open_a_tcp_socket, socket(AF_INET, SOCK_STREAM, 0))
ATTACK(open_a_netlink_socket, socket(AF_NETLINK, SOCK_RAW, 0))
ATTACK(open_a_socketpair, socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0 }))
ATTACK(open_a_pipe, pipe((int[2]){ 0 }))
ATTACK(clone_a_thread, CALL(clone, CLONE_THREAD, 0, 0, 0, 0))
ATTACK(clone3_a_process, CALL(clone3, NULL, 0))
ATTACK(execute_a_program, CALL(execve, "/nonexistent-spf", NULL, NULL))
ATTACK(execute_by_descriptor, CALL(execveat, FD_IN, "", NULL, NULL, AT_EMPTY_PATH))
ATTACK(signal_the_monitor, kill(parent, 0))
ATTACK(signal_a_thread_of_the_monitor, CALL(tgkill, parent, parent, 0))
ATTACK(signal_by_tkill, CALL(tkill, parent, 0))
ATTACK(queue_a_signal, CALL(rt_sigqueueinfo, parent, 0, page))
ATTACK(trace_the_monitor, ptrace(PTRACE_PEEKDATA, parent, page, 0))
ATTACK(be_traced, ptrace(PTRACE_TRACEME, 0, 0, 0))
ATTACK(read_the_monitors_memory, process_vm_readv(parent, &(struct iovec){ page, 8 }, 1,
						  &(struct iovec){ page, 8 }, 1, 0))
ATTACK(write_the_monitors_memory, process_vm_writev(parent, &(struct iovec){ page, 8 }, 1,
						    &(struct iovec){ page + 1, 8 }, 1, 0))
ATTACK(open_a_pidfd, CALL(pidfd_open, parent, 0))
ATTACK(take_a_descriptor, CALL(pidfd_getfd, -1, 0, 0))
ATTACK(compare_processes, CALL(kcmp, parent, parent, 0, 0, 0))
ATTACK(limit_the_monitor, CALL(prlimit64, parent, RLIMIT_CORE, NULL, page))
ATTACK(renice_the_monitor, setpriority(PRIO_PROCESS, (id_t)parent, 0))
ATTACK(move_the_monitor, sched_setaffinity(parent, 0, NULL))
ATTACK(write_elsewhere, write(FD_IN, "", 1))
ATTACK(writev_elsewhere, writev(FD_IN, &(struct iovec){ page, 1 }, 1))
ATTACK(pwrite_elsewhere, pwrite(FD_IN, "", 1, 0))
ATTACK(pwritev2_elsewhere, pwritev2(FD_IN, &(struct iovec){ page, 1 }, 1, -1, 0))
ATTACK(send_elsewhere, sendto(FD_IN, "", 1, 0, NULL, 0))
ATTACK(send_a_descriptor, sendmsg(FD_IN, &(struct msghdr){ 0 }, 0))
ATTACK(splice_elsewhere, splice(FD_OUT, NULL, FD_IN, NULL, 1, SPLICE_F_NONBLOCK))
ATTACK(send_a_file, sendfile(FD_IN, FD_OUT, NULL, 1))
ATTACK(truncate_the_output, ftruncate(FD_OUT, 0))
ATTACK(duplicate_a_descriptor, dup2(FD_OUT, FD_IN))
ATTACK(type_into_the_terminal, ioctl(FD_OUT, TIOCSTI, "x"))
ATTACK(change_the_terminal, ioctl(FD_OUT, TIOCSCTTY, 0))
ATTACK(become_root, setresuid(0, 0, 0))
ATTACK(become_somebody, CALL(setuid, getuid()))
ATTACK(join_a_group, setgroups(1, (gid_t[]){ 0 }))
ATTACK(take_capabilities, CALL(capset, page, page + 4))
ATTACK(load_a_bpf_program, CALL(bpf, BPF_PROG_LOAD, page, 4))
ATTACK(make_a_bpf_map, CALL(bpf, BPF_MAP_CREATE, page, 4))
ATTACK(change_a_bpf_map, CALL(bpf, BPF_MAP_UPDATE_ELEM, page, 32))
ATTACK(start_an_io_uring, CALL(io_uring_setup, 1, page))
ATTACK(enter_an_io_uring, CALL(io_uring_enter, -1, 0, 0, 0, NULL, 0))
ATTACK(start_old_aio, CALL(io_setup, 1, page + 16))
ATTACK(open_userfaultfd, CALL(userfaultfd, 1))
ATTACK(open_perf_events, CALL(perf_event_open, NULL, 0, -1, -1, 0))
ATTACK(make_a_memfd, CALL(memfd_create, "x", 0))
ATTACK(make_a_secret_memfd, CALL(memfd_create, "x", 1))
ATTACK(make_shared_memory, shmget(IPC_PRIVATE, 4096, 0600))
ATTACK(attach_shared_memory, CALL(shmat, -1, NULL, SHM_EXEC))
ATTACK(make_a_message_queue, CALL(mq_open, "spf", O_RDONLY, 0, NULL))
ATTACK(touch_a_keyring, CALL(keyctl, 0, -3, 0))
ATTACK(new_user_namespace, unshare(0x40000000))
ATTACK(join_a_namespace, setns(-1, 0))
ATTACK(mount_a_file_system, mount(NULL, "/nonexistent-spf", NULL, 0, NULL))
ATTACK(unmount_a_file_system, umount2("/nonexistent-spf", 0))
ATTACK(change_the_root, chroot("/nonexistent-spf"))
ATTACK(change_the_folder, chdir("/"))
ATTACK(load_a_module, CALL(finit_module, -1, "", 0))
ATTACK(load_a_kernel, CALL(kexec_load, 0, 100, NULL, ~0ul))
ATTACK(reboot, CALL(reboot, 0, 0, 0, NULL))
ATTACK(set_the_clock, CALL(settimeofday, &(struct timeval){ -1, -1 }, NULL))
ATTACK(read_the_kernel_log, CALL(syslog, 10, NULL, 0))
ATTACK(open_by_handle, CALL(open_by_handle_at, -1, page, 0))
ATTACK(watch_files, CALL(inotify_init1, 0))
ATTACK(watch_all_files, CALL(fanotify_init, 0, 0))
ATTACK(change_the_filter, CALL(seccomp, 1, 0, page))
ATTACK(change_the_filter_by_prctl, prctl(PR_SET_SECCOMP, 2, page))
ATTACK(be_dumpable_again, prctl(PR_SET_DUMPABLE, 1))
ATTACK(outlive_the_monitor, prctl(PR_SET_PDEATHSIG, 0))
ATTACK(make_memory_executable_by_personality, personality(READ_IMPLIES_EXEC))
ATTACK(leave_the_session, setsid())
ATTACK(set_a_thread_pointer_limit, CALL(set_tid_address, page))
ATTACK(make_a_timer_for_another, CALL(timer_create, 0, NULL, page))
ATTACK(lock_memory, CALL(mlock, page, 4096))
ATTACK(advise_another_process, CALL(process_madvise, -1, NULL, 0, 0, 0))

static bool mapped(void *p)
{
	return p != MAP_FAILED;
}

static bool map_rwx(void)
{
	return mapped(mmap(NULL, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static bool map_executable(void)
{
	return mapped(mmap(NULL, 4096, 5, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static bool map_a_file(void)
{
	return mapped(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, FD_IN, 0)) || errno == ENODEV;
}

static bool protect_rwx(void)
{
	return mprotect(page, 4096, 7) == 0;
}

static bool protect_by_key(void)
{
	return reached(CALL(pkey_mprotect, page, 4096, 7, -1));
}

static bool fork_a_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

#ifdef __x86_64__
/* The same kernel behind other doors: getpid() as a 32-bit and as an x32 system call. */
static bool call_by_int80(void)
{
	long rc;

	__asm__ volatile("int $0x80" : "=a"(rc) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
	return rc > 0 || rc != -ENOSYS;
}

static bool call_by_x32(void)
{
	return syscall(0x40000000 + SYS_getpid) > 0 || errno != EPERM;
}
#endif

struct attack {
	const char *name;
	bool (*run)(void);
	bool may_fail_bare; /* depends on the kernel's configuration or on being root */
};

#define ROW(f) { #f, f, false }
#define LAX(f) { #f, f, true }

static const struct attack attacks[] = {
	ROW(read_a_file), LAX(create_a_file), ROW(open_own_memory), ROW(openat2_a_file),
	ROW(stat_a_file), ROW(remove_a_file), ROW(rename_a_file), ROW(change_a_mode),
	ROW(link_a_file), ROW(open_a_unix_socket), ROW(open_a_tcp_socket),
	LAX(open_a_netlink_socket), ROW(open_a_socketpair), ROW(open_a_pipe), ROW(clone3_a_process),
	ROW(execute_a_program), LAX(execute_by_descriptor), ROW(signal_the_monitor),
	ROW(signal_a_thread_of_the_monitor), ROW(signal_by_tkill), LAX(queue_a_signal),
	LAX(trace_the_monitor), LAX(be_traced), LAX(read_the_monitors_memory),
	LAX(write_the_monitors_memory), ROW(open_a_pidfd), ROW(take_a_descriptor),
	LAX(compare_processes), ROW(limit_the_monitor), LAX(renice_the_monitor),
	ROW(move_the_monitor), ROW(write_elsewhere), ROW(writev_elsewhere), ROW(pwrite_elsewhere),
	ROW(pwritev2_elsewhere), ROW(send_elsewhere), ROW(send_a_descriptor), ROW(splice_elsewhere),
	ROW(send_a_file), ROW(truncate_the_output), ROW(duplicate_a_descriptor),
	LAX(type_into_the_terminal), LAX(change_the_terminal), LAX(become_root),
	ROW(become_somebody), LAX(join_a_group), ROW(take_capabilities), LAX(load_a_bpf_program),
	LAX(make_a_bpf_map), LAX(change_a_bpf_map), LAX(start_an_io_uring), LAX(enter_an_io_uring),
	LAX(start_old_aio), LAX(open_userfaultfd), LAX(open_perf_events), ROW(make_a_memfd),
	ROW(make_a_secret_memfd), LAX(make_shared_memory), LAX(attach_shared_memory),
	LAX(make_a_message_queue), LAX(touch_a_keyring), LAX(new_user_namespace),
	LAX(join_a_namespace), LAX(mount_a_file_system), LAX(unmount_a_file_system),
	LAX(change_the_root), ROW(change_the_folder), LAX(load_a_module), LAX(load_a_kernel),
	LAX(reboot), LAX(set_the_clock), LAX(read_the_kernel_log), LAX(open_by_handle),
	LAX(watch_files), LAX(watch_all_files), ROW(change_the_filter),
	ROW(change_the_filter_by_prctl), ROW(be_dumpable_again), ROW(outlive_the_monitor),
	ROW(make_memory_executable_by_personality), LAX(leave_the_session),
	ROW(set_a_thread_pointer_limit), LAX(make_a_timer_for_another), LAX(lock_memory),
	LAX(advise_another_process), ROW(clone_a_thread), ROW(map_rwx), ROW(map_executable),
	ROW(map_a_file), ROW(protect_rwx), LAX(protect_by_key), ROW(fork_a_process),
#ifdef __x86_64__
	LAX(call_by_int80), LAX(call_by_x32),
#endif
};

#define ATTACKS (sizeof(attacks) / sizeof(attacks[0]))

/* ---- children */

enum { DONE = 42, REFUSED = 43, NOT_LOCKED = 44 };

static const struct sandbox_options strict = {
	.uid = 65534, .gid = 65534, .read_fds = 1 << FD_IN | 1, .write_fds = 1 << FD_OUT | 6,
	.jit = true,
};

static int out[2], in[2]; /* the far ends, out[0] and in[1], stay with the test */

static int open_far_ends(void **state)
{
	int a[2], b[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, a) || pipe(b))
		return -1;
	for (int i = 0; i < 2; i++) { /* out of the way of what the children have */
		in[i] = fcntl(a[i], F_DUPFD, 100);
		out[i] = fcntl(b[i], F_DUPFD, 100);
		close(a[i]);
		close(b[i]);
	}
	return 0;
}

static void lay_out_descriptors(void)
{
	dup2(out[1], FD_OUT);
	dup2(in[0], FD_IN);
	dup2(in[0], FD_CLOSED);
}

/* Runs body in a child that was locked with o (NULL: not at all; as_user: without root to
 * begin with). Returns its wait status. */
static int in_child(const struct sandbox_options *o, bool as_user, bool (*body)(void))
{
	const char *why = "?";
	int status, err;
	pid_t pid;

	parent = getpid();
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		lay_out_descriptors();
		if (as_user && geteuid() == 0 && (setgid(4711) || setuid(4711)))
			_exit(NOT_LOCKED);
		err = o ? sandbox_enter(o, &why) : 0;
		if (err) {
			dprintf(2, "%s: %s\n", why, strerror(-err));
			_exit(NOT_LOCKED);
		}
		_exit(body() ? DONE : REFUSED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool was_stopped(int status)
{
	return (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) ||
	       (WIFEXITED(status) && WEXITSTATUS(status) == REFUSED);
}

static bool was_done(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == DONE;
}

static void try_all(const struct sandbox_options *o, bool as_user)
{
	size_t failed = 0;

	for (size_t i = 0; i < ATTACKS; i++) {
		int status = in_child(o, as_user, attacks[i].run);

		if (was_stopped(status))
			continue;
		fprintf(stderr, "not stopped: %s (status %#x)\n", attacks[i].name, status);
		failed++;
	}
	assert_int_equal(failed, 0);
}

static void attacks_work_without_the_sandbox(void **state)
{
	size_t weak = 0, failed = 0;

	for (size_t i = 0; i < ATTACKS; i++) {
		if (was_done(in_child(NULL, false, attacks[i].run)))
			continue;
		fprintf(stderr, "does not work here anyway: %s\n", attacks[i].name);
		weak++;
		failed += !attacks[i].may_fail_bare;
	}
	assert_int_equal(failed, 0);
	/* As root on a common kernel nearly all of them work; without root still most. */
	assert_true(weak < (geteuid() ? ATTACKS / 2 : ATTACKS / 8));
}

static void attacks_are_stopped(void **state)
{
	try_all(&strict, false);
}

static void attacks_are_stopped_when_started_without_root(void **state)
{
	try_all(&strict, true);
}

/* What --unsafe gives back, and nothing else. */
static void unsafe_opens_files_only(void **state)
{
	static bool (*const given[])(void) = {
		read_a_file, create_a_file, openat2_a_file, stat_a_file, remove_a_file,
		rename_a_file, write_elsewhere, writev_elsewhere, pwrite_elsewhere, map_a_file,
		truncate_the_output, change_the_folder, map_executable,
	};
	struct sandbox_options o = strict;
	size_t failed = 0;

	o.unsafe = true;
	for (size_t i = 0; i < ATTACKS; i++) {
		bool allow = false;
		int status = in_child(&o, false, attacks[i].run);

		for (size_t k = 0; k < sizeof(given) / sizeof(given[0]); k++)
			allow |= given[k] == attacks[i].run;
		if (allow || was_stopped(status))
			continue;
		fprintf(stderr, "not stopped with --unsafe: %s (%#x)\n", attacks[i].name, status);
		failed++;
	}
	assert_int_equal(failed, 0);
	assert_true(was_done(in_child(&o, false, read_a_file)));
}

/* Landlock alone, without the filter that would hide it. */
static bool landlock_lets_through(void)
{
	int abi = sandbox_landlock_abi();
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = 1 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || landlock_enter(false))
		return true;
	if (abi >= 1 && (open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES))
		return true;
	if (abi >= 4 && (connect(fd, (void *)&to, sizeof(to)) == 0 || errno != EACCES))
		return true;
	return abi >= 6 && (kill(parent, 0) == 0 || errno != EPERM);
}

static void landlock_refuses_by_itself(void **state)
{
	assert_true(was_stopped(in_child(NULL, false, landlock_lets_through)));
}

/* ---- honest work */

static bool protect_executable(void)
{
	return mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}

static void code_is_generated_only_with_jit(void **state)
{
	struct sandbox_options o = strict;

	assert_true(sandbox_jit_allowed());
	assert_true(was_done(in_child(&o, false, protect_executable)));
	o.jit = false;
	assert_true(was_stopped(in_child(&o, false, protect_executable)));
}

static bool write_and_see_it_closed(void)
{
	return write(FD_OUT, "x", 1) == 1 && fcntl(FD_CLOSED, F_GETFL) < 0 && errno == EPERM;
}

static bool allowed_work(void)
{
	struct pollfd p = { FD_IN, POLLIN, 0 };
	char *big = malloc(300 << 20);
	time_t now = 1700000000;
	struct tm tm;

	if (!big)
		return false;
	memset(big, 1, 300 << 20);
	free(big);
	return poll(&p, 1, 1) == 0 && localtime_r(&now, &tm) && tm.tm_year == 123 &&
	       printf("# stdio works\n") > 0 && fflush(stdout) == 0 && usleep(1000) == 0 &&
	       write_and_see_it_closed();
}

static void honest_work_goes_on(void **state)
{
	assert_true(was_done(in_child(&strict, false, allowed_work)));
	assert_true(was_done(in_child(&strict, true, allowed_work)));
}

static bool truncate_a_file(void)
{
	return ftruncate(FD_OUT, 0) == 0 || errno == EINVAL; /* it is a pipe */
}

static void only_files_of_w_are_truncated(void **state)
{
	struct sandbox_options o = strict;

	assert_true(was_stopped(in_child(&o, false, truncate_a_file)));
	o.truncate_fds = 1 << FD_OUT;
	assert_true(was_done(in_child(&o, false, truncate_a_file)));
}

static void on_profile(void *data, lua_State *l, int samples, int vmstate)
{
	*(int *)data += samples;
}

static bool run_lua(void)
{
	lua_State *l = luaL_newstate();
	int samples = 0;

	if (!l)
		return false;
	luaL_openlibs(l);
	luaJIT_profile_start(l, "li10", on_profile, &samples);
	if (luaL_dostring(l, "local n = 0 for i = 1, 2e8 do n = n + i % 7 end\n"
			     "local t = {} for i = 1, 1e5 do t[i] = tostring(i) end\n"
			     "assert(os.date('%Y'):match('^%d%d%d%d$'))\n"
			     "return n > 0 and jit.status()"))
		return false;
	return lua_toboolean(l, -1) && samples > 0;
}

static void luajit_compiles_and_profiles_inside(void **state)
{
	assert_true(was_done(in_child(&strict, false, run_lua)));
}

static void abort_still_says_abort(void **state)
{
	int status = in_child(&strict, false, (bool (*)(void))(void *)abort);

	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void explain_names_the_call(void **state)
{
	struct sandbox_options o = strict;
	int status;

	o.explain = true;
	status = in_child(&o, false, open_a_unix_socket);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

/* ---- what the outside sees */

static bool wait_for_a_byte(void)
{
	char c;

	return read(FD_IN, &c, 1) == 1;
}

static void assert_status_line(const char *status, const char *want)
{
	if (strstr(status, want))
		return;
	fprintf(stderr, "no line %s in:\n%s", want, status);
	fail();
}

/* Reads /proc/PID/name of a child that waits inside the sandbox. */
static char *proc_file_of_locked(const struct sandbox_options *o, const char *name)
{
	static char text[1 << 20];
	char path[64];
	int fd, rc, status;
	size_t len = 0;
	pid_t pid = fork();

	if (pid == 0) {
		const char *why;

		lay_out_descriptors();
		setgroups(2, (gid_t[]){ 4, 24 });
		if (sandbox_enter(o, &why))
			_exit(NOT_LOCKED);
		_exit(wait_for_a_byte() ? DONE : REFUSED);
	}
	text[0] = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	for (int i = 0; i < 500 && !strstr(text, "Seccomp:\t2"); i++) {
		usleep(10000);
		fd = open(path, O_RDONLY);
		rc = (int)read(fd, text, 8192);
		text[rc > 0 ? rc : 0] = 0;
		close(fd);
	}
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	while ((rc = (int)read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)rc;
	text[len] = 0;
	close(fd);
	assert_int_equal(write(in[1], "x", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(was_done(status));
	return text;
}

static void status_shows_no_privilege(void **state)
{
	const char *text = proc_file_of_locked(&strict, "status");

	assert_status_line(text, "NoNewPrivs:\t1\n");
	assert_status_line(text, "Seccomp:\t2\n");
	assert_status_line(text, "CapPrm:\t0000000000000000\n");
	assert_status_line(text, "CapEff:\t0000000000000000\n");
	assert_status_line(text, "CapInh:\t0000000000000000\n");
	assert_status_line(text, "CapAmb:\t0000000000000000\n");
	if (geteuid())
		return;
	assert_status_line(text, "CapBnd:\t0000000000000000\n");
	assert_status_line(text, "Uid:\t65534\t65534\t65534\t65534\n");
	assert_status_line(text, "Gid:\t65534\t65534\t65534\t65534\n");
	assert_status_line(text, "Groups:\t \n");
}

static void limits_are_set(void **state)
{
	const char *text;

	if (geteuid())
		return; /* the file belongs to root once the process is not dumpable */
	text = proc_file_of_locked(&strict, "limits");
	assert_status_line(text, "Max core file size        0                    0 ");
	assert_status_line(text, "Max processes             0                    0 ");
	assert_status_line(text, "Max open files            16                   16 ");
	assert_status_line(text, "Max locked memory         0                    0 ");
}

static void no_memory_is_writable_and_executable(void **state)
{
	const char *text;

	if (geteuid())
		return;
	text = proc_file_of_locked(&strict, "maps");
	assert_non_null(strstr(text, " rw-p "));
	assert_null(strstr(text, " rwxp "));
	assert_null(strstr(text, " rwxs "));
}

static void worker_ends_with_its_monitor(void **state)
{
	int end[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(end), 0);
	pid = fork();
	if (pid == 0) { /* the monitor: starts a worker, waits until it is locked, and dies */
		int ready[2];

		if (pipe(ready))
			_exit(1);
		if (fork() == 0) {
			struct sandbox_options o = strict;
			const char *why;

			dup2(ready[1], FD_OUT);
			dup2(end[1], 9);
			o.write_fds |= 1 << 9; /* stays open until the worker ends */
			if (sandbox_enter(&o, &why) || write(FD_OUT, "x", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		if (read(ready[0], &c, 1) != 1)
			_exit(2);
		raise(SIGKILL);
	}
	close(end[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(poll(&(struct pollfd){ end[0], POLLIN, 0 }, 1, 5000), 1);
	assert_int_equal(read(end[0], &c, 1), 0);
	close(end[0]);
}

static void a_worker_whose_monitor_has_gone_does_not_start(void **state)
{
	struct sandbox_options o = strict;

	o.monitor = 1;
	assert_int_equal(in_child(&o, false, allowed_work), NOT_LOCKED << 8);
}

static void root_is_never_the_target(void **state)
{
	struct sandbox_options o = strict;

	if (geteuid())
		return;
	o.uid = 0;
	assert_int_equal(in_child(&o, false, allowed_work), NOT_LOCKED << 8);
	o = strict;
	o.gid = 0;
	assert_int_equal(in_child(&o, false, allowed_work), NOT_LOCKED << 8);
}

/* ---- the target user */

static void user_is_who_called_sudo_else_nobody(void **state)
{
	struct sandbox_user u;
	const char *why = NULL;

	unsetenv("SUDO_UID");
	unsetenv("PKEXEC_UID");
	unsetenv("DOAS_USER");
	assert_int_equal(sandbox_target_user(NULL, &u, &why), 0);
	if (geteuid()) {
		assert_int_equal(u.uid, geteuid());
		return;
	}
	assert_int_equal(u.uid, 65534);
	assert_string_equal(u.name, "nobody");
	setenv("SUDO_UID", "54321", 1);
	setenv("SUDO_GID", "54322", 1);
	assert_int_equal(sandbox_target_user(NULL, &u, &why), 0);
	assert_int_equal(u.uid, 54321);
	assert_int_equal(u.gid, 54322);
	assert_string_equal(u.name, "54321");
	setenv("SUDO_UID", "0", 1);
	assert_int_equal(sandbox_target_user(NULL, &u, &why), 0);
	assert_int_equal(u.uid, 65534);
	setenv("SUDO_UID", "12x", 1);
	assert_int_equal(sandbox_target_user(NULL, &u, &why), 0);
	assert_int_equal(u.uid, 65534);
	assert_int_equal(sandbox_target_user("daemon", &u, &why), 0);
	assert_int_equal(u.uid, 1);
	assert_int_equal(sandbox_target_user("1234", &u, &why), 0);
	assert_int_equal(u.gid, 1234);
	assert_int_equal(sandbox_target_user("root", &u, &why), -EINVAL);
	assert_int_equal(sandbox_target_user("0", &u, &why), -EINVAL);
	assert_int_equal(sandbox_target_user("no-such-user", &u, &why), -EINVAL);
	assert_non_null(why);
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attacks_work_without_the_sandbox),
		cmocka_unit_test(attacks_are_stopped),
		cmocka_unit_test(attacks_are_stopped_when_started_without_root),
		cmocka_unit_test(unsafe_opens_files_only),
		cmocka_unit_test(landlock_refuses_by_itself),
		cmocka_unit_test(code_is_generated_only_with_jit),
		cmocka_unit_test(honest_work_goes_on),
		cmocka_unit_test(only_files_of_w_are_truncated),
		cmocka_unit_test(luajit_compiles_and_profiles_inside),
		cmocka_unit_test(abort_still_says_abort),
		cmocka_unit_test(explain_names_the_call),
		cmocka_unit_test(status_shows_no_privilege),
		cmocka_unit_test(limits_are_set),
		cmocka_unit_test(no_memory_is_writable_and_executable),
		cmocka_unit_test(worker_ends_with_its_monitor),
		cmocka_unit_test(a_worker_whose_monitor_has_gone_does_not_start),
		cmocka_unit_test(root_is_never_the_target),
		cmocka_unit_test(user_is_who_called_sudo_else_nobody),
	};

	return cmocka_run_group_tests(tests, open_far_ends, NULL);
}
