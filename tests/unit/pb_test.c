/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <errno.h>

#include "decode/pb.h"

/* A walk as text: 1=150 2="text" 3{…} 4x00ff 5[1,2] 6{…} */
static int walk(struct bytes in, struct buf *log)
{
	struct pb_walk w;
	struct pb_item it;
	uint32_t open = 0;
	uint64_t v;
	int rc;

	pb_walk_init(&w, in);
	while ((rc = pb_walk_next(&w, &it)) > 0) {
		struct bytes b = it.field.bytes;

		assert_int_equal(it.depth, it.what == PB_END ? --open : open);
		if (it.what == PB_BEGIN)
			open++;
		if (it.what == PB_END)
			buf_puts(log, "} ");
		else if (it.what == PB_BEGIN)
			buf_printf(log, "%u{ ", it.field.number);
		else if (it.field.wire != PB_WIRE_LEN)
			buf_printf(log, "%u=%llu ", it.field.number,
				   (unsigned long long)it.field.value);
		else if (it.guess == PB_TEXT || it.guess == PB_EMPTY)
			buf_printf(log, "%u\"%.*s\" ", it.field.number, (int)b.len, (char *)b.p);
		else if (it.guess == PB_PACKED)
			for (buf_printf(log, "%u[", it.field.number); pb_get_varint(&b, &v);)
				buf_printf(log, "%llu%s", (unsigned long long)v, b.len ? "," : "] ");
		else
			buf_printf(log, "%ux%zu ", it.field.number, b.len);
	}
	assert_true(rc < 0 || open == 0);
	return rc;
}

static void check(struct bytes in, const char *want)
{
	struct buf log = { 0 };

	assert_int_equal(walk(guarded(in), &log), 0);
	assert_text(buf_bytes(&log), want);
	buf_release(&log);
}

static void every_wire_type_is_shown(void **state)
{
	check(HEX("08 96 01 11 01 00 00 00 00 00 00 00 1d 02 00 00 00 22 02 68 69 28 ff ff ff ff"
		  "ff ff ff ff ff 01"),
	      "1=150 2=1 3=2 4\"hi\" 5=18446744073709551615 ");
}

static void messages_nest_and_numbers_pack(void **state)
{
	check(HEX("0a 06 0a 02 68 69 10 01 12 04 01 80 02 7f 1a 00 22 03 ff 00 ff"),
	      "1{ 1\"hi\" 2=1 } 2[1,256,127] 3\"\" 4x3 ");
}

static void groups_are_followed(void **state)
{
	check(HEX("0b 08 01 13 10 02 14 0c 18 03"), "1{ 1=1 2{ 2=2 } } 3=3 ");
}

static void a_text_that_could_be_a_message_is_a_text(void **state)
{
	/* "2 …" is also field 6 with 32 bytes */
	check(HEX("0a 04 20 41 20 42"), "1\" A B\" ");
	check(HEX("0a 05 0a 03 61 62 63"), "1{ 1\"abc\" } ");
	check(HEX("0a 05 c3 a4 e2 82 ac"), "1\"\xc3\xa4\xe2\x82\xac\" ");
}

static void what_is_no_protobuf_is_refused(void **state)
{
	static const char *const bad[] = {
		"00",                               /* number 0 */
		"0e", "0f",                         /* wires 6 and 7 */
		"08",                               /* no value */
		"08 80",                            /* endless varint */
		"08 ff ff ff ff ff ff ff ff ff 02", /* 65 bits */
		"0a 05 61",                         /* short */
		"0d 01 02 03",                      /* short fixed32 */
		"0c",                               /* a group ends that never began */
		"0b 08 01",                         /* and one never ends */
		"0b 08 01 14",                      /* and one ends as another */
		"80 80 80 80 10 00",                /* number past 2^29-1 */
	};
	struct buf log = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(walk(guarded(HEX(bad[i])), &log), -EPROTO);
		assert_false(pb_is_message(HEX(bad[i])));
	}
	buf_release(&log);
}

static void nesting_stops_at_the_limit(void **state)
{
	uint8_t deep[400];
	size_t at = sizeof(deep);
	struct buf log = { 0 };
	unsigned opened = 0;

	deep[--at] = 1;
	deep[--at] = 8; /* 1=1, wrapped in field 1 again and again */
	for (int i = 0; i < 120 && at >= 3; i++) {
		size_t len = sizeof(deep) - at;

		if (len >= 128) {
			deep[--at] = (uint8_t)(len >> 7);
			deep[--at] = (uint8_t)(len | 0x80);
		} else {
			deep[--at] = (uint8_t)len;
		}
		deep[--at] = 0x0a;
	}
	assert_int_equal(walk(guarded(bytes_of(deep + at, sizeof(deep) - at)), &log), 0);
	for (size_t i = 0; i < log.len; i++)
		opened += buf_bytes(&log).p[i] == '{';
	assert_int_equal(opened, LIMIT_PB_DEPTH - 1);
	buf_release(&log);
	memset(deep, 0x0b, sizeof(deep));
	assert_int_equal(walk(guarded(bytes_of(deep, sizeof(deep))), &log), -EPROTO);
	buf_release(&log);
}

static void zigzag_is_undone(void **state)
{
	assert_int_equal(pb_zigzag(0), 0);
	assert_int_equal(pb_zigzag(1), -1);
	assert_int_equal(pb_zigzag(2), 1);
	assert_true(pb_zigzag(UINT64_MAX) == INT64_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_wire_type_is_shown),
		cmocka_unit_test(messages_nest_and_numbers_pack),
		cmocka_unit_test(groups_are_followed),
		cmocka_unit_test(a_text_that_could_be_a_message_is_a_text),
		cmocka_unit_test(what_is_no_protobuf_is_refused),
		cmocka_unit_test(nesting_stops_at_the_limit),
		cmocka_unit_test(zigzag_is_undone),
	};

	return cmocka_run_group_tests_name("pb", tests, NULL, NULL);
}
