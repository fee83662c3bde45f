/* SPDX-License-Identifier: BSD-2-Clause */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bpf/event.h"
#include "capture/bpf.h"
#include "capture/pcapng_write.h"
#include "capture/sockets.h"
#include "capture/target.h"
#include "find.h"
#include "keys.h"
#include "message.h"
#include "modules.h"
#include "options.h"
#include "process.h"
#include "reload.h"
#include "rights.h"
#include "sandbox.h"
#include "util/limits.h"
#include "util/log.h"
#include "util/monotonic.h"
#include "util/xalloc.h"
#include "watchdog.h"
#include "worker.h"

enum {
	SWEEP_MS = 250, /* how long a closed socket may go unnoticed */
	AGAIN_MS = 300, /* a second Ctrl-C comes from a hand, not from a program */
};

/* All of the environment that the worker gets. LD_*, GLIBC_TUNABLES, LUA_* and secrets are not
 * for a process that will run other people's code. */
static const char *const worker_env[] = {
	"TZ", "TERM", "NO_COLOR", "LANG", "LC_ALL", "LC_CTYPE", "SPF_SANDBOX_EXPLAIN",
	"SUDO_UID", "SUDO_GID", "PKEXEC_UID", "DOAS_USER",
};

enum { ENV_CNT = sizeof(worker_env) / sizeof(worker_env[0]) + 1 };

struct monitor {
	const struct options *o;
	struct bpf *bpf; /* NULL for -r */
	int input;       /* file of -r, -1 live */
	int output;
	int file[OPTIONS_FILES]; /* of -w */
	size_t file_cnt;
	int script[OPTIONS_SCRIPTS];
	size_t script_cnt;
	int modules;     /* of the scripts, -1 none */
	int changes;     /* of their files, for --watch; -1 none */
	int link;        /* to the worker */
	int signals;
	pid_t pid, worker;
	struct watch_page *watch;
	int watch_fd;
	struct watchdog watchdog;
	struct process_asks asks;
	bool stopped;    /* by the watchdog */
	bool reloads;    /* a script has changed: spf is executed anew */
	bool cut_off;    /* the worker did not come to its end */
	int64_t swept_ns;
	bool is_listed;
	int interrupts;
	int64_t interrupted_ns; /* when the last one came */
	struct keys keys;
};

/* ---- opening ---- */

static void open_scripts(struct monitor *m)
{
	for (size_t i = 0; i < m->o->script_cnt; i++) {
		const struct options_script *s = &m->o->script[i];
		char *why, *path;
		struct stat st;
		int fd;

		if (s->what != 's')
			continue;
		path = find_script(s->text, m->o->script_dir, &why);
		if (!path)
			die(EXIT_USAGE, "%s", why);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st))
			die(EXIT_USAGE, "cannot read script %s: %s", path, strerror(errno));
		if (!S_ISREG(st.st_mode))
			die(EXIT_USAGE, "%s is not a script but a %s", path,
			    S_ISDIR(st.st_mode) ? "folder" : "special file");
		if (m->modules < 0)
			m->modules = modules_new();
		if (m->modules >= 0)
			modules_add(m->modules, (uint32_t)m->script_cnt, path, fd);
		if (m->o->watch)
			reload_watch(&m->changes, path);
		free(path);
		m->script[m->script_cnt++] = fd;
	}
}

/* A file that is read or written already, opened again to be written, would be lost. */
static bool is_in_use(const struct monitor *m, const struct stat *st)
{
	int fds[OPTIONS_SCRIPTS + OPTIONS_FILES + 2] = { m->input, m->output };
	size_t cnt = 2;
	struct stat other;

	for (size_t i = 0; i < m->script_cnt; i++)
		fds[cnt++] = m->script[i];
	for (size_t i = 0; i < m->file_cnt; i++)
		fds[cnt++] = m->file[i];
	for (size_t i = 0; i < cnt; i++)
		if (fds[i] >= 0 && !fstat(fds[i], &other) && other.st_dev == st->st_dev &&
		    other.st_ino == st->st_ino)
			return true;
	return false;
}

static void check_unused(const struct monitor *m, int fd, const char *name)
{
	struct stat st;

	if (fstat(fd, &st))
		die(EXIT_USAGE, "cannot write %s: %s", name, strerror(errno));
	if (S_ISREG(st.st_mode) && is_in_use(m, &st))
		die(EXIT_USAGE, "cannot write %s: spf reads it, or writes something else there", name);
}

/* Opens a file to be written. The worker empties it, once all else is known to be sound. */
static int open_output(const struct monitor *m, const char *name, int flags)
{
	int fd = open(name, flags | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		die(EXIT_USAGE, "cannot write %s: %s", name, strerror(errno));
	check_unused(m, fd, name);
	return fd;
}

static void open_files(struct monitor *m)
{
	m->input = -1;
	if (m->o->read_file) {
		m->input = strcmp(m->o->read_file, "-") ? open(m->o->read_file, O_RDONLY | O_CLOEXEC) :
							  dup(STDIN_FILENO);
		if (m->input < 0)
			die(EXIT_USAGE, "cannot read %s: %s", m->o->read_file, strerror(errno));
	}
	m->output = -1;
	m->output = m->o->out_file ? open_output(m, m->o->out_file, O_WRONLY) : STDOUT_FILENO;
}

/* The files of -w. "-" is stdout; then everything else that is printed goes to stderr. */
static void open_captures(struct monitor *m)
{
	if (!m->o->write_file)
		return;
	if (!strcmp(m->o->write_file, "-")) {
		if (isatty(STDOUT_FILENO))
			die(EXIT_USAGE, "-w - writes a capture, which is no text: pipe it somewhere");
		if (m->o->out_file)
			check_unused(m, STDOUT_FILENO, "-");
		m->file[m->file_cnt++] = STDOUT_FILENO;
		if (!m->o->out_file)
			m->output = STDERR_FILENO;
		return;
	}
	while (m->file_cnt < m->o->file_cnt) {
		char *name = pcapng_file_name(m->o->write_file, m->file_cnt, m->o->file_cnt);

		m->file[m->file_cnt++] = open_output(m, name, O_RDWR);
		free(name);
	}
}

static void check_targets(const struct options *o)
{
	if (o->who.pid && kill(o->who.pid, 0) && errno == ESRCH)
		die(EXIT_USAGE, "-p %d: there is no such process", o->who.pid);
	for (char **t = o->targets; *t; t++) {
		char *why = target_check(*t);

		if (why)
			die(EXIT_USAGE, "%s", why);
	}
}

static void load_bpf(struct monitor *m)
{
	struct bpf_options b = {
		.targets = m->o->targets,
		.snaplen = m->o->snaplen,
		.ring_size = m->o->ring_size,
		.backend = m->o->backend,
		.early = m->o->early,
		.who = m->o->who,
	};
	char *why;

	m->bpf = bpf_new(&b, &why);
	if (!m->bpf && rights_missing())
		die(EXIT_RUN, "capturing needs root, or %s: try sudo spf, or -r FILE to read a "
		    "capture", rights_missing());
	if (!m->bpf)
		die(EXIT_RUN, "%s", why);
	if (!rights_show_addresses())
		log_info("the kernel's addresses are hidden (CAP_SYSLOG): " RIGHTS_WITHOUT_ADDRESSES);
}

/* ---- the worker ---- */

/* From the start on signals wait for supervise(): an early Ctrl-C ends spf in order too. */
static int catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Moves descriptor from to the number to, for the worker only. */
static void place(int from, int to)
{
	if (from != to && dup2(from, to) < 0)
		_exit(EXIT_RUN);
	if (from == to)
		fcntl(to, F_SETFD, 0);
}

/* The worker ends with the monitor, and if that ended before it could notice, at once. */
static void fill_env(char *env[ENV_CNT + 1], pid_t monitor)
{
	size_t cnt = 0;

	env[cnt++] = xasprintf(WORKER_MONITOR "=%d", monitor);
	for (size_t i = 0; i < sizeof(worker_env) / sizeof(worker_env[0]); i++) {
		const char *value = getenv(worker_env[i]);

		if (value)
			env[cnt++] = xasprintf("%s=%s", worker_env[i], value);
	}
	env[cnt] = NULL;
}

/* In the child: only the worker's descriptors stay, at their numbers. */
static void exec_worker(struct monitor *m, int link, char **argv)
{
	int want[WORKER_FDS], high[WORKER_FDS];
	char *env[ENV_CNT + 1];

	for (int i = 0; i < WORKER_FDS; i++)
		want[i] = -1;
	want[WORKER_MODULES] = m->modules < 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : m->modules;
	want[WORKER_OUTPUT] = m->output;
	want[WORKER_LINK] = link;
	want[WORKER_INPUT] = m->input;
	want[WORKER_WATCH] = m->watch_fd;
	if (m->bpf)
		bpf_fds(m->bpf, &want[WORKER_INPUT], &want[WORKER_CONTROL], &want[WORKER_SLOTS]);
	for (size_t i = 0; i < m->script_cnt; i++)
		want[WORKER_SCRIPTS + i] = m->script[i];
	for (size_t i = 0; i < m->file_cnt; i++)
		want[WORKER_FILES + i] = m->file[i];
	fill_env(env, m->pid);
	/* Out of each other's way first. */
	for (int i = 0; i < WORKER_FDS; i++)
		high[i] = want[i] < 0 ? -1 : fcntl(want[i], F_DUPFD_CLOEXEC, 64);
	for (int i = 0; i < WORKER_FDS; i++)
		if (high[i] >= 0)
			place(high[i], i);
	argv[0] = (char *)WORKER_NAME;
	execve("/proc/self/exe", argv, env);
	fprintf(stderr, "spf: cannot start the worker: %s\n", strerror(errno));
	_exit(EXIT_RUN);
}

static void start_worker(struct monitor *m, char **argv)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		die(EXIT_RUN, "socketpair: %s", strerror(errno));
	m->watch_fd = watch_page_new(&m->watch);
	if (m->watch_fd < 0)
		die(EXIT_RUN, "memfd_create: %s", strerror(-m->watch_fd));
	sandbox_limit_stack();
	m->pid = getpid();
	m->worker = fork();
	if (m->worker < 0)
		die(EXIT_RUN, "fork: %s", strerror(errno));
	if (m->worker == 0)
		exec_worker(m, pair[1], argv);
	close(pair[1]);
	m->link = pair[0];
	watchdog_init(&m->watchdog, m->worker, m->watch, m->o->timeout_ns);
}

/* ---- supervising ---- */

static void answer(struct monitor *m, int32_t pid)
{
	struct message msg = { .kind = MESSAGE_PROCESS };

	if (!process_may_ask(&m->asks, monotonic_ns()))
		return;
	process_describe(pid, &msg.process);
	message_send(m->link, &msg); /* if it does not read, it does not want to know */
}

/* Returns false once the worker has closed its side. */
static bool on_message(struct monitor *m)
{
	struct message msg;
	const char *why = "a request in a replay";
	int len = message_recv(m->link, &msg);

	if (len == -EAGAIN)
		return true;
	if (len <= 0)
		return false;
	if (message_check_request(&msg, (size_t)len, &why) || !m->bpf) {
		/* No honest worker does this. */
		log_warn("the worker sent a message with %s; it was killed", why);
		kill(m->worker, SIGKILL);
		return false;
	}
	if (msg.kind == MESSAGE_FREE_SLOTS)
		bpf_free_slots(m->bpf, msg.slot, msg.cnt);
	else
		answer(m, msg.process.pid);
	return true;
}

/* Ctrl-C and SIGTERM ask the worker to end; the second time it is made to. */
static void on_signal(struct monitor *m)
{
	struct signalfd_siginfo si;

	int64_t now = monotonic_ns();

	if (read(m->signals, &si, sizeof(si)) != sizeof(si) || si.ssi_signo == SIGCHLD)
		return;
	if (si.ssi_signo == SIGTSTP) { /* the shell gets its terminal back as it was */
		keys_restore(&m->keys);
		kill(getpid(), SIGSTOP);
		return;
	}
	if (m->interrupts && now - m->interrupted_ns < AGAIN_MS * 1000000ll)
		return; /* one Ctrl-C may come twice: timeout(1) hands it on and repeats it */
	m->interrupted_ns = now;
	if (si.ssi_signo == SIGINT && isatty(STDERR_FILENO))
		fputc('\n', stderr); /* what comes now does not stand behind the ^C */
	kill(m->worker, m->interrupts++ ? SIGKILL : SIGTERM);
}

static int exit_status(struct monitor *m, int status)
{
	int sig;

	m->cut_off = WIFSIGNALED(status) || WEXITSTATUS(status) == EXIT_LIMIT;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	sig = WTERMSIG(status);
	if (m->stopped)
		return watchdog_stage(&m->watchdog) ? EXIT_RUN : EXIT_LIMIT;
	if (sig == SIGSYS)
		log_warn("the worker made a system call that its sandbox forbids, and was killed; "
			 "with SPF_SANDBOX_EXPLAIN=1 it says which");
	else if (!m->interrupts)
		log_warn("the worker was ended by signal %d (%s)", sig, strsignal(sig));
	return EXIT_RUN;
}

/* Ends a worker that computes past the limit and does not mind it (watchdog.h). */
static void check_limit(struct monitor *m)
{
	const char *stage;

	if (m->stopped || !watchdog_expired(&m->watchdog))
		return;
	m->stopped = true;
	kill(m->worker, SIGKILL);
	stage = watchdog_stage(&m->watchdog);
	if (stage)
		log_warn("the worker was stuck in %s for %d s of CPU time and was killed: this is a "
			 "bug of spf", stage, LIMIT_STAGE_SEC);
	else
		log_warn("%s ran longer than %g s; stopped", watchdog_culprit(&m->watchdog),
			 (double)m->o->timeout_ns / 1e9);
}

/* Nothing is bound to a target: says so, and which socket may have been meant. */
static void tell_waiting(const char *target)
{
	char *name = xmalloc(4 * strlen(target) + 1);
	const struct socket_entry *near = NULL;
	struct sockets s;
	struct stat st;
	bool is_same;

	sockets_print_name(name, (const uint8_t *)target, strlen(target));
	if (sockets_read(&s) == 0)
		near = sockets_near(&s, name);
	is_same = sockets_named(&s, name);
	if (stat(target, &st) == 0 && sockets_bound(&s, &st))
		; /* it is there */
	else if (is_same && strchr("/@", *target))
		; /* if its file is gone, the socket is bound and can be watched */
	else if (near && !is_same && near->holder_cnt)
		log_info("no socket is bound at %s yet; waiting for it; did you mean %s (%s)?", target,
			 near->name, near->holder[0].comm);
	else if (near && !is_same)
		log_info("no socket is bound at %s yet; waiting for it; did you mean %s?", target,
			 near->name);
	else
		log_info("no socket is bound at %s yet; waiting for it (--list sockets shows those "
			 "that are)", target);
	sockets_release(&s);
	free(name);
}

/* The worker has begun: what is open already is announced, and the user is told, who may
 * then start what is to be seen. */
static void begin(struct monitor *m)
{
	char *const *t = m->o->targets;

	m->is_listed = true;
	bpf_list_open(m->bpf);
	for (size_t i = 0; t[i]; i++)
		if (target_is_name(t[i]))
			tell_waiting(t[i]);
	if (!t[0])
		log_info("capturing every unix socket; Ctrl-C ends");
	else
		log_info("capturing %s%s; Ctrl-C ends", t[0], t[1] ? " and more" : "");
}

static void sweep(struct monitor *m)
{
	int64_t now = monotonic_ns();

	if (now - m->swept_ns < SWEEP_MS * 1000000ll)
		return;
	m->swept_ns = now;
	bpf_sweep(m->bpf);
}

/* How long nothing may happen. */
static int patience_ms(const struct monitor *m)
{
	if (m->bpf && !m->is_listed)
		return 1;
	return m->o->script_cnt && m->watchdog.script_max_ns ? WATCHDOG_MS : SWEEP_MS;
}

static int supervise(struct monitor *m)
{
	struct pollfd fds[] = { { m->signals, POLLIN, 0 }, { m->link, POLLIN, 0 }, { -1, POLLIN, 0 },
				{ m->changes, POLLIN, 0 } };
	int status;

	while (waitpid(m->worker, &status, WNOHANG) == 0) {
		keys_update(&m->keys, m->watch);
		fds[2].fd = m->keys.on ? STDIN_FILENO : -1;
		if (poll(fds, 4, patience_ms(m)) < 0)
			continue;
		if (fds[0].revents & POLLIN)
			on_signal(m);
		if (fds[1].revents && !on_message(m))
			fds[1].fd = -1;
		if (fds[2].revents && !keys_read(&m->keys, m->watch))
			m->keys.on = m->keys.may = false;
		if (fds[3].revents && reload_is_due(m->changes) && !m->reloads) {
			m->reloads = true;
			kill(m->worker, SIGTERM);
		}
		check_limit(m);
		if (!m->bpf)
			continue;
		if (!m->is_listed && bpf_is_enabled(m->bpf))
			begin(m);
		if (m->is_listed)
			sweep(m);
	}
	return exit_status(m, status);
}

/* Gives the terminal back as it was found: whatever the worker died of, in colour or with the
 * cursor hidden. From the background it stays as its new owner wants it. */
static void restore_terminal(struct monitor *m)
{
	static const char plain[] = "\033[0m\033[?25h";
	if (m->cut_off && m->o->script_cnt && isatty(m->output) &&
	    tcgetpgrp(m->output) == getpgrp() && write(m->output, plain, sizeof(plain) - 1) < 0)
		return;
	keys_restore(&m->keys);
}

/* --watch: the next run comes when a script has changed, however this one ended. Returns if the
 * user ends it instead. */
static void run_again(struct monitor *m, char **argv)
{
	struct pollfd fds[] = { { m->signals, POLLIN, 0 }, { m->changes, POLLIN, 0 } };
	struct signalfd_siginfo si;

	if (!m->reloads && !m->interrupts)
		log_info("waiting for a script to change; Ctrl-C ends");
	while (!m->reloads && !m->interrupts) {
		poll(fds, 2, -1);
		if (fds[0].revents && read(m->signals, &si, sizeof(si)) == sizeof(si))
			m->interrupts = si.ssi_signo != SIGCHLD && si.ssi_signo != SIGTSTP;
		m->reloads = fds[1].revents && reload_is_due(m->changes);
	}
	if (m->interrupts)
		return;
	log_info("a script has changed: starting again");
	execv("/proc/self/exe", argv);
	die(EXIT_RUN, "--watch: %s", strerror(errno));
}

int monitor_main(const struct options *o, char **argv)
{
	struct monitor m = { .o = o, .signals = catch_signals(), .modules = -1,
			     .changes = -1 };
	int status;

	open_scripts(&m);
	if (!o->read_file)
		check_targets(o);
	open_files(&m);
	open_captures(&m);
	if (!o->read_file)
		load_bpf(&m);
	keys_init(&m.keys, m.output);
	sandbox_protect_monitor();
	start_worker(&m, argv);
	status = supervise(&m);
	restore_terminal(&m);
	if (m.bpf) {
		uint64_t missed = bpf_recursion_misses(m.bpf);

		if (missed)
			log_warn("the kernel skipped %llu runs of the capture programs: "
				 "their bytes are lost", (unsigned long long)missed);
	}
	bpf_free(m.bpf);
	if (o->watch)
		run_again(&m, argv);
	return status;
}
