/* SPDX-License-Identifier: BSD-2-Clause */
/* Who the processes at the ends of connections are: the worker asks the monitor, which may look
 * into /proc, and remembers the answers.
 *
 * A process id is used again, so an answer counts only for a process that was there when the
 * connection opened; else the end stays as the kernel described it.
 */
#ifndef SPF_PEERS_H
#define SPF_PEERS_H

#include "decode/decoder.h"

struct peers;

/* link: the socket to the monitor, borrowed. */
struct peers *peers_new(int link);
void peers_free(struct peers *p);

/* A live_describe (live.h); arg is the struct peers. The executable's name that it sets lives
 * as long as p. */
void peers_describe(void *arg, struct endpoint *e, int64_t ts_ns);

#endif
