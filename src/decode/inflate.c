/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/inflate.h"

#include <errno.h>
#include <strings.h>
#include <zlib.h>

#include "util/limits.h"

enum {
	WINDOW_GZIP = 15 + 16, /* how zlib's inflateInit2() wants to be told */
	WINDOW_ZLIB = 15,
	WINDOW_BARE = -15,
	STEP_LEN = 16384,
	RATIO_FREE_LEN = 65536, /* so little may come of anything */
};

static bool is_named(struct bytes name, const char *want)
{
	return name.len == strlen(want) && strncasecmp((const char *)name.p, want, name.len) == 0;
}

enum inflate_coding inflate_coding(struct bytes name)
{
	if (!name.len || is_named(name, "identity"))
		return INFLATE_IDENTITY;
	if (is_named(name, "gzip") || is_named(name, "x-gzip"))
		return INFLATE_GZIP;
	if (is_named(name, "deflate"))
		return INFLATE_DEFLATE;
	return INFLATE_UNKNOWN;
}

static bool is_too_much(size_t in_len, size_t out_len)
{
	return out_len > LIMIT_INFLATE_LEN ||
	       (out_len > RATIO_FREE_LEN && out_len / LIMIT_INFLATE_RATIO > in_len);
}

/* Runs one member to its end; z->next_in is then behind it. */
static int run(z_stream *z, size_t in_len, struct buf *out, size_t out_start)
{
	int rc;

	do {
		z->next_out = buf_reserve(out, STEP_LEN);
		z->avail_out = STEP_LEN;
		rc = inflate(z, Z_NO_FLUSH);
		buf_added(out, STEP_LEN - z->avail_out);
		if (is_too_much(in_len, out->len - out_start))
			return -E2BIG;
	} while (rc == Z_OK);
	if (rc == Z_STREAM_END)
		return 0;
	return rc == Z_BUF_ERROR ? -ENODATA : -EPROTO;
}

/* Undoes members until the input ends; what follows the first and is none is not looked at. */
static int inflate_as(int window, struct bytes in, struct buf *out)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.len };
	size_t start = out->len;
	bool first = true;
	int rc;

	if (in.len > UINT32_MAX || inflateInit2(&z, window) != Z_OK)
		return -EPROTO;
	do {
		rc = run(&z, in.len, out, start);
		if (rc && !first && rc != -E2BIG && z.total_out == 0)
			rc = 0; /* padding behind the last member */
		else if (rc)
			break;
		first = false;
	} while (window == WINDOW_GZIP && z.avail_in && z.total_out && inflateReset(&z) == Z_OK);
	inflateEnd(&z);
	return rc;
}

/* A zlib header is a multiple of 31 and names method 8, RFC 1950 §2.2. */
static bool has_zlib_header(struct bytes in)
{
	uint16_t head;

	return bytes_get_u16(&in, &head) && head % 31 == 0 && (head >> 8 & 15) == 8;
}

int inflate_bytes(enum inflate_coding coding, struct bytes in, struct buf *out)
{
	switch (coding) {
	case INFLATE_IDENTITY:
		buf_append(out, in);
		return 0;
	case INFLATE_GZIP:
		return inflate_as(WINDOW_GZIP, in, out);
	case INFLATE_DEFLATE:
		return inflate_as(has_zlib_header(in) ? WINDOW_ZLIB : WINDOW_BARE, in, out);
	case INFLATE_UNKNOWN:
		break;
	}
	return -ENOTSUP;
}
