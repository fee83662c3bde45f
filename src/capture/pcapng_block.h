/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks of a pcapng file, appended to a buffer in the byte order of this machine.
 *
 *     type(4) total length(4) body options total length(4)
 *
 * Source: draft-ietf-opsawg-pcapng. Times are nanoseconds since 1970.
 */
#ifndef SPF_CAPTURE_PCAPNG_BLOCK_H
#define SPF_CAPTURE_PCAPNG_BLOCK_H

#include "util/buf.h"

enum { LINKTYPE_RAW_IP = 101 };

/* A section header: which program wrote it, and a comment. */
void block_section(struct buf *out, const char *program, struct bytes comment);

/* An interface of raw IP packets with nanoseconds. */
void block_interface(struct buf *out, struct bytes name);

/* A packet of head and then data; comments with len 0 are left out. */
void block_packet(struct buf *out, uint32_t interface, int64_t ts_ns, struct bytes head,
		  struct bytes data, const struct bytes comments[2]);

/* Statistics of an interface so far: received and dropped, and a comment. */
void block_stats(struct buf *out, uint32_t interface, int64_t ts_ns, uint64_t received,
		 uint64_t dropped, struct bytes comment);

#endif
