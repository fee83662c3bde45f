/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor: keeps the privileges, opens what has to be opened, starts the worker and then
 * only supervises. It never sees traffic and never runs Lua. */
#ifndef SPF_MONITOR_H
#define SPF_MONITOR_H

/* Runs spf for a parsed command line; returns the exit status. */
struct options;
int monitor_main(const struct options *o, char **argv);

#endif
