/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/hpack_table.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/limits.h"
#include "util/xalloc.h"

#define ENTRY_OVERHEAD 32u /* RFC 7541 §4.1 */
#define GROW_STEP      64u
#define ENTRY_HEAD     ((uint32_t)offsetof(struct hpack_entry, text))
#define FIRST_ID       128u
#define MOVE_LEAST     8 /* insertions between two moves of the places */

#define FIELD(n, v) { n, v }

/* RFC 7541 Appendix A */
static const struct {
	const char *name, *value;
} static_fields[HPACK_STATIC_CNT + 1] = {
	[1] = FIELD(":authority", ""),
	FIELD(":method", "GET"),
	FIELD(":method", "POST"),
	FIELD(":path", "/"),
	FIELD(":path", "/index.html"),
	FIELD(":scheme", "http"),
	FIELD(":scheme", "https"),
	FIELD(":status", "200"),
	FIELD(":status", "204"),
	FIELD(":status", "206"),
	FIELD(":status", "304"),
	FIELD(":status", "400"),
	FIELD(":status", "404"),
	FIELD(":status", "500"),
	FIELD("accept-charset", ""),
	FIELD("accept-encoding", "gzip, deflate"),
	FIELD("accept-language", ""),
	FIELD("accept-ranges", ""),
	FIELD("accept", ""),
	FIELD("access-control-allow-origin", ""),
	FIELD("age", ""),
	FIELD("allow", ""),
	FIELD("authorization", ""),
	FIELD("cache-control", ""),
	FIELD("content-disposition", ""),
	FIELD("content-encoding", ""),
	FIELD("content-language", ""),
	FIELD("content-length", ""),
	FIELD("content-location", ""),
	FIELD("content-range", ""),
	FIELD("content-type", ""),
	FIELD("cookie", ""),
	FIELD("date", ""),
	FIELD("etag", ""),
	FIELD("expect", ""),
	FIELD("expires", ""),
	FIELD("from", ""),
	FIELD("host", ""),
	FIELD("if-match", ""),
	FIELD("if-modified-since", ""),
	FIELD("if-none-match", ""),
	FIELD("if-range", ""),
	FIELD("if-unmodified-since", ""),
	FIELD("last-modified", ""),
	FIELD("link", ""),
	FIELD("location", ""),
	FIELD("max-forwards", ""),
	FIELD("proxy-authenticate", ""),
	FIELD("proxy-authorization", ""),
	FIELD("range", ""),
	FIELD("referer", ""),
	FIELD("refresh", ""),
	FIELD("retry-after", ""),
	FIELD("server", ""),
	FIELD("set-cookie", ""),
	FIELD("strict-transport-security", ""),
	FIELD("transfer-encoding", ""),
	FIELD("user-agent", ""),
	FIELD("vary", ""),
	FIELD("via", ""),
	FIELD("www-authenticate", ""),
};

uint8_t hpack_static_mem[2048] __attribute__((aligned(HPACK_ALIGN)));
uint16_t hpack_static_at[HPACK_STATIC_CNT + 1];

/* Of all tables of the process. Ends rather than give a number twice. */
static uint32_t next_id = FIRST_ID;

static uint32_t aligned(uint32_t len)
{
	return (len + HPACK_ALIGN - 1) & ~(uint32_t)(HPACK_ALIGN - 1);
}

/* The bytes of mem that an entry takes. */
static uint32_t place_len(const struct hpack_entry *e)
{
	return aligned(ENTRY_HEAD + e->name_len + e->value_len);
}

__attribute__((constructor)) static void build_static_table(void)
{
	uint32_t pos = 0;

	for (uint32_t i = 1; i <= HPACK_STATIC_CNT; i++) {
		const char *name = static_fields[i].name, *value = static_fields[i].value;
		struct hpack_entry *e = (void *)(hpack_static_mem + pos);
		uint32_t first = i;

		while (first > 1 && !strcmp(static_fields[first - 1].name, name))
			first--;
		e->name_len = (uint16_t)strlen(name);
		e->value_len = (uint16_t)strlen(value);
		e->name_id = first;
		e->value_id = e->value_len ? HPACK_STATIC_CNT + 3 + i : 0;
		memcpy(e->text, name, e->name_len);
		memcpy(e->text + e->name_len, value, e->value_len);
		hpack_static_at[i] = (uint16_t)(pos / HPACK_ALIGN);
		pos += place_len(e);
	}
}

uint32_t hpack_table_new_id(void)
{
	return next_id < HPACK_NAME_UNKNOWN ? next_id++ : 0;
}

static void set_max(struct hpack_table *t, uint32_t max, bool known)
{
	t->max = max;
	t->max_known = known;
	t->room = known && max < LIMIT_HPACK_TABLE ? max : LIMIT_HPACK_TABLE;
}

void hpack_table_init(struct hpack_table *t, uint32_t max)
{
	*t = (struct hpack_table){ 0 };
	set_max(t, max, true);
}

void hpack_table_release(struct hpack_table *t)
{
	free(t->mem);
	free(t->at);
	*t = (struct hpack_table){ 0 };
}

static void drop_entries(struct hpack_table *t)
{
	t->cnt = 0;
	t->size = t->end = 0;
}

void hpack_table_lose(struct hpack_table *t)
{
	drop_entries(t);
	set_max(t, 0, false);
	t->old_unknown = true;
	t->inserted = 0;
	t->losses++;
}

/* At least: the true length of an unknown name is not known. An entry is then kept longer than
 * the encoder keeps it, which harms nothing, for indices count from the newest. */
static uint32_t entry_size(uint32_t name_len, uint32_t value_len, uint32_t name_id)
{
	return (name_id & HPACK_NAME_UNKNOWN ? 0u : name_len) + value_len + ENTRY_OVERHEAD;
}

/* Drops the oldest until the rest has at most size bytes. Where the encoder's maximum is what
 * forces the first of them out, everything older has gone before it. */
static void evict(struct hpack_table *t, uint32_t size)
{
	uint32_t cnt = t->cnt, kept = t->size;

	if (kept <= size)
		return;
	do {
		const struct hpack_entry *e = hpack_table_entry(t, --cnt);

		kept -= entry_size(e->name_len, e->value_len, e->name_id);
	} while (kept > size);
	t->cnt = (uint16_t)cnt;
	t->size = kept;
	t->old_unknown = !t->max_known || t->max > LIMIT_HPACK_TABLE;
}

void hpack_table_resize(struct hpack_table *t, uint32_t max)
{
	set_max(t, max, true);
	evict(t, t->room);
	/* What is left may fill the table so far that no older entry fits beside it. */
	if (t->size + ENTRY_OVERHEAD > max)
		t->old_unknown = false;
}

/* Makes room behind the places in use: moves them to the front, or to larger memory if that
 * would have to be done again soon. */
static void make_places(struct hpack_table *t)
{
	uint16_t *at = t->at;

	if (t->at_cap - t->cnt < MOVE_LEAST) {
		t->at_cap += (uint16_t)(16 + t->at_cap / 4);
		at = xmalloc(t->at_cap * sizeof(*at));
	}
	if (t->cnt)
		memmove(at, t->at + t->at_end - t->cnt, t->cnt * sizeof(*at));
	if (at != t->at)
		free(t->at);
	t->at = at;
	t->at_end = t->cnt;
}

/* What to take beyond what is needed, when there are len bytes: half as much while there is
 * little, then little, as most tables (4096 bytes at most, RFC 9113 §6.5.2) end at some 2900. */
static uint32_t spare(uint32_t len)
{
	if (!len)
		return 384;
	return len < 1024 ? len / 2 : len < 4096 ? 64 : len / 8;
}

/* The first byte of mem that the oldest entry takes. */
static uint32_t oldest_at(const struct hpack_table *t)
{
	return HPACK_ALIGN * t->at[t->at_end - t->cnt];
}

/* Gives the entries larger memory, with room for need more bytes behind the newest. They stay where
 * they are if they lie in their order, as while a table fills up for the first time. */
static void grow_mem(struct hpack_table *t, uint32_t need)
{
	bool ordered = !t->cnt || oldest_at(t) == 0;
	uint32_t len = ordered ? t->end : 0, cap;
	uint8_t *mem;

	for (uint32_t i = 0; !ordered && i < t->cnt; i++)
		len += place_len(hpack_table_entry(t, i));
	cap = len + need + spare(len);
	cap = (cap > t->mem_cap ? cap : t->mem_cap + 1) + GROW_STEP - 1;
	cap -= cap % GROW_STEP;
	t->mem_cap = cap;
	if (ordered) {
		t->mem = xrealloc(t->mem, cap + HPACK_SLACK);
		return;
	}
	mem = xmalloc(cap + HPACK_SLACK);
	t->end = 0;
	for (uint32_t i = t->cnt; i-- > 0;) {
		const struct hpack_entry *e = hpack_table_entry(t, i);

		memcpy(mem + t->end, e, place_len(e));
		t->at[t->at_end - 1 - i] = (uint16_t)(t->end / HPACK_ALIGN);
		t->end += place_len(e);
	}
	free(t->mem);
	t->mem = mem;
}

/* Where in mem the next entry, of len bytes, goes: behind the newest, or before the oldest. */
static uint32_t find_place(struct hpack_table *t, uint32_t len)
{
	uint32_t oldest;

	if (!t->cnt)
		t->end = 0;
	oldest = t->cnt ? oldest_at(t) : 0;
	if (t->cnt && oldest >= t->end) { /* the newest lie before the oldest */
		if (oldest - t->end < len)
			grow_mem(t, len);
	} else if (t->mem_cap - t->end < len) {
		if (oldest < len)
			grow_mem(t, len);
		else
			t->end = 0;
	}
	return t->end;
}

void hpack_table_insert(struct hpack_table *t, struct bytes text, uint32_t name_len,
			uint32_t name_id, uint32_t value_id)
{
	uint32_t value_len = (uint32_t)text.len - name_len;
	uint32_t size = entry_size(name_len, value_len, name_id);
	uint32_t at, len = aligned(ENTRY_HEAD + (uint32_t)text.len);
	struct hpack_entry *e;

	t->inserted++;
	if (size > t->room) { /* RFC 7541 §4.4: not an error, it empties the table */
		t->old_unknown = !t->max_known || size <= t->max;
		drop_entries(t);
		return;
	}
	evict(t, t->room - size);
	at = find_place(t, len);
	if (t->at_end == t->at_cap)
		make_places(t);
	e = (void *)(t->mem + at);
	e->name_len = (uint16_t)name_len;
	e->value_len = (uint16_t)value_len;
	e->name_id = name_id;
	e->value_id = value_id;
	memcpy(e->text, text.p, text.len);
	t->at[t->at_end++] = (uint16_t)(at / HPACK_ALIGN);
	t->end = at + len;
	t->cnt++;
	t->size += size;
}

bool hpack_table_is_unknown(const struct hpack_table *t, uint64_t index)
{
	return t->old_unknown && index > HPACK_STATIC_CNT + (uint32_t)t->cnt &&
	       index < LIMIT_HPACK_INDEX;
}

bool hpack_table_get(const struct hpack_table *t, uint64_t index, struct hpack_field *f)
{
	const struct hpack_entry *e = hpack_table_find(t, index);

	if (!e) {
		*f = (struct hpack_field){ .unknown = 2 };
		return hpack_table_is_unknown(t, index);
	}
	*f = (struct hpack_field){ bytes_of(e->text, e->name_len),
				   bytes_of(e->text + e->name_len, e->value_len),
				   e->name_id & ~HPACK_NAME_UNKNOWN, e->value_id,
				   e->name_id & HPACK_NAME_UNKNOWN ? 3 : 0 };
	return true;
}

uint32_t hpack_table_symbol(const struct hpack_table *t, uint64_t index, uint32_t conn_id, int dir,
			    char out[HPACK_SYMBOL_LEN])
{
	uint64_t age = index - HPACK_STATIC_CNT - 1;
	char loss[16] = "";
	int n;

	if (t->losses > 1)
		snprintf(loss, sizeof(loss), ".%u", t->losses);
	n = snprintf(out, HPACK_SYMBOL_LEN, "?c%u%s%s%c%llu", conn_id, dir ? "r" : "", loss,
		     age >= t->inserted ? '-' : '+',
		     (unsigned long long)(age >= t->inserted ? age - t->inserted + 1
							     : t->inserted - age));
	return (uint32_t)n;
}
