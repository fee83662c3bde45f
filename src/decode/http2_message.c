/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/http2_message.h"

enum pseudo { METHOD, SCHEME, AUTHORITY, PATH, PROTOCOL, STATUS, PSEUDOS, NO_PSEUDO };

static const struct {
	struct bytes name;
	enum h2_message_part part;
} pseudos[PSEUDOS] = {
	[METHOD] = { { (const uint8_t *)":method", 7 }, H2_REQUEST_FIELDS },
	[SCHEME] = { { (const uint8_t *)":scheme", 7 }, H2_REQUEST_FIELDS },
	[AUTHORITY] = { { (const uint8_t *)":authority", 10 }, H2_REQUEST_FIELDS },
	[PATH] = { { (const uint8_t *)":path", 5 }, H2_REQUEST_FIELDS },
	[PROTOCOL] = { { (const uint8_t *)":protocol", 9 }, H2_REQUEST_FIELDS }, /* RFC 8441 §4 */
	[STATUS] = { { (const uint8_t *)":status", 7 }, H2_RESPONSE_FIELDS },
};

/* Inline, so that the length of a literal is a constant and differs from most names. */
static inline bool is(struct bytes b, const char *text)
{
	return bytes_equal(b, bytes_str(text));
}

static const char *name_violation(struct bytes name)
{
	if (!name.len)
		return "empty field name: stream error PROTOCOL_ERROR (RFC 9113 §8.2.1)";
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.p[i];

		if (c >= 'A' && c <= 'Z')
			return "upper case in a field name: "
					"stream error PROTOCOL_ERROR (RFC 9113 §8.2.1)";
		if (c <= ' ' || c >= 0x7f || c == ':')
			return "character not allowed in a field name: "
					"stream error PROTOCOL_ERROR (RFC 9113 §8.2.1)";
	}
	return NULL;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool is_forbidden(uint8_t c)
{
	return c == 0 || c == '\n' || c == '\r';
}

/* Whether a byte of eight is forbidden: x - 01…01 & ~x has a top bit where a byte of x is 0. */
static bool any_forbidden(uint64_t v)
{
	const uint64_t ones = 0x0101010101010101, lf = v ^ ones * '\n', cr = v ^ ones * '\r';

	return (((v - ones) & ~v) | ((lf - ones) & ~lf) | ((cr - ones) & ~cr)) & ones << 7;
}

static const char *value_violation(struct bytes value)
{
	bool bad = false;
	size_t i = 0;
	uint64_t v;

	for (; i + sizeof(v) <= value.len; i += sizeof(v)) {
		memcpy(&v, value.p + i, sizeof(v));
		bad |= any_forbidden(v);
	}
	for (; i < value.len; i++)
		bad |= is_forbidden(value.p[i]);
	if (bad)
		return "NUL, CR or LF in a field value: "
				"stream error PROTOCOL_ERROR (RFC 9113 §8.2.1)";
	if (value.len && (is_blank(value.p[0]) || is_blank(value.p[value.len - 1])))
		return "field value begins or ends with a blank: "
				"stream error PROTOCOL_ERROR (RFC 9113 §8.2.1)";
	return NULL;
}

/* RFC 9113 §8.2.2 */
static const char *connection_violation(struct bytes name, struct bytes value)
{
	bool http1 = false;

	switch (name.len ? name.p[0] : 0) {
	case 'c':
		http1 = is(name, "connection");
		break;
	case 'k':
		http1 = is(name, "keep-alive");
		break;
	case 'p':
		http1 = is(name, "proxy-connection");
		break;
	case 't':
		http1 = is(name, "transfer-encoding");
		if (is(name, "te") && !is(value, "trailers"))
			return "te with something else than trailers: "
					"stream error PROTOCOL_ERROR (RFC 9113 §8.2.2)";
		break;
	case 'u':
		http1 = is(name, "upgrade");
		break;
	}
	return http1 ? "field of HTTP/1 connections: "
			"stream error PROTOCOL_ERROR (RFC 9113 §8.2.2)" : NULL;
}

/* Names of the static table go by their number there (hpack_table.h). */
static enum pseudo pseudo_of(const struct header *f, struct bytes name)
{
	static const uint8_t by_id[] = { [1] = AUTHORITY + 1,
					 [2] = METHOD + 1,
					 [4] = PATH + 1,
					 [6] = SCHEME + 1,
					 [8] = STATUS + 1 };

	if (f->name_id < sizeof(by_id) && by_id[f->name_id])
		return by_id[f->name_id] - 1;
	for (int i = 0; i < PSEUDOS; i++)
		if (bytes_equal(name, pseudos[i].name))
			return i;
	return NO_PSEUDO;
}

static const char *pseudo_violation(const struct header *f, struct bytes name, struct bytes value,
				    enum h2_message_part part, unsigned *seen)
{
	enum pseudo p = pseudo_of(f, name);

	if (part == H2_TRAILER_FIELDS)
		return "pseudo-field in trailers: stream error PROTOCOL_ERROR (RFC 9113 §8.1)";
	if (p == NO_PSEUDO || pseudos[p].part != part)
		return "pseudo-field that does not belong here: "
				"stream error PROTOCOL_ERROR (RFC 9113 §8.3)";
	if (*seen & 1u << p)
		return "pseudo-field twice: stream error PROTOCOL_ERROR (RFC 9113 §8.3)";
	*seen |= 1u << p;
	if (p == PATH && !value.len)
		return "empty :path: stream error PROTOCOL_ERROR (RFC 9113 §8.3.1)";
	if (p == METHOD && is(value, "CONNECT"))
		*seen |= 1u << PSEUDOS;
	return NULL;
}

static const char *missing_pseudo(enum h2_message_part part, unsigned seen)
{
	bool connect = seen & 1u << PSEUDOS && !(seen & 1u << PROTOCOL);

	if (part == H2_RESPONSE_FIELDS && !(seen & 1u << STATUS))
		return "response without :status: stream error PROTOCOL_ERROR (RFC 9113 §8.3.2)";
	if (part != H2_REQUEST_FIELDS)
		return NULL;
	if (!(seen & 1u << METHOD))
		return "request without :method: stream error PROTOCOL_ERROR (RFC 9113 §8.3.1)";
	if (connect)
		return seen & (1u << SCHEME | 1u << PATH)
			       ? "CONNECT with :scheme or :path: "
			         "stream error PROTOCOL_ERROR (RFC 9113 §8.5)"
			       : NULL;
	if (!(seen & 1u << SCHEME))
		return "request without :scheme: stream error PROTOCOL_ERROR (RFC 9113 §8.3.1)";
	return seen & 1u << PATH ? NULL : "request without :path: "
			"stream error PROTOCOL_ERROR (RFC 9113 §8.3.1)";
}

static const char *field_violation(const struct header *f, struct bytes name, struct bytes value)
{
	const char *why = NULL;

	if (f->indexed) /* was looked at when it came as a literal, or is of the static table */
		return connection_violation(name, value);
	if (!f->name_id || f->name_id > HPACK_STATIC_CNT)
		why = name_violation(name);
	if (!why)
		why = value_violation(value);
	return why ? why : connection_violation(name, value);
}

const char *h2_message_violation(const struct hpack_list *l, enum h2_message_part part)
{
	bool regular = false, unknown = l->cut > 0;
	unsigned seen = 0;

	for (uint32_t i = 0; i < l->cnt; i++) {
		const struct header *f = &l->v[i];
		struct bytes name = hpack_text(l, f->name), value = hpack_text(l, f->value);
		const char *why;

		if (f->unknown) {
			unknown = true;
			continue;
		}
		if (name.len && name.p[0] == ':') {
			why = regular ? "pseudo-field after a regular field: "
					"stream error PROTOCOL_ERROR (RFC 9113 §8.3)"
				      : pseudo_violation(f, name, value, part, &seen);
		} else {
			regular = true;
			why = field_violation(f, name, value);
		}
		if (why)
			return why;
	}
	return unknown ? NULL : missing_pseudo(part, seen);
}

int64_t h2_message_content_length(const struct hpack_list *l)
{
	for (uint32_t i = 0; i < l->cnt; i++) {
		const struct header *f = &l->v[i];
		struct bytes v = hpack_text(l, f->value);
		int64_t n = 0;
		uint8_t c;

		if (f->unknown || !is(hpack_text(l, f->name), "content-length"))
			continue;
		if (!v.len || v.len > 18)
			return -1;
		while (bytes_get_u8(&v, &c)) {
			if (c < '0' || c > '9')
				return -1;
			n = n * 10 + (c - '0');
		}
		return n;
	}
	return -1;
}
