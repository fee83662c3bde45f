/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "sink/clock.h"
#include "sink/sink.h"
#include "sink/text.h"

static void check_escape(struct bytes in, bool lines, const char *want)
{
	struct buf out = { 0 };

	text_escape(&out, guarded(in), lines);
	assert_text(buf_bytes(&out), want);
	buf_release(&out);
}

#define ESCAPES(in, want) check_escape(BYTES_LIT(in), false, want)

static void plain_text_passes(void **state)
{
	ESCAPES("", "");
	ESCAPES("GET /index.html?a=b&c=\"d\"", "GET /index.html?a=b&c=\"d\"");
	ESCAPES("Grüße → 日本語 🚀", "Grüße → 日本語 🚀");
}

static void controls_are_escaped(void **state)
{
	ESCAPES("\033]0;owned\a", "\\x1b]0;owned\\x07");
	ESCAPES("a\0b", "a\\x00b");
	ESCAPES("\x7f", "\\x7f");
	ESCAPES("\r", "\\r");
	ESCAPES("\xc2\x9b" "31m", "\\u009b31m"); /* C1: CSI in one code point */
	ESCAPES("\xc2\x85", "\\u0085");
	ESCAPES("\x9b" "31m", "\\x9b31m"); /* and as a bare byte, as xterm takes it too */
}

static void bidi_controls_are_escaped(void **state)
{
	ESCAPES("a\u202eb", "a\\u202eb");
	ESCAPES("\u200e\u200f\u061c", "\\u200e\\u200f\\u061c");
	ESCAPES("\u202a\u202c\u2066\u2069", "\\u202a\\u202c\\u2066\\u2069");
	ESCAPES("\u2028\u2029", "\\u2028\\u2029");
	ESCAPES("\u2065\u206a\u202f", "\u2065\u206a\u202f"); /* the neighbours pass */
}

static void malformed_utf8_is_shown_as_bytes(void **state)
{
	ESCAPES("\xff\xfe", "\\xff\\xfe");
	ESCAPES("\xc0\xaf", "\\xc0\\xaf");                 /* overlong "/" */
	ESCAPES("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	ESCAPES("\xed\xa0\x80", "\\xed\\xa0\\x80");         /* a surrogate */
	ESCAPES("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* past U+10FFFF */
	ESCAPES("\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80");
	ESCAPES("a\xe2\x86", "a\\xe2\\x86");                /* cut off */
	ESCAPES("\xe2(\xa1", "\\xe2(\\xa1");
	ESCAPES("\xc3\xa4\xc3", "ä\\xc3");
}

static void newline_and_tab_pass_only_where_lines_may(void **state)
{
	check_escape(BYTES_LIT("a\tb\n\\\r\033"), true, "a\tb\n\\\\r\\x1b");
	check_escape(BYTES_LIT("a\tb\n\\"), false, "a\\tb\\n\\\\");
}

static void every_byte_comes_out_harmless(void **state)
{
	for (int byte = 0; byte < 256; byte++) {
		struct bytes in = bytes_of(&(uint8_t){ (uint8_t)byte }, 1);
		struct buf out = { 0 };

		text_escape(&out, in, false);
		assert_true(out.len >= 1);
		for (size_t i = 0; i < out.len; i++)
			assert_in_range(buf_bytes(&out).p[i], 0x20, 0x7e);
		buf_release(&out);
	}
}

static void columns_count_what_is_seen(void **state)
{
	assert_int_equal(text_columns(BYTES_LIT("abc")), 3);
	assert_int_equal(text_columns(BYTES_LIT("Grüße")), 5);
	assert_int_equal(text_columns(BYTES_LIT("日本")), 4);
	assert_int_equal(text_columns(BYTES_LIT("e\u0301")), 1);
	assert_text(text_fit(BYTES_LIT("日本語"), 5), "日本");
	assert_text(text_fit(BYTES_LIT("abc"), 9), "abc");
	assert_text(text_fit(BYTES_LIT("abc"), 0), "");
}

static bool is_special(uint8_t byte, bool quotes)
{
	return byte < 0x20 || byte > 0x7e || byte == '\\' || (byte == '"' && !quotes);
}

/* Each byte at each place of texts of each length: eight bytes are looked at together. */
static void the_plain_front_ends_at_the_first_special_byte(void **state)
{
	for (size_t len = 1; len < 27; len++)
		for (size_t at = 0; at < len; at++)
			for (int byte = 0; byte < 512; byte++) {
				bool quotes = byte & 256, is;
				uint8_t text[27];
				struct bytes in;

				memset(text, 'a' + (int)len, sizeof(text));
				text[at] = (uint8_t)byte;
				in = bytes_of(text, len);
				is = is_special(text[at], quotes);
				assert_int_equal(text_is_plain(in, quotes), !is);
				assert_int_equal(text_take_plain(&in, quotes).len, is ? at : len);
				assert_int_equal(in.len, is ? len - at : 0);
			}
	assert_true(text_is_plain(bytes_of(NULL, 0), false));
	assert_true(text_is_plain(guarded(BYTES_LIT("abc")), false));
	assert_true(text_is_plain(guarded(BYTES_LIT("abcdefghijk")), false));
}

static void times_before_1970_are_times(void **state)
{
	struct buf out = { 0 };

	setenv("TZ", "UTC", 1);
	clock_init();
	clock_print(&out, -1);
	buf_putc(&out, ' ');
	clock_print(&out, 1700000000123456789);
	buf_putc(&out, ' ');
	clock_print(&out, 1700000000000001000);
	assert_text(buf_bytes(&out), "23:59:59.999999 22:13:20.123456 22:13:20.000001");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_passes),
		cmocka_unit_test(controls_are_escaped),
		cmocka_unit_test(bidi_controls_are_escaped),
		cmocka_unit_test(malformed_utf8_is_shown_as_bytes),
		cmocka_unit_test(newline_and_tab_pass_only_where_lines_may),
		cmocka_unit_test(every_byte_comes_out_harmless),
		cmocka_unit_test(columns_count_what_is_seen),
		cmocka_unit_test(the_plain_front_ends_at_the_first_special_byte),
		cmocka_unit_test(times_before_1970_are_times),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
