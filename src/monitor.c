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
#include <termios.h>
#include <unistd.h>

#include "bpf/event.h"
#include "capture/bpf.h"
#include "capture/pcapng_write.h"
#include "capture/target.h"
#include "find.h"
#include "options.h"
#include "sandbox.h"
#include "util/log.h"
#include "util/xalloc.h"
#include "worker.h"

enum { SWEEP_MS = 250 }; /* how long a closed socket may go unnoticed */

struct monitor {
	const struct options *o;
	struct bpf *bpf; /* NULL for -r */
	int input;       /* file of -r, -1 live */
	int output;
	int file[OPTIONS_FILES]; /* of -w */
	size_t file_cnt;
	int script[OPTIONS_SCRIPTS];
	size_t script_cnt;
	int link;        /* to the worker */
	int signals;
	pid_t worker;
	bool is_listed;
	int interrupts;
	struct termios tty; /* as it was, if stdin is a terminal */
	bool has_tty;
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
		free(path);
		m->script[m->script_cnt++] = fd;
	}
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
	m->output = STDOUT_FILENO;
	if (m->o->out_file) {
		m->output = open(m->o->out_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (m->output < 0)
			die(EXIT_USAGE, "cannot write %s: %s", m->o->out_file, strerror(errno));
	}
}

/* The files of -w. "-" is stdout; then everything else that is printed goes to stderr. */
static void open_captures(struct monitor *m)
{
	if (!m->o->write_file)
		return;
	if (!strcmp(m->o->write_file, "-")) {
		if (isatty(STDOUT_FILENO))
			die(EXIT_USAGE, "-w - writes a capture, which is no text: pipe it somewhere");
		m->file[m->file_cnt++] = STDOUT_FILENO;
		if (!m->o->out_file)
			m->output = STDERR_FILENO;
		return;
	}
	while (m->file_cnt < m->o->file_cnt) {
		char *name = pcapng_file_name(m->o->write_file, m->file_cnt, m->o->file_cnt);
		int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

		if (fd < 0)
			die(EXIT_USAGE, "cannot write %s: %s", name, strerror(errno));
		free(name);
		m->file[m->file_cnt++] = fd;
	}
}

static void check_targets(const struct options *o)
{
	bool waits;

	for (char **t = o->targets; *t; t++) {
		char *why = target_check(*t, &waits);

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
	};
	char *why;

	m->bpf = bpf_new(&b, &why);
	if (!m->bpf && geteuid() != 0)
		die(EXIT_RUN, "capturing needs root: try sudo spf, or -r FILE to read a capture");
	if (!m->bpf)
		die(EXIT_RUN, "%s", why);
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

/* In the child: only the worker's descriptors stay, at their numbers. */
static void exec_worker(struct monitor *m, int link, char **argv)
{
	int want[WORKER_FDS], high[WORKER_FDS];

	for (int i = 0; i < WORKER_FDS; i++)
		want[i] = -1;
	want[WORKER_OUTPUT] = m->output;
	want[WORKER_LINK] = link;
	want[WORKER_INPUT] = m->input;
	if (m->bpf)
		bpf_fds(m->bpf, &want[WORKER_INPUT], &want[WORKER_CONTROL], &want[WORKER_SLOTS]);
	for (size_t i = 0; i < m->script_cnt; i++)
		want[WORKER_SCRIPTS + i] = m->script[i];
	for (size_t i = 0; i < m->file_cnt; i++)
		want[WORKER_FILES + i] = m->file[i];
	/* Out of each other's way first. */
	for (int i = 0; i < WORKER_FDS; i++)
		high[i] = want[i] < 0 ? -1 : fcntl(want[i], F_DUPFD_CLOEXEC, 64);
	want[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	high[0] = fcntl(want[0], F_DUPFD_CLOEXEC, 64);
	for (int i = 0; i < WORKER_FDS; i++)
		if (high[i] >= 0)
			place(high[i], i);
	argv[0] = (char *)WORKER_NAME;
	execv("/proc/self/exe", argv);
	fprintf(stderr, "spf: cannot start the worker: %s\n", strerror(errno));
	_exit(EXIT_RUN);
}

static void start_worker(struct monitor *m, char **argv)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		die(EXIT_RUN, "socketpair: %s", strerror(errno));
	sandbox_limit_stack();
	m->worker = fork();
	if (m->worker < 0)
		die(EXIT_RUN, "fork: %s", strerror(errno));
	if (m->worker == 0)
		exec_worker(m, pair[1], argv);
	close(pair[1]);
	m->link = pair[0];
}

/* ---- supervising ---- */

static void on_message(struct monitor *m)
{
	struct worker_message msg;
	ssize_t n = recv(m->link, &msg, sizeof(msg), MSG_DONTWAIT);

	if (n != (ssize_t)sizeof(msg) || msg.cnt > WORKER_SLOTS_MAX || !m->bpf)
		return;
	for (unsigned i = 0; i < msg.cnt; i++)
		if (msg.slot[i] >= SPF_SLOTS)
			return;
	bpf_free_slots(m->bpf, msg.slot, msg.cnt);
}

/* Ctrl-C and SIGTERM ask the worker to end; the second time it is made to. */
static void on_signal(struct monitor *m)
{
	struct signalfd_siginfo si;

	if (read(m->signals, &si, sizeof(si)) != sizeof(si) || si.ssi_signo == SIGCHLD)
		return;
	kill(m->worker, m->interrupts++ ? SIGKILL : SIGTERM);
}

static int exit_status(struct monitor *m, int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (m->interrupts)
		return EXIT_RUN;
	log_warn("the worker was ended by signal %d (%s)", WTERMSIG(status),
		 strsignal(WTERMSIG(status)));
	return EXIT_RUN;
}

/* The worker has begun: what is open already is announced, and the user is told, who may
 * then start what is to be seen. */
static void begin(struct monitor *m)
{
	char *const *t = m->o->targets;
	bool waits;

	m->is_listed = true;
	bpf_list_open(m->bpf);
	for (size_t i = 0; t[i]; i++) {
		char *why = target_check(t[i], &waits);

		if (!why && waits)
			log_info("nothing is bound to %s yet; waiting for it", t[i]);
		free(why);
	}
	if (!t[0])
		log_info("capturing every unix socket; Ctrl-C ends");
	else
		log_info("capturing %s%s; Ctrl-C ends", t[0], t[1] ? " and more" : "");
}

static int supervise(struct monitor *m)
{
	struct pollfd fds[] = { { m->signals, POLLIN, 0 }, { m->link, POLLIN, 0 } };
	int status;

	while (waitpid(m->worker, &status, WNOHANG) == 0) {
		int n = poll(fds, 2, m->bpf ? (m->is_listed ? SWEEP_MS : 1) : -1);

		if (fds[0].revents & POLLIN)
			on_signal(m);
		if (fds[1].revents & POLLIN)
			on_message(m);
		else if (fds[1].revents & POLLHUP)
			fds[1].fd = -1;
		if (m->bpf && !m->is_listed && bpf_is_enabled(m->bpf))
			begin(m);
		if (m->bpf && m->is_listed && n == 0)
			bpf_sweep(m->bpf);
	}
	return exit_status(m, status);
}

int monitor_main(const struct options *o, char **argv)
{
	struct monitor m = { .o = o, .signals = catch_signals() };
	int status;

	open_scripts(&m);
	open_files(&m);
	open_captures(&m);
	if (!o->read_file) {
		check_targets(o);
		load_bpf(&m);
	}
	m.has_tty = tcgetattr(STDIN_FILENO, &m.tty) == 0;
	sandbox_protect_monitor();
	start_worker(&m, argv);
	status = supervise(&m);
	if (m.has_tty)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &m.tty);
	if (m.bpf) {
		uint64_t missed = bpf_recursion_misses(m.bpf);

		if (missed)
			log_warn("the kernel skipped %llu runs of the capture programs: "
				 "their bytes are lost", (unsigned long long)missed);
	}
	bpf_free(m.bpf);
	return status;
}
