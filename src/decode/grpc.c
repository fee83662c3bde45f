/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/grpc.h"

#include <errno.h>
#include <strings.h>

#include "util/limits.h"

enum {
	PREFIX_LEN = 5,
	FLAG_COMPRESSED = 0x01,
	FLAG_TRAILERS = 0x80, /* gRPC-Web */
};

void grpc_release(struct grpc *g)
{
	buf_release(&g->buf);
}

static bool in_message(const struct grpc *g)
{
	return g->prefix_len == PREFIX_LEN;
}

static void drop_given(struct grpc *g)
{
	if (g->drop)
		buf_consume(&g->buf, g->buf.len);
	g->drop = false;
}

static int lose(struct grpc *g, int err, const char *why)
{
	g->is_lost = true;
	g->why = why;
	buf_release(&g->buf);
	return err;
}

/* Reads what there is of the prefix. Returns 1 once it is whole. */
static int take_prefix(struct grpc *g, struct bytes *in)
{
	uint8_t c;

	while (g->prefix_len < PREFIX_LEN) {
		if (!bytes_get_u8(in, &c))
			return 0;
		if (g->prefix_len == 0) {
			g->flag = c;
			if (c & ~(FLAG_COMPRESSED | FLAG_TRAILERS))
				return lose(g, -EPROTO, "a message flag that gRPC does not know");
			g->length = 0;
		} else {
			g->length = g->length << 8 | c;
		}
		g->prefix_len++;
	}
	g->left = g->length;
	g->cut = false;
	return 1;
}

static int give(struct grpc *g, struct bytes raw, bool complete, struct grpc_message *out)
{
	bool is_trailers = g->flag & FLAG_TRAILERS;

	*out = (struct grpc_message){
		.index = is_trailers ? 0 : ++g->index,
		.length = g->length,
		.compressed = g->flag & FLAG_COMPRESSED,
		.is_trailers = is_trailers,
		.complete = complete,
		.raw = raw,
	};
	g->prefix_len = 0;
	g->drop = true;
	return 1;
}

/* Keeps a piece of a message that is not whole yet. gRPC-Web's trailers are kept always: they
 * hold the status. */
static void gather(struct grpc *g, struct bytes piece)
{
	size_t room = LIMIT_GRPC_MESSAGE - g->buf.len;

	if (!g->keep && !(g->flag & FLAG_TRAILERS))
		return;
	if (piece.len > room) {
		piece.len = room;
		g->cut = true;
	}
	buf_append(&g->buf, piece);
}

int grpc_next(struct grpc *g, struct bytes in, size_t *used, struct grpc_message *out)
{
	struct bytes rest = in;
	struct bytes piece;
	int rc;

	drop_given(g);
	*used = in.len;
	if (g->is_lost)
		return 0;
	if (g->prefix_len < PREFIX_LEN) {
		rc = take_prefix(g, &rest);
		if (rc <= 0)
			return rc;
	}
	piece = bytes_of(rest.p, rest.len < g->left ? rest.len : g->left);
	g->left -= (uint32_t)piece.len;
	*used = in.len - rest.len + piece.len;
	if (!g->left && piece.len == g->length) /* in one piece: nothing to gather */
		return give(g, piece, true, out);
	gather(g, piece);
	return g->left ? 0 : give(g, buf_bytes(&g->buf), !g->cut, out);
}

int grpc_gap(struct grpc *g, uint64_t len, struct grpc_message *out)
{
	drop_given(g);
	if (g->is_lost)
		return 0;
	if (!in_message(g) || !len || len > g->left) {
		bool open = in_message(g);
		struct bytes raw = buf_bytes(&g->buf);

		g->is_lost = true;
		g->why = "bytes are missing";
		return open ? give(g, raw, false, out) : 0;
	}
	g->left -= (uint32_t)len;
	g->cut = true;
	return g->left ? 0 : give(g, buf_bytes(&g->buf), false, out);
}

int grpc_close(struct grpc *g, struct grpc_message *out)
{
	drop_given(g);
	if (g->is_lost || !in_message(g))
		return 0;
	g->is_lost = true;
	return give(g, buf_bytes(&g->buf), false, out);
}

static bool starts_with(struct bytes b, const char *prefix)
{
	size_t len = strlen(prefix);

	return b.len >= len && strncasecmp((const char *)b.p, prefix, len) == 0;
}

/* True if a media type's name ends at off: a subtype suffix or a parameter may follow. */
static bool ends_at(struct bytes type, size_t off)
{
	return type.len == off || type.p[off] == '+' || type.p[off] == ';' || type.p[off] == ' ';
}

enum grpc_kind grpc_kind(struct bytes content_type)
{
	static const struct {
		const char *name;
		enum grpc_kind kind;
	} kinds[] = {
		{ "application/grpc", GRPC_PLAIN },
		{ "application/grpc-web", GRPC_WEB },
		{ "application/grpc-web-text", GRPC_WEB_TEXT },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (starts_with(content_type, kinds[i].name) &&
		    ends_at(content_type, strlen(kinds[i].name)))
			return kinds[i].kind;
	return GRPC_NONE;
}

/* At most max digits; false if there is another byte, or none. */
static bool parse_digits(struct bytes b, size_t max, int64_t *n)
{
	*n = 0;
	for (size_t i = 0; i < b.len; i++) {
		if (b.p[i] < '0' || b.p[i] > '9')
			return false;
		*n = *n * 10 + (b.p[i] - '0');
	}
	return b.len > 0 && b.len <= max;
}

int64_t grpc_timeout(struct bytes value)
{
	static const struct {
		char unit;
		int64_t ns;
	} units[] = {
		{ 'H', 3600000000000 }, { 'M', 60000000000 }, { 'S', 1000000000 },
		{ 'm', 1000000 },       { 'u', 1000 },        { 'n', 1 },
	};
	int64_t n;
	char unit;

	if (value.len < 2 || value.len > 9) /* TimeoutValue is 8 digits at most */
		return -1;
	unit = (char)value.p[value.len - 1];
	value.len--;
	if (!parse_digits(value, 8, &n))
		return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (unit == units[i].unit)
			return n > INT64_MAX / units[i].ns ? INT64_MAX : n * units[i].ns;
	return -1;
}

int32_t grpc_status(struct bytes value)
{
	int64_t n;

	return value.len <= 9 && parse_digits(value, 9, &n) ? (int32_t)n : -1;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void grpc_unescape(struct bytes value, struct buf *out)
{
	uint8_t c;

	while (bytes_get_u8(&value, &c)) {
		struct bytes escape = value;
		uint8_t high, low;

		if (c == '%' && bytes_get_u8(&escape, &high) && bytes_get_u8(&escape, &low) &&
		    hex_digit(high) >= 0 && hex_digit(low) >= 0) {
			c = (uint8_t)(hex_digit(high) << 4 | hex_digit(low));
			value = escape;
		}
		buf_putc(out, (char)c);
	}
}

bool grpc_split_path(struct bytes path, struct bytes *service, struct bytes *method)
{
	const uint8_t *slash;

	if (path.len < 4 || path.p[0] != '/')
		return false;
	path = bytes_of(path.p + 1, path.len - 1);
	slash = memrchr(path.p, '/', path.len);
	if (!slash || slash == path.p || slash == path.p + path.len - 1)
		return false;
	*service = bytes_of(path.p, (size_t)(slash - path.p));
	*method = bytes_of(slash + 1, (size_t)(path.p + path.len - slash - 1));
	return true;
}
