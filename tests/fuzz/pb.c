/* SPDX-License-Identifier: BSD-2-Clause */
/* Protobuf without a schema: depth is kept, spans stay within the input, a walk that ends well
 * has closed what it opened. */
#include <errno.h>
#include <stdlib.h>

#include "decode/pb.h"

static void within(struct bytes in, struct bytes part)
{
	if (part.len && (part.p < in.p || part.p + part.len > in.p + in.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len), packed;
	struct pb_walk w;
	struct pb_item it;
	uint32_t open = 0;
	uint64_t v;
	int rc;

	pb_walk_init(&w, in);
	while ((rc = pb_walk_next(&w, &it)) > 0) {
		if (it.depth != (it.what == PB_END ? --open : open))
			abort();
		open += it.what == PB_BEGIN;
		if (open >= LIMIT_PB_DEPTH)
			abort();
		within(in, it.field.bytes);
		if (it.what != PB_FIELD || it.field.wire != PB_WIRE_LEN || it.guess != PB_PACKED)
			continue;
		packed = it.field.bytes;
		while (pb_get_varint(&packed, &v))
			pb_zigzag(v);
		if (packed.len)
			abort();
	}
	if (rc == 0 && open)
		abort();
	if (rc != 0 && rc != -EPROTO)
		abort();
	return 0;
}
