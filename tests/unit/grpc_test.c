/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <errno.h>

#include "decode/grpc.h"
#include "util/limits.h"

static void feed(struct grpc *g, struct bytes in, struct buf *log)
{
	struct grpc_message m;
	size_t used;
	int rc;

	while ((rc = grpc_next(g, in, &used, &m)) > 0) {
		assert_true(used <= in.len);
		bytes_take(&in, used, &(struct bytes){ 0 });
		buf_printf(log, "%u:%u%s%s%s ", m.index, m.length, m.compressed ? "z" : "",
			   m.is_trailers ? "t" : "", m.complete ? "" : "-");
		buf_append(log, m.raw);
		buf_putc(log, '\n');
	}
	assert_int_equal(used, in.len);
	if (rc < 0)
		buf_printf(log, "LOST %s\n", g->why);
}

static void finish(struct grpc *g, struct buf *log, const char *want)
{
	struct grpc_message m;

	if (grpc_close(g, &m)) {
		buf_printf(log, "%u:%u cut ", m.index, m.length);
		buf_append(log, m.raw);
		buf_putc(log, '\n');
		assert_false(m.complete);
	}
	assert_text(buf_bytes(log), want);
	buf_release(log);
	grpc_release(g);
}

static void check(bool keep, const char *text, size_t len, const char *want)
{
	struct bytes in = guarded(bytes_of(text, len));
	struct grpc g = { .keep = keep };
	struct buf log = { 0 };

	feed(&g, in, &log);
	finish(&g, &log, want);
	g = (struct grpc){ .keep = keep };
	for (size_t i = 0; i < len; i++)
		feed(&g, bytes_of(in.p + i, 1), &log);
	finish(&g, &log, want);
	for (size_t cut = 1; cut < len; cut++) {
		g = (struct grpc){ .keep = keep };
		feed(&g, bytes_of(in.p, cut), &log);
		feed(&g, bytes_of(in.p + cut, len - cut), &log);
		finish(&g, &log, want);
	}
}

#define MESSAGES(text, want) check(true, text, sizeof(text) - 1, want)

static void messages_are_cut_out_of_any_split(void **state)
{
	MESSAGES("\0\0\0\0\5hello\1\0\0\0\2zz\0\0\0\0\0\0\0\0\0\3end",
		 "1:5 hello\n2:2z zz\n3:0 \n4:3 end\n");
}

static void a_message_that_never_ends_is_cut_off(void **state)
{
	MESSAGES("\0\0\0\0\1a\0\0\0\0\5hell", "1:1 a\n2:5 cut hell\n");
	MESSAGES("\0\0\0\0\1a\0\0\0", "1:1 a\n");
}

static void an_unknown_flag_ends_framing(void **state)
{
	MESSAGES("\0\0\0\0\1a\x02\0\0\0\1b", "1:1 a\nLOST a message flag that gRPC does not know\n");
}

static void web_trailers_are_no_message(void **state)
{
	MESSAGES("\0\0\0\0\1a\x80\0\0\0\x0fgrpc-status:0\r\n", "1:1 a\n0:15t grpc-status:0\r\n\n");
}

static void sizes_are_right_when_bytes_are_not_kept(void **state)
{
	struct grpc g = { 0 };
	struct buf log = { 0 };

	feed(&g, BYTES_LIT("\0\0\0\0"), &log);
	feed(&g, BYTES_LIT("\5he"), &log);
	feed(&g, BYTES_LIT("llo\0\0\0\0\2"), &log);
	assert_int_equal(g.buf.cap, 0);
	feed(&g, BYTES_LIT("x"), &log);
	finish(&g, &log, "1:5 \n2:2 cut \n");
}

static void a_message_past_the_limit_is_given_in_part(void **state)
{
	static char block[65536];
	struct grpc g = { .keep = true };
	struct grpc_message m;
	uint32_t left = LIMIT_GRPC_MESSAGE + 70000;
	size_t used;
	int rc;

	assert_int_equal(grpc_next(&g, HEX("00 00 41 11 70"), &used, &m), 0);
	assert_int_equal(g.length, left);
	do {
		size_t n = left < sizeof(block) ? left : sizeof(block);

		rc = grpc_next(&g, bytes_of(block, n), &used, &m);
		left -= (uint32_t)n;
	} while (!rc);
	assert_int_equal(left, 0);
	assert_int_equal(m.raw.len, LIMIT_GRPC_MESSAGE);
	assert_false(m.complete);
	grpc_release(&g);
}

static void a_gap_within_a_message_cuts_only_that_one(void **state)
{
	struct grpc g = { .keep = true };
	struct buf log = { 0 };
	struct grpc_message m;

	feed(&g, BYTES_LIT("\0\0\0\0\5he"), &log);
	assert_int_equal(grpc_gap(&g, 2, &m), 0);
	feed(&g, BYTES_LIT("o\0\0\0\0\3ab"), &log);
	assert_int_equal(grpc_gap(&g, 1, &m), 1);
	assert_false(m.complete);
	assert_text(m.raw, "ab");
	feed(&g, BYTES_LIT("\0\0\0\0\1c"), &log);
	finish(&g, &log, "1:5- heo\n3:1 c\n");
}

static void a_gap_over_a_prefix_ends_framing(void **state)
{
	struct grpc g = { .keep = true };
	struct buf log = { 0 };
	struct grpc_message m;

	feed(&g, BYTES_LIT("\0\0\0\0\5he"), &log);
	assert_int_equal(grpc_gap(&g, 4, &m), 1);
	assert_text(m.raw, "he");
	feed(&g, BYTES_LIT("\0\0\0\0\1c"), &log);
	finish(&g, &log, "");
}

static void content_types_are_told_apart(void **state)
{
	assert_int_equal(grpc_kind(BYTES_LIT("application/grpc")), GRPC_PLAIN);
	assert_int_equal(grpc_kind(BYTES_LIT("application/grpc+proto")), GRPC_PLAIN);
	assert_int_equal(grpc_kind(BYTES_LIT("Application/gRPC;charset=utf-8")), GRPC_PLAIN);
	assert_int_equal(grpc_kind(BYTES_LIT("application/grpc-web+proto")), GRPC_WEB);
	assert_int_equal(grpc_kind(BYTES_LIT("application/grpc-web-text")), GRPC_WEB_TEXT);
	assert_int_equal(grpc_kind(BYTES_LIT("application/grpcweb")), GRPC_NONE);
	assert_int_equal(grpc_kind(BYTES_LIT("application/grp")), GRPC_NONE);
}

static void timeouts_and_statuses_are_numbers(void **state)
{
	assert_int_equal(grpc_timeout(BYTES_LIT("10m")), 10000000);
	assert_int_equal(grpc_timeout(BYTES_LIT("1H")), 3600000000000);
	assert_int_equal(grpc_timeout(BYTES_LIT("99999999H")), INT64_MAX);
	assert_int_equal(grpc_timeout(BYTES_LIT("99999999n")), 99999999);
	assert_int_equal(grpc_timeout(BYTES_LIT("100000000n")), -1);
	assert_int_equal(grpc_timeout(BYTES_LIT("m")), -1);
	assert_int_equal(grpc_timeout(BYTES_LIT("5 m")), -1);
	assert_int_equal(grpc_timeout(BYTES_LIT("5x")), -1);
	assert_int_equal(grpc_status(BYTES_LIT("14")), 14);
	assert_int_equal(grpc_status(BYTES_LIT("")), -1);
	assert_int_equal(grpc_status(BYTES_LIT("4294967296")), -1);
}

static void messages_lose_their_percent_signs(void **state)
{
	struct buf out = { 0 };

	grpc_unescape(BYTES_LIT("no%20such %E2%82%ac %zz 100%"), &out);
	assert_text(buf_bytes(&out), "no such \xe2\x82\xac %zz 100%");
	buf_release(&out);
}

static void a_path_is_service_and_method(void **state)
{
	struct bytes service, method;

	assert_true(grpc_split_path(BYTES_LIT("/a.b.C/Do"), &service, &method));
	assert_text(service, "a.b.C");
	assert_text(method, "Do");
	assert_true(grpc_split_path(BYTES_LIT("/x/y/Do"), &service, &method));
	assert_text(service, "x/y");
	assert_false(grpc_split_path(BYTES_LIT("/index"), &service, &method));
	assert_false(grpc_split_path(BYTES_LIT("//Do"), &service, &method));
	assert_false(grpc_split_path(BYTES_LIT("/a.b.C/"), &service, &method));
	assert_false(grpc_split_path(BYTES_LIT("?1"), &service, &method));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_cut_out_of_any_split),
		cmocka_unit_test(a_message_that_never_ends_is_cut_off),
		cmocka_unit_test(an_unknown_flag_ends_framing),
		cmocka_unit_test(web_trailers_are_no_message),
		cmocka_unit_test(sizes_are_right_when_bytes_are_not_kept),
		cmocka_unit_test(a_message_past_the_limit_is_given_in_part),
		cmocka_unit_test(a_gap_within_a_message_cuts_only_that_one),
		cmocka_unit_test(a_gap_over_a_prefix_ends_framing),
		cmocka_unit_test(content_types_are_told_apart),
		cmocka_unit_test(timeouts_and_statuses_are_numbers),
		cmocka_unit_test(messages_lose_their_percent_signs),
		cmocka_unit_test(a_path_is_service_and_method),
	};

	return cmocka_run_group_tests_name("grpc", tests, NULL, NULL);
}
