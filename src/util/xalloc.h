/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocation that ends the program when memory is out: nobody checks these for NULL. */
#ifndef SPF_UTIL_XALLOC_H
#define SPF_UTIL_XALLOC_H

#include <stddef.h>

void *xmalloc(size_t len);
void *xcalloc(size_t cnt, size_t len);
void *xrealloc(void *p, size_t len);
char *xstrdup(const char *s);

/* printf into a fresh string that the caller frees. */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
