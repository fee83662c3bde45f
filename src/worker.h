/* SPDX-License-Identifier: BSD-2-Clause */
/* The worker: a fresh process without privileges that does all that is dangerous — parsing
 * traffic and running scripts. It gets the monitor's command line and these descriptors. */
#ifndef SPF_WORKER_H
#define SPF_WORKER_H

enum {
	WORKER_MODULES = 0, /* what lies beside the scripts (modules.h), or /dev/null */
	WORKER_OUTPUT = 1,
	WORKER_LINK = 3,    /* socketpair with the monitor: struct message */
	WORKER_INPUT = 4,   /* the file of -r, or the ring */
	WORKER_CONTROL = 5, /* live: the control page */
	WORKER_SLOTS = 6,   /* live: the counters */
	WORKER_SCRIPTS = 7, /* the files of -s, in order: up to 16 */
	WORKER_FILES = 23,  /* the files of -w, in turn: up to 8 */
	WORKER_WATCH = 31,  /* the page that the watchdog looks at */
	WORKER_FDS = 32,
};

#define WORKER_MONITOR "SPF_MONITOR" /* in its environment: the monitor's process id */
#define WORKER_NAME "spf-worker" /* argv[0] of the worker */

/* Runs the worker to its end; returns the exit status. */
int worker_main(int argc, char **argv);

#endif
