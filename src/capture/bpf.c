/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/bpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/event.h"
#include "capture/backend.h"
#include "capture/family.h"
#include "capture/target.h"
#include "capture/tcp_target.h"
#include "util/xalloc.h"

struct bpf {
	struct backend backend;
};

static int add_target(struct bpf *b, const struct target *t)
{
	uint32_t one = 1;
	struct spf_target key = { 0 };

	memcpy(key.name, t->name, t->name_len);
	key.len = (u8)t->name_len;
	key.bits = t->is_prefix ? t->name_len * 8 : SPF_TARGET_BITS;
	if (bpf_map_update_elem(b->backend.targets, &key, &one, BPF_ANY))
		return -errno;
	return 0;
}

static int add_tcp_target(struct bpf *b, const char *typed)
{
	struct spf_tcp_target t;
	uint32_t one = 1;
	bool is_all;

	free(tcp_target_parse(typed, &t, &is_all)); /* target_check() has judged it */
	if (is_all || !bpf_map_update_elem(b->backend.tcp_targets, &t, &one, BPF_ANY))
		return 0;
	return -errno;
}

static int add_targets(struct bpf *b, char *const *names)
{
	struct spf_file_target files[TARGET_FILES];
	struct target list[TARGET_FORMS];
	uint32_t one = 1;
	int rc = 0;

	for (; *names && !rc; names++) {
		int cnt;

		if (tcp_target_is(*names)) {
			rc = add_tcp_target(b, *names);
			continue;
		}
		cnt = target_parse(*names, list);
		for (int i = 0; i < cnt && !rc; i++)
			rc = add_target(b, &list[i]);
		cnt = target_files(*names, files);
		for (int i = 0; i < cnt && !rc; i++)
			if (bpf_map_update_elem(b->backend.file_targets, &files[i], &one, BPF_ANY))
				rc = -errno;
	}
	return rc;
}

/* The process and those that it has started by now. Forks are seen by now too, so each pass can
 * only miss what the next one finds. */
static int follow(struct bpf *b, int32_t pid)
{
	struct family f = { 0 };
	uint32_t one = 1;
	int rc = 0;

	family_add(&f, pid);
	while (!rc && family_grow(&f))
		for (size_t i = f.told; i < f.cnt && !rc; i++, f.told++)
			rc = bpf_map_update_elem(b->backend.followed, &f.pid[i], &one, BPF_ANY);
	family_release(&f);
	return rc ? -errno : 0;
}

/* Opens the backend that is asked for, or the first that works. */
static int open_backend(struct bpf *b, const struct bpf_options *o, char **why)
{
	struct backend_config c = {
		.watch_all = !o->targets[0],
		.snaplen = o->snaplen ? o->snaplen : UINT32_MAX,
		.ring_size = o->ring_size,
		.early = o->early,
		.who = o->who,
	};
	int rc = -ENOENT;

	for (char *const *t = o->targets; *t; t++) {
		c.watch_all |= !strcmp(*t, "*");
		c.watch_files |= (*t)[0] != '@' && !tcp_target_is(*t);
		c.watch_tcp |= tcp_target_is(*t);
		c.watch_all_tcp |= !strcmp(*t, "tcp:*");
	}
	*why = NULL;
	for (size_t i = 0; backend_name(i); i++) {
		char *reason;

		if (o->backend && strcmp(o->backend, backend_name(i)))
			continue;
		rc = backend_open(&b->backend, i, &c, &reason);
		if (!rc) {
			free(*why);
			*why = NULL;
			return 0;
		}
		/* The reason of the last is not more telling than that of the first. */
		if (*why)
			free(reason);
		else
			*why = reason;
	}
	if (o->early) {
		free(*why);
		*why = xstrdup("--early: this kernel has no hook that sees bytes before they are "
			       "read (5.10 to 6.16 have, with kprobes); they show when they are "
			       "read without it");
	}
	if (!*why)
		*why = xasprintf("there is no backend %s", o->backend);
	return rc;
}

struct bpf *bpf_new(const struct bpf_options *o, char **why)
{
	struct bpf *b = xcalloc(1, sizeof(*b));
	int rc = open_backend(b, o, why);

	if (!rc) {
		b->backend.control->own_pid[0] = (u32)getpid();
		b->backend.control->sweep = 1;
		rc = add_targets(b, o->targets);
		if (!rc && o->who.follows)
			rc = follow(b, o->who.pid);
		if (rc)
			*why = xasprintf("cannot watch these sockets: %s", strerror(-rc));
	}
	if (rc) {
		bpf_free(b);
		b = NULL;
	}
	return b;
}

void bpf_free(struct bpf *b)
{
	if (!b)
		return;
	backend_close(&b->backend);
	free(b);
}

const char *bpf_backend(const struct bpf *b)
{
	return b->backend.name;
}

void bpf_fds(const struct bpf *b, int *ring, int *control, int *slots)
{
	*ring = b->backend.ring;
	*control = b->backend.control_fd;
	*slots = b->backend.slots;
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
	int rc = run_iter(b->backend.list);

	__atomic_store_n(&b->backend.control->listed, 1, __ATOMIC_RELEASE);
	return rc;
}

int bpf_sweep(struct bpf *b)
{
	struct spf_control *c = b->backend.control;
	int rc;

	__atomic_store_n(&c->sweep, c->sweep + 1, __ATOMIC_RELEASE);
	rc = run_iter(b->backend.sweep);
	if (!rc)
		__atomic_store_n(&c->swept, c->sweep, __ATOMIC_RELEASE);
	return rc;
}

void bpf_free_slots(struct bpf *b, const uint32_t *slots, uint32_t cnt)
{
	for (uint32_t i = 0; i < cnt; i++)
		bpf_map_update_elem(b->backend.free_slots, NULL, &slots[i], BPF_ANY);
}

bool bpf_is_enabled(const struct bpf *b)
{
	return __atomic_load_n(&b->backend.control->enabled, __ATOMIC_ACQUIRE);
}

uint64_t bpf_recursion_misses(const struct bpf *b)
{
	struct bpf_program *prog;
	uint64_t sum = 0;

	bpf_object__for_each_program(prog, b->backend.obj) {
		struct bpf_prog_info info = { 0 };
		u32 len = sizeof(info);

		if (!bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			sum += info.recursion_misses;
	}
	return sum;
}
