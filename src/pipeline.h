/* SPDX-License-Identifier: BSD-2-Clause */
/* The way of the data, in one place: source → reorder → connection → decoder → scripts and
 * printer. The only file that knows all stages. */
#ifndef SPF_PIPELINE_H
#define SPF_PIPELINE_H

#include "capture/pcapng_write.h"
#include "capture/source.h"
#include "options.h"
#include "script/script.h"
#include "select.h"
#include "sink/sink.h"

struct pipeline;

/* Nothing is taken over: all must outlive the pipeline. scripts and writer may be NULL. */
struct pipeline *pipeline_new(const struct options *o, struct source *src, struct scripts *scripts,
			      struct sink *out, struct pcapng_writer *writer,
			      const struct select *select);
void pipeline_free(struct pipeline *p);

/* Runs until the source ends, the reader of the output is gone, -c or -t is reached, a script
 * asks for it, or *stop becomes non-zero (set by a signal). Then ends everything in order:
 * what is under way is reported, on_end runs, the account is printed. Returns the exit status. */
int pipeline_run(struct pipeline *p, const volatile int *stop);

#endif
