/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SPF_UTIL_MONOTONIC_H
#define SPF_UTIL_MONOTONIC_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC. */
static inline int64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

#endif
