/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends of TCP connections as keys of tables. */
#ifndef SPF_CAPTURE_NET_H
#define SPF_CAPTURE_NET_H

#include "capture/chunk.h"

static inline bool net_equal(const struct chunk_net *a, const struct chunk_net *b)
{
	return a->port == b->port && a->family == b->family && !memcmp(a->ip, b->ip, 16);
}

static inline uint64_t net_hash(const struct chunk_net *n)
{
	uint64_t lo, hi;

	memcpy(&lo, n->ip, 8);
	memcpy(&hi, n->ip + 8, 8);
	lo = (lo ^ n->port ^ (uint64_t)n->family << 16) * 0x9e3779b97f4a7c15ull;
	hi = (hi ^ lo >> 29) * 0xbf58476d1ce4e5b9ull;
	return lo ^ hi ^ hi >> 32;
}

#endif
