/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of spf itself: one line on stderr, prefixed with "spf: ". */
#ifndef SPF_UTIL_LOG_H
#define SPF_UTIL_LOG_H

#include <stdbool.h>

#include "util/buf.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_RUN = 1,    /* something failed while running, or a right is missing */
	EXIT_USAGE = 2,  /* bad option, script or target: nothing was captured */
	EXIT_LIMIT = 3,  /* a script passed its limit and was stopped */
};

/* Sets what log_info() prints: nothing (quiet), or its lines; and whether log_debug() prints. */
void log_setup(bool quiet, bool verbose);

/* How text becomes safe for a terminal: text_escape() of sink.h, which util may not include.
 * Messages quote scripts and traffic. */
typedef void log_escape_fn(struct buf *out, struct bytes in, bool lines);
void log_escape_by(log_escape_fn *fn);

void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Shows a line on the terminal that stderr is, in place of the one before, until a message comes
 * or log_status_end(), which is for good: a terminal that others write to is theirs. */
void log_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_status_end(void);

/* Prints the line and ends the program with code. */
void die(enum exit_code code, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

#endif
