/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts that the lines of several kinds have in common; see line.h. */
#ifndef SPF_SINK_LINE_PARTS_H
#define SPF_SINK_LINE_PARTS_H

#include "decode/record.h"
#include "sink/pen.h"

struct line {
	struct pen pen;
	const struct batch *b; /* of the record */
};

static inline struct bytes line_bytes(const struct line *l, struct str s)
{
	return batch_bytes(l->b, s);
}

/* True on a terminal where the repeated must give way to what was said. */
static inline bool line_is_narrow(const struct line *l)
{
	return l->pen.width && l->pen.width < 120;
}

/* What the record is, and its stream unless that is negative. */
void line_what(struct line *l, const char *what, int64_t stream_id);

/* " name=", before a value. */
void line_name(struct line *l, const char *name);

/* " name=1.2ms"; nothing if ns is negative. */
void line_duration(struct line *l, const char *name, int64_t ns);

/* "GET /path"; a path that is a symbol is set apart. */
void line_path(struct line *l, const struct context *c, enum ink ink);

/* "404 Not Found" */
void line_status(struct line *l, int32_t status);

/* The important header fields as " name=value", how many are not known (missing > 0), and the
 * number of the others. */
void line_headers(struct line *l, struct list list, int64_t missing);

/* All of a frame but the head of its line. */
void line_frame(struct line *l, const struct rec_frame *f);

#endif
