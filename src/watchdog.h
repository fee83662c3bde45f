/* SPDX-License-Identifier: BSD-2-Clause */
/* Kills a worker that computes without getting on: in a callback past the limit of scripts,
 * which the worker itself did not keep (script/limit.h), or in any stage of its own work.
 *
 * The measure is the worker's CPU clock, not time: a worker that gets no CPU on a loaded
 * machine, sleeps or waits for its output is never taken for one that hangs.
 */
#ifndef SPF_WATCHDOG_H
#define SPF_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "util/watch.h"

/* How often watchdog_expired() should be called, and how long after the limit the worker may
 * stop the script itself, which names the line. Together a hang ends within limit + 200 ms. */
enum { WATCHDOG_MS = 60, WATCHDOG_GRACE_MS = 100 };

/* The shared page, as a descriptor for the worker: of fixed size, so that the worker cannot
 * cut it under the monitor. Maps it at *page. Returns the descriptor or -errno. */
int watch_page_new(struct watch_page **page);

/* The worker's view of it, NULL if fd is not one. */
struct watch_page *watch_page_map(int fd);

struct watchdog {
	clockid_t clock;
	const struct watch_page *page;
	int64_t script_max_ns; /* 0 none */
	int64_t stage_max_ns;
	uint32_t stage;
	uint32_t beat;
	int64_t beat_ns; /* the worker's CPU time when the beat moved last */
};

/* timeout_ns: of --script-timeout, 0 = none. Returns 0 or -errno. */
int watchdog_init(struct watchdog *w, pid_t worker, const struct watch_page *page,
		  int64_t timeout_ns);

/* True if the worker has to be killed. */
bool watchdog_expired(struct watchdog *w);

/* Where it expired: "decoding"; NULL in a script. Static. */
const char *watchdog_stage(const struct watchdog *w);

/* What the worker last said that it ran, safe to print: "script x.lua: on_call" or
 * "the worker". The string is valid until the next call. */
const char *watchdog_culprit(const struct watchdog *w);

#endif
