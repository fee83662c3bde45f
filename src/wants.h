/* SPDX-License-Identifier: BSD-2-Clause */
/* What the command line and its scripts want of the decoder, and what is printed of it. */
#ifndef SPF_WANTS_H
#define SPF_WANTS_H

#include "options.h"
#include "script/script.h"

/* want: added to. kinds: a bit each of those that are printed, and that -c counts. scripts may
 * be NULL. Returns true if records are printed at all. */
bool wants_of(const struct options *o, struct scripts *scripts, struct want *want, uint32_t *kinds);

#endif
