/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/near.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define PREFIX_MIN 4 /* letters with which a name that goes on otherwise counts as near */

static size_t min_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool is_same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Three rows of the usual matrix: a swap looks two rows back. */
size_t near_distance(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	size_t mem[3][NEAR_NAME_MAX + 1], *before = mem[0], *prev = mem[1], *row = mem[2], *spare;

	if (a_len > NEAR_NAME_MAX || b_len > NEAR_NAME_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		spare = before;
		before = prev;
		prev = row;
		row = spare;
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = prev[j - 1] + !is_same(a[i - 1], b[j - 1]);
			row[j] = min_of(row[j], min_of(prev[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) &&
			    is_same(a[i - 2], b[j - 1]))
				row[j] = min_of(row[j], before[j - 2] + 1);
		}
	}
	return row[b_len];
}

void near_offer(struct near *best, const char *typed, const char *candidate)
{
	size_t distance = near_distance(typed, candidate), len = strlen(typed);
	bool goes_on = strncasecmp(typed, candidate, len) == 0;

	if (len >= PREFIX_MIN && goes_on)
		distance = min_of(distance, 2);
	/* A third of the letters wrong is still a typo; more is another word. */
	if (!len || distance > (len + 2) / 3)
		return;
	/* Of two equally near ones that which goes on as typed: typ is type rather than top. */
	if (best->name && (best->distance < distance || (best->distance == distance && !goes_on)))
		return;
	best->name = candidate;
	best->distance = distance;
}
