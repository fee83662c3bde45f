/* SPDX-License-Identifier: BSD-2-Clause */
/* Text files that are part of the binary: lua/ and the record structs (made by the Makefile). */
#ifndef SPF_UTIL_EMBEDDED_H
#define SPF_UTIL_EMBEDDED_H

struct embedded {
	const char *name; /* "lua/spf/agg.lua", "record.cdef" */
	const char *begin;
	const char *end;  /* a NUL follows the text */
};

extern const struct embedded embedded[]; /* ends with a NULL name */

#endif
