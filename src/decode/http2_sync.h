/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds frame boundaries in the middle of a direction: after a late attach or a loss. */
#ifndef SPF_DECODE_HTTP2_SYNC_H
#define SPF_DECODE_HTTP2_SYNC_H

#include "decode/backlog.h"
#include "decode/http2.h"

/* Looks for a frame boundary by walking from each offset over the frames that would follow.
 * h:    NULL if it is not known that the connection speaks HTTP/2, which then takes more proof.
 * log:  what was read; where its parts begin and end counts too, for peers write whole frames.
 * last: nothing more will come, so what fits to the end is believed sooner.
 * Returns the offset, or -EAGAIN if it takes more bytes: then *skip bytes at the front cannot
 * be the start of a frame any more. */
long h2_sync(const struct h2 *h, int dir, const struct backlog *log, bool last, size_t *skip);

/* True if no frame of RFC 9113 has such a header: in a direction that was found again, the sign
 * of a boundary that was none. */
bool h2_sync_refutes(const struct h2_frame *f);

#endif
