/* SPDX-License-Identifier: BSD-2-Clause */
/* The comment at the head of a script: what it does, what arguments it takes. Read here in C and
 * never run: to list scripts is not to execute them.
 *
 *     --- Live table of gRPC calls by method.
 *     -- @license BSD-2-Clause
 *     -- @api     1
 *     -- @arg top int(1..1000)=20  Rows to show
 *     -- @usage   spf -s grpc_top -a top=5 /run/app.sock
 *     -- @output
 *     -- METHOD   CALLS
 */
#ifndef SPF_SCRIPT_HEADER_H
#define SPF_SCRIPT_HEADER_H

#include "util/buf.h"

enum { HEADER_API = 1 /* the newest @api that this spf knows */ };

enum arg_type {
	ARG_STRING,
	ARG_INT,
	ARG_NUMBER,
	ARG_BOOL,
	ARG_DURATION, /* 250ms, 2s: seconds in Lua */
	ARG_BYTES,    /* 4K, 1M: bytes in Lua */
	ARG_ENUM,
	ARG_PATTERN,  /* a Lua pattern */
	ARG_LIST,     /* a,b,c: a table in Lua */
};

struct header_arg {
	char *name;
	enum arg_type type;
	char *choices; /* enum: "count,errors" */
	bool has_range;
	double min, max;
	bool optional;  /* =? : may be absent */
	char *fallback; /* after =, NULL: required, unless optional */
	char *meaning;
};

/* A zeroed struct is an empty header. */
struct script_header {
	char *title;       /* first line, without --- */
	char *text;        /* the rest of the description, lines joined; NULL none */
	char *author, *license, *category;
	int api;           /* 0: not given */
	int64_t interval_ns; /* @interval, 0: not given */
	struct header_arg *args;
	size_t arg_cnt;
	char *usage;       /* all @usage lines, one a line */
	char *output;      /* lines under @output */
};

/* Reads the header of a script's text. A script without one gives an empty header. Returns 0, or
 * -EINVAL with *why set (name:line: what; freed by the caller). */
int header_parse(struct bytes text, const char *name, struct script_header *out, char **why);
void header_release(struct script_header *h);

/* Says what a header that scripts are shared with must have and this one lacks: 0, or -EINVAL
 * with *why. */
int header_complete(const struct script_header *h, const char *name, char **why);

/* Checks -a k=v arguments (NULL-terminated, NULL = none) against the declared ones. Returns 0, or
 * -EINVAL with *why that names the argument, what it takes and a near name. */
int header_check_args(const struct script_header *h, const char *name, const char *const *given,
		      char **why);

/* The value that arg has: given, or its fallback, or NULL. */
const char *header_value(const struct header_arg *arg, const char *const *given);

/* Reads "250ms" or "4K" of ARG_INT, _NUMBER, _DURATION (seconds), _BYTES. False: not one. */
bool header_number(enum arg_type type, const char *text, double *out);

/* What an argument takes, in words: "int 1 to 1000", "count, errors or p99". */
void header_arg_type(const struct header_arg *arg, struct buf *out);

/* --info: the whole header, for people. */
void header_print(const struct script_header *h, const char *name, struct buf *out);

/* One line of --list: name and title. */
void header_list(const struct script_header *h, const char *name, struct buf *out);

#endif
