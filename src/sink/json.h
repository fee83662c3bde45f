/* SPDX-License-Identifier: BSD-2-Clause */
/* Records as JSON (RFC 8259), one object a line, valid for any bytes. */
#ifndef SPF_SINK_JSON_H
#define SPF_SINK_JSON_H

#include "sink/value.h"

/* Appends the bytes as a string; if they are not UTF-8, as {"$base64":"…"}. */
void json_string(struct buf *out, struct bytes in);

/* Appends a value; null if it is absent. */
void json_value(struct buf *out, const struct batch *b, const struct value *v);

/* Appends the record with every field that applies and is there; no newline. */
void json_record(struct buf *out, const struct batch *b, const struct record *r);

#endif
