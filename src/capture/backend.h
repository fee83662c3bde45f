/* SPDX-License-Identifier: BSD-2-Clause */
/* The ways to capture that this program has, and how one is loaded, attached and tried out.
 *
 * A hook's name survives while what it means changes, so a backend counts as working only
 * once it has seen a message of this process's own, from its own socket pair to itself,
 * with the right bytes and the right length.
 */
#ifndef SPF_CAPTURE_BACKEND_H
#define SPF_CAPTURE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/event.h"

struct bpf_link;
struct bpf_object;

enum { BACKEND_LINKS = 24 };

struct backend {
	const char *name;
	struct bpf_object *obj;
	struct spf_control *control; /* mapped */
	int ring, control_fd, slots, free_slots, targets, tcp_targets; /* owned by obj */
	int followed, file_targets;
	struct bpf_link *links[BACKEND_LINKS];
	size_t link_cnt;
	struct bpf_link *list, *sweep; /* iterators */
	void *skel;
	void (*destroy)(struct backend *b);
};

struct backend_config {
	bool watch_all;     /* unix sockets, whatever their names */
	bool watch_files;   /* some of them as files */
	bool watch_tcp;     /* some TCP connections */
	bool watch_all_tcp;
	bool early;         /* bytes are taken when they are written; where the kernel allows it */
	uint32_t snaplen;
	size_t ring_size;
	struct spf_who who;
};

/* The names of all backends, the one that sees most first; NULL behind the last. */
const char *backend_name(size_t i);

/* What a backend cannot see on the kernels that it is for; "" if nothing. */
const char *backend_blind(size_t i);

/* Loads and attaches backend i and tries it out; its programs then rest until
 * control->enabled is set. Returns 0; else -errno, with *why set to one line to be freed, and
 * nothing left behind. */
int backend_open(struct backend *b, size_t i, const struct backend_config *c, char **why);

void backend_close(struct backend *b);

#endif
