/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/detect.h"

#include <errno.h>

#include "decode/http1_detect.h"
#include "decode/http2_sync.h"
#include "util/limits.h"

enum { LONE_SETTINGS = 512 };

/* A server may speak first: its SETTINGS (RFC 9113 §3.4) are then all there is. */
static bool is_server_settings(struct bytes in)
{
	struct h2_frame f;

	return h2_frame_header(&in, &f) && f.type == H2_SETTINGS && !f.flags && !f.stream_id &&
	       f.length % 6 == 0 && f.length <= 6 * 32 && !f.reserved_bit;
}

/* HTTP/1 begins with a start-line; in the middle of a connection the next one tells. */
static bool detect_http1(const struct decoder *d, int dir, struct detected *out)
{
	struct bytes in = buf_bytes(&d->dir[dir].log.bytes);
	bool from_start = d->info->seen_open && !d->dir[dir].inexact;
	enum http1_detected found = http1_detect_first(in);
	size_t at = 0;

	if (found == HTTP1_NOT && !from_start)
		found = http1_detect_within(in, &at);
	if (found != HTTP1_REQUEST && found != HTTP1_RESPONSE)
		return false;
	*out = (struct detected){
		.handler = &http1_handler,
		.client = found == HTTP1_REQUEST ? dir : !dir,
		.late = !from_start,
		.dir = dir,
		.at = at,
	};
	return true;
}

static int client_of(const struct conn_info *info)
{
	for (int i = 0; i < 2; i++)
		if (info->role[i] == ROLE_CLIENT || info->role[!i] == ROLE_SERVER)
			return i;
	return -1;
}

int detect(struct decoder *d, bool last, struct detected *out)
{
	size_t len[2] = { backlog_len(&d->dir[0].log), backlog_len(&d->dir[1].log) };
	bool late;

	*out = (struct detected){ .client = -1 };
	for (int i = 0; i < 2; i++) {
		struct bytes in = buf_bytes(&d->dir[i].log.bytes);

		if (bytes_has_prefix(in, H2_PREFACE) && !d->dir[i].inexact) {
			out->handler = &http2_handler;
			out->client = i;
			return 1;
		}
		if (len[!i] || d->dir[0].inexact || d->dir[1].inexact || !is_server_settings(in))
			continue;
		if (!d->info->seen_open) { /* the client's preface may follow, and prove the start */
			if (len[i] < LONE_SETTINGS && !last)
				return 0;
			continue;
		}
		out->handler = &http2_handler;
		out->client = !i;
		return 1;
	}
	late = !d->info->seen_open || d->dir[0].inexact || d->dir[1].inexact;
	for (int i = 0; late && i < 2; i++) {
		size_t skip = 0;
		long at = len[i] ? h2_sync(NULL, i, &d->dir[i].log, last, &skip) : -EAGAIN;

		if (at >= 0) {
			*out = (struct detected){ &http2_handler, client_of(d->info), true, i, (size_t)at };
			return 1;
		}
	}
	for (int i = 0; i < 2; i++)
		if (detect_http1(d, i, out))
			return 1;
	return d->dir[0].bytes.skipped + d->dir[1].bytes.skipped + len[0] + len[1] > LIMIT_DETECT
		       ? -EPROTO
		       : 0;
}
