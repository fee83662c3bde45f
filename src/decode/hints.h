/* SPDX-License-Identifier: BSD-2-Clause */
/* What somebody who knows says the symbols of unknown header fields stand for (hpack_table.h).
 *
 * Nothing on the wire proves it, so a field that is named by a hint stays marked: its record is
 * not complete, and the field is HEADER_HINTED. One list for the process. */
#ifndef SPF_DECODE_HINTS_H
#define SPF_DECODE_HINTS_H

#include "util/bytes.h"

struct hint {
	struct bytes symbol, name, value;
};

/* From now on the symbol ("?c3-12") stands for that field; a later hint for it replaces this one.
 * The bytes are copied. False past LIMIT_HINTS. */
bool hints_set(struct bytes symbol, struct bytes name, struct bytes value);

/* The hint for a symbol, or NULL. Valid until the next hints_set(). */
const struct hint *hints_find(struct bytes symbol);

/* Forgets all. */
void hints_release(void);

#endif
