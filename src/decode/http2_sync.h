/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds frame boundaries in the middle of a direction: after a late attach or a loss. */
#ifndef SPF_DECODE_HTTP2_SYNC_H
#define SPF_DECODE_HTTP2_SYNC_H

#include "decode/http2.h"

/* Looks for a frame boundary by walking from each offset over the frames that would follow.
 * h:    NULL if it is not known that the connection speaks HTTP/2, which then takes more proof.
 * ends: in ends where a write ended.
 * Returns the offset, or -EAGAIN if it takes more bytes: then *skip bytes at the front cannot
 * be the start of a frame any more. */
long h2_sync(const struct h2 *h, int dir, struct bytes in, bool ends, size_t *skip);

#endif
