/* SPDX-License-Identifier: BSD-2-Clause */
/* The chosen fields of a record (-F) as text columns, CSV, TSV, JSON or raw bytes. */
#ifndef SPF_SINK_COLUMNS_H
#define SPF_SINK_COLUMNS_H

#include "sink/sink.h"

struct columns;

/* names: "ts,comm,method"; own names or aliases. kinds: a bit each of those that are printed.
 * Returns NULL with *why (freed by the caller) if one is not the name of any field of theirs. */
struct columns *columns_new(const char *names, uint32_t kinds, char **why);
void columns_free(struct columns *c);

/* Appends the line of names that CSV and TSV begin with. */
void columns_head(const struct columns *c, enum sink_format format, struct buf *out);

/* Appends the record's line (for SINK_RAW its bytes, without a line end). escape: the output
 * is a terminal. */
void columns_record(struct columns *c, enum sink_format format, bool escape, const struct batch *b,
		    const struct record *r, struct buf *out);

#endif
