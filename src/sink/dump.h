/* SPDX-License-Identifier: BSD-2-Clause */
/* Payloads below a record's line: -x and -A. */
#ifndef SPF_SINK_DUMP_H
#define SPF_SINK_DUMP_H

#include "decode/record.h"
#include "util/buf.h"

/* The bytes that the record carries: a DATA frame's, a chunk's, a message's, a body; p is
 * NULL if it has none or nobody wanted them. */
struct bytes dump_payload(const struct batch *b, const struct record *r);

/* Appends lines of 16 bytes: offset, hex, ASCII. */
void dump_hex(struct buf *out, struct bytes in);

/* Appends the bytes as text, indented, with controls escaped; ends with a newline. */
void dump_ascii(struct buf *out, struct bytes in);

#endif
