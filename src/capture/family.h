/* SPDX-License-Identifier: BSD-2-Clause */
/* A process and all that descend from it, as /proc tells. */
#ifndef SPF_CAPTURE_FAMILY_H
#define SPF_CAPTURE_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct family {
	int32_t *pid;
	size_t cnt;
	size_t told; /* for the caller: how many of them it has dealt with */
};

void family_add(struct family *f, int32_t pid);

/* Adds the children of those in it, of /proc as it is now. Returns true while there are some
 * that the caller was not told of. */
bool family_grow(struct family *f);

void family_release(struct family *f);

#endif
