/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers as decimal text, for what is printed with every record: printf() costs ten times more. */
#ifndef SPF_UTIL_DIGITS_H
#define SPF_UTIL_DIGITS_H

#include "util/buf.h"

void digits_u64(struct buf *out, uint64_t n);
void digits_i64(struct buf *out, int64_t n);

/* Appends n / 10^decimals (0 to 9) without zeros at the end. */
void digits_fixed(struct buf *out, int64_t n, unsigned decimals);

#endif
