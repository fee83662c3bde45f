/* SPDX-License-Identifier: BSD-2-Clause */
#include "progress.h"

#include <unistd.h>

#include "util/log.h"

#define FIRST_NS 1000000000 /* what is read within a second needs no word */
#define EVERY_NS  200000000

void progress_init(struct progress *p, const struct source *src, bool is_quiet, int64_t now_ns)
{
	bool is_wanted = !is_quiet && src->file && src->file->size && isatty(STDERR_FILENO);

	*p = (struct progress){ .src = is_wanted ? src : NULL, .began_ns = now_ns };
}

void progress_show(struct progress *p, int64_t now_ns)
{
	const struct input *in = p->src->file;

	if (now_ns - p->began_ns < FIRST_NS || now_ns - p->shown_ns < EVERY_NS)
		return;
	p->shown_ns = now_ns;
	log_status("%u %% of %llu MB", (unsigned)(in->off * 100 / in->size),
		   (unsigned long long)in->size / 1000000);
}
