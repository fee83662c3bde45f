/* SPDX-License-Identifier: BSD-2-Clause */
/* Which connections the command line means: by name, and by who is on either end.
 *
 * Live, the kernel judges who (bpf/who.h), before it copies anything. Of a file that is left to
 * do here, by the same rule: from the first bytes on that a process which is meant has written
 * or read. */
#ifndef SPF_SELECT_H
#define SPF_SELECT_H

#include "capture/chunk.h"

struct select {
	char *const *patterns; /* target_patterns(); none = every name */
	struct spf_who who;
};

/* The name to show for a connection that opens, or NULL if its address is not meant. Freed by
 * the caller. */
char *select_name(const struct select *s, const struct chunk *open);

/* True if one of the connection's ends, as known by now, is meant. */
bool select_who(const struct select *s, const struct conn_info *c);

#endif
