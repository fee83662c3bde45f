/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/http1_head.h"

#include <errno.h>

#include "decode/http1_line.h"

/* "HTTP/1.1": gives "1.1". */
static bool parse_version(struct bytes word, struct bytes *version)
{
	if (!bytes_has_prefix(word, BYTES_LIT("HTTP/")) || word.len < 8)
		return false;
	*version = bytes_of(word.p + 5, word.len - 5);
	for (size_t i = 0; i < version->len; i++)
		if (!http1_is_digit(version->p[i]) && version->p[i] != '.')
			return false;
	return http1_is_digit(version->p[0]);
}

static void check_version(struct bytes version, const char **why)
{
	if (version.len != 3 || version.p[0] != '1' || version.p[1] != '.' || version.p[2] > '1')
		http1_blame(why, "neither HTTP/1.0 nor HTTP/1.1, RFC 9112 §2.3");
}

static const struct bytes known_methods[] = {
	BYTES_LIT("GET"),   BYTES_LIT("POST"),	  BYTES_LIT("PUT"),
	BYTES_LIT("HEAD"),  BYTES_LIT("DELETE"),  BYTES_LIT("OPTIONS"),
	BYTES_LIT("PATCH"), BYTES_LIT("CONNECT"), BYTES_LIT("TRACE"),
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

	while (at && !http1_is_blank(b->p[at - 1]))
		at--;
	word = bytes_of(b->p + at, b->len - at);
	b->len = at;
	*b = http1_trim(*b);
	return word;
}

/* The four forms of RFC 9112 §3.2: a path, a whole URI, a host and port, an asterisk. */
static void check_target(const struct http1_head *h, const char **why)
{
	struct bytes t = h->target;

	if (!t.len || memchr(t.p, ' ', t.len))
		http1_blame(why, "a request-target that is empty or holds blanks, RFC 9112 §3.2");
	else if (t.p[0] != '/' && !bytes_equal(t, BYTES_LIT("*")) &&
		 !memmem(t.p, t.len, "://", 3) && !bytes_equal(h->method, BYTES_LIT("CONNECT")))
		http1_blame(why, "a request-target of none of the four forms, RFC 9112 §3.2");
	http1_check_value(t, why);
}

/* request-line = method SP request-target SP HTTP-version, RFC 9112 §3. The target may hold
 * blanks although it must not: the version is looked for at the end. */
static int parse_request_line(struct bytes line, struct http1_head *out, const char **why)
{
	struct bytes rest = line;
	struct bytes before;

	if (!http1_take_until(&rest, ' ', &out->method) || !http1_is_token(out->method)) {
		*why = "no request-line, RFC 9112 §3";
		return -EPROTO;
	}
	before = rest;
	if (parse_version(take_last_word(&before), &out->version)) {
		out->target = before;
		check_version(out->version, &out->why);
	} else if (is_known_method(out->method)) {
		out->target = http1_trim(rest);
		http1_blame(&out->why, "a request-line without HTTP version, RFC 9112 §3");
	} else {
		*why = "no request-line, RFC 9112 §3";
		return -EPROTO;
	}
	check_target(out, &out->why);
	return 0;
}

static int no_status_line(const char **why)
{
	*why = "no status-line, RFC 9112 §4";
	return -EPROTO;
}

/* status-line = HTTP-version SP status-code SP [ reason-phrase ], RFC 9112 §4. */
static int parse_status_line(struct bytes line, struct http1_head *out, const char **why)
{
	struct bytes word;
	bool more;

	if (!http1_take_until(&line, ' ', &word) || !parse_version(word, &out->version))
		return no_status_line(why);
	while (line.len && http1_is_blank(line.p[0])) {
		http1_blame(&out->why, "more than one blank before the status, RFC 9112 §4");
		line.p++;
		line.len--;
	}
	more = http1_take_until(&line, ' ', &word);
	if (word.len != 3 || !http1_is_digit(word.p[0]) || !http1_is_digit(word.p[1]) ||
	    !http1_is_digit(word.p[2]))
		return no_status_line(why);
	if (!more)
		http1_blame(&out->why, "no blank after the status, RFC 9112 §4");
	out->status = (word.p[0] - '0') * 100 + (word.p[1] - '0') * 10 + (word.p[2] - '0');
	out->reason = line;
	check_version(out->version, &out->why);
	http1_check_value(out->reason, &out->why);
	return 0;
}

/* "HTTP/1.0" or "HTTP/1.1" */
static bool is_usual_version(struct bytes word)
{
	return bytes_has_prefix(word, BYTES_LIT("HTTP/1.")) && word.len == 8 &&
	       (word.p[7] == '1' || word.p[7] == '0');
}

/* GET /path HTTP/1.1 CRLF, of which nothing is to be said. False: another line, nothing taken. */
static bool take_plain_request_line(struct bytes *in, struct http1_head *out)
{
	size_t method = http1_token_len(*in), at = method + 1, len;
	struct bytes version;

	if (!method || at >= in->len || in->p[method] != ' ' || in->p[at] != '/')
		return false;
	len = http1_plain_len(bytes_of(in->p + at, in->len - at));
	if (len < 10 || !http1_is_crlf(*in, at + len))
		return false;
	version = bytes_of(in->p + at + len - 8, 8);
	if (!is_usual_version(version) || memchr(in->p + at, ' ', len) != version.p - 1)
		return false;
	out->method = bytes_of(in->p, method);
	out->target = bytes_of(in->p + at, len - 9);
	out->version = bytes_of(version.p + 5, 3);
	http1_eat(in, at + len + 2);
	return true;
}

/* HTTP/1.1 200 OK CRLF, likewise. */
static bool take_plain_status_line(struct bytes *in, struct http1_head *out)
{
	const uint8_t *p = in->p;
	size_t len;

	if (in->len < 13 || !is_usual_version(bytes_of(p, 8)) || p[8] != ' ' ||
	    !http1_is_digit(p[9]) || !http1_is_digit(p[10]) || !http1_is_digit(p[11]) ||
	    p[12] != ' ')
		return false;
	len = http1_plain_len(bytes_of(p + 13, in->len - 13));
	if (!http1_is_crlf(*in, 13 + len))
		return false;
	out->version = bytes_of(p + 5, 3);
	out->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
	out->reason = bytes_of(p + 13, len);
	http1_eat(in, 13 + len + 2);
	return true;
}

int http1_start_take(struct bytes *in, bool is_response, struct http1_head *out, const char **why)
{
	struct bytes rest = *in, line;
	int rc;

	*out = (struct http1_head){ .is_response = is_response,
				    .status = -1,
				    .content_length = -1 };
	if (is_response ? take_plain_status_line(in, out) : take_plain_request_line(in, out))
		return 0;
	if (!http1_take_line(&rest, &line, &out->why))
		return -EAGAIN;
	rc = is_response ? parse_status_line(line, out, why) : parse_request_line(line, out, why);
	if (!rc)
		*in = rest;
	return rc;
}

/* Digits only, RFC 9110 §8.6; -1 if it is no number, or none that fits. */
static int64_t parse_length(struct bytes value)
{
	int64_t n = 0;

	for (size_t i = 0; i < value.len; i++) {
		if (!http1_is_digit(value.p[i]) || n > (INT64_MAX - 9) / 10)
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

		more = http1_take_until(&value, ',', &item);
		n = parse_length(http1_trim(item));
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
		more = http1_take_until(&value, ',', &item);
		http1_take_until(&item, ';', &coding);
		coding = http1_trim(coding);
		if (http1_same(coding, BYTES_LIT("identity"))) {
			http1_blame(why, "identity is no transfer coding, RFC 9112 §7");
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
		http1_blame(&out->why, "more than one Host, RFC 9112 §3.2");
	keep_first(&out->host, value);
}

/* A short way for the one option that is usual. */
static void take_connection(struct bytes value, struct said *said)
{
	bool only_keep_alive = http1_same(value, BYTES_LIT("keep-alive"));

	said->keep_alive |= only_keep_alive || http1_list_has(value, BYTES_LIT("keep-alive"));
	said->close |= !only_keep_alive && http1_list_has(value, BYTES_LIT("close"));
}

/* Names of other lengths mean nothing here. */
static void take_meaning(const struct http1_field *f, struct http1_head *out, struct said *said)
{
	struct bytes name = http1_trim(f->name);

	switch (name.len) {
	case 4:
		if (http1_same(name, BYTES_LIT("host")))
			take_host(out, f->value);
		break;
	case 7:
		if (http1_same(name, BYTES_LIT("upgrade")))
			keep_first(&out->upgrade, f->value);
		break;
	case 10:
		if (http1_same(name, BYTES_LIT("connection")))
			take_connection(f->value, said);
		break;
	case 12:
		if (http1_same(name, BYTES_LIT("content-type")))
			keep_first(&out->content_type, f->value);
		break;
	case 14:
		if (http1_same(name, BYTES_LIT("content-length"))) {
			said->length = true;
			said->bad_length |= !take_length(f->value, out);
		}
		break;
	case 16:
		if (http1_same(name, BYTES_LIT("content-encoding")))
			keep_first(&out->content_encoding, f->value);
		break;
	case 17:
		if (http1_same(name, BYTES_LIT("transfer-encoding")))
			take_transfer(f->value, said, &out->why);
		break;
	}
}

/* RFC 9112 §6.3, but for the rules that need the request (HEAD, CONNECT). */
static enum http1_framing framing_of(struct http1_head *out, const struct said *said)
{
	if (out->is_response && (out->status < 200 || out->status == 204 || out->status == 304))
		return HTTP1_NO_BODY;
	if (said->transfer) {
		if (said->length)
			http1_blame(&out->why, "both Content-Length and Transfer-Encoding, "
					       "RFC 9112 §6.3");
		if (said->last_is_chunked)
			return HTTP1_CHUNKED;
		if (out->is_response)
			return HTTP1_UNTIL_CLOSE;
		http1_blame(&out->why, "a request whose last transfer coding is not chunked, "
				       "RFC 9112 §6.3");
		return HTTP1_UNKNOWN;
	}
	if (said->bad_length) {
		http1_blame(&out->why, "Content-Length is no number or two numbers, RFC 9112 §6.3");
		out->content_length = -1;
		return out->is_response ? HTTP1_UNTIL_CLOSE : HTTP1_UNKNOWN;
	}
	if (said->length)
		return out->content_length ? HTTP1_LENGTH : HTTP1_NO_BODY;
	return out->is_response ? HTTP1_UNTIL_CLOSE : HTTP1_NO_BODY;
}

int http1_head_parse(struct bytes in, bool is_response, struct http1_head *out,
		     struct http1_fields *fields, const char **why)
{
	struct said said = { 0 };
	size_t len = in.len;
	int rc;

	rc = http1_start_take(&in, is_response, out, why);
	if (rc)
		return rc;
	rc = http1_fields_take(&in, fields, &out->why);
	if (rc < 0)
		*why = "more field lines than spf keeps";
	if (rc < 1)
		return rc ? rc : -EAGAIN;
	out->wire_len = (uint32_t)(len - in.len);
	for (uint32_t i = 0; i < fields->cnt; i++)
		take_meaning(&fields->v[i], out, &said);
	out->framing = framing_of(out, &said);
	out->keep_alive = !said.close &&
			  (said.keep_alive || (out->version.len == 3 && out->version.p[2] != '0'));
	return 0;
}

/* "HTTP/1.1 200" and a blank or the end, the last such in the line. */
static bool find_status_line(struct bytes line, size_t *off)
{
	for (size_t i = line.len; i-- > 0;) {
		struct bytes rest = bytes_of(line.p + i, line.len - i);
		struct bytes word, blank, status;

		if (!bytes_take(&rest, 8, &word) || !is_usual_version(word) ||
		    !bytes_take(&rest, 1, &blank) || blank.p[0] != ' ' ||
		    !bytes_take(&rest, 3, &status) || (rest.len && rest.p[0] != ' '))
			continue;
		if (status.p[0] < '1' || status.p[0] > '5' || !http1_is_digit(status.p[1]) ||
		    !http1_is_digit(status.p[2]))
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

	if (!line.len || http1_is_blank(line.p[line.len - 1]) ||
	    !is_usual_version(take_last_word(&rest)))
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
