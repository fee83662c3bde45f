/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/file.h"
#include "capture/live.h"
#include "capture/target.h"
#include "message.h"
#include "modules.h"
#include "options.h"
#include "peers.h"
#include "pipeline.h"
#include "sandbox.h"
#include "util/buf.h"
#include "util/log.h"
#include "util/xalloc.h"
#include "watchdog.h"

static volatile int stop;

static void on_stop(int sig)
{
	stop = 1;
}

static void set_signals(void)
{
	struct sigaction term = { .sa_handler = on_stop };
	sigset_t none;

	sigaction(SIGTERM, &term, NULL);
	signal(SIGINT, SIG_IGN); /* the monitor turns Ctrl-C into SIGTERM */
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- input and output ---- */

/* Waits for the monitor where it must: a slot that is not given back is lost. */
static void send_to_monitor(const struct message *m)
{
	while (message_send(WORKER_LINK, m) == -EAGAIN)
		poll(&(struct pollfd){ WORKER_LINK, POLLOUT, 0 }, 1, 100);
}

static void give_slots_back(void *arg, const uint32_t *slots, uint32_t cnt)
{
	for (uint32_t n; cnt; slots += n, cnt -= n) {
		struct message m = { .kind = MESSAGE_FREE_SLOTS };

		n = cnt < MESSAGE_SLOTS_MAX ? cnt : MESSAGE_SLOTS_MAX;
		m.cnt = n;
		memcpy(m.slot, slots, n * sizeof(*slots));
		send_to_monitor(&m);
	}
}

static struct source *open_source(const struct options *o)
{
	struct live_maps maps = {
		.ring = WORKER_INPUT,
		.control = WORKER_CONTROL,
		.slots = WORKER_SLOTS,
		.ring_size = o->ring_size,
	};
	const char *why = NULL;
	struct source *s;

	if (o->read_file) {
		s = source_open_file(WORKER_INPUT, &why);
		if (!s)
			die(EXIT_RUN, "%s: %s", o->read_file, why);
		return s;
	}
	s = live_new(&maps, give_slots_back, NULL);
	if (!s)
		die(EXIT_RUN, "cannot map the capture: %s", strerror(errno));
	return s;
}

static struct sink *open_sink(const struct options *o)
{
	struct sink_options so = {
		.format = o->format,
		.columns = o->columns,
		.kinds = o->kinds ? o->kinds : KINDS_PRINTED,
		.hexdump = o->hexdump,
		.ascii = o->ascii,
	};
	struct winsize size;
	struct sink *s;
	char *why;

	if (isatty(WORKER_OUTPUT)) {
		const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

		so.escape = true;
		so.color = !(no_color && *no_color) && !(term && !strcmp(term, "dumb"));
		if (ioctl(WORKER_OUTPUT, TIOCGWINSZ, &size) == 0)
			so.width = size.ws_col;
	}
	if (o->color != COLOR_AUTO)
		so.color = o->color == COLOR_ALWAYS;
	s = sink_new(WORKER_OUTPUT, &so, &why);
	if (!s)
		die(EXIT_USAGE, "%s", why);
	return s;
}

/* What a round of the ring brings is allocated, and freed some milliseconds later: memory that goes
 * back to the kernel in between costs a page fault for each 4 KiB, more than all else that is done
 * with the bytes. */
static void keep_memory(void)
{
#ifdef M_TRIM_THRESHOLD /* glibc */
	mallopt(M_TRIM_THRESHOLD, 16 << 20);
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

/* ---- privileges ---- */

static void drop_privileges(const struct options *o)
{
	const char *monitor = getenv(WORKER_MONITOR);
	struct sandbox_user user;
	struct sandbox_options so = { .jit = !o->no_jit, .unsafe = o->unsafe,
				      .explain = getenv("SPF_SANDBOX_EXPLAIN") != NULL };
	const char *why;
	int rc = sandbox_target_user(o->user, &user, &why);

	if (rc < 0)
		die(EXIT_USAGE, "--user %s: %s", o->user ? o->user : "", why);
	so.monitor = monitor ? atoi(monitor) : 0;
	so.uid = user.uid;
	so.gid = user.gid;
	so.write_fds = 1u << WORKER_OUTPUT | 1u << STDERR_FILENO | 1u << WORKER_LINK;
	so.read_fds = 1u << WORKER_LINK | 1u << WORKER_MODULES | (o->read_file ? 1u << WORKER_INPUT : 0);
	for (size_t i = 0, fd = WORKER_SCRIPTS; i < o->script_cnt; i++)
		if (o->script[i].what == 's')
			so.read_fds |= 1u << fd++;
	for (size_t i = 0; o->write_file && i < o->file_cnt; i++)
		so.truncate_fds |= 1u << (WORKER_FILES + i);
	if (o->out_file)
		so.truncate_fds |= 1u << WORKER_OUTPUT;
	so.write_fds |= so.truncate_fds;
	rc = sandbox_enter(&so, &why);
	if (rc < 0)
		die(EXIT_RUN, "cannot give up privileges: %s: %s", why, strerror(-rc));
}

/* ---- scripts ---- */

static struct bytes read_all(int fd)
{
	struct buf b = { 0 };
	ssize_t n;

	while ((n = read(fd, buf_reserve(&b, 65536), 65536)) > 0)
		buf_added(&b, (size_t)n);
	if (n < 0)
		die(EXIT_USAGE, "cannot read a script: %s", strerror(errno));
	return buf_bytes(&b);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static struct script_source source_of(const struct options *o, const struct options_script *s,
				      int *fd)
{
	struct script_source out = { .args = s->args, .kinds = o->kinds };

	if (s->what == 's') {
		const char *base = base_name(s->text);

		out.what = SCRIPT_FILE;
		out.name = strstr(base, ".lua") ? xstrdup(base) : xasprintf("%s.lua", base);
		out.modules = modules_of(WORKER_MODULES, (uint32_t)(*fd - WORKER_SCRIPTS));
		out.text = read_all((*fd)++);
		return out;
	}
	out.what = s->what == 'e' ? SCRIPT_EXPR : SCRIPT_FILTER;
	out.name = s->what == 'e' ? "-e" : "-f";
	out.text = bytes_str(s->text);
	if (s->what == 'e') {
		out.begin = o->begin;
		out.end = o->end;
	}
	return out;
}

static void empty(int fd, const char *name)
{
	if (ftruncate(fd, 0) && errno != EINVAL) /* that is no regular file */
		die(EXIT_USAGE, "cannot write %s: %s", name, strerror(errno));
}

/* What the files of -o and -w held goes now: nothing that is wrong with the command line can end
 * spf any more, and nothing has been written yet. */
static void empty_outputs(const struct options *o)
{
	if (o->out_file)
		empty(WORKER_OUTPUT, o->out_file);
	if (!o->write_file || !strcmp(o->write_file, "-"))
		return;
	for (size_t i = 0; i < o->file_cnt; i++)
		empty(WORKER_FILES + (int)i, o->write_file);
}

static struct scripts *load_scripts(const struct options *o, struct sink *out, int64_t start_ns,
				    char *const *targets)
{
	static struct script_source list[OPTIONS_SCRIPTS];
	struct script_options so = {
		.memory_max = o->memory_max,
		.timeout_ns = o->timeout_ns,
		.interval_ns = o->interval_ns,
		.no_jit = o->no_jit,
		.strict = o->strict,
		.unsafe = o->unsafe,
	};
	struct script_info info = {
		.live = !o->read_file,
		.file = o->read_file,
		.targets = (const char *const *)targets,
		.start_ns = start_ns,
	};
	int fd = WORKER_SCRIPTS;
	struct scripts *s;
	char *why;

	for (size_t i = 0; i < o->script_cnt; i++)
		list[i] = source_of(o, &o->script[i], &fd);
	s = o->script_cnt ? scripts_new(list, o->script_cnt, &so, out, &why) : NULL;
	if (o->script_cnt && !s)
		die(EXIT_USAGE, "%s", why);
	empty_outputs(o);
	if (s && scripts_start(s, &info, &why))
		die(EXIT_USAGE, "%s", why);
	return s;
}

/* ---- the capture file ---- */

static struct pcapng_writer *open_writer(const struct options *o, const struct source *src)
{
	struct pcapng_options po = { .size_max = o->file_size, .interval_ns = o->file_time_ns };
	int fds[OPTIONS_FILES];

	if (!o->write_file)
		return NULL;
	for (size_t i = 0; i < o->file_cnt; i++)
		fds[i] = WORKER_FILES + (int)i;
	return pcapng_writer_new(fds, o->file_cnt, &po, src->epoch_ns, src->start_ns);
}

/* A script is stopped: what was captured stays, whole blocks of it. */
static void keep_capture(void *writer)
{
	if (writer)
		pcapng_flush(writer);
}

int worker_main(int argc, char **argv)
{
	struct options o;
	struct source *src;
	struct scripts *scripts;
	struct pcapng_writer *writer;
	struct pipeline *p;
	struct sink *out;
	struct watch_page *watch;
	struct peers *peers = NULL;
	struct select select;
	char **patterns, *why;
	int status;

	log_escape_by(text_escape);
	if (options_parse(&o, argc, argv, &why))
		die(EXIT_USAGE, "%s", why);
	log_setup(o.quiet, o.verbose);
	prctl(PR_SET_NAME, WORKER_NAME);
	set_signals();
	keep_memory();
	o.no_jit |= !sandbox_jit_allowed();
	watch = watch_page_map(WORKER_WATCH);
	if (watch)
		watch_use(watch);
	patterns = target_patterns(o.targets);
	select = (struct select){ .patterns = patterns, .who = o.who };
	src = o.read_file ? NULL : open_source(&o);
	out = open_sink(&o);
	drop_privileges(&o);
	/* From here on: no privilege, no file, no network. Now traffic and scripts are read. */
	if (!src)
		src = open_source(&o);
	scripts = load_scripts(&o, out, src->start_ns + src->epoch_ns, o.targets);
	if (src->is_live) {
		peers = peers_new(WORKER_LINK);
		live_describe_by(src, peers_describe, peers);
		live_start(src);
	}
	writer = open_writer(&o, src);
	scripts_at_stop(keep_capture, writer);
	p = pipeline_new(&o, src, scripts, out, writer, &select);
	status = pipeline_run(p, &stop);
	pipeline_free(p);
	pcapng_writer_free(writer);
	scripts_free(scripts);
	src->ops->free(src);
	sink_free(out);
	peers_free(peers);
	target_free_patterns(patterns);
	return status;
}
