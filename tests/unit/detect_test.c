/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "decode/detect.h"

/* The answer is want once all is there, and never another one before. */
static void check(struct bytes in, enum detected want)
{
	for (size_t n = 0; n < in.len; n++) {
		enum detected early = detect_first(guarded(bytes_of(in.p, n)));

		assert_true(early == DETECT_MORE || early == want);
	}
	assert_int_equal(detect_first(guarded(in)), want);
}

static void the_preface_is_http2(void **state)
{
	check(BYTES_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), DETECT_H2);
	check(BYTES_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\rx"), DETECT_NONE);
}

static void a_whole_start_line_is_http1(void **state)
{
	check(BYTES_LIT("GET /v1.41/info HTTP/1.1\r\n"), DETECT_HTTP1_REQUEST);
	check(BYTES_LIT("\r\nPROPFIND /a HTTP/1.0\n"), DETECT_HTTP1_REQUEST);
	check(BYTES_LIT("P HTTP/1.1\r\n"), DETECT_NONE);
	check(BYTES_LIT("HTTP/1.1 200 OK"), DETECT_HTTP1_RESPONSE);
	check(BYTES_LIT("HTTP/1.0 404\r\n"), DETECT_HTTP1_RESPONSE);
}

static void other_protocols_are_neither(void **state)
{
	check(BYTES_LIT("GET key\r\n"), DETECT_NONE);          /* Redis, inline */
	check(BYTES_LIT("*1\r\n$4\r\nPING\r\n"), DETECT_NONE); /* Redis */
	check(BYTES_LIT("DESCRIBE rtsp://a RTSP/1.0\r\n"), DETECT_NONE);
	check(BYTES_LIT("AUTH EXTERNAL 30\r\n"), DETECT_NONE); /* D-Bus */
	check(BYTES_LIT("HTTP/2 200\r\n"), DETECT_NONE);
	check(BYTES_LIT("HTTP/1.1 2000 OK\r\n"), DETECT_NONE);
	check(BYTES_LIT("\x16\x03\x01\x02\x00\x01"), DETECT_NONE);
	check(BYTES_LIT("\0\0\0\4\0\0\0\0\0"), DETECT_NONE);
	check(BYTES_LIT("POST"), DETECT_MORE);
}

static void the_middle_shows_at_the_next_start_line(void **state)
{
	struct bytes in = BYTES_LIT("tail}\nHTTP/1.1 200\nx GET / HTTP/1.1 \r\nyPUT /a HTTP/1.1\r\n");
	size_t off;

	assert_int_equal(detect_http1_within(in, &off), DETECT_HTTP1_RESPONSE);
	assert_int_equal(off, 6);
	in = bytes_of(in.p + 7, in.len - 7);
	assert_int_equal(detect_http1_within(guarded(in), &off), DETECT_HTTP1_REQUEST);
	assert_true(bytes_has_prefix(bytes_of(in.p + off, in.len - off), BYTES_LIT("PUT ")));
	in.len -= 2;
	assert_int_equal(detect_http1_within(guarded(in), &off), DETECT_NONE);
	assert_true(bytes_has_prefix(bytes_of(in.p + off, in.len - off), BYTES_LIT("yPUT ")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_preface_is_http2),
		cmocka_unit_test(a_whole_start_line_is_http1),
		cmocka_unit_test(other_protocols_are_neither),
		cmocka_unit_test(the_middle_shows_at_the_next_start_line),
	};

	return cmocka_run_group_tests_name("detect", tests, NULL, NULL);
}
