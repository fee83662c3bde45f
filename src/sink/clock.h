/* SPDX-License-Identifier: BSD-2-Clause */
/* Times of day for people. */
#ifndef SPF_SINK_CLOCK_H
#define SPF_SINK_CLOCK_H

#include "util/buf.h"

enum { CLOCK_COLUMNS = 15 };

/* Reads the time zone; before files are out of reach. */
void clock_init(void);

/* Appends an epoch time as local 12:34:56.789012. */
void clock_print(struct buf *out, int64_t epoch_ns);

#endif
