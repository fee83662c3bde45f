/* SPDX-License-Identifier: BSD-2-Clause */
/* The gRPC status of a response whose fields are partly unknown, because the capture began in
 * the middle of the connection.
 *
 * A response has exactly one grpc-status, in the header block that ends it (gRPC over HTTP/2,
 * "Responses"). So a field of unknown name is the status if no other can be: what also stands in
 * a block that does not end a response cannot, nor can a value that is no number.
 * The value of an entry from before the capture cannot be proven. But the entry is the same each
 * time: what once ended a response of one message is likely OK wherever else it stands.
 */
#include "decode/call.h"

/* The symbol of an unknown entry as a number, never 0: FNV-1a. */
static uint32_t hash_of(struct bytes entry, uint32_t seed)
{
	uint32_t h = 2166136261u ^ seed;
	uint8_t c;

	while (bytes_get_u8(&entry, &c))
		h = (h ^ c) * 16777619u;
	return h ? h : 1;
}

static bool is_no_status(const struct calls *cs, uint32_t field)
{
	for (int i = 0; i < CALL_NO_STATUS; i++)
		if (cs->no_status[i] == field)
			return true;
	return false;
}

/* Keeps the fields of unknown name of a block that does not end its response. */
static void learn_no_status(struct calls *cs, const struct hpack_list *l)
{
	for (uint32_t i = 0; i < l->cnt; i++) {
		uint32_t field = hash_of(hpack_text(l, l->v[i].name), 0);

		if (l->v[i].unknown >= 2 && !is_no_status(cs, field))
			cs->no_status[cs->no_status_cnt++ % CALL_NO_STATUS] = field;
	}
}

/* Fields of a block that may be its grpc-status. */
struct candidates {
	uint32_t cnt;
	int32_t value;	  /* of the last whose value is known; -1 none */
	uint32_t entries; /* the others, as a number */
};

static void look_at(const struct calls *cs, const struct hpack_list *l, const struct header *f,
		    struct candidates *out)
{
	bool is_named =
		f->unknown == 1 && bytes_equal(hpack_text(l, f->name), BYTES_LIT("grpc-status"));
	int32_t value = f->unknown == 3 ? grpc_status(hpack_text(l, f->value)) : -1;
	struct bytes entry = hpack_text(l, is_named ? f->value : f->name);

	if (!is_named && (f->unknown < 2 || (f->unknown == 3 && value < 0) ||
			  is_no_status(cs, hash_of(entry, 0))))
		return;
	out->cnt++;
	if (value >= 0)
		out->value = value;
	else
		out->entries = hash_of(entry, out->entries);
}

static void find_status(struct calls *cs, struct call *c, const struct hpack_list *l,
			bool is_trailers)
{
	struct candidates found = { .value = -1 };

	for (uint32_t i = 0; i < l->cnt; i++)
		look_at(cs, l, &l->v[i], &found);
	if (found.cnt == 1 && found.value >= 0 && !l->cut) {
		c->grpc_status = found.value;
		return;
	}
	c->status_hidden |= found.cnt > 0;
	if (found.value >= 0 || !found.entries)
		return;
	if (is_trailers && c->half[CALL_RESPONSE].messages == 1 && !cs->ok_entries)
		cs->ok_entries = found.entries;
	c->is_likely_ok = found.entries == cs->ok_entries;
}

void call_find_status(struct calls *cs, struct call *c, const struct hpack_list *l, bool is_end,
		      bool is_trailers)
{
	if (!l->missing || !c->is_grpc)
		return;
	if (!is_end)
		learn_no_status(cs, l);
	else if (c->grpc_status < 0)
		find_status(cs, c, l, is_trailers);
}
