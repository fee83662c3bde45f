/* SPDX-License-Identifier: BSD-2-Clause */
/* What RFC 9113 §8 asks of the fields of a message. For http2.c. */
#ifndef SPF_DECODE_HTTP2_MESSAGE_H
#define SPF_DECODE_HTTP2_MESSAGE_H

#include "decode/hpack.h"

enum h2_message_part { H2_REQUEST_FIELDS, H2_RESPONSE_FIELDS, H2_TRAILER_FIELDS };

/* What is wrong with a decoded header block, or NULL. Fields that are unknown get the benefit of
 * the doubt. */
const char *h2_message_violation(const struct hpack_list *l, enum h2_message_part part);

/* The number in content-length, or -1. */
int64_t h2_message_content_length(const struct hpack_list *l);

#endif
