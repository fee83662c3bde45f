/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/backend.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bpf/kprobe.skel.h"
#include "bpf/tracepoint.skel.h"
#include "capture/ring.h"
#include "util/buf.h"
#include "util/xalloc.h"

/* Since 6.3. */
#define SEND_EVENT "__traceiter_sock_send_length" /* of its tracepoint */

/* Which program goes where. */
struct hook {
	const char *prog;
	const char *symbol; /* kernel function; NULL = where the program's own section says */
	enum { HOOK_NEEDED, HOOK_OPTIONAL } need;
	bool is_return;
	const char *where; /* only on kernels that have this function too */
	enum { ALWAYS, TCP, WHO, WHO_TCP, FOLLOW } only; /* if that is asked for */
	const char *unless; /* only on kernels that lack this function */
};

struct variant {
	const char *name;
	bool is_kprobe;   /* which skeleton */
	bool is_multi;    /* functions by kprobe.multi, one cheap trap for all */
	const char *blind;
	struct hook hooks[BACKEND_LINKS];
};

#define FOLLOW_HOOKS                                                                               \
	{ "on_fork", NULL, HOOK_NEEDED, .only = FOLLOW },                                          \
	{ "on_exit", NULL, HOOK_NEEDED, .only = FOLLOW }

#define KPROBE_HOOKS                                                                               \
	{ "on_stream_call", "unix_stream_read_generic", HOOK_NEEDED },                             \
	{ "on_dgram_call", "unix_dgram_recvmsg", HOOK_NEEDED },                                    \
	{ "on_dgram_call", "__unix_dgram_recvmsg", HOOK_OPTIONAL },                                \
	{ "on_splice", "unix_stream_splice_actor", HOOK_NEEDED },                                  \
	{ "on_spliced", "unix_stream_splice_actor", HOOK_NEEDED, true },                           \
	{ "on_queue", "skb_queue_tail", HOOK_NEEDED },                                             \
	{ "on_append", "skb_append_pagefrags", HOOK_OPTIONAL, false, "unix_stream_sendpage" },     \
	{ "on_release", "unix_release_sock", HOOK_NEEDED },                                        \
	{ "on_create", "sock_init_data", HOOK_NEEDED },                                            \
	{ "on_destroy", "unix_sock_destructor", HOOK_NEEDED },                                     \
	{ "on_segment", NULL, HOOK_NEEDED, .only = TCP },                                       \
	{ "on_tcp_sent", NULL, HOOK_OPTIONAL, .only = TCP },                                    \
	{ "on_tcp_unlock", "release_sock", HOOK_NEEDED, .only = TCP, .unless = SEND_EVENT },    \
	{ "on_tcp_reader", "tcp_recvmsg", HOOK_NEEDED, .only = WHO_TCP },                          \
	{ "on_listen", NULL, HOOK_NEEDED, .only = WHO_TCP },                                       \
	{ "on_tcp_splice", "tcp_splice_data_recv", HOOK_OPTIONAL, .only = TCP },                   \
	{ "on_tcp_destroy", "inet_sock_destruct", HOOK_NEEDED, .only = TCP },                      \
	FOLLOW_HOOKS

static const struct variant variants[] = {
	{
		.name = "kprobe-multi",
		.is_kprobe = true,
		.is_multi = true,
		.blind = "",
		.hooks = { { "on_read", "skb_copy_datagram_iter", HOOK_NEEDED }, KPROBE_HOOKS },
	},
	{
		.name = "tracepoint",
		.blind = "what io_uring splices out of a socket",
		.hooks = {
			{ "on_read", NULL, HOOK_NEEDED },
			{ "on_sent", NULL, HOOK_NEEDED },
			{ "on_received", NULL, HOOK_NEEDED },
			{ "on_consumed", NULL, HOOK_NEEDED },
			{ "on_dropped", NULL, HOOK_NEEDED },
			{ "on_segment", NULL, HOOK_NEEDED, .only = TCP },
			{ "on_queued", NULL, HOOK_NEEDED, .only = WHO },
			{ "on_listen", NULL, HOOK_NEEDED, .only = WHO_TCP },
			FOLLOW_HOOKS,
		},
	},
	{
		.name = "kprobe",
		.is_kprobe = true,
		.blind = "",
		.hooks = { { "on_read", "skb_copy_datagram_iter", HOOK_NEEDED }, KPROBE_HOOKS },
	},
	{
		.name = "perf-tracepoint",
		.is_kprobe = true,
		.blind = "",
		.hooks = { { "on_read_event", NULL, HOOK_NEEDED }, KPROBE_HOOKS },
	},
};

enum { VARIANTS = sizeof(variants) / sizeof(*variants) };

const char *backend_name(size_t i)
{
	return i < VARIANTS ? variants[i].name : NULL;
}

const char *backend_blind(size_t i)
{
	return variants[i].blind;
}

/* ---- libbpf's words ---- */

/* What libbpf and the verifier said, kept for the one line that says why loading failed. */
static struct buf messages;

static int keep_message(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	static char line[1 << 20]; /* the verifier explains itself in one message */

	if (level == LIBBPF_DEBUG || messages.len > sizeof(line))
		return 0;
	if (getenv("SPF_BPF_LOG")) /* whole: the verifier's log is long */
		return vfprintf(stderr, fmt, ap);
	vsnprintf(line, sizeof(line), fmt, ap);
	buf_puts(&messages, line);
	return 0;
}

/* The most telling line of it. */
static char *telling(int err)
{
	char *text, *line, *best = NULL, *save = NULL;

	buf_append(&messages, bytes_of("", 1));
	text = (char *)messages.mem + messages.head;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strstr(line, "failed to find valid kernel BTF"))
			best = "the kernel has no BTF (/sys/kernel/btf/vmlinux); it needs "
			       "CONFIG_DEBUG_INFO_BTF=y";
		else if (!best && strstr(line, "libbpf: prog"))
			best = line;
	}
	if (err == -EPERM)
		return xstrdup("BPF was refused (EPERM): run as root, or with CAP_BPF and "
			       "CAP_PERFMON, before Linux 5.11 CAP_SYS_RESOURCE too; a container "
			       "also needs them from its runtime");
	return xasprintf("the BPF programs do not load: %s (%s)", best ? best : "libbpf failed",
			 strerror(-err));
}

/* ---- the kernel's symbols ---- */

/* Where a function or a variable of the kernel begins, and where the next symbol does; 0 if that
 * is hidden from this user, or the kernel has none of that name. */
struct symbol {
	const char *name;
	uint64_t from, to;
	bool is_there;
};

static struct symbol symbols[] = {
	{ .name = "unix_stream_read_generic" },
	{ .name = "unix_release_sock" },
	{ .name = "unix_stream_sendpage" },
	{ .name = "register_fprobe_ips" },
	{ .name = SEND_EVENT },
	{ .name = "vmemmap_base" },
	{ .name = "page_offset_base" },
};

enum { SYMBOLS = sizeof(symbols) / sizeof(*symbols) };

/* A line is "ffffffff81000000 T name"; a module's goes on with a tab. */
static void take_symbol(const char *line)
{
	uint64_t at = strtoull(line, NULL, 16);
	const char *name = strchr(line, ' ');
	size_t len;

	name = name && name[1] ? name + 3 : "";
	len = strcspn(name, "\t\n");
	for (size_t i = 0; i < SYMBOLS; i++) {
		struct symbol *s = &symbols[i];

		if (s->from && !s->to && at > s->from)
			s->to = at;
		if (!s->is_there && !strncmp(name, s->name, len) && !s->name[len]) {
			s->is_there = true;
			s->from = at;
		}
	}
}

/* The kernel's list of symbols is long, and slow to make: it is read once. */
static const struct symbol *find_symbol(const char *name)
{
	static bool is_read;
	static char line[1 << 20]; /* the verifier explains itself in one message */
	size_t i = 0;

	if (!is_read) {
		FILE *f = fopen("/proc/kallsyms", "re");

		while (f && fgets(line, sizeof(line), f))
			take_symbol(line);
		if (f)
			fclose(f);
		is_read = true;
	}
	while (strcmp(symbols[i].name, name))
		i++;
	return &symbols[i];
}

/* ---- open, load, attach ---- */

static void destroy_tracepoint(struct backend *b)
{
	tracepoint_bpf__destroy(b->skel);
}

static void destroy_kprobe(struct backend *b)
{
	kprobe_bpf__destroy(b->skel);
}

/* Maps that only filters use are not there without them. */
static void size_maps(struct bpf_map *writes, struct bpf_map *followed,
		      const struct backend_config *c)
{
	if (!c->who.is_asked)
		bpf_map__set_max_entries(writes, 1);
	if (!c->who.follows)
		bpf_map__set_max_entries(followed, 1);
}

static int open_tracepoint(struct backend *b, const struct backend_config *c)
{
	struct tracepoint_bpf *skel = tracepoint_bpf__open();
	const struct symbol *f;

	if (!skel)
		return -errno;
	skel->rodata->cfg_watch_all = c->watch_all;
	skel->rodata->cfg_watch_files = c->watch_files;
	skel->rodata->cfg_snaplen = c->snaplen;
	skel->rodata->cfg_tcp = c->watch_tcp;
	skel->rodata->cfg_watch_tcp = c->watch_all_tcp;
	skel->rodata->cfg_who = c->who;
	size_maps(skel->maps.first_writes, skel->maps.followed, c);
	f = find_symbol("unix_stream_read_generic");
	skel->rodata->cfg_reader_from = f->from;
	skel->rodata->cfg_reader_to = f->to;
	f = find_symbol("unix_release_sock");
	skel->rodata->cfg_release_from = f->from;
	skel->rodata->cfg_release_to = f->to;
	b->skel = skel;
	b->obj = skel->obj;
	b->destroy = destroy_tracepoint;
	return 0;
}

static int open_kprobe(struct backend *b, const struct backend_config *c)
{
	struct kprobe_bpf *skel = kprobe_bpf__open();

	if (!skel)
		return -errno;
	skel->rodata->cfg_watch_all = c->watch_all;
	skel->rodata->cfg_watch_files = c->watch_files;
	skel->rodata->cfg_early = c->early;
	skel->rodata->cfg_snaplen = c->snaplen;
	skel->rodata->cfg_tcp = c->watch_tcp;
	skel->rodata->cfg_watch_tcp = c->watch_all_tcp;
	skel->rodata->cfg_vmemmap_base = find_symbol("vmemmap_base")->from;
	skel->rodata->cfg_page_offset_base = find_symbol("page_offset_base")->from;
	skel->rodata->cfg_who = c->who;
	size_maps(skel->maps.first_writes, skel->maps.followed, c);
	b->skel = skel;
	b->obj = skel->obj;
	b->destroy = destroy_kprobe;
	return 0;
}

static bool is_asked_for(const struct hook *h, const struct backend_config *c)
{
	switch (h->only) {
	case TCP: return c->watch_tcp;
	case WHO: return c->who.is_asked;
	case WHO_TCP: return c->who.is_asked && c->watch_tcp;
	case FOLLOW: return c->who.follows;
	default: return true;
	}
}

/* Only the programs of the variant are loaded. */
static void select_programs(struct backend *b, const struct variant *v,
			    const struct backend_config *c)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, b->obj)
	{
		const char *name = bpf_program__name(prog);
		bool is_used = !strcmp(name, "list_open") || !strcmp(name, "sweep_dead");

		for (const struct hook *h = v->hooks; h->prog; h++) {
			if (strcmp(h->prog, name) || !is_asked_for(h, c))
				continue;
			is_used = true;
			if (v->is_multi && h->symbol)
				bpf_program__set_expected_attach_type(prog, BPF_TRACE_KPROBE_MULTI);
		}
		bpf_program__set_autoload(prog, is_used);
	}
}

static struct bpf_link *attach(struct bpf_program *prog, const struct hook *h, bool is_multi)
{
	LIBBPF_OPTS(bpf_kprobe_multi_opts, multi, .retprobe = h->is_return);

	if (!h->symbol)
		return bpf_program__attach(prog);
	if (!is_multi)
		return bpf_program__attach_kprobe(prog, h->is_return, h->symbol);
	multi.syms = (const char **)&h->symbol;
	multi.cnt = 1;
	return bpf_program__attach_kprobe_multi_opts(prog, NULL, &multi);
}

static char *why_not_attached(const struct variant *v, const struct hook *h, int error)
{
	/* with the rights of file capabilities, which access() does not count */
	bool has_events = eaccess("/sys/kernel/tracing/events", F_OK) == 0;

	if (!h->symbol && v->is_kprobe && !has_events)
		return xstrdup(errno == EACCES ?
			       "this user may not enter tracefs (CAP_DAC_READ_SEARCH)" :
			       "tracefs is not mounted at /sys/kernel/tracing");
	if (error == EACCES || error == EPERM)
		return xstrdup("this user may not probe the kernel (CAP_SYS_ADMIN, or sysctl "
			       "kernel.perf_event_paranoid=2)");
	return xasprintf("this kernel has no %s for %s (%s)", h->symbol ? "probe" : "tracepoint",
			 h->symbol ? h->symbol : h->prog, strerror(error));
}

static int attach_all(struct backend *b, const struct variant *v, const struct backend_config *c,
		      char **why)
{
	int rc;

	for (const struct hook *h = v->hooks; h->prog; h++) {
		struct bpf_program *prog = bpf_object__find_program_by_name(b->obj, h->prog);
		struct bpf_link *link;

		if (!is_asked_for(h, c) || (h->unless && find_symbol(h->unless)->is_there))
			continue;
		if (h->where && !find_symbol(h->where)->is_there)
			continue;
		link = attach(prog, h, v->is_multi);
		if (link) {
			b->links[b->link_cnt++] = link;
		} else if (h->need == HOOK_NEEDED) {
			rc = -errno;
			*why = why_not_attached(v, h, -rc);
			return rc;
		}
	}
	return 0;
}

static struct bpf_link *attach_sweep(struct backend *b)
{
	union bpf_iter_link_info info = {
		.map.map_fd = (u32)bpf_object__find_map_fd_by_name(b->obj, "socks"),
	};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));

	return bpf_program__attach_iter(bpf_object__find_program_by_name(b->obj, "sweep_dead"),
					&opts);
}

static int attach_iterators(struct backend *b)
{
	b->list = bpf_program__attach_iter(bpf_object__find_program_by_name(b->obj, "list_open"),
					   NULL);
	b->sweep = b->list ? attach_sweep(b) : NULL;
	return b->sweep ? 0 : -errno;
}

static void find_maps(struct backend *b)
{
	b->ring = bpf_object__find_map_fd_by_name(b->obj, "ring");
	b->control_fd = bpf_object__find_map_fd_by_name(b->obj, ".data.control");
	b->slots = bpf_object__find_map_fd_by_name(b->obj, "slots");
	b->free_slots = bpf_object__find_map_fd_by_name(b->obj, "free_slots");
	b->targets = bpf_object__find_map_fd_by_name(b->obj, "targets");
	b->tcp_targets = bpf_object__find_map_fd_by_name(b->obj, "tcp_targets");
	b->file_targets = bpf_object__find_map_fd_by_name(b->obj, "file_targets");
	b->followed = bpf_object__find_map_fd_by_name(b->obj, "followed");
}

static int fill_free_slots(struct backend *b)
{
	for (uint32_t i = 0; i < SPF_SLOTS; i++)
		if (bpf_map_update_elem(b->free_slots, NULL, &i, BPF_ANY))
			return -errno;
	return 0;
}

/* ---- the trial ---- */

enum {
	TRIAL_LEN = 20000,     /* more than a buffer's linear part holds */
	TRIAL_LEN_SMALL = 400, /* for rings that would not hold that */
	TRIAL_RING_MIN = 65536,
};

/* What the ring says of the trial. */
struct trial {
	uint8_t bytes[TRIAL_LEN];
	size_t len;
	uint64_t sent;
	bool is_wrong; /* a length without its bytes, or more than was said */
};

static void take_event(struct trial *t, struct bytes rec)
{
	const struct spf_event_data *d = (const void *)rec.p;
	const struct spf_event_sent *s = (const void *)rec.p;

	if (d->e.kind == SPF_EVENT_SENT)
		t->sent += s->len;
	if (d->e.kind != SPF_EVENT_DATA)
		return;
	if (d->flags & SPF_DATA_WRITTEN)
		t->sent += d->len;
	if (d->cap != d->len || d->off != t->len || d->len > TRIAL_LEN - t->len) {
		t->is_wrong = true;
		return;
	}
	memcpy(t->bytes + t->len, rec.p + sizeof(*d), d->cap);
	t->len += d->cap;
}

/* Says bytes to itself, in a few writes that are read with a peek before. */
static bool say(const uint8_t *bytes, size_t len)
{
	uint8_t got[TRIAL_LEN];
	size_t at = 0, back = 0;
	bool ok;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd))
		return false;
	ok = write(fd[0], bytes, 100) == 100 && recv(fd[1], got, 100, MSG_PEEK) == 100;
	for (at = 100; ok && at < len;) {
		ssize_t n = write(fd[0], bytes + at, len - at);

		ok = n > 0;
		at += (size_t)n;
	}
	while (ok && back < len) {
		ssize_t n = read(fd[1], got + back, len - back);

		ok = n > 0;
		back += (size_t)n;
	}
	close(fd[0]);
	close(fd[1]);
	return ok && !memcmp(got, bytes, len);
}

/* Gives the trial's slots back. */
static void forget_trial(struct backend *b)
{
	struct spf_slot none = { 0 }, slot;

	for (uint32_t i = 0; i < SPF_SLOTS; i++) {
		if (bpf_map_lookup_elem(b->slots, &i, &slot) || !slot.sock)
			break;
		bpf_map_update_elem(b->slots, &i, &none, BPF_ANY);
		bpf_map_update_elem(b->free_slots, NULL, &i, BPF_ANY);
	}
}

static int try_out(struct backend *b, size_t ring_size, char **why)
{
	static struct trial t;
	static uint8_t bytes[TRIAL_LEN];
	struct ring ring;
	struct bytes rec;
	size_t len = ring_size < TRIAL_RING_MIN ? TRIAL_LEN_SMALL : TRIAL_LEN;
	int rc = ring_init(&ring, b->ring, ring_size);
	bool ok;

	if (rc)
		return rc;
	t = (struct trial){ 0 };
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 167 >> 3);
	b->control->trial_pid = (u32)getpid();
	__atomic_store_n(&b->control->enabled, SPF_TRIAL, __ATOMIC_SEQ_CST);
	ok = say(bytes, len);
	__atomic_store_n(&b->control->enabled, 0, __ATOMIC_SEQ_CST);
	ring_round(&ring);
	while (ring_next(&ring, &rec) > 0)
		take_event(&t, rec);
	ring_done(&ring);
	ring_release(&ring);
	forget_trial(b);
	if (!ok)
		*why = xstrdup("the trial message could not be sent");
	else if (!t.len)
		*why = xstrdup("its hooks do not fire on this kernel");
	else if (t.is_wrong || t.len != len || memcmp(t.bytes, bytes, t.len))
		*why = xstrdup("it cannot read the pages of a message on this kernel");
	else if (t.sent != len)
		*why = xstrdup("it does not see how much is written on this kernel");
	else
		return 0;
	return -ENOTSUP;
}

int backend_open(struct backend *b, size_t i, const struct backend_config *c, char **why)
{
	const struct variant *v = &variants[i];
	int rc;

	*b = (struct backend){ .name = v->name };
	*why = NULL;
	if (c->early && !v->is_kprobe) {
		*why = xstrdup("it sees bytes when they are read, not before");
		return -ENOTSUP;
	}
	if (v->is_multi && !find_symbol("register_fprobe_ips")->is_there) {
		*why = xstrdup("this kernel has no kprobe.multi (5.18+ with CONFIG_FPROBE)");
		return -ENOTSUP; /* before the programs are verified in vain */
	}
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(keep_message);
	rc = v->is_kprobe ? open_kprobe(b, c) : open_tracepoint(b, c);
	if (!rc) {
		bpf_map__set_max_entries(bpf_object__find_map_by_name(b->obj, "ring"),
					 (u32)c->ring_size);
		select_programs(b, v, c);
		rc = bpf_object__load_skeleton(*(struct bpf_object_skeleton **)b->skel);
	}
	if (!rc) {
		b->control = v->is_kprobe
				     ? &((struct kprobe_bpf *)b->skel)->data_control->control
				     : &((struct tracepoint_bpf *)b->skel)->data_control->control;
		find_maps(b);
		rc = fill_free_slots(b);
	}
	if (!rc)
		rc = attach_all(b, v, c, why);
	if (!rc)
		rc = attach_iterators(b);
	if (!rc)
		rc = try_out(b, c->ring_size, why);
	if (rc && !*why)
		*why = telling(rc);
	if (rc)
		backend_close(b);
	buf_release(&messages);
	return rc;
}

void backend_close(struct backend *b)
{
	bpf_link__destroy(b->list);
	bpf_link__destroy(b->sweep);
	for (size_t i = 0; i < b->link_cnt; i++)
		bpf_link__destroy(b->links[i]);
	if (b->destroy)
		b->destroy(b);
	*b = (struct backend){ 0 };
}
