/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/limits.h"
#include "util/xalloc.h"

#define ADDR_LEN 512 /* of the caller's buffer for addr= */

enum word_type { W_U64, W_I64, W_TIME, W_I32, W_FLAG, W_NAME16, W_ADDR, W_EXE, W_NET, W_ENUM };

static const char *const cause_names[] = { "ringbuf_drop", "truncated", "late", "decode_error",
					   "hpack_lost", "evicted", "not_in_file", "unreadable",
					   NULL };
_Static_assert(sizeof(cause_names) / sizeof(cause_names[0]) == GAP_COUNT + 1, "a name each");
static const char *const transport_names[] = { "unix", "tcp", NULL };
static const char *const role_names[] = { "unknown", "client", "server", NULL };

#define ANY (1u << CHUNK_DATA | 1u << CHUNK_SENT | 1u << CHUNK_LOST | 1u << CHUNK_OPEN | 1u << CHUNK_CLOSE)
#define OPENS (1u << CHUNK_OPEN)
#define ENDS (1u << CHUNK_OPEN | 1u << CHUNK_CLOSE)
#define AT(member) offsetof(struct chunk, member)

/* One row a fact. Enumerations are as wide as an int. */
static const struct word {
	const char *key;
	enum word_type type;
	uint32_t kinds;
	size_t at;
	const char *const *names;
} words[] = {
	{ "sock", W_U64, ANY, AT(sock), NULL },
	{ "peer", W_U64, ANY, AT(peer), NULL },
	{ "off", W_U64, ANY, AT(off), NULL },
	{ "len", W_U64, ANY, AT(len), NULL },
	{ "cause", W_ENUM, ANY, AT(cause), cause_names },
	{ "t", W_TIME, ANY, AT(ts_ns), NULL },
	{ "read", W_TIME, ANY, AT(read_ns), NULL },
	{ "pid", W_I32, ANY, AT(pid), NULL },
	{ "tid", W_I32, ANY, AT(tid), NULL },
	{ "comm", W_NAME16, ANY, AT(comm), NULL },
	{ "reader_pid", W_I32, ANY, AT(reader_pid), NULL },
	{ "reader_tid", W_I32, ANY, AT(reader_tid), NULL },
	{ "reader_comm", W_NAME16, ANY, AT(reader_comm), NULL },
	{ "fds", W_I32, ANY, AT(fds), NULL },
	{ "unread", W_I64, ENDS, AT(unread[0]), NULL },
	{ "peer_unread", W_I64, ENDS, AT(unread[1]), NULL },
	{ "early", W_FLAG, OPENS, AT(early), NULL },
	{ "learned", W_FLAG, OPENS, AT(learned), NULL },
	{ "transport", W_ENUM, OPENS, AT(transport), transport_names },
	{ "role", W_ENUM, OPENS, AT(role), role_names },
	{ "addr", W_ADDR, OPENS, AT(addr), NULL },
	{ "a.pid", W_I32, OPENS, AT(end[0].pid), NULL },
	{ "a.uid", W_I32, OPENS, AT(end[0].uid), NULL },
	{ "a.cgroup", W_U64, OPENS, AT(end[0].cgroup), NULL },
	{ "a.comm", W_NAME16, OPENS, AT(end[0].comm), NULL },
	{ "a.exe", W_EXE, OPENS, AT(end[0].exe), NULL },
	{ "a.net", W_NET, OPENS, AT(net[0]), NULL },
	{ "b.pid", W_I32, OPENS, AT(end[1].pid), NULL },
	{ "b.uid", W_I32, OPENS, AT(end[1].uid), NULL },
	{ "b.cgroup", W_U64, OPENS, AT(end[1].cgroup), NULL },
	{ "b.comm", W_NAME16, OPENS, AT(end[1].comm), NULL },
	{ "b.exe", W_EXE, OPENS, AT(end[1].exe), NULL },
	{ "b.net", W_NET, OPENS, AT(net[1]), NULL },
};

#define WORDS_CNT (sizeof(words) / sizeof(words[0]))

static uint64_t string_key(const char *s)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3ull;
	return h ? h : 1;
}

const char *strings_keep(struct strings *t, const char *s)
{
	uint64_t key = string_key(s);
	char *have = hash_get(&t->table, key);

	/* Two texts with one hash: the second is given up rather than shown as the first. */
	if (have)
		return strcmp(have, s) ? NULL : have;
	if (t->cnt == LIMIT_FILE_STRINGS)
		return NULL;
	t->cnt++;
	have = xstrdup(s);
	hash_put(&t->table, key, have);
	return have;
}

void strings_release(struct strings *t)
{
	size_t at = 0;
	char *s;

	while ((s = hash_each(&t->table, &at)))
		free(s);
	hash_release(&t->table);
	t->cnt = 0;
}

void words_put_number(struct buf *out, uint64_t v)
{
	char text[20];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_append(out, bytes_of(text + at, sizeof(text) - at));
}

void words_put_time(struct buf *out, int64_t ns)
{
	uint64_t v = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	char text[11] = { '.' };

	if (ns < 0)
		buf_putc(out, '-');
	words_put_number(out, v / 1000000000);
	v %= 1000000000;
	if (!v)
		return;
	for (int i = 9; i > 0; i--, v /= 10)
		text[i] = (char)('0' + v % 10);
	for (int i = 9; text[i] == '0'; i--)
		text[i] = 0;
	buf_puts(out, text);
}

static void put_signed(struct buf *out, int64_t v)
{
	if (v < 0)
		buf_putc(out, '-');
	words_put_number(out, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

static void put_text(struct buf *out, const char *s, size_t max)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < max && s[i]; i++) {
		uint8_t c = (uint8_t)s[i];

		if (c > ' ' && c < 0x7f && c != '\\') {
			buf_putc(out, (char)c);
			continue;
		}
		buf_puts(out, "\\x");
		buf_putc(out, hex[c >> 4]);
		buf_putc(out, hex[c & 15]);
	}
}

static void put_net(struct buf *out, const struct chunk_net *n)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(n->family == 4 ? AF_INET : AF_INET6, n->ip, text, sizeof(text));
	buf_printf(out, n->family == 4 ? "%s:%u" : "[%s]:%u", text, n->port);
}

static bool is_default(const struct word *w, const void *v, const void *unset)
{
	switch (w->type) {
	case W_U64:
	case W_I64:
	case W_TIME:
		return *(const uint64_t *)v == *(const uint64_t *)unset;
	case W_I32:
	case W_ENUM:
		return *(const int32_t *)v == *(const int32_t *)unset;
	case W_FLAG:
		return !*(const bool *)v;
	case W_NAME16:
		return !*(const char *)v;
	case W_ADDR:
	case W_EXE:
		return !*(const char *const *)v;
	case W_NET:
		return !((const struct chunk_net *)v)->family;
	}
	return true;
}

static void put_value(struct buf *out, const struct word *w, const void *v)
{
	switch (w->type) {
	case W_U64:
		words_put_number(out, *(const uint64_t *)v);
		return;
	case W_I64:
		put_signed(out, *(const int64_t *)v);
		return;
	case W_TIME:
		words_put_time(out, *(const int64_t *)v);
		return;
	case W_I32:
		put_signed(out, *(const int32_t *)v);
		return;
	case W_FLAG:
		buf_putc(out, '1');
		return;
	case W_NAME16:
		put_text(out, v, 16);
		return;
	case W_ADDR:
	case W_EXE:
		put_text(out, *(const char *const *)v, ADDR_LEN - 1);
		return;
	case W_NET:
		put_net(out, v);
		return;
	case W_ENUM:
		buf_puts(out, w->names[*(const uint32_t *)v]);
		return;
	}
}

static bool is_writer(const struct word *w)
{
	return w->at == AT(pid) || w->at == AT(tid) || w->at == AT(comm);
}

void words_print(struct buf *out, const struct chunk *c)
{
	for (size_t i = 0; i < WORDS_CNT; i++) {
		const struct word *w = &words[i];
		const uint8_t *v = (const uint8_t *)c + w->at;

		if (!(w->kinds & 1u << c->kind) || (is_writer(w) && !c->has_writer))
			continue;
		/* pid= stands for has_writer, so it is there even if it is -1 */
		if (is_default(w, v, (const uint8_t *)&chunk_unknown + w->at) && w->at != AT(pid))
			continue;
		buf_putc(out, ' ');
		buf_puts(out, w->key);
		buf_putc(out, '=');
		put_value(out, w, v);
	}
}

bool words_next(struct bytes *line, struct bytes *word)
{
	size_t n = 0;

	while (line->len && (line->p[0] == ' ' || line->p[0] == '\t'))
		*line = bytes_of(line->p + 1, line->len - 1);
	while (n < line->len && line->p[n] != ' ' && line->p[n] != '\t')
		n++;
	return n && bytes_take(line, n, word);
}

bool words_number(struct bytes in, uint64_t *v)
{
	uint64_t sum = 0;
	uint8_t c;

	if (!in.len)
		return false;
	while (bytes_get_u8(&in, &c))
		if (c < '0' || c > '9' || __builtin_mul_overflow(sum, 10u, &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(c - '0'), &sum))
			return false;
	*v = sum;
	return true;
}

static bool get_signed(struct bytes in, int64_t *v)
{
	bool minus = in.len && in.p[0] == '-';
	uint64_t u;

	if (minus)
		in = bytes_of(in.p + 1, in.len - 1);
	if (!words_number(in, &u) || u > INT64_MAX)
		return false;
	*v = minus ? -(int64_t)u : (int64_t)u;
	return true;
}

bool words_time(struct bytes in, int64_t *ns)
{
	bool minus = in.len && in.p[0] == '-';
	uint64_t sec, frac = 0, v;
	const uint8_t *dot;
	struct bytes whole;

	if (minus)
		in = bytes_of(in.p + 1, in.len - 1);
	dot = in.len ? memchr(in.p, '.', in.len) : NULL;
	if (!bytes_take(&in, dot ? (size_t)(dot - in.p) : in.len, &whole))
		return false;
	if (dot) {
		size_t digits = in.len - 1;

		if (digits > 9 || !words_number(bytes_of(in.p + 1, digits), &frac))
			return false;
		for (; digits < 9; digits++)
			frac *= 10;
	}
	if (!words_number(whole, &sec) || __builtin_mul_overflow(sec, 1000000000u, &v) ||
	    __builtin_add_overflow(v, frac, &v) || v >= TIME_MAX_NS)
		return false;
	*ns = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

int words_hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes put_text() into out, of which max bytes are used; false if it does not fit. */
static bool get_text(struct bytes in, char *out, size_t max)
{
	size_t n = 0;
	uint8_t c;

	while (bytes_get_u8(&in, &c)) {
		struct bytes esc;

		if (c == '\\') {
			int hi, lo;

			if (!bytes_take(&in, 3, &esc) || esc.p[0] != 'x')
				return false;
			hi = words_hex_digit(esc.p[1]);
			lo = words_hex_digit(esc.p[2]);
			if (hi < 0 || lo < 0)
				return false;
			c = (uint8_t)(hi << 4 | lo);
		}
		if (n == max || !c)
			return false;
		out[n++] = (char)c;
	}
	memset(out + n, 0, max - n);
	return true;
}

static bool get_net(struct bytes in, struct chunk_net *out)
{
	struct chunk_net n = { 0 };
	char text[64];
	uint64_t port;
	char *colon;

	if (!get_text(in, text, sizeof(text) - 1))
		return false;
	text[sizeof(text) - 1] = 0;
	colon = strrchr(text, ':');
	if (!colon || !words_number(bytes_str(colon + 1), &port) || port > 65535)
		return false;
	*colon = 0;
	n.port = (uint16_t)port;
	n.family = 4;
	if (text[0] == '[' && colon[-1] == ']') {
		colon[-1] = 0;
		n.family = 6;
	}
	if (inet_pton(n.family == 4 ? AF_INET : AF_INET6, text + (n.family == 6), n.ip) != 1)
		return false;
	*out = n;
	return true;
}

static bool get_enum(struct bytes in, const char *const *names, uint32_t *v)
{
	for (uint32_t i = 0; names[i]; i++)
		if (bytes_equal(in, bytes_str(names[i]))) {
			*v = i;
			return true;
		}
	return false;
}

static bool get_int(const struct word *w, struct bytes in, void *v)
{
	int64_t n;

	if (w->type == W_U64)
		return words_number(in, v);
	if (w->type == W_TIME)
		return words_time(in, v);
	if (w->type == W_I64)
		return get_signed(in, v);
	if (!get_signed(in, &n) || n < INT32_MIN || n > INT32_MAX)
		return false;
	*(int32_t *)v = (int32_t)n;
	return true;
}

static bool get_value(const struct word *w, struct bytes in, void *v, struct strings *kept,
		      char *addr)
{
	char text[ADDR_LEN];

	switch (w->type) {
	case W_U64:
	case W_I64:
	case W_TIME:
	case W_I32:
		return get_int(w, in, v);
	case W_FLAG:
		*(bool *)v = in.len == 1 && in.p[0] == '1';
		return in.len == 1 && (in.p[0] == '0' || in.p[0] == '1');
	case W_NAME16:
		return get_text(in, v, 16);
	case W_NET:
		return get_net(in, v);
	case W_ENUM:
		return get_enum(in, w->names, v);
	case W_ADDR:
		addr[ADDR_LEN - 1] = 0;
		*(const char **)v = addr;
		return get_text(in, addr, ADDR_LEN - 1);
	case W_EXE:
		text[ADDR_LEN - 1] = 0;
		if (!get_text(in, text, ADDR_LEN - 1))
			return false;
		*(const char **)v = strings_keep(kept, text);
		return true;
	}
	return false;
}

int words_parse(struct chunk *c, struct bytes word, struct strings *kept, char *addr)
{
	const uint8_t *eq = memchr(word.p, '=', word.len);
	struct bytes key;

	if (!eq || !bytes_take(&word, (size_t)(eq - word.p), &key))
		return 0;
	word = bytes_of(word.p + 1, word.len - 1);
	for (size_t i = 0; i < WORDS_CNT; i++) {
		const struct word *w = &words[i];

		if (!bytes_equal(key, bytes_str(w->key)))
			continue;
		if (!get_value(w, word, (uint8_t *)c + w->at, kept, addr))
			return -EINVAL;
		c->has_writer |= is_writer(w);
		return 1;
	}
	return 0;
}
