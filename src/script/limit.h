/* SPDX-License-Identifier: BSD-2-Clause */
/* The time limit of a callback, measured in CPU time of the worker.
 *
 * A timer of CPU time asks every 10 ms whether the same callback still runs. Past the limit
 * the script is stopped at the next line that it executes, also inside of compiled loops
 * (LuaJIT's profiler leaves a flag test on each line), and the message names that line. Where
 * no line comes, as inside of string.find, it is stopped where it is. Should this fail too,
 * the monitor misses the beat (util/watch.h) and kills the worker (watchdog.h).
 */
#ifndef SPF_SCRIPT_LIMIT_H
#define SPF_SCRIPT_LIMIT_H

#include <stddef.h>
#include <stdint.h>

struct lua_State;

/* One script's part. Zeroed but for what the script fills. */
struct limit {
	struct lua_State *L;
	const volatile int32_t *at; /* moves with each record that a callback is called for */
	/* Says that arg's script did what ("ran longer than 2 s at x.lua:3"); then the program
	 * ends. Runs in a signal handler, while the script is anywhere: only write(2). */
	void (*stop)(void *arg, const char *what);
	/* Writes "script NAME: CALLBACK" to buf. Signal-safe too. */
	void (*name)(void *arg, char *buf, size_t len);
	void *arg;
};

/* Ends the program with EXIT_LIMIT, also in a signal handler. */
void limit_exit(void);

/* Starts the timer, and turns an overflow of the C stack by a script into its end with a
 * message. timeout_ns: CPU time of one callback, 0 = no limit. */
void limit_arm(int64_t timeout_ns);

/* Call once for each state, before the script is compiled in it; and before it is closed. */
void limit_watch(struct lua_State *L);
void limit_unwatch(struct lua_State *L);

/* Around each call into a script. They do not nest. In between the worker's stage is
 * WATCH_SCRIPT. */
void limit_begin(const struct limit *l);
void limit_end(void);

#endif
