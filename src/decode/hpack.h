/* SPDX-License-Identifier: BSD-2-Clause */
/* HPACK (RFC 7541): header blocks of one direction in, lists of fields out.
 *
 * One struct hpack is what the peer's decoder is to the sender: its dynamic table. Every block
 * of the direction must pass through it, in order. What cannot be known (it was sent before we
 * listened, or was lost) is marked, never guessed: see hpack_table.h.
 */
#ifndef SPF_DECODE_HPACK_H
#define SPF_DECODE_HPACK_H

#include "decode/hpack_table.h"
#include "decode/record.h"

enum { HPACK_DEFAULT_MAX = 4096 }; /* RFC 9113 §6.5.2 SETTINGS_HEADER_TABLE_SIZE */

/* Zeroed may be released; set up with hpack_init(). */
struct hpack {
	struct hpack_table table;
	uint32_t conn_id;  /* of the symbols of unknown entries, likewise dir */
	int dir;
	uint32_t limit;    /* the most that the decoding peer allows */
	uint32_t least;    /* the least since the last block, if must_update */
	bool limit_known;
	bool must_update;  /* the next block must begin with a size update (§4.2) */
	const char *why;   /* of the last result but 0; static */
};

/* The fields of a block. Owns its memory and is meant to be used again and again; zeroed = empty.
 * The offsets in v count from text; offset 0 is a string like any other. */
struct hpack_list {
	struct header *v;
	uint32_t cnt, cap;
	uint8_t *text;
	uint32_t len, text_cap;
	uint32_t missing; /* fields whose name or value is unknown, or that were cut */
	uint32_t cut;     /* fields left out past LIMIT_HEADER_LIST or _FIELDS */
};

static inline struct bytes hpack_text(const struct hpack_list *l, struct str s)
{
	return bytes_of(l->text + s.off, s.len);
}

/* A connection's first block comes next: the table is empty, of max bytes. */
void hpack_init(struct hpack *h, uint32_t conn_id, int dir, uint32_t max);
void hpack_release(struct hpack *h);

/* Blocks were not seen: every entry so far is unknown, the size and its limit too. */
void hpack_lose(struct hpack *h);

/* The encoder has acknowledged the decoding peer's SETTINGS_HEADER_TABLE_SIZE (RFC 7541 §4.2). */
void hpack_set_limit(struct hpack *h, uint32_t limit);

/* The settings were lost: any size update is believed. */
void hpack_limit_lost(struct hpack *h);

/* Decodes a whole block into *list, which is emptied first.
 * Returns 0; 1 if all of it is decoded but breaks the RFC (h->why); -EPROTO with h->why if it
 * cannot be decoded: the list then holds the fields before the fault, and the caller should
 * hpack_lose(), for what the rest would have inserted is not known. */
int hpack_decode(struct hpack *h, struct bytes block, struct hpack_list *list);

void hpack_list_release(struct hpack_list *l);

#endif
