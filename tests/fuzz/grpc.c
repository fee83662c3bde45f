/* SPDX-License-Identifier: BSD-2-Clause */
/* gRPC's assembler and the inflaters: the same messages however the body is cut, and bounds on
 * what becomes of them. First byte of the input: where to cut; second: the coding. */
#include <errno.h>
#include <stdlib.h>

#include "decode/grpc.h"
#include "decode/inflate.h"
#include "decode/pb.h"
#include "util/limits.h"

static void inflate_it(struct bytes in, uint8_t coding, struct buf *log)
{
	struct buf out = { 0 };
	int rc = inflate_bytes((enum inflate_coding)(coding % 4), in, &out);

	if (coding % 4 && out.len > LIMIT_INFLATE_LEN + 65536)
		abort();
	if (coding % 4 && out.len > 65536 + 16384 && out.len / LIMIT_INFLATE_RATIO > in.len + 16384)
		abort();
	buf_printf(log, "(%d,%zu)", rc, out.len);
	pb_is_message(buf_bytes(&out));
	buf_release(&out);
}

static void run(struct bytes in, size_t step, uint8_t coding, struct buf *log)
{
	struct grpc g = { .keep = true };
	struct grpc_message m;
	size_t used;
	int rc;

	for (size_t at = 0; at < in.len; at += step) {
		struct bytes part = bytes_of(in.p + at, in.len - at < step ? in.len - at : step);

		while ((rc = grpc_next(&g, part, &used, &m)) > 0) {
			if (used > part.len)
				abort();
			bytes_take(&part, used, &(struct bytes){ 0 });
			buf_printf(log, "%u %u %d %d %d ", m.index, m.length, m.compressed,
				   m.is_trailers, m.complete);
			buf_append(log, m.raw);
			if (m.compressed)
				inflate_it(m.raw, coding, log);
		}
		if (used != part.len)
			abort();
		if (rc < 0)
			buf_puts(log, g.why);
	}
	if (grpc_close(&g, &m)) {
		buf_printf(log, "cut %u ", m.length);
		buf_append(log, m.raw);
	}
	grpc_release(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len);
	struct buf a = { 0 }, b = { 0 }, text = { 0 };
	uint8_t step, coding;

	if (!bytes_get_u8(&in, &step) || !bytes_get_u8(&in, &coding))
		return 0;
	run(in, in.len ? in.len : 1, coding, &a);
	run(in, step ? step : 1, coding, &b);
	if (!bytes_equal(buf_bytes(&a), buf_bytes(&b)))
		abort();
	inflate_it(in, coding, &text);
	grpc_unescape(in, &text);
	grpc_timeout(in);
	grpc_status(in);
	grpc_kind(in);
	buf_release(&a);
	buf_release(&b);
	buf_release(&text);
	return 0;
}
