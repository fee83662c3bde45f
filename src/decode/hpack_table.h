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
 * that they can be copied so many at a time. */
enum { HPACK_SLACK = 32 };

/* Ids of strings: the same non-zero id means the same bytes. Names of the static table have
 * their index (the first of that name), its values 64 + index; entries of dynamic tables get
 * fresh numbers for as long as 31 bits last. */
struct hpack_field {
	struct bytes name;
	struct bytes value; /* in the tables it lies right behind the name */
	uint32_t name_id;
	uint32_t value_id;
	uint8_t unknown; /* as in struct header */
};

/* An entry as it lies in memory, with its text behind it: the name and, right after it, the value.
 * Half of the 32 bytes that RFC 7541 §4.1 counts for an entry beside its text, so a whole table
 * takes less memory than its maximum size. Lengths fit 16 bits: an entry is not longer than
 * LIMIT_HPACK_TABLE less those 32. */
struct hpack_entry {
	uint16_t name_len;
	uint16_t value_len;
	uint32_t name_id; /* HPACK_NAME_UNKNOWN is added where the name is a symbol */
	uint32_t value_id;
	uint8_t text[];
};

#define HPACK_NAME_UNKNOWN (1u << 31)

enum { HPACK_ALIGN = 4 }; /* of entries; their places are given in units of it */

/* Set up with hpack_table_init(); a zeroed one may be released. */
struct hpack_table {
	uint8_t *mem;       /* a ring of entries, each in one piece, oldest first */
	uint16_t *at;       /* their places in mem, the newest one's before at_end */
	uint32_t mem_cap;
	uint32_t end;       /* in mem, behind the newest */
	uint16_t at_cap;
	uint16_t at_end;
	uint16_t cnt;
	bool max_known;
	bool old_unknown;   /* there may be entries older than those kept */
	uint32_t size;      /* as RFC 7541 §4.1 counts */
	uint32_t max;       /* of the encoder, if max_known */
	uint32_t room;      /* for entries: max, or LIMIT_HPACK_TABLE if that is less */
	uint32_t inserted;  /* since the last loss */
	uint32_t losses;
};

void hpack_table_init(struct hpack_table *t, uint32_t max);
void hpack_table_release(struct hpack_table *t);

/* Forgets everything: entries before now are unknown from here on, their number too. */
void hpack_table_lose(struct hpack_table *t);

/* The encoder has set the maximum size (RFC 7541 §4.3). */
void hpack_table_resize(struct hpack_table *t, uint32_t max);

/* A number that no name or value has had; 0 if there is none left. */
uint32_t hpack_table_new_id(void);

/* Inserts at the front, evicting as RFC 7541 §4.4 says. text: the name and, right behind it, the
 * value; not in the table, whose entries may be evicted or moved now. The ids are as in an entry,
 * HPACK_NAME_UNKNOWN too. */
void hpack_table_insert(struct hpack_table *t, struct bytes text, uint32_t name_len,
			uint32_t name_id, uint32_t value_id);

extern uint8_t hpack_static_mem[];
extern uint16_t hpack_static_at[HPACK_STATIC_CNT + 1];

/* The entry of that age, 0 for the newest; age < cnt. */
static inline struct hpack_entry *hpack_table_entry(const struct hpack_table *t, size_t age)
{
	const uint16_t *newest = t->at + t->at_end - 1;

	return (void *)(t->mem + (size_t)HPACK_ALIGN * *(newest - age));
}

/* The entry at index of both tables (1 = first of the static one), readable HPACK_SLACK beyond
 * its text; valid until the next insertion. NULL if there is none that is known. */
static inline const struct hpack_entry *hpack_table_find(const struct hpack_table *t, uint64_t index)
{
	uint64_t age = index - HPACK_STATIC_CNT - 1; /* huge for the static ones */

	if (age < t->cnt)
		return hpack_table_entry(t, age);
	if (index - 1 < HPACK_STATIC_CNT)
		return (const void *)(hpack_static_mem + (size_t)HPACK_ALIGN * hpack_static_at[index]);
	return NULL;
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
