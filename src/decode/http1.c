/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/http1.h"

#include <errno.h>

#include "decode/http1_line.h"
#include "util/limits.h"

void http1_release(struct http1 *h)
{
	buf_release(&h->buf);
	http1_fields_release(&h->fields);
}

void http1_start_lost(struct http1 *h)
{
	h->state = HTTP1_LOST;
}

static void blame(struct http1 *h, const char *why)
{
	http1_blame(&h->body_why, why);
}

static int lose(struct http1 *h, int err, const char *why)
{
	h->why = why;
	h->skipped += h->buf.len;
	buf_consume(&h->buf, h->buf.len);
	h->line_len = 0;
	h->state = HTTP1_LOST;
	return err;
}

/* Finds the empty line that ends a block of lines, over as many calls as it takes.
 * Returns 1 with *block = the whole, in rest or in h->buf; 0 = all of rest went into h->buf. */
static int collect(struct http1 *h, struct bytes *rest, struct bytes *block)
{
	size_t at = 0;

	while (at < rest->len) {
		const uint8_t *line = rest->p + at;
		const uint8_t *lf = memchr(line, '\n', rest->len - at);
		size_t len = lf ? (size_t)(lf - line) : rest->len - at;

		if (h->line_len == 0 && len)
			h->line_cr = line[0] == '\r';
		h->line_len += len;
		at += len;
		if (!lf)
			break;
		at++;
		if (h->line_len == 0 || (h->line_len == 1 && h->line_cr))
			goto whole;
		h->line_len = 0;
	}
	buf_append(&h->buf, *rest);
	http1_eat(rest, rest->len);
	return 0;
whole:
	h->line_len = 0;
	if (h->buf.len) {
		buf_append(&h->buf, bytes_of(rest->p, at));
		*block = buf_bytes(&h->buf);
		h->drop = true;
	} else {
		*block = bytes_of(rest->p, at);
	}
	http1_eat(rest, at);
	return 1;
}

/* RFC 9112 §2.2: empty lines before a start-line are to be ignored. */
static int at_start(struct http1 *h, struct bytes *rest)
{
	while (rest->len && (rest->p[0] == '\r' || rest->p[0] == '\n'))
		http1_eat(rest, 1);
	if (!rest->len)
		return 0;
	h->state = HTTP1_IN_HEAD;
	h->line_len = 0;
	return 1;
}

static void begin_body(struct http1 *h)
{
	static const enum http1_state first[] = {
		[HTTP1_NO_BODY] = HTTP1_AT_END,
		[HTTP1_LENGTH] = HTTP1_IN_BODY,
		[HTTP1_CHUNKED] = HTTP1_AT_CHUNK,
		[HTTP1_UNTIL_CLOSE] = HTTP1_IN_ENDLESS,
		[HTTP1_UNKNOWN] = HTTP1_AT_END,
	};

	h->state = first[h->head.framing];
	h->left = h->head.framing == HTTP1_LENGTH ? (uint64_t)h->head.content_length : 0;
	h->digits = 0;
	h->cut = h->head.framing == HTTP1_UNKNOWN;
	h->has_trailers = false;
	h->body_why = NULL;
}

static int give_head(struct http1 *h, struct http1_event *ev)
{
	begin_body(h);
	*ev = (struct http1_event){ .what = HTTP1_HEAD, .head = &h->head, .fields = &h->fields };
	return 1;
}

/* Parses a whole head. If its first line is none, the block is kept for a search. */
static int parse_head(struct http1 *h, struct bytes block, struct http1_event *ev)
{
	int rc = http1_head_parse(block, h->is_response, &h->head, &h->fields, &h->why);

	if (rc) {
		if (!h->drop)
			buf_append(&h->buf, block);
		h->drop = false;
		h->state = HTTP1_LOST_BLOCK;
		return rc;
	}
	return give_head(h, ev);
}

static int in_head(struct http1 *h, struct bytes *rest, struct http1_event *ev)
{
	const char *why;
	struct bytes block;
	int rc;

	/* Most come whole and right; one that does not is told what is wrong once it is whole. */
	if (!h->buf.len && !http1_head_parse(*rest, h->is_response, &h->head, &h->fields, &why)) {
		http1_eat(rest, h->head.wire_len);
		return give_head(h, ev);
	}
	rc = collect(h, rest, &block);
	if (h->buf.len > LIMIT_HTTP1_HEAD) {
		h->drop = false;
		return lose(h, -E2BIG, "a head longer than spf keeps");
	}
	return rc ? parse_head(h, block, ev) : 0;
}

static int give_body(struct http1 *h, struct bytes *rest, uint64_t n, struct http1_event *ev)
{
	*ev = (struct http1_event){ .what = HTTP1_BODY };
	ev->body = bytes_of(rest->p, n < rest->len ? (size_t)n : rest->len);
	http1_eat(rest, ev->body.len);
	return ev->body.len ? 1 : 0;
}

/* A body or chunk of which h->left bytes are to come. */
static int in_counted(struct http1 *h, struct bytes *rest, struct http1_event *ev)
{
	int rc = give_body(h, rest, h->left, ev);

	h->left -= ev->body.len;
	if (!h->left)
		h->state = h->state == HTTP1_IN_CHUNK ? HTTP1_AFTER_CHUNK : HTTP1_AT_END;
	return rc;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int chunk_begins(struct http1 *h)
{
	h->state = h->left ? HTTP1_IN_CHUNK : HTTP1_IN_TRAILERS;
	h->line_len = 0;
	return 0;
}

/* chunk-size [ chunk-ext ] CRLF, RFC 9112 §7.1, one byte. */
static int chunk_size(struct http1 *h, uint8_t c)
{
	int v = hex_digit(c);

	if (v >= 0 && h->digits < 16) {
		h->left = h->left << 4 | (unsigned)v;
		h->digits += h->left > 0; /* leading zeros do not count */
		h->state = HTTP1_IN_CHUNK_SIZE;
		return 0;
	}
	if (h->state == HTTP1_AT_CHUNK || v >= 0 || h->left > INT64_MAX)
		return lose(h, -EPROTO, "a chunk size that is none, RFC 9112 §7.1");
	if (c == '\n') {
		blame(h, "a chunk size ends in a bare LF, RFC 9112 §7.1");
		return chunk_begins(h);
	}
	if (c != '\r' && c != ';' && c != ' ' && c != '\t')
		return lose(h, -EPROTO, "a chunk size that is none, RFC 9112 §7.1");
	h->state = HTTP1_IN_CHUNK_EXT;
	h->line_cr = c == '\r';
	return 0;
}

/* Extensions are passed over, RFC 9112 §7.1.1. */
static int chunk_ext(struct http1 *h, uint8_t c)
{
	if (c == '\n') {
		if (!h->line_cr)
			blame(h, "a chunk size ends in a bare LF, RFC 9112 §7.1");
		return chunk_begins(h);
	}
	if (h->line_cr)
		return lose(h, -EPROTO, "CR within a chunk size line, RFC 9112 §7.1");
	h->line_cr = c == '\r';
	return 0;
}

static int after_chunk(struct http1 *h, uint8_t c)
{
	if (c == '\r' && !h->line_len) {
		h->line_len = 1;
		return 0;
	}
	if (c != '\n')
		return lose(h, -EPROTO, "a chunk that goes on past its size, RFC 9112 §7.1");
	if (!h->line_len)
		blame(h, "a chunk ends in a bare LF, RFC 9112 §7.1");
	h->state = HTTP1_AT_CHUNK;
	h->left = 0;
	h->digits = 0;
	return 0;
}

/* RFC 9110 §6.5.1: fields that frame or route a message have no effect in its trailers. */
static void check_trailers(struct http1 *h)
{
	static const struct bytes barred[] = {
		BYTES_LIT("content-length"),   BYTES_LIT("transfer-encoding"), BYTES_LIT("host"),
		BYTES_LIT("content-encoding"), BYTES_LIT("content-type"),      BYTES_LIT("trailer"),
	};

	for (size_t i = 0; i < sizeof(barred) / sizeof(barred[0]); i++)
		if (http1_field_find(&h->fields, barred[i]))
			blame(h, "a field that may not be a trailer, RFC 9110 §6.5.1");
}

static int in_trailers(struct http1 *h, struct bytes *rest)
{
	const char *why = NULL;
	struct bytes block;
	int rc = collect(h, rest, &block);

	if (h->buf.len > LIMIT_HTTP1_HEAD) {
		h->drop = false;
		return lose(h, -E2BIG, "trailers longer than spf keeps");
	}
	if (!rc)
		return 0;
	http1_fields_take(&block, &h->fields, &why); /* past the limit: the first ones */
	h->has_trailers = true;
	if (why)
		blame(h, why);
	check_trailers(h);
	h->state = HTTP1_AT_END;
	return 1;
}

static int give_end(struct http1 *h, struct http1_event *ev, bool complete)
{
	if (!h->has_trailers)
		h->fields.cnt = 0;
	*ev = (struct http1_event){
		.what = HTTP1_END, .fields = &h->fields, .complete = complete, .why = h->body_why
	};
	return 1;
}

static int at_end(struct http1 *h, struct http1_event *ev)
{
	h->state = HTTP1_AT_START;
	if (h->head.framing == HTTP1_UNKNOWN)
		h->state = HTTP1_LOST;
	return give_end(h, ev, !h->cut);
}

/* Goes on with buf, which begins with a start-line: it is a whole head if it ends one. */
static int found_start(struct http1 *h, bool whole, struct http1_event *ev)
{
	h->state = HTTP1_IN_HEAD;
	h->line_len = 0;
	if (!whole)
		return 0;
	h->drop = true;
	return parse_head(h, buf_bytes(&h->buf), ev);
}

static void give_up(struct http1 *h, size_t n)
{
	h->skipped += n;
	buf_consume(&h->buf, n);
}

/* A block of lines did not begin with a start-line; maybe a later line of it is one. */
static int in_lost_block(struct http1 *h, struct http1_event *ev)
{
	bool first = true;

	while (h->buf.len) {
		struct bytes block = buf_bytes(&h->buf);
		const uint8_t *lf = memchr(block.p, '\n', block.len);
		size_t len = lf ? (size_t)(lf - block.p) : block.len;
		size_t off;

		if (http1_find_start(bytes_of(block.p, len), h->is_response, &off) &&
		    !(first && off == 0)) {
			give_up(h, off);
			return found_start(h, true, ev);
		}
		give_up(h, lf ? len + 1 : len);
		first = false;
	}
	h->state = HTTP1_LOST;
	h->line_len = 0;
	return 0;
}

/* Looks at each line for a start-line; a line longer than one may be is passed over. */
static int in_lost(struct http1 *h, struct bytes *rest, struct http1_event *ev)
{
	while (rest->len) {
		const uint8_t *lf = memchr(rest->p, '\n', rest->len);
		size_t len = lf ? (size_t)(lf - rest->p) + 1 : rest->len;
		struct bytes line;
		size_t off;

		h->line_len += len;
		if (h->line_len > LIMIT_HTTP1_START) {
			give_up(h, h->buf.len);
			h->skipped += len;
		} else {
			buf_append(&h->buf, bytes_of(rest->p, len));
		}
		http1_eat(rest, len);
		if (!lf)
			return 0;
		h->line_len = 0;
		line = buf_bytes(&h->buf);
		if (line.len)
			line.len--;
		if (http1_find_start(line, h->is_response, &off)) {
			give_up(h, off);
			return found_start(h, false, ev);
		}
		give_up(h, h->buf.len);
	}
	return 0;
}

/* Bytes of chunk framing, one by one until the state changes to one that is not. */
static int chunk_framing(struct http1 *h, struct bytes *rest)
{
	uint8_t c;
	int rc = 0;

	while (!rc && bytes_get_u8(rest, &c)) {
		if (h->state == HTTP1_AFTER_CHUNK)
			rc = after_chunk(h, c);
		else if (h->state == HTTP1_IN_CHUNK_EXT)
			rc = chunk_ext(h, c);
		else
			rc = chunk_size(h, c);
		if (h->state == HTTP1_IN_CHUNK || h->state == HTTP1_IN_TRAILERS)
			break;
	}
	if (rc) { /* the byte that does not belong here may begin the next message */
		rest->p--;
		rest->len++;
	}
	return rc;
}

static int step(struct http1 *h, struct bytes *rest, struct http1_event *ev)
{
	switch (h->state) {
	case HTTP1_AT_START:
		at_start(h, rest);
		return 0;
	case HTTP1_IN_HEAD:
		return in_head(h, rest, ev);
	case HTTP1_IN_BODY:
	case HTTP1_IN_CHUNK:
		return in_counted(h, rest, ev);
	case HTTP1_IN_ENDLESS:
		return give_body(h, rest, UINT64_MAX, ev);
	case HTTP1_AT_CHUNK:
	case HTTP1_IN_CHUNK_SIZE:
	case HTTP1_IN_CHUNK_EXT:
	case HTTP1_AFTER_CHUNK:
		return chunk_framing(h, rest);
	case HTTP1_IN_TRAILERS:
		return in_trailers(h, rest) < 0 ? -E2BIG : 0;
	case HTTP1_AT_END:
		return at_end(h, ev);
	case HTTP1_LOST_BLOCK:
		return in_lost_block(h, ev);
	case HTTP1_LOST:
		return in_lost(h, rest, ev);
	case HTTP1_TUNNEL:
		return 0;
	}
	return 0;
}

int http1_next(struct http1 *h, struct bytes in, size_t *used, struct http1_event *ev)
{
	struct bytes rest = in;
	enum http1_state was;
	int rc;

	if (h->drop) {
		buf_consume(&h->buf, h->buf.len);
		h->drop = false;
	}
	do { /* each turn changes the state, or leaves nothing to read */
		was = h->state;
		rc = step(h, &rest, ev);
	} while (rc == 0 && h->state != was);
	*used = in.len - rest.len;
	return rc;
}

void http1_no_body(struct http1 *h)
{
	h->state = HTTP1_AT_END;
	h->head.framing = HTTP1_NO_BODY;
	h->cut = false;
}

void http1_tunnel(struct http1 *h)
{
	h->state = HTTP1_TUNNEL;
}

bool http1_gap(struct http1 *h, uint64_t len)
{
	bool counted = h->state == HTTP1_IN_BODY || h->state == HTTP1_IN_CHUNK;

	if (h->state == HTTP1_TUNNEL)
		return true;
	if (h->state == HTTP1_IN_ENDLESS || (counted && len && len <= h->left)) {
		h->cut = true;
		if (counted)
			h->left -= len;
		if (counted && !h->left)
			h->state = h->state == HTTP1_IN_CHUNK ? HTTP1_AFTER_CHUNK : HTTP1_AT_END;
		return true;
	}
	if (h->drop) {
		buf_consume(&h->buf, h->buf.len);
		h->drop = false;
	}
	lose(h, 0, "bytes are missing");
	return false;
}

int http1_close(struct http1 *h, struct http1_event *ev)
{
	bool open = http1_in_message(h);
	bool complete = (h->state == HTTP1_IN_ENDLESS || h->state == HTTP1_AT_END) && !h->cut;

	if (h->drop && h->state != HTTP1_AT_END) {
		buf_consume(&h->buf, h->buf.len);
		h->drop = false;
	}
	if (h->state == HTTP1_IN_HEAD || h->state == HTTP1_IN_TRAILERS)
		h->why = "the end came within a head or trailers";
	give_up(h, h->buf.len);
	h->state = HTTP1_TUNNEL;
	return open ? give_end(h, ev, complete) : 0;
}
