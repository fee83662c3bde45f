/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds out what a connection speaks from the first bytes of its directions. */
#ifndef SPF_DECODE_DETECT_H
#define SPF_DECODE_DETECT_H

#include "decode/handler.h"

struct detected {
	const struct handler *handler;
	int client; /* direction of the client, < 0 unknown */
	bool late;  /* the connection's beginning was not seen */
	int dir;    /* late: the direction in which a frame boundary was found, */
	size_t at;  /* and where */
};

/* Looks at the backlogs of both directions; last: nothing more will come.
 * Returns 1 with *out set, 0 if it takes more bytes, -EPROTO if spf knows no such protocol. */
int detect(struct decoder *d, bool last, struct detected *out);

#endif
