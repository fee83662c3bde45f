/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <errno.h>
#include <zlib.h>

#include "decode/inflate.h"
#include "util/limits.h"

/* What zlib makes of in; window as for deflateInit2(). Owned by the test for good. */
static struct bytes deflated(int window, struct bytes in)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.len };
	size_t room = in.len + 1024;
	uint8_t *mem = malloc(room);

	deflateInit2(&z, 9, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY);
	z.next_out = mem;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	room = z.total_out;
	deflateEnd(&z);
	return bytes_of(mem, room);
}

static void check(enum inflate_coding coding, struct bytes in, int rc, const char *want)
{
	struct buf out = { 0 };

	buf_puts(&out, ">");
	assert_int_equal(inflate_bytes(coding, guarded(in), &out), rc);
	buf_consume(&out, 1);
	assert_text(buf_bytes(&out), want);
	buf_release(&out);
	free((void *)(uintptr_t)in.p);
}

#define TEXT "a text, a text, a text and its end"

static void what_the_codings_did_is_undone(void **state)
{
	check(INFLATE_GZIP, deflated(15 + 16, BYTES_LIT(TEXT)), 0, TEXT);
	check(INFLATE_DEFLATE, deflated(15, BYTES_LIT(TEXT)), 0, TEXT);
	check(INFLATE_DEFLATE, deflated(-15, BYTES_LIT(TEXT)), 0, TEXT);
	check(INFLATE_DEFLATE, deflated(15, BYTES_LIT("")), 0, "");
}

static void gzip_members_are_joined_and_padding_left(void **state)
{
	struct bytes one = deflated(15 + 16, BYTES_LIT("one "));
	struct bytes two = deflated(15 + 16, BYTES_LIT("two"));
	struct buf both = { 0 };

	buf_append(&both, one);
	buf_append(&both, two);
	buf_append(&both, bytes_of("\0\0\0\0", 4));
	free((void *)(uintptr_t)one.p);
	free((void *)(uintptr_t)two.p);
	check(INFLATE_GZIP, buf_bytes(&both), 0, "one two");
}

static void what_is_cut_short_or_broken_says_so(void **state)
{
	struct bytes z = deflated(15 + 16, BYTES_LIT(TEXT));
	struct buf out = { 0 };

	for (size_t cut = 0; cut < z.len; cut++) {
		assert_int_equal(inflate_bytes(INFLATE_GZIP, guarded(bytes_of(z.p, cut)), &out),
				 -ENODATA);
		assert_true(bytes_has_prefix(BYTES_LIT(TEXT), buf_bytes(&out)));
		buf_release(&out);
	}
	((uint8_t *)(uintptr_t)z.p)[z.len - 5] ^= 1; /* the checksum */
	check(INFLATE_GZIP, z, -EPROTO, TEXT);
	assert_int_equal(inflate_bytes(INFLATE_GZIP, BYTES_LIT("no gzip"), &out), -EPROTO);
	assert_int_equal(inflate_bytes(INFLATE_UNKNOWN, BYTES_LIT("x"), &out), -ENOTSUP);
	buf_release(&out);
}

static void a_bomb_stops_at_the_ratio(void **state)
{
	size_t len = 3u << 20;
	uint8_t *zeros = calloc(1, len);
	struct bytes z = deflated(15, bytes_of(zeros, len));
	struct buf out = { 0 };

	assert_true(len / z.len > LIMIT_INFLATE_RATIO);
	assert_int_equal(inflate_bytes(INFLATE_DEFLATE, z, &out), -E2BIG);
	assert_true(out.len <= z.len * LIMIT_INFLATE_RATIO + 65536);
	buf_release(&out);
	free(zeros);
	free((void *)(uintptr_t)z.p);
}

static void a_large_result_stops_at_the_length(void **state)
{
	size_t len = LIMIT_INFLATE_LEN + (1u << 20);
	uint8_t *noise = malloc(len);
	uint32_t x = 1;
	struct bytes z;
	struct buf out = { 0 };

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		noise[i] = (uint8_t)(x >> 24 & 63); /* no matches to search for */
	}
	z = deflated(15, bytes_of(noise, len));
	assert_int_equal(inflate_bytes(INFLATE_DEFLATE, z, &out), -E2BIG);
	assert_true(out.len >= LIMIT_INFLATE_LEN && out.len <= LIMIT_INFLATE_LEN + 16384);
	assert_memory_equal(buf_bytes(&out).p, noise, LIMIT_INFLATE_LEN);
	buf_release(&out);
	free(noise);
	free((void *)(uintptr_t)z.p);
}

static void codings_are_known_by_name(void **state)
{
	assert_int_equal(inflate_coding((struct bytes){ 0 }), INFLATE_IDENTITY);
	assert_int_equal(inflate_coding(BYTES_LIT("GZip")), INFLATE_GZIP);
	assert_int_equal(inflate_coding(BYTES_LIT("deflate")), INFLATE_DEFLATE);
	assert_int_equal(inflate_coding(BYTES_LIT("br")), INFLATE_UNKNOWN);
	assert_int_equal(inflate_coding(BYTES_LIT("gzip, br")), INFLATE_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_codings_did_is_undone),
		cmocka_unit_test(gzip_members_are_joined_and_padding_left),
		cmocka_unit_test(what_is_cut_short_or_broken_says_so),
		cmocka_unit_test(a_bomb_stops_at_the_ratio),
		cmocka_unit_test(a_large_result_stops_at_the_length),
		cmocka_unit_test(codings_are_known_by_name),
	};

	return cmocka_run_group_tests_name("inflate", tests, NULL, NULL);
}
