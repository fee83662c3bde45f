/* SPDX-License-Identifier: BSD-2-Clause */
/* How far a long file is read: a line on the terminal of stderr that goes away again. */
#ifndef SPF_PROGRESS_H
#define SPF_PROGRESS_H

#include "capture/source.h"

struct progress {
	const struct source *src; /* NULL: nothing is shown */
	uint32_t turns;
	int64_t began_ns, shown_ns;
};

/* Nothing is shown unless src is a file of known size and stderr a terminal that is asked for. */
void progress_init(struct progress *p, const struct source *src, bool is_quiet, int64_t now_ns);

/* True when it is time for a look at the clock: cheap enough for each chunk. */
static inline bool progress_is_due(struct progress *p)
{
	return p->src && ++p->turns % 64 == 0;
}

void progress_show(struct progress *p, int64_t now_ns);

#endif
