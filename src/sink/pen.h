/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes one line of a terminal: escapes, colours, and stops at the last column. */
#ifndef SPF_SINK_PEN_H
#define SPF_SINK_PEN_H

#include "util/buf.h"

enum ink {
	INK_PLAIN,
	INK_DIM,  /* what is always there */
	INK_GIST, /* what the eye looks for */
	INK_REQUEST,
	INK_RESPONSE,
	INK_NOTE,  /* not certain */
	INK_ALARM, /* wrong, or lost */
};

struct pen {
	struct buf *out;
	bool color;
	bool is_full;	/* the line was cut */
	size_t columns; /* used */
	size_t width;	/* 0 = unlimited */
	struct buf escaped;
};

/* Each appends to the line; bytes are escaped. */
void pen_bytes(struct pen *p, enum ink ink, struct bytes in);
void pen_text(struct pen *p, enum ink ink, const char *text);
void pen_printf(struct pen *p, enum ink ink, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Blanks up to the column; at least one. */
void pen_tab(struct pen *p, size_t column);

/* Ends the line and frees what the pen holds. */
void pen_end(struct pen *p);

#endif
