/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocation that ends the program when memory is out: nobody checks these for NULL. */
#ifndef SPF_UTIL_XALLOC_H
#define SPF_UTIL_XALLOC_H

#include <stddef.h>

#ifndef __has_feature /* Clang's */
#define __has_feature(name) 0
#endif

/* Whether what was freed may be kept for the next of its kind: not where AddressSanitizer is to
 * see that it is used. */
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { KEEPS_SPARES = 0 };
#else
enum { KEEPS_SPARES = 1 };
#endif

void *xmalloc(size_t len);
void *xcalloc(size_t cnt, size_t len);
void *xrealloc(void *p, size_t len);
char *xstrdup(const char *s);

/* printf into a fresh string that the caller frees. */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
