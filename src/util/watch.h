/* SPDX-License-Identifier: BSD-2-Clause */
/* The page that worker and monitor share, by which the monitor sees that the worker still
 * minds its scripts' time limit. The worker writes it, and may lie: the monitor reads it as
 * hostile bytes, and the worst that a lie can do is to burn the worker's own CPU time. */
#ifndef SPF_UTIL_WATCH_H
#define SPF_UTIL_WATCH_H

#include <stdatomic.h>
#include <stdint.h>

enum { WATCH_NAME_LEN = 128 };

struct watch_page {
	_Atomic uint32_t armed; /* 1 once beats may be expected */
	_Atomic uint32_t beat;  /* moves every 10 ms of the worker's CPU time if all is well */
	char what[WATCH_NAME_LEN]; /* "script grpc_top.lua: on_call"; valid when a limit is near */
};

#endif
