/* SPDX-License-Identifier: BSD-2-Clause */
/* How far a mistyped name is from the one that was meant. */
#ifndef SPF_UTIL_NEAR_H
#define SPF_UTIL_NEAR_H

#include <stddef.h>

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b, case
 * ignored; names over NEAR_NAME_MAX bytes are infinitely far. */
enum { NEAR_NAME_MAX = 64 };
size_t near_distance(const char *a, const char *b);

/* The best of a run of candidates: zero it, offer each, take .name (NULL: none is near). */
struct near {
	const char *name;
	size_t distance;
};
void near_offer(struct near *best, const char *typed, const char *candidate);

#endif
