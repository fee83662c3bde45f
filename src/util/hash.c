/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/hash.h"

#include <stdlib.h>

#include "util/xalloc.h"

static size_t home(const struct hash *h, uint64_t key)
{
	return (size_t)(key * 0x9e3779b97f4a7c15ull >> 32) & (h->cap - 1);
}

void hash_release(struct hash *h)
{
	free(h->slots);
	*h = (struct hash){ 0 };
}

static struct hash_slot *find(const struct hash *h, uint64_t key)
{
	size_t i = home(h, key);

	while (h->slots[i].key && h->slots[i].key != key)
		i = (i + 1) & (h->cap - 1);
	return &h->slots[i];
}

void *hash_get(const struct hash *h, uint64_t key)
{
	return h->cap ? find(h, key)->value : NULL;
}

static void grow(struct hash *h)
{
	struct hash old = *h;

	h->cap = old.cap ? old.cap * 2 : 8;
	h->slots = xcalloc(h->cap, sizeof(*h->slots));
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].key)
			*find(h, old.slots[i].key) = old.slots[i];
	free(old.slots);
}

void hash_put(struct hash *h, uint64_t key, void *value)
{
	struct hash_slot *s;

	if ((h->cnt + 1) * 4 > h->cap * 3)
		grow(h);
	s = find(h, key);
	if (!s->key)
		h->cnt++;
	s->key = key;
	s->value = value;
}

/* Deletes by moving later entries of the same run up, so that no tombstones are left. */
void *hash_del(struct hash *h, uint64_t key)
{
	struct hash_slot *s;
	size_t hole, i;
	void *value;

	if (!h->cap)
		return NULL;
	s = find(h, key);
	if (!s->key)
		return NULL;
	value = s->value;
	hole = (size_t)(s - h->slots);
	for (i = (hole + 1) & (h->cap - 1); h->slots[i].key; i = (i + 1) & (h->cap - 1)) {
		size_t want = home(h, h->slots[i].key);

		if (((i - want) & (h->cap - 1)) < ((i - hole) & (h->cap - 1)))
			continue;
		h->slots[hole] = h->slots[i];
		hole = i;
	}
	h->slots[hole] = (struct hash_slot){ 0 };
	h->cnt--;
	return value;
}

void *hash_each(const struct hash *h, size_t *at)
{
	while (*at < h->cap) {
		const struct hash_slot *s = &h->slots[(*at)++];

		if (s->key)
			return s->value;
	}
	return NULL;
}
