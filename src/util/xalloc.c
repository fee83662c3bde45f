/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p)
{
	if (!p) {
		fputs("spf: out of memory\n", stderr);
		_Exit(1);
	}
	return p;
}

void *xmalloc(size_t len)
{
	return checked(malloc(len ? len : 1));
}

void *xcalloc(size_t cnt, size_t len)
{
	return checked(calloc(cnt ? cnt : 1, len ? len : 1));
}

void *xrealloc(void *p, size_t len)
{
	return checked(realloc(p, len ? len : 1));
}

char *xstrdup(const char *s)
{
	return checked(strdup(s));
}

char *xasprintf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return checked(s);
}
