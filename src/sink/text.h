/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-8 as terminals and JSON need it. text_escape() is in sink/sink.h. */
#ifndef SPF_SINK_TEXT_H
#define SPF_SINK_TEXT_H

#include "util/buf.h"

/* Reads the code point at the front of in. Returns its bytes (1 to 4) with *cp set, or 0 if
 * they are not well-formed (overlong, surrogate, past U+10FFFF, cut off): RFC 3629 §3. */
size_t text_utf8(struct bytes in, uint32_t *cp);

/* Cuts the front off that no printer must look at: printable ASCII without '\\', and without '"'
 * unless quotes are plain too. */
struct bytes text_take_plain(struct bytes *in, bool quotes);

/* True if that is all of in. */
bool text_is_plain(struct bytes in, bool quotes);

/* True if all of in is well-formed UTF-8. */
bool text_is_utf8(struct bytes in);

/* True for what moves or reorders a terminal's text: C0, DEL, C1, bidi controls, line and
 * paragraph separators. */
bool text_is_control(uint32_t cp);

/* Columns that escaped text takes on a terminal. */
size_t text_columns(struct bytes in);

/* The longest front of escaped text that fits into that many columns. */
struct bytes text_fit(struct bytes in, size_t columns);

#endif
