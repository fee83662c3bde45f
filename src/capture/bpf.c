/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/bpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/event.h"
#include "bpf/spf.skel.h"
#include "capture/target.h"
#include "util/buf.h"
#include "util/xalloc.h"

struct bpf {
	struct spf_bpf *skel;
	struct bpf_link *list_link;
	struct bpf_link *sweep_link;
};

/* libbpf's messages, kept for the one line that says why loading failed. */
static struct buf messages;

static int keep_message(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[512];

	if (level == LIBBPF_DEBUG || messages.len > 65536)
		return 0;
	vsnprintf(line, sizeof(line), fmt, ap);
	buf_puts(&messages, line);
	return 0;
}

/* The most telling line of what libbpf said: the verifier's last words before its summary. */
static char *telling(int err)
{
	char *text, *line, *best = NULL, *why, *save = NULL;

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
		why = xstrdup("BPF was refused (EPERM): run as root, or with CAP_BPF and "
			      "CAP_PERFMON; a container also needs them from its runtime");
	else
		why = xasprintf("the BPF programs do not load: %s (%s)", best ? best : "libbpf failed",
				strerror(-err));
	return why;
}

static int add_target(struct bpf *b, const struct target *t)
{
	uint32_t one = 1;
	struct spf_target key = { 0 };

	memcpy(key.name, t->name, t->name_len);
	key.len = (u8)t->name_len;
	key.bits = t->is_prefix ? t->name_len * 8 : SPF_TARGET_BITS;
	if (bpf_map_update_elem(bpf_map__fd(b->skel->maps.targets), &key, &one, BPF_ANY))
		return -errno;
	return 0;
}

static int add_targets(struct bpf *b, char *const *names)
{
	struct target list[TARGET_FORMS];
	int rc = 0;

	for (; *names && !rc; names++) {
		int cnt = target_parse(*names, list);

		for (int i = 0; i < cnt && !rc; i++)
			rc = add_target(b, &list[i]);
	}
	return rc;
}

static int fill_free_slots(struct bpf *b)
{
	for (uint32_t i = 0; i < SPF_SLOTS; i++)
		if (bpf_map_update_elem(bpf_map__fd(b->skel->maps.free_slots), NULL, &i, BPF_ANY))
			return -errno;
	return 0;
}

static struct bpf_link *attach_sweep(struct bpf *b)
{
	union bpf_iter_link_info info = { .map.map_fd = (u32)bpf_map__fd(b->skel->maps.socks) };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));

	return bpf_program__attach_iter(b->skel->progs.sweep_dead, &opts);
}

static int load(struct bpf *b, const struct bpf_options *o)
{
	int rc;

	b->skel = spf_bpf__open();
	if (!b->skel)
		return -errno;
	b->skel->rodata->cfg_watch_all = !o->targets[0];
	b->skel->rodata->cfg_snaplen = o->snaplen ? o->snaplen : UINT32_MAX;
	bpf_map__set_max_entries(b->skel->maps.ring, (u32)o->ring_size);
	bpf_program__set_autoattach(b->skel->progs.list_open, false);
	bpf_program__set_autoattach(b->skel->progs.sweep_dead, false);
	rc = spf_bpf__load(b->skel);
	if (rc)
		return rc;
	b->skel->data_control->control.own_pid[0] = (u32)getpid();
	b->skel->data_control->control.sweep = 1;
	rc = fill_free_slots(b);
	if (!rc)
		rc = add_targets(b, o->targets);
	if (!rc)
		rc = spf_bpf__attach(b->skel);
	if (rc)
		return rc;
	b->list_link = bpf_program__attach_iter(b->skel->progs.list_open, NULL);
	b->sweep_link = attach_sweep(b);
	return b->list_link && b->sweep_link ? 0 : -errno;
}

struct bpf *bpf_new(const struct bpf_options *o, char **why)
{
	struct bpf *b = xcalloc(1, sizeof(*b));
	int rc;

	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(keep_message);
	rc = load(b, o);
	if (rc) {
		*why = telling(rc);
		bpf_free(b);
		b = NULL;
	}
	buf_release(&messages);
	return b;
}

void bpf_free(struct bpf *b)
{
	if (!b)
		return;
	bpf_link__destroy(b->list_link);
	bpf_link__destroy(b->sweep_link);
	spf_bpf__destroy(b->skel);
	free(b);
}

void bpf_fds(const struct bpf *b, int *ring, int *control, int *slots)
{
	*ring = bpf_map__fd(b->skel->maps.ring);
	*control = bpf_map__fd(b->skel->maps.data_control);
	*slots = bpf_map__fd(b->skel->maps.slots);
}

/* Runs an iterator program to its end. */
static int run_iter(struct bpf_link *link)
{
	int fd = bpf_iter_create(bpf_link__fd(link));
	char drop[256];
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, drop, sizeof(drop))) > 0 || (n < 0 && errno == EINTR))
		;
	n = n < 0 ? -errno : 0;
	close(fd);
	return (int)n;
}

int bpf_list_open(struct bpf *b)
{
	int rc = run_iter(b->list_link);

	__atomic_store_n(&b->skel->data_control->control.listed, 1, __ATOMIC_RELEASE);
	return rc;
}

int bpf_sweep(struct bpf *b)
{
	struct spf_control *c = &b->skel->data_control->control;
	int rc;

	__atomic_store_n(&c->sweep, c->sweep + 1, __ATOMIC_RELEASE);
	rc = run_iter(b->sweep_link);
	if (!rc)
		__atomic_store_n(&c->swept, c->sweep, __ATOMIC_RELEASE);
	return rc;
}

void bpf_free_slots(struct bpf *b, const uint32_t *slots, uint32_t cnt)
{
	for (uint32_t i = 0; i < cnt; i++)
		bpf_map_update_elem(bpf_map__fd(b->skel->maps.free_slots), NULL, &slots[i], BPF_ANY);
}

bool bpf_is_enabled(const struct bpf *b)
{
	return __atomic_load_n(&b->skel->data_control->control.enabled, __ATOMIC_ACQUIRE);
}

uint64_t bpf_recursion_misses(const struct bpf *b)
{
	struct bpf_program *prog;
	uint64_t sum = 0;

	bpf_object__for_each_program(prog, b->skel->obj) {
		struct bpf_prog_info info = { 0 };
		u32 len = sizeof(info);

		if (!bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			sum += info.recursion_misses;
	}
	return sum;
}
