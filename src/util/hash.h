/* SPDX-License-Identifier: BSD-2-Clause */
/* A table from non-zero 64-bit keys to pointers, open addressing. Zeroed = empty. */
#ifndef SPF_UTIL_HASH_H
#define SPF_UTIL_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash {
	struct hash_slot {
		uint64_t key; /* 0 = free */
		void *value;
	} *slots;
	size_t cnt;
	size_t cap; /* a power of two, or 0 */
};

/* Frees the table, not the values. */
void hash_release(struct hash *h);

/* The value, or NULL. */
void *hash_get(const struct hash *h, uint64_t key);

/* Sets the value of key (not 0); value must not be NULL. */
void hash_put(struct hash *h, uint64_t key, void *value);

/* Removes key and returns its value, or NULL if there was none. */
void *hash_del(struct hash *h, uint64_t key);

/* Walks all entries: start with *at = 0; returns a value each call, then NULL.
 * The table must not change meanwhile. */
void *hash_each(const struct hash *h, size_t *at);

#endif
