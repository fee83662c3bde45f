/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a direction speaks HTTP/1, from its bytes alone.
 *
 * At the first byte of a connection the answer is certain: a whole start-line with a version (a
 * command like "GET key" is none: Redis speaks so). In the middle of one the next line that is
 * beyond doubt a start-line answers.
 */
#ifndef SPF_DECODE_HTTP1_DETECT_H
#define SPF_DECODE_HTTP1_DETECT_H

#include "util/bytes.h"

enum http1_detected {
	HTTP1_MAYBE, /* cannot be told yet */
	HTTP1_NOT,
	HTTP1_REQUEST,
	HTTP1_RESPONSE,
};

/* Looks at the first bytes that a direction sent. Asks for at most LIMIT_HTTP1_START of them. */
enum http1_detected http1_detect_first(struct bytes in);

/* Finds the first line of in that is beyond doubt an HTTP/1 start-line.
 * Returns HTTP1_REQUEST or _RESPONSE with its place in *off; HTTP1_NOT if there is
 * none: then *off bytes from the front need not be looked at again. */
enum http1_detected http1_detect_within(struct bytes in, size_t *off);

#endif
