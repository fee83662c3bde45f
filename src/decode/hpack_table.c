/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/hpack_table.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/limits.h"
#include "util/xalloc.h"

#define ENTRY_OVERHEAD 32u /* RFC 7541 §4.1 */
#define FIRST_ID 128u
#define POS_MASK 0x7fffffffu

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

struct hpack_entry hpack_static[HPACK_STATIC_CNT + 1];
uint8_t hpack_static_text[1024 + HPACK_SLACK];

/* Of all tables of the process. Stops at 0 rather than give a number twice. */
static uint32_t next_id = FIRST_ID;

__attribute__((constructor)) static void build_static_table(void)
{
	uint32_t pos = 0;

	for (uint32_t i = 1; i <= HPACK_STATIC_CNT; i++) {
		const char *name = static_fields[i].name, *value = static_fields[i].value;
		struct hpack_entry *e = &hpack_static[i];
		uint32_t first = i;

		while (first > 1 && !strcmp(static_fields[first - 1].name, name))
			first--;
		e->pos = pos;
		e->name_len = (uint16_t)strlen(name);
		e->value_len = (uint16_t)strlen(value);
		e->name_id = first;
		e->value_id = e->value_len ? HPACK_STATIC_CNT + 3 + i : 0;
		memcpy(hpack_static_text + pos, name, e->name_len);
		memcpy(hpack_static_text + pos + e->name_len, value, e->value_len);
		pos += e->name_len + e->value_len;
	}
}

static uint32_t fresh_id(void)
{
	return next_id ? next_id++ : 0;
}

void hpack_table_init(struct hpack_table *t, uint32_t max)
{
	*t = (struct hpack_table){ .max = max, .max_known = true };
}

void hpack_table_release(struct hpack_table *t)
{
	free(t->ring);
	free(t->text);
	*t = (struct hpack_table){ 0 };
}

static void drop_entries(struct hpack_table *t)
{
	t->cnt = t->size = 0;
	t->text_head = t->text_len = 0;
}

void hpack_table_lose(struct hpack_table *t)
{
	drop_entries(t);
	t->max_known = false;
	t->old_unknown = true;
	t->inserted = 0;
	t->losses++;
}

void hpack_table_max_lost(struct hpack_table *t)
{
	t->max_known = false;
}

static struct hpack_entry *entry(const struct hpack_table *t, uint32_t age)
{
	return &t->ring[(t->head - 1 - age) & (t->ring_cap - 1)];
}

/* At least: the true length of an unknown name is not known. An entry is then kept longer than
 * the encoder keeps it, which harms nothing, for indices count from the newest. */
static uint32_t entry_size(const struct hpack_entry *e)
{
	return (e->name_unknown ? 0u : e->name_len) + e->value_len + ENTRY_OVERHEAD;
}

/* Drops the oldest until the rest has at most size bytes. Where the encoder's maximum is what
 * forces the first of them out, everything older has gone before it. */
static void evict(struct hpack_table *t, uint32_t size)
{
	while (t->size > size) {
		struct hpack_entry *e = entry(t, --t->cnt);

		t->size -= entry_size(e);
		t->text_head += e->name_len + e->value_len;
		t->text_len -= e->name_len + e->value_len;
		t->old_unknown = !t->max_known || t->max > LIMIT_HPACK_TABLE;
	}
}

static uint32_t room(const struct hpack_table *t)
{
	return t->max_known && t->max < LIMIT_HPACK_TABLE ? t->max : LIMIT_HPACK_TABLE;
}

void hpack_table_resize(struct hpack_table *t, uint32_t max)
{
	t->max = max;
	t->max_known = true;
	evict(t, room(t));
	/* What is left may fill the table so far that no older entry fits beside it. */
	if (t->size + ENTRY_OVERHEAD > max)
		t->old_unknown = false;
}

static void grow_ring(struct hpack_table *t)
{
	uint32_t cap = t->ring_cap ? t->ring_cap * 2 : 16;
	struct hpack_entry *ring = xmalloc(cap * sizeof(*ring));

	for (uint32_t i = 0; i < t->cnt; i++)
		ring[i] = *entry(t, t->cnt - 1 - i);
	free(t->ring);
	t->ring = ring;
	t->ring_cap = cap;
	t->head = t->cnt;
}

/* Room for n more bytes of text: by moving what is kept to the front, if that frees as much as
 * it moves, else by growing. */
static void grow_text(struct hpack_table *t, uint32_t n)
{
	uint32_t more = t->text_len < 512 ? t->text_len : t->text_len / 8;
	uint32_t cap = (t->text_len + n + more + 256) & ~255u; /* never 0 */

	if (cap > t->text_cap) {
		uint8_t *text = xmalloc(cap + HPACK_SLACK);

		if (t->text_len)
			memcpy(text, t->text + t->text_head, t->text_len);
		free(t->text);
		t->text = text;
		t->text_cap = cap;
	} else {
		memmove(t->text, t->text + t->text_head, t->text_len);
	}
	t->text_base = (t->text_base + t->text_head) & POS_MASK;
	t->text_head = 0;
}

void hpack_table_insert(struct hpack_table *t, struct hpack_field *f)
{
	uint32_t text_len = (uint32_t)(f->name.len + f->value.len);
	uint64_t size = (uint64_t)(f->unknown ? 0 : f->name.len) + f->value.len + ENTRY_OVERHEAD;
	uint32_t at;

	t->inserted++;
	if (!f->name_id)
		f->name_id = fresh_id();
	if (!f->value_id)
		f->value_id = fresh_id();
	if (size > room(t)) { /* RFC 7541 §4.4: not an error, it empties the table */
		t->old_unknown = !t->max_known || size <= t->max;
		drop_entries(t);
		return;
	}
	if (t->size + size > room(t))
		evict(t, room(t) - (uint32_t)size);
	if (t->text_head + t->text_len + text_len > t->text_cap || !t->text)
		grow_text(t, text_len);
	if (t->cnt == t->ring_cap)
		grow_ring(t);
	at = t->text_head + t->text_len;
	memcpy(t->text + at, f->name.p, text_len);
	t->ring[t->head++ & (t->ring_cap - 1)] = (struct hpack_entry){
		.pos = (t->text_base + at) & POS_MASK,
		.name_unknown = f->unknown != 0,
		.name_len = (uint16_t)f->name.len,
		.value_len = (uint16_t)f->value.len,
		.name_id = f->name_id,
		.value_id = f->value_id,
	};
	t->cnt++;
	t->size += (uint32_t)size;
	t->text_len += text_len;
}

bool hpack_table_is_unknown(const struct hpack_table *t, uint64_t index)
{
	return t->old_unknown && index > HPACK_STATIC_CNT + t->cnt && index < LIMIT_HPACK_INDEX;
}

bool hpack_table_get(const struct hpack_table *t, uint64_t index, struct hpack_field *f)
{
	const uint8_t *text;
	const struct hpack_entry *e = hpack_table_find(t, index, &text);

	if (!e) {
		*f = (struct hpack_field){ .unknown = 2 };
		return hpack_table_is_unknown(t, index);
	}
	*f = (struct hpack_field){ bytes_of(text, e->name_len), bytes_of(text + e->name_len, e->value_len),
				   e->name_id, e->value_id, e->name_unknown ? 3 : 0 };
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
