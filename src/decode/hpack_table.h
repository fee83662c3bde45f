/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of HPACK (RFC 7541 §2.3): the static one, and a dynamic one of which the older part
 * may be unknown.
 *
 * An index counts from the newest entry, so what was inserted since we began to listen is known
 * exactly, however much was there before. Older entries are unknown and go by a symbol that stays
 * the same for the same entry:
 *
 *     ?c3-12     connection 3, direction 0: the 12th newest of those that were there before us
 *     ?c3r-12    the same of direction 1
 *     ?c3.2-12   after the second loss (a gap, an undecodable block) in that direction
 *     ?c3+5      the 5th entry inserted since, no longer kept (LIMIT_HPACK_TABLE)
 */
#ifndef SPF_DECODE_HPACK_TABLE_H
#define SPF_DECODE_HPACK_TABLE_H

#include "util/bytes.h"

enum { HPACK_STATIC_CNT = 61, HPACK_SYMBOL_LEN = 48 };

/* Readable bytes behind the strings of a table (and writable ones behind those of a list), so
 * that they can be copied 16 at a time. */
enum { HPACK_SLACK = 16 };

/* Ids of strings: the same non-zero id means the same bytes. Names of the static table have
 * their index (the first of that name), its values 64 + index; entries of dynamic tables get
 * fresh numbers for as long as 32 bits last. */
struct hpack_field {
	struct bytes name;
	struct bytes value; /* in the tables it lies right behind the name */
	uint32_t name_id;
	uint32_t value_id;
	uint8_t unknown; /* as in struct header */
};

/* Lengths fit 16 bits: an entry is not longer than LIMIT_HPACK_TABLE less its overhead. */
struct hpack_entry {
	uint32_t pos : 31; /* of the name in text, the value follows; counted modulo 2^31 */
	uint32_t name_unknown : 1;
	uint16_t name_len;
	uint16_t value_len;
	uint32_t name_id;
	uint32_t value_id;
};

/* Set up with hpack_table_init(); a zeroed one may be released. */
struct hpack_table {
	struct hpack_entry *ring; /* newest at head - 1 */
	uint32_t ring_cap;        /* a power of two, or 0 */
	uint32_t head;
	uint32_t cnt;
	uint32_t size;            /* as RFC 7541 §4.1 counts */
	uint32_t max;             /* of the encoder, if max_known */
	bool max_known;
	bool old_unknown;         /* there may be entries older than those kept */
	uint8_t *text;            /* strings of the entries, oldest first */
	uint32_t text_head, text_len, text_cap;
	uint32_t text_base;       /* pos of text[0], modulo 2^31 */
	uint32_t inserted;        /* since the last loss */
	uint32_t losses;
};

void hpack_table_init(struct hpack_table *t, uint32_t max);
void hpack_table_release(struct hpack_table *t);

/* Forgets everything: entries before now are unknown from here on, their number too. */
void hpack_table_lose(struct hpack_table *t);

/* The encoder has set the maximum size (RFC 7541 §4.3). */
void hpack_table_resize(struct hpack_table *t, uint32_t max);

/* The maximum size is no longer known: nothing may be evicted because of it. */
void hpack_table_max_lost(struct hpack_table *t);

/* Inserts at the front, evicting as RFC 7541 §4.4 says. The value must lie right behind the name,
 * and neither in the table (the name may be an entry's that is evicted now). The ids are set here
 * where they are 0. */
void hpack_table_insert(struct hpack_table *t, struct hpack_field *f);

extern struct hpack_entry hpack_static[HPACK_STATIC_CNT + 1];
extern uint8_t hpack_static_text[];

/* The entry at index of both tables (1 = first of the static one) and its strings, the value
 * right behind the name, readable HPACK_SLACK beyond; valid until the next insertion.
 * NULL if there is none that is known. */
static inline const struct hpack_entry *hpack_table_find(const struct hpack_table *t, uint64_t index,
							 const uint8_t **text)
{
	const struct hpack_entry *e;

	if (index <= HPACK_STATIC_CNT) {
		e = &hpack_static[index];
		*text = hpack_static_text + e->pos;
		return index ? e : NULL;
	}
	index -= HPACK_STATIC_CNT + 1;
	if (index >= t->cnt)
		return NULL;
	e = &t->ring[(t->head - 1 - (uint32_t)index) & (t->ring_cap - 1)];
	*text = t->text + ((e->pos - t->text_base) & 0x7fffffffu);
	return e;
}

/* Whether an index that is not found may be that of an unknown entry. */
bool hpack_table_is_unknown(const struct hpack_table *t, uint64_t index);

/* As hpack_table_find(), with its strings as spans; unknown = 2 and no strings for an unknown
 * one. False if there is no such entry. */
bool hpack_table_get(const struct hpack_table *t, uint64_t index, struct hpack_field *f);

/* Writes the symbol of the unknown entry at index to out; its length. */
uint32_t hpack_table_symbol(const struct hpack_table *t, uint64_t index, uint32_t conn_id, int dir,
			    char out[HPACK_SYMBOL_LEN]);

#endif
