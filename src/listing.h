/* SPDX-License-Identifier: BSD-2-Clause */
/* spf --list sockets: who listens where, who talks to whom, and what waits to be read. */
#ifndef SPF_LISTING_H
#define SPF_LISTING_H

#include <stdbool.h>

#include "capture/sockets.h"
#include "util/buf.h"

/* Appends the listeners, each with its connections, then the connections without one; as lines
 * for people or as JSON, an object a line. */
void listing_print(const struct sockets *s, bool is_json, struct buf *out);

#endif
