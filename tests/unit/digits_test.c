/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <inttypes.h>
#include <stdio.h>

#include "util/digits.h"

static struct buf out;

#define IS(call, want)                                                                             \
	do {                                                                                       \
		buf_clear(&out);                                                                   \
		call;                                                                              \
		assert_text(buf_bytes(&out), want);                                                \
	} while (0)

static void numbers_are_what_printf_makes_of_them(void **state)
{
	char want[32];

	for (uint64_t n = 1; n < UINT64_MAX / 11; n = n * 11 / 7 + 1) {
		snprintf(want, sizeof(want), "%" PRIu64, n);
		IS(digits_u64(&out, n), want);
		snprintf(want, sizeof(want), "%" PRId64, -(int64_t)n);
		IS(digits_i64(&out, -(int64_t)n), want);
	}
	for (uint64_t n = 1; n <= 10000000000000000000ull / 10; n *= 10) {
		snprintf(want, sizeof(want), "%" PRIu64, n - 1);
		IS(digits_u64(&out, n - 1), want);
		snprintf(want, sizeof(want), "%" PRIu64, n);
		IS(digits_u64(&out, n), want);
	}
	IS(digits_u64(&out, 0), "0");
	IS(digits_u64(&out, UINT64_MAX), "18446744073709551615");
	IS(digits_i64(&out, INT64_MIN), "-9223372036854775808");
	buf_release(&out);
}

static void fractions_end_with_their_last_digit(void **state)
{
	IS(digits_fixed(&out, 0, 9), "0");
	IS(digits_fixed(&out, 1, 9), "0.000000001");
	IS(digits_fixed(&out, 1700000000123456789, 9), "1700000000.123456789");
	IS(digits_fixed(&out, 1700000000500000000, 9), "1700000000.5");
	IS(digits_fixed(&out, 1500, 3), "1.5");
	IS(digits_fixed(&out, 1005, 3), "1.005");
	IS(digits_fixed(&out, 2000, 3), "2");
	IS(digits_fixed(&out, -1250, 3), "-1.25");
	IS(digits_fixed(&out, -1, 3), "-0.001");
	IS(digits_fixed(&out, INT64_MIN, 9), "-9223372036.854775808");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_what_printf_makes_of_them),
		cmocka_unit_test(fractions_end_with_their_last_digit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
