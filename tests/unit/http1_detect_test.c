/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "decode/http1_detect.h"

/* The answer is want once all is there, and never another one before. */
static void check(struct bytes in, enum http1_detected want)
{
	for (size_t n = 0; n < in.len; n++) {
		enum http1_detected early = http1_detect_first(guarded(bytes_of(in.p, n)));

		assert_true(early == HTTP1_MAYBE || early == want);
	}
	assert_int_equal(http1_detect_first(guarded(in)), want);
}

static void a_whole_start_line_is_http1(void **state)
{
	check(BYTES_LIT("GET /v1.41/info HTTP/1.1\r\n"), HTTP1_REQUEST);
	check(BYTES_LIT("\r\nPROPFIND /a HTTP/1.0\n"), HTTP1_REQUEST);
	check(BYTES_LIT("P HTTP/1.1\r\n"), HTTP1_NOT);
	check(BYTES_LIT("HTTP/1.1 200 OK"), HTTP1_RESPONSE);
	check(BYTES_LIT("HTTP/1.0 404\r\n"), HTTP1_RESPONSE);
}

static void other_protocols_are_neither(void **state)
{
	check(BYTES_LIT("PRI * HTTP/2.0\r\n"), HTTP1_NOT);
	check(BYTES_LIT("GET key\r\n"), HTTP1_NOT);          /* Redis, inline */
	check(BYTES_LIT("*1\r\n$4\r\nPING\r\n"), HTTP1_NOT); /* Redis */
	check(BYTES_LIT("DESCRIBE rtsp://a RTSP/1.0\r\n"), HTTP1_NOT);
	check(BYTES_LIT("AUTH EXTERNAL 30\r\n"), HTTP1_NOT); /* D-Bus */
	check(BYTES_LIT("HTTP/2 200\r\n"), HTTP1_NOT);
	check(BYTES_LIT("HTTP/1.1 2000 OK\r\n"), HTTP1_NOT);
	check(BYTES_LIT("\x16\x03\x01\x02\x00\x01"), HTTP1_NOT);
	check(BYTES_LIT("\0\0\0\4\0\0\0\0\0"), HTTP1_NOT);
	check(BYTES_LIT("POST"), HTTP1_MAYBE);
}

static void the_middle_shows_at_the_next_start_line(void **state)
{
	struct bytes in = BYTES_LIT("tail}\nHTTP/1.1 200\nx GET / HTTP/1.1 \r\nyPUT /a HTTP/1.1\r\n");
	size_t off;

	assert_int_equal(http1_detect_within(in, &off), HTTP1_RESPONSE);
	assert_int_equal(off, 6);
	in = bytes_of(in.p + 7, in.len - 7);
	assert_int_equal(http1_detect_within(guarded(in), &off), HTTP1_REQUEST);
	assert_true(bytes_has_prefix(bytes_of(in.p + off, in.len - off), BYTES_LIT("PUT ")));
	in.len -= 2;
	assert_int_equal(http1_detect_within(guarded(in), &off), HTTP1_NOT);
	assert_true(bytes_has_prefix(bytes_of(in.p + off, in.len - off), BYTES_LIT("yPUT ")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_start_line_is_http1),
		cmocka_unit_test(other_protocols_are_neither),
		cmocka_unit_test(the_middle_shows_at_the_next_start_line),
	};

	return cmocka_run_group_tests_name("http1_detect", tests, NULL, NULL);
}
