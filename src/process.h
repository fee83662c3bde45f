/* SPDX-License-Identifier: BSD-2-Clause */
/* What /proc tells about a process, read by the monitor for the worker, which cannot. */
#ifndef SPF_PROCESS_H
#define SPF_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "message.h"

/* Fills out for pid; what cannot be found is unknown (message.h). */
void process_describe(int32_t pid, struct message_process *out);

/* How often the worker may ask. Zeroed to begin with. */
struct process_asks {
	int64_t second;
	uint32_t cnt;
};

/* Counts one question at now_ns (monotonic); false if it is one too many for its second. */
bool process_may_ask(struct process_asks *a, int64_t now_ns);

#endif
