/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CLEAR_LINE "\r\033[K"

static bool is_quiet, is_verbose;
static bool has_status, is_status_over;
static log_escape_fn *escape;

void log_setup(bool quiet, bool verbose)
{
	is_quiet = quiet;
	is_verbose = verbose;
}

void log_escape_by(log_escape_fn *fn)
{
	escape = fn;
}

/* In one piece, so that lines of two processes do not mix. */
static void line(const char *fmt, va_list ap)
{
	struct buf safe = { 0 };
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		return;
	if (has_status)
		buf_puts(&safe, CLEAR_LINE);
	has_status = false;
	buf_puts(&safe, "spf: ");
	if (escape)
		escape(&safe, bytes_str(text), true);
	else
		buf_puts(&safe, text);
	buf_putc(&safe, '\n');
	fwrite(buf_bytes(&safe).p, 1, buf_bytes(&safe).len, stderr);
	buf_release(&safe);
	free(text);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	if (is_quiet)
		return;
	va_start(ap, fmt);
	line(fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	if (!is_verbose)
		return;
	va_start(ap, fmt);
	line(fmt, ap);
	va_end(ap);
}

void log_status(const char *fmt, ...)
{
	va_list ap;

	if (is_status_over)
		return;
	has_status = true;
	fputs(CLEAR_LINE "spf: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
}

void log_status_end(void)
{
	is_status_over = true;
	if (has_status)
		fputs(CLEAR_LINE, stderr);
	has_status = false;
}

void die(enum exit_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(fmt, ap);
	va_end(ap);
	exit(code);
}
