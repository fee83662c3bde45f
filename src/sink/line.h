/* SPDX-License-Identifier: BSD-2-Clause */
/* A record as one line for people:
 *
 *     12:34:56.789012 1 curl[812] → /run/app.sock  HEADERS 1 GET /x END_STREAM|END_HEADERS …
 *     when            | who         where          what    |  the gist       flags   details
 *                     connection                           stream
 *
 * The arrow points to the server (→) or to the client (←). What was sent is escaped; what
 * spf does not know for certain ("?…", unknown fields, gaps, violations) is set apart. */
#ifndef SPF_SINK_LINE_H
#define SPF_SINK_LINE_H

#include "decode/fields.h"
#include "util/buf.h"

struct line_options {
	bool color;
	int width; /* columns at which a line is cut, 0 = never */
};

/* Appends the record's line and a newline. */
void line_record(struct buf *out, const struct line_options *o, const struct batch *b,
		 const struct record *r);

#endif
