/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/http2_message.h"

/* What a field is to a message, by its name. */
enum field {
	REGULAR,
	METHOD,
	SCHEME,
	AUTHORITY,
	PATH, /* as enum h2_message_part */
	PROTOCOL,
	STATUS,
	OTHER_PSEUDO,
	CONTENT_TYPE,
	CONTENT_LENGTH,
	HOST,
	TE,
	HTTP1,
	CONNECT, /* no field, but a bit of h2_message.pseudo: what :method is */
};

/* Inline, so that the length of a literal is a constant and differs from most names. */
static inline bool is(struct bytes b, const char *text)
{
	return bytes_equal(b, bytes_str(text));
}

static enum field pseudo_by_name(struct bytes name)
{
	return is(name, ":method")	? METHOD
	       : is(name, ":scheme")	? SCHEME
	       : is(name, ":authority") ? AUTHORITY
	       : is(name, ":path")	? PATH
	       : is(name, ":protocol")	? PROTOCOL /* RFC 8441 §4 */
	       : is(name, ":status")	? STATUS
					: OTHER_PSEUDO;
}

static enum field field_by_name(struct bytes name)
{
	switch (name.len ? name.p[0] : 0) {
	case ':':
		return pseudo_by_name(name);
	case 'c':
		return is(name, "content-type")	    ? CONTENT_TYPE
		       : is(name, "content-length") ? CONTENT_LENGTH
		       : is(name, "connection")	    ? HTTP1
						    : REGULAR;
	case 'h':
		return is(name, "host") ? HOST : REGULAR;
	case 'k':
		return is(name, "keep-alive") ? HTTP1 : REGULAR;
	case 'p':
		return is(name, "proxy-connection") ? HTTP1 : REGULAR;
	case 't':
		return is(name, "te") ? TE : is(name, "transfer-encoding") ? HTTP1 : REGULAR;
	case 'u':
		return is(name, "upgrade") ? HTTP1 : REGULAR;
	}
	return REGULAR;
}

/* Names of the static table go by their number there (hpack_table.h). */
static inline enum field field_of(const struct header *f, struct bytes name)
{
	static const uint8_t by_id[HPACK_STATIC_CNT + 1] = {
		[1] = AUTHORITY,       [2] = METHOD,	    [4] = PATH,	 [6] = SCHEME, [8] = STATUS,
		[28] = CONTENT_LENGTH, [31] = CONTENT_TYPE, [38] = HOST, [57] = HTTP1,
	};

	return f->name_id - 1 < HPACK_STATIC_CNT ? by_id[f->name_id] : field_by_name(name);
}

static void violates(struct h2_message *m, const char *why)
{
	if (!m->why)
		m->why = why;
}

static void check_name(struct h2_message *m, struct bytes name)
{
	static const bool allowed[256] = {
		['!' ... '9'] = true,
		[';' ... '@'] = true,
		['[' ... '~'] = true,
	};
	bool bad = false, upper = false;

	if (!name.len)
		violates(m, "empty field name: stream error PROTOCOL_ERROR (RFC 9113 §8.2.1)");
	for (size_t i = 0; i < name.len; i++)
		bad |= !allowed[name.p[i]];
	for (size_t i = 0; bad && i < name.len; i++)
		upper |= name.p[i] >= 'A' && name.p[i] <= 'Z';
	if (bad)
		violates(m, upper ? "upper case in a field name: "
				    "stream error PROTOCOL_ERROR (RFC 9113 §8.2.1)"
				  : "character not allowed in a field name: "
				    "stream error PROTOCOL_ERROR (RFC 9113 §8.2.1)");
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

static void check_value(struct h2_message *m, struct bytes value)
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
		violates(m, "NUL, CR or LF in a field value: "
			    "stream error PROTOCOL_ERROR (RFC 9113 §8.2.1)");
	if (value.len && (is_blank(value.p[0]) || is_blank(value.p[value.len - 1])))
		violates(m, "field value begins or ends with a blank: "
			    "stream error PROTOCOL_ERROR (RFC 9113 §8.2.1)");
}

static int status_of(struct bytes v)
{
	if (v.len != 3)
		return -1;
	for (int i = 0; i < 3; i++)
		if (v.p[i] < '0' || v.p[i] > '9')
			return -1;
	return (v.p[0] - '0') * 100 + (v.p[1] - '0') * 10 + v.p[2] - '0';
}

static int64_t length_of(struct bytes v)
{
	int64_t n = 0;
	uint8_t c;

	if (!v.len || v.len > 18)
		return -2; /* said, but no number: a second one does not count */
	while (bytes_get_u8(&v, &c)) {
		if (c < '0' || c > '9')
			return -2;
		n = n * 10 + (c - '0');
	}
	return n;
}

static void read_part(struct h2_message *m, enum field field, struct bytes value, uint8_t unknown)
{
	struct bytes *part = &m->parts[field - METHOD];

	if (part->p)
		return;
	*part = value;
	if (field == PATH)
		m->path_unknown = unknown;
}

static inline void read_pseudo(struct h2_message *m, enum field field, struct bytes value)
{
	if (m->pseudo >> field & 1)
		violates(m, "pseudo-field twice: stream error PROTOCOL_ERROR (RFC 9113 §8.3)");
	m->pseudo |= 1u << field;
	if (field == STATUS) {
		m->response = true;
		m->status = status_of(value);
	}
	if (field > PATH)
		return;
	m->request = true;
	if (field == PATH && !value.len)
		violates(m, "empty :path: stream error PROTOCOL_ERROR (RFC 9113 §8.3.1)");
	if (field == METHOD && is(value, "CONNECT"))
		m->pseudo |= 1u << CONNECT;
	read_part(m, field, value, 0);
}

static inline void read_regular(struct h2_message *m, enum field field, const struct header *f,
				struct bytes name, struct bytes value)
{
	if (!f->indexed) { /* else it was looked at when it came as a literal, or is static */
		if (f->name_id - 1 >= HPACK_STATIC_CNT)
			check_name(m, name);
		check_value(m, value);
	}
	switch (field) {
	case CONTENT_TYPE:
		m->is_grpc = bytes_has_prefix(value, BYTES_LIT("application/grpc"));
		break;
	case CONTENT_LENGTH:
		if (m->content_length == -1)
			m->content_length = length_of(value);
		break;
	case HOST:
		read_part(m, AUTHORITY, value, 0);
		break;
	case TE: /* RFC 9113 §8.2.2, likewise the next */
		if (!is(value, "trailers"))
			violates(m, "te with something else than trailers: "
				    "stream error PROTOCOL_ERROR (RFC 9113 §8.2.2)");
		break;
	case HTTP1:
		violates(m, "field of HTTP/1 connections: "
			    "stream error PROTOCOL_ERROR (RFC 9113 §8.2.2)");
		break;
	default:
		break;
	}
}

/* Fields that are not known, or only by what a script said of their symbols. */
struct guess {
	struct bytes path; /* the first value that begins with a slash and has an unknown name */
	size_t len;	   /* of m->symbols: of the fields in front whose names are unknown */
};

static void read_unknown(struct h2_message *m, const struct header *f, struct bytes name,
			 struct bytes value, bool may_be_part, struct guess *g)
{
	m->unknown = true;
	if (f->unknown == HEADER_HINTED) {
		enum field field = field_of(f, name);

		if (field >= METHOD && field <= PATH)
			read_part(m, field, value, 2);
	} else if (f->unknown == 3 && value.len && value.p[0] == '/' && !g->path.p) {
		g->path = value;
	} else if (may_be_part) {
		size_t len = value.len < HPACK_SYMBOL_LEN ? value.len : 0;

		memcpy(m->symbols + g->len, value.p, len);
		g->len += len;
		m->symbols[g->len++] = ' ';
	}
}

/* A path that is not there by name is likely the one value that begins with a slash, and else one
 * of the fields at the front whose names are unknown: then it is shown as their symbols. Either way
 * it is marked. */
static void guess_path(struct h2_message *m, const struct guess *g)
{
	if (m->parts[H2_PATH].p || (!g->path.p && !g->len))
		return;
	m->parts[H2_PATH] = g->path.p ? g->path : bytes_of(m->symbols, g->len - 1);
	m->path_unknown = 1;
}

void h2_message_read(const struct hpack_list *l, struct h2_message *m)
{
	struct guess guess = { 0 };
	bool regular = false;

	/* member by member: m->symbols need not be cleared */
	m->request = m->response = m->is_grpc = false;
	m->status = -1;
	m->content_length = -1;
	m->path_unknown = 0;
	memset(m->parts, 0, sizeof(m->parts));
	m->unknown = l->cut > 0;
	m->pseudo = 0;
	m->why = NULL;
	for (uint32_t i = 0; i < l->cnt; i++) {
		const struct header *f = &l->v[i];
		struct bytes name = hpack_text(l, f->name), value = hpack_text(l, f->value);
		enum field field;

		if (f->unknown) {
			read_unknown(m, f, name, value, !regular && i < H2_PARTS, &guess);
			continue;
		}
		field = field_of(f, name);
		if (field == REGULAR && f->indexed) { /* what most are */
			regular = true;
		} else if (field < METHOD || field > OTHER_PSEUDO) {
			regular = true;
			read_regular(m, field, f, name, value);
		} else if (!regular) {
			read_pseudo(m, field, value);
		} else {
			violates(m, "pseudo-field after a regular field: "
				    "stream error PROTOCOL_ERROR (RFC 9113 §8.3)");
			if (field <= PATH)
				read_part(m, field, value, 0);
		}
	}
	guess_path(m, &guess);
}

static const char *missing_pseudo(enum h2_message_kind kind, uint32_t seen)
{
	bool connect = seen & 1u << CONNECT && !(seen & 1u << PROTOCOL);

	if (kind == H2_RESPONSE && !(seen & 1u << STATUS))
		return "response without :status: stream error PROTOCOL_ERROR (RFC 9113 §8.3.2)";
	if (kind != H2_REQUEST)
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
	return seen & 1u << PATH ? NULL
				 : "request without :path: "
				   "stream error PROTOCOL_ERROR (RFC 9113 §8.3.1)";
}

const char *h2_message_violation(const struct h2_message *m, enum h2_message_kind kind)
{
	static const uint32_t allowed[] = {
		[H2_REQUEST] = 1u << METHOD | 1u << SCHEME | 1u << AUTHORITY | 1u << PATH |
			       1u << PROTOCOL | 1u << CONNECT,
		[H2_RESPONSE] = 1u << STATUS,
		[H2_TRAILERS] = 0,
	};

	if (m->pseudo & ~allowed[kind])
		return kind == H2_TRAILERS ? "pseudo-field in trailers: stream error "
					     "PROTOCOL_ERROR (RFC 9113 §8.1)"
					   : "pseudo-field that does not belong here: "
					     "stream error PROTOCOL_ERROR (RFC 9113 §8.3)";
	if (m->why)
		return m->why;
	return m->unknown ? NULL : missing_pseudo(kind, m->pseudo);
}
