/* SPDX-License-Identifier: BSD-2-Clause */
/* Undoes gzip and deflate, with bounds: a few captured bytes must not become gigabytes. */
#ifndef SPF_DECODE_INFLATE_H
#define SPF_DECODE_INFLATE_H

#include "util/buf.h"

enum inflate_coding {
	INFLATE_IDENTITY, /* nothing to undo */
	INFLATE_GZIP,     /* RFC 1952, one member or several */
	INFLATE_DEFLATE,  /* RFC 1950 (zlib); bare RFC 1951 too, which many send under the name */
	INFLATE_UNKNOWN,  /* br, zstd, snappy …, or a list of codings */
};

/* The coding that a content-encoding or grpc-encoding names; an absent one is identity. */
enum inflate_coding inflate_coding(struct bytes name);

/* Appends what in becomes to *out.
 * Returns 0; or, with what came out until then still appended: -ENODATA if in ends too early,
 * -EPROTO if it is not of the coding, -E2BIG past LIMIT_INFLATE_LEN or LIMIT_INFLATE_RATIO;
 * -ENOTSUP for INFLATE_UNKNOWN. */
int inflate_bytes(enum inflate_coding coding, struct bytes in, struct buf *out);

#endif
