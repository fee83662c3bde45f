/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/http1_head.h"

#include <errno.h>
#include <stdlib.h>

#include "util/limits.h"
#include "util/xalloc.h"

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

bool http1_same(struct bytes a, struct bytes b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (a.p[i] != b.p[i] && lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

enum { TOKEN = 1, CONTROL = 2 };

/* tchar of RFC 9110 §5.6.2; and what a field value may not hold, §5.5. */
static const uint8_t class_of[256] = {
	[0 ... 8] = CONTROL, [10 ... 31] = CONTROL, [127] = CONTROL,
	['0' ... '9'] = TOKEN, ['A' ... 'Z'] = TOKEN, ['a' ... 'z'] = TOKEN,
	['!'] = TOKEN, ['#'] = TOKEN, ['$'] = TOKEN, ['%'] = TOKEN, ['&'] = TOKEN, ['\''] = TOKEN,
	['*'] = TOKEN, ['+'] = TOKEN, ['-'] = TOKEN, ['.'] = TOKEN, ['^'] = TOKEN, ['_'] = TOKEN,
	['`'] = TOKEN, ['|'] = TOKEN, ['~'] = TOKEN,
};

static bool is_token(struct bytes b)
{
	uint8_t all = TOKEN;

	for (size_t i = 0; i < b.len; i++)
		all &= class_of[b.p[i]];
	return all && b.len > 0;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct bytes trim(struct bytes b)
{
	while (b.len && is_blank(b.p[0])) {
		b.p++;
		b.len--;
	}
	while (b.len && is_blank(b.p[b.len - 1]))
		b.len--;
	return b;
}

/* Cuts up to the first c off the front, and the c itself; all of it and false if there is none. */
static bool take_until(struct bytes *b, uint8_t c, struct bytes *head)
{
	const uint8_t *at = b->len ? memchr(b->p, c, b->len) : NULL;

	if (!at) {
		*head = *b;
		*b = bytes_of(b->p + b->len, 0);
		return false;
	}
	*head = bytes_of(b->p, (size_t)(at - b->p));
	b->len -= head->len + 1;
	b->p = at + 1;
	return true;
}

static void blame(const char **why, const char *what)
{
	if (!*why)
		*why = what;
}

/* Cuts the next line off, without its CRLF or LF. */
static struct bytes take_line(struct bytes *b, const char **why)
{
	struct bytes line;

	if (!take_until(b, '\n', &line))
		return line;
	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	else
		blame(why, "a line ends in a bare LF, RFC 9112 §2.2");
	return line;
}

void http1_fields_release(struct http1_fields *f)
{
	free(f->v);
	*f = (struct http1_fields){ 0 };
}

static int add_field(struct http1_fields *f, struct http1_field field)
{
	if (f->cnt == LIMIT_HTTP1_FIELDS)
		return -E2BIG;
	if (f->cnt == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 16;
		f->v = xrealloc(f->v, f->cap * sizeof(*f->v));
	}
	f->v[f->cnt++] = field;
	return 0;
}

static void check_value(struct bytes value, const char **why)
{
	uint8_t any = 0;

	for (size_t i = 0; i < value.len; i++)
		any |= class_of[value.p[i]];
	if (any & CONTROL)
		blame(why, "a control character in a field value, RFC 9110 §5.5");
}

static struct http1_field parse_field(struct bytes line, const char **why)
{
	struct http1_field field = { 0 };
	struct bytes name;

	if (!take_until(&line, ':', &field.name)) {
		blame(why, "a field line without a colon, RFC 9112 §5");
		return field;
	}
	field.value = trim(line);
	name = trim(field.name);
	if (name.len < field.name.len)
		blame(why, "blanks around a field name, RFC 9112 §5.1");
	if (!is_token(name))
		blame(why, "a field name that is no token, RFC 9110 §5.1");
	check_value(field.value, why);
	return field;
}

/* Makes a continuation line part of the field before it; the value keeps the line break. */
static void fold(struct http1_field *field, struct bytes line)
{
	const uint8_t *end = line.p + line.len;

	if (!field->value.p) /* a colon may yet come in the folded part: too odd to look for */
		field->name.len = (size_t)(end - field->name.p);
	else if (!field->value.len)
		field->value = trim(line);
	else
		field->value.len = (size_t)(end - field->value.p);
}

int http1_fields_parse(struct bytes block, struct http1_fields *fields, const char **why)
{
	int rc;

	fields->cnt = 0;
	while (block.len) {
		const uint8_t *start = block.p;
		struct bytes line = take_line(&block, why);
		struct http1_field field;

		if (!line.len)
			break;
		if (is_blank(line.p[0]) && fields->cnt) {
			blame(why, "a folded field line, RFC 9112 §5.2");
			fold(&fields->v[fields->cnt - 1], line);
			fields->v[fields->cnt - 1].wire_len += (uint32_t)(block.p - start);
			continue;
		}
		if (is_blank(line.p[0]))
			blame(why, "blanks before the first field line, RFC 9112 §2.2");
		field = parse_field(line, why);
		field.wire_len = (uint32_t)(block.p - start);
		rc = add_field(fields, field);
		if (rc)
			return rc;
	}
	return 0;
}

const struct http1_field *http1_field_find(const struct http1_fields *f, struct bytes name)
{
	for (uint32_t i = 0; i < f->cnt; i++)
		if (f->v[i].value.p && http1_same(trim(f->v[i].name), name))
			return &f->v[i];
	return NULL;
}

bool http1_list_has(struct bytes list, struct bytes token)
{
	struct bytes item;
	bool more;

	do {
		more = take_until(&list, ',', &item);
		if (http1_same(trim(item), token))
			return true;
	} while (more);
	return false;
}

/* "HTTP/1.1": gives "1.1". */
static bool parse_version(struct bytes word, struct bytes *version)
{
	if (!bytes_has_prefix(word, BYTES_LIT("HTTP/")) || word.len < 8)
		return false;
	*version = bytes_of(word.p + 5, word.len - 5);
	for (size_t i = 0; i < version->len; i++)
		if (!is_digit(version->p[i]) && version->p[i] != '.')
			return false;
	return is_digit(version->p[0]);
}

static void check_version(struct bytes version, const char **why)
{
	if (version.len != 3 || version.p[0] != '1' || version.p[1] != '.' || version.p[2] > '1')
		blame(why, "neither HTTP/1.0 nor HTTP/1.1, RFC 9112 §2.3");
}

static const struct bytes known_methods[] = {
	BYTES_LIT("GET"),     BYTES_LIT("POST"),    BYTES_LIT("PUT"),
	BYTES_LIT("HEAD"),    BYTES_LIT("DELETE"),  BYTES_LIT("OPTIONS"),
	BYTES_LIT("PATCH"),   BYTES_LIT("CONNECT"), BYTES_LIT("TRACE"),
};
#define KNOWN_METHODS (sizeof(known_methods) / sizeof(known_methods[0]))

static bool is_known_method(struct bytes word)
{
	for (size_t i = 0; i < KNOWN_METHODS; i++)
		if (bytes_equal(word, known_methods[i]))
			return true;
	return false;
}

/* Cuts the last word off the end; the blanks before it too. */
static struct bytes take_last_word(struct bytes *b)
{
	size_t at = b->len;
	struct bytes word;

	while (at && !is_blank(b->p[at - 1]))
		at--;
	word = bytes_of(b->p + at, b->len - at);
	b->len = at;
	*b = trim(*b);
	return word;
}

/* The four forms of RFC 9112 §3.2: a path, a whole URI, a host and port, an asterisk. */
static void check_target(const struct http1_head *h, const char **why)
{
	struct bytes t = h->target;

	if (!t.len || memchr(t.p, ' ', t.len))
		blame(why, "a request-target that is empty or holds blanks, RFC 9112 §3.2");
	else if (t.p[0] != '/' && !bytes_equal(t, BYTES_LIT("*")) && !memmem(t.p, t.len, "://", 3) &&
		 !bytes_equal(h->method, BYTES_LIT("CONNECT")))
		blame(why, "a request-target of none of the four forms, RFC 9112 §3.2");
	check_value(t, why);
}

/* request-line = method SP request-target SP HTTP-version, RFC 9112 §3. The target may hold
 * blanks although it must not: the version is looked for at the end. */
static int parse_request_line(struct bytes line, struct http1_head *out, const char **why)
{
	struct bytes rest = line;
	struct bytes before;

	if (!take_until(&rest, ' ', &out->method) || !is_token(out->method)) {
		*why = "no request-line, RFC 9112 §3";
		return -EPROTO;
	}
	before = rest;
	if (parse_version(take_last_word(&before), &out->version)) {
		out->target = before;
		check_version(out->version, &out->why);
	} else if (is_known_method(out->method)) {
		out->target = trim(rest);
		blame(&out->why, "a request-line without HTTP version, RFC 9112 §3");
	} else {
		*why = "no request-line, RFC 9112 §3";
		return -EPROTO;
	}
	check_target(out, &out->why);
	return 0;
}

/* status-line = HTTP-version SP status-code SP [ reason-phrase ], RFC 9112 §4. */
static int parse_status_line(struct bytes line, struct http1_head *out, const char **why)
{
	struct bytes word;
	bool more;

	*why = "no status-line, RFC 9112 §4";
	if (!take_until(&line, ' ', &word) || !parse_version(word, &out->version))
		return -EPROTO;
	while (line.len && is_blank(line.p[0])) {
		blame(&out->why, "more than one blank before the status, RFC 9112 §4");
		line.p++;
		line.len--;
	}
	more = take_until(&line, ' ', &word);
	if (word.len != 3 || !is_digit(word.p[0]) || !is_digit(word.p[1]) || !is_digit(word.p[2]))
		return -EPROTO;
	if (!more)
		blame(&out->why, "no blank after the status, RFC 9112 §4");
	out->status = (word.p[0] - '0') * 100 + (word.p[1] - '0') * 10 + (word.p[2] - '0');
	out->reason = line;
	check_version(out->version, &out->why);
	check_value(out->reason, &out->why);
	return 0;
}

/* Digits only, RFC 9110 §8.6; -1 if it is no number, or none that fits. */
static int64_t parse_length(struct bytes value)
{
	int64_t n = 0;

	for (size_t i = 0; i < value.len; i++) {
		if (!is_digit(value.p[i]) || n > (INT64_MAX - 9) / 10)
			return -1;
		n = n * 10 + (value.p[i] - '0');
	}
	return value.len ? n : -1;
}

/* A Content-Length may be a list of equal numbers, RFC 9112 §6.3 rule 5. */
static bool take_length(struct bytes value, struct http1_head *out)
{
	struct bytes item;
	bool more;

	do {
		int64_t n;

		more = take_until(&value, ',', &item);
		n = parse_length(trim(item));
		if (n < 0 || (out->content_length >= 0 && out->content_length != n))
			return false;
		out->content_length = n;
	} while (more);
	return true;
}

/* What the field lines say of framing and connection, gathered over all of them. */
struct said {
	bool length, bad_length;
	bool transfer, last_is_chunked;
	bool close, keep_alive;
};

/* "identity" is what RFC 2616 called no coding at all; parameters, which chunked has none of,
 * are passed over as clients do. */
static void take_transfer(struct bytes value, struct said *said, const char **why)
{
	struct bytes item, coding;
	bool more;

	do {
		more = take_until(&value, ',', &item);
		take_until(&item, ';', &coding);
		coding = trim(coding);
		if (http1_same(coding, BYTES_LIT("identity"))) {
			blame(why, "identity is no transfer coding, RFC 9112 §7");
			continue;
		}
		said->transfer = true;
		if (coding.len)
			said->last_is_chunked = http1_same(coding, BYTES_LIT("chunked"));
	} while (more);
}

static void keep_first(struct bytes *slot, struct bytes value)
{
	if (!slot->p)
		*slot = value;
}

static void take_host(struct http1_head *out, struct bytes value)
{
	if (out->host.p)
		blame(&out->why, "more than one Host, RFC 9112 §3.2");
	keep_first(&out->host, value);
}

static void take_meaning(const struct http1_field *f, struct http1_head *out, struct said *said)
{
	struct bytes name = trim(f->name);

	if (http1_same(name, BYTES_LIT("content-length"))) {
		said->length = true;
		said->bad_length |= !take_length(f->value, out);
	} else if (http1_same(name, BYTES_LIT("transfer-encoding"))) {
		take_transfer(f->value, said, &out->why);
	} else if (http1_same(name, BYTES_LIT("connection"))) {
		said->close |= http1_list_has(f->value, BYTES_LIT("close"));
		said->keep_alive |= http1_list_has(f->value, BYTES_LIT("keep-alive"));
	} else if (http1_same(name, BYTES_LIT("host"))) {
		take_host(out, f->value);
	} else if (http1_same(name, BYTES_LIT("upgrade"))) {
		keep_first(&out->upgrade, f->value);
	} else if (http1_same(name, BYTES_LIT("content-type"))) {
		keep_first(&out->content_type, f->value);
	} else if (http1_same(name, BYTES_LIT("content-encoding"))) {
		keep_first(&out->content_encoding, f->value);
	}
}

/* RFC 9112 §6.3, but for the rules that need the request (HEAD, CONNECT). */
static enum http1_framing framing_of(struct http1_head *out, const struct said *said)
{
	if (out->is_response && (out->status < 200 || out->status == 204 || out->status == 304))
		return HTTP1_NO_BODY;
	if (said->transfer) {
		if (said->length)
			blame(&out->why, "both Content-Length and Transfer-Encoding, "
					 "RFC 9112 §6.3");
		if (said->last_is_chunked)
			return HTTP1_CHUNKED;
		if (out->is_response)
			return HTTP1_UNTIL_CLOSE;
		blame(&out->why, "a request whose last transfer coding is not chunked, "
				 "RFC 9112 §6.3");
		return HTTP1_UNKNOWN;
	}
	if (said->bad_length) {
		blame(&out->why, "Content-Length is no number or two numbers, RFC 9112 §6.3");
		out->content_length = -1;
		return out->is_response ? HTTP1_UNTIL_CLOSE : HTTP1_UNKNOWN;
	}
	if (said->length)
		return out->content_length ? HTTP1_LENGTH : HTTP1_NO_BODY;
	return out->is_response ? HTTP1_UNTIL_CLOSE : HTTP1_NO_BODY;
}

int http1_head_parse(struct bytes block, bool is_response, struct http1_head *out,
		     struct http1_fields *fields, const char **why)
{
	struct http1_head head = { .is_response = is_response, .status = -1,
				   .content_length = -1, .wire_len = (uint32_t)block.len };
	struct said said = { 0 };
	struct bytes line;
	int rc;

	line = take_line(&block, &head.why);
	rc = is_response ? parse_status_line(line, &head, why) : parse_request_line(line, &head, why);
	if (rc)
		return rc;
	rc = http1_fields_parse(block, fields, &head.why);
	if (rc) {
		*why = "more field lines than spf keeps";
		return rc;
	}
	for (uint32_t i = 0; i < fields->cnt; i++)
		take_meaning(&fields->v[i], &head, &said);
	head.framing = framing_of(&head, &said);
	head.keep_alive = !said.close && (said.keep_alive ||
					  (head.version.len == 3 && head.version.p[2] != '0'));
	*out = head;
	return 0;
}

/* "HTTP/1.0" or "HTTP/1.1" */
static bool is_http1(struct bytes word)
{
	return word.len == 8 && bytes_has_prefix(word, BYTES_LIT("HTTP/1.")) &&
	       (word.p[7] == '0' || word.p[7] == '1');
}

/* "HTTP/1.1 200" and a blank or the end, the last such in the line. */
static bool find_status_line(struct bytes line, size_t *off)
{
	for (size_t i = line.len; i-- > 0;) {
		struct bytes rest = bytes_of(line.p + i, line.len - i);
		struct bytes word, blank, status;

		if (!bytes_take(&rest, 8, &word) || !is_http1(word) ||
		    !bytes_take(&rest, 1, &blank) || blank.p[0] != ' ' ||
		    !bytes_take(&rest, 3, &status) || (rest.len && rest.p[0] != ' '))
			continue;
		if (status.p[0] < '1' || status.p[0] > '5' || !is_digit(status.p[1]) ||
		    !is_digit(status.p[2]))
			continue;
		*off = i;
		return true;
	}
	return false;
}

static bool find_request_line(struct bytes line, size_t *off)
{
	struct bytes rest = line;
	struct bytes target;

	if (!line.len || is_blank(line.p[line.len - 1]) || !is_http1(take_last_word(&rest)))
		return false;
	target = take_last_word(&rest);
	if (!target.len)
		return false;
	for (size_t i = 0; i < KNOWN_METHODS; i++) {
		struct bytes m = known_methods[i];

		if (rest.len < m.len || memcmp(rest.p + rest.len - m.len, m.p, m.len) != 0)
			continue;
		*off = (size_t)(rest.p + rest.len - line.p) - m.len;
		return true;
	}
	return false;
}

bool http1_find_start(struct bytes line, bool is_response, size_t *off)
{
	if (line.len && line.p[line.len - 1] == '\r')
		line.len--;
	return is_response ? find_status_line(line, off) : find_request_line(line, off);
}
