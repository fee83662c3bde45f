/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/digits.h"

#define TENS(ten)                                                                                  \
	ten "0" ten "1" ten "2" ten "3" ten "4" ten "5" ten "6" ten "7" ten "8" ten "9"

static const char pairs[] = TENS("0") TENS("1") TENS("2") TENS("3") TENS("4")
			    TENS("5") TENS("6") TENS("7") TENS("8") TENS("9");

/* How many digits n has. */
static unsigned count(uint64_t n)
{
	for (unsigned cnt = 1;; cnt += 4, n /= 10000) {
		if (n < 10)
			return cnt;
		if (n < 100)
			return cnt + 1;
		if (n < 1000)
			return cnt + 2;
		if (n < 10000)
			return cnt + 3;
	}
}

/* Writes the last cnt digits of n, from the end: two at a time. */
static void write_digits(uint8_t *out, unsigned cnt, uint64_t n)
{
	for (; cnt > 1; n /= 100)
		memcpy(out + (cnt -= 2), pairs + n % 100 * 2, 2);
	if (cnt)
		out[0] = (uint8_t)('0' + n % 10);
}

void digits_u64(struct buf *out, uint64_t n)
{
	unsigned cnt = count(n);

	write_digits(buf_reserve(out, cnt), cnt, n);
	buf_added(out, cnt);
}

/* The sign goes out, the number without it comes back. */
static uint64_t put_sign(struct buf *out, int64_t n)
{
	if (n >= 0)
		return (uint64_t)n;
	buf_putc(out, '-');
	return -(uint64_t)n;
}

void digits_i64(struct buf *out, int64_t n)
{
	digits_u64(out, put_sign(out, n));
}

void digits_fixed(struct buf *out, int64_t n, unsigned decimals)
{
	static const uint32_t units[] = { 1,	  10,	   100,	     1000,	10000,
					  100000, 1000000, 10000000, 100000000, 1000000000 };
	uint64_t u = put_sign(out, n), rest = u % units[decimals];
	uint8_t *p;

	digits_u64(out, u / units[decimals]);
	if (!rest)
		return;
	p = buf_reserve(out, 1 + decimals);
	p[0] = '.';
	write_digits(p + 1, decimals, rest);
	while (p[decimals] == '0')
		decimals--;
	buf_added(out, 1 + decimals);
}
