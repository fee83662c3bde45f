/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/http1_detect.h"

#include "decode/http1_head.h"
#include "util/limits.h"

/* True if the shorter of the two begins the longer. */
static bool agree(struct bytes a, struct bytes b)
{
	return memcmp(a.p, b.p, a.len < b.len ? a.len : b.len) == 0;
}

/* HTTP/1.1 200: versions 1.0 and 1.1, any status. */
static enum http1_detected status_line(struct bytes in)
{
	struct bytes line = bytes_of(in.p, in.len < 13 ? in.len : 13);
	size_t off;

	if (line.len < 13 && !memchr(line.p, '\n', line.len))
		return HTTP1_MAYBE;
	if (line.len == 13 && (line.p[12] == '\r' || line.p[12] == '\n'))
		line.len = 12;
	return http1_find_start(line, true, &off) && off == 0 ? HTTP1_RESPONSE
							      : HTTP1_NOT;
}

/* What can begin a request-line: capital letters (M-SEARCH has a hyphen), then a blank and
 * printable characters. */
static bool may_be_request(struct bytes in)
{
	size_t word = 0;

	while (word < in.len && ((in.p[word] >= 'A' && in.p[word] <= 'Z') || in.p[word] == '-'))
		word++;
	if (word == in.len)
		return word <= 32;
	if (!word || word > 32 || in.p[word] != ' ')
		return false;
	for (size_t i = word; i < in.len; i++)
		if (in.p[i] < ' ' && in.p[i] != '\r')
			return false;
	return true;
}

static enum http1_detected request_line(struct bytes in)
{
	const uint8_t *lf = memchr(in.p, '\n', in.len);
	struct bytes line = bytes_of(in.p, lf ? (size_t)(lf - in.p) : in.len);
	struct http1_head head;
	const char *why;

	if (!may_be_request(line) || line.len > LIMIT_HTTP1_START)
		return HTTP1_NOT;
	if (!lf)
		return HTTP1_MAYBE;
	line.len++;
	if (http1_start_take(&line, false, &head, &why) || !head.version.p || !head.target.len ||
	    head.version.p[0] != '1')
		return HTTP1_NOT;
	return HTTP1_REQUEST;
}

enum http1_detected http1_detect_first(struct bytes in)
{
	while (in.len && (in.p[0] == '\r' || in.p[0] == '\n')) { /* RFC 9112 §2.2 */
		in.p++;
		in.len--;
	}
	if (!in.len)
		return HTTP1_MAYBE;
	if (agree(in, BYTES_LIT("HTTP/1.")))
		return status_line(in);
	return request_line(in);
}

enum http1_detected http1_detect_within(struct bytes in, size_t *off)
{
	const uint8_t *start = in.p;
	const uint8_t *lf;

	while (in.len && (lf = memchr(in.p, '\n', in.len))) {
		struct bytes line = bytes_of(in.p, (size_t)(lf - in.p));
		bool usable = line.len <= LIMIT_HTTP1_START;
		size_t at;

		*off = (size_t)(in.p - start);
		if (usable && http1_find_start(line, false, &at)) {
			*off += at;
			return HTTP1_REQUEST;
		}
		if (usable && http1_find_start(line, true, &at)) {
			*off += at;
			return HTTP1_RESPONSE;
		}
		bytes_take(&in, line.len + 1, &line);
	}
	*off = (size_t)(in.p - start);
	if (in.len > LIMIT_HTTP1_START)
		*off += in.len;
	return HTTP1_NOT;
}
