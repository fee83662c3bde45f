/* SPDX-License-Identifier: BSD-2-Clause */
/* Which connections the command line means: by name, and by who is on either end. */
#ifndef SPF_SELECT_H
#define SPF_SELECT_H

#include "decode/decoder.h"

struct select {
	char *const *patterns; /* target_patterns(); none = every name */
	int32_t pid;           /* -p, -1 = any */
	int32_t uid;           /* --uid, -1 = any */
	const char *comm;      /* --comm, NULL = any */
};

/* True if the address is meant. */
bool select_addr(const struct select *s, const char *addr);

/* True if -p, --uid or --comm were given: then a connection is judged when it first says
 * something, since only then both of its processes are known. */
bool select_wants_who(const struct select *s);

/* True if one of the connection's ends, as known by now, is meant. */
bool select_who(const struct select *s, const struct conn_info *c);

#endif
