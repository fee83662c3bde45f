/* SPDX-License-Identifier: BSD-2-Clause */
/* Which protocol a direction speaks, from its bytes alone.
 *
 * At the first byte of a connection the answer is certain: HTTP/2 has its preface, HTTP/1 a
 * whole start-line with a version (a command like "GET key" is none: Redis speaks so). In the
 * middle of one the next start-line answers for HTTP/1, http2's search for frames for HTTP/2.
 * What is neither stays raw.
 */
#ifndef SPF_DECODE_DETECT_H
#define SPF_DECODE_DETECT_H

#include "util/bytes.h"

enum detected {
	DETECT_MORE,           /* cannot be told yet */
	DETECT_NONE,
	DETECT_H2,             /* the client's preface, RFC 9113 §3.4 */
	DETECT_HTTP1_REQUEST,
	DETECT_HTTP1_RESPONSE,
};

/* Looks at the first bytes that a direction sent. Asks for at most LIMIT_HTTP1_START of them. */
enum detected detect_first(struct bytes in);

/* Finds the first line of in that is beyond doubt an HTTP/1 start-line.
 * Returns DETECT_HTTP1_REQUEST or _RESPONSE with its place in *off; DETECT_NONE if there is
 * none: then *off bytes from the front need not be looked at again. */
enum detected detect_http1_within(struct bytes in, size_t *off);

#endif
