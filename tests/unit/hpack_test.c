/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <errno.h>

#include "decode/hpack.h"
#include "decode/hpack_huffman.h"
#include "util/limits.h"

static struct hpack_list list;

/* "name: value" lines; a '!' in front means never indexed. */
static const char *text_of(const struct hpack_list *l)
{
	static struct buf out;

	buf_release(&out);
	for (uint32_t i = 0; i < l->cnt; i++) {
		if (l->v[i].sensitive)
			buf_putc(&out, '!');
		buf_append(&out, hpack_text(l, l->v[i].name));
		buf_puts(&out, ": ");
		buf_append(&out, hpack_text(l, l->v[i].value));
		buf_putc(&out, '\n');
	}
	buf_putc(&out, 0);
	return (const char *)buf_bytes(&out).p;
}

static void expect(struct hpack *h, const char *hex, const char *want, uint32_t table_size)
{
	assert_int_equal(hpack_decode(h, guarded(HEX(hex)), &list), 0);
	assert_string_equal(text_of(&list), want);
	assert_int_equal(h->table.size, table_size);
	assert_int_equal(list.missing, 0);
}

static struct hpack fresh(uint32_t max)
{
	struct hpack h;

	hpack_init(&h, 3, 0, max);
	return h;
}

/* RFC 7541 C.2 */
static void single_fields_of_each_kind_decode(void **state)
{
	struct hpack h = fresh(4096);

	expect(&h, "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
	       "custom-key: custom-header\n", 55);
	hpack_release(&h);
	h = fresh(4096);
	expect(&h, "040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path\n", 0);
	expect(&h, "1008 7061 7373 776f 7264 0673 6563 7265 74", "!password: secret\n", 0);
	expect(&h, "82", ":method: GET\n", 0);
	assert_int_equal(list.v[0].indexed, 1);
	assert_int_equal(list.v[0].wire_len, 1);
	hpack_release(&h);
}

static const char *const requests[] = {
	":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\n",
	":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com\n"
	"cache-control: no-cache\n",
	":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\n"
	"custom-key: custom-value\n",
};

/* RFC 7541 C.3, C.4 */
static void requests_decode_with_and_without_huffman(void **state)
{
	struct hpack h = fresh(4096);

	expect(&h, "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", requests[0], 57);
	expect(&h, "8286 84be 5808 6e6f 2d63 6163 6865", requests[1], 110);
	expect(&h, "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
	       requests[2], 164);
	hpack_release(&h);
	h = fresh(4096);
	expect(&h, "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", requests[0], 57);
	expect(&h, "8286 84be 5886 a8eb 1064 9cbf", requests[1], 110);
	expect(&h, "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", requests[2], 164);
	hpack_release(&h);
}

#define DATE "date: Mon, 21 Oct 2013 20:13:21 GMT\n"
#define COOKIE "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n"

static const char *const responses[] = {
	":status: 302\ncache-control: private\n" DATE "location: https://www.example.com\n",
	":status: 307\ncache-control: private\n" DATE "location: https://www.example.com\n",
	":status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT\n"
	"location: https://www.example.com\ncontent-encoding: gzip\n" COOKIE,
};

/* RFC 7541 C.5, C.6 */
static void responses_evict_from_a_small_table(void **state)
{
	struct hpack h = fresh(256);

	expect(&h, "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230"
		   "3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65"
		   "7861 6d70 6c65 2e63 6f6d", responses[0], 222);
	expect(&h, "4803 3330 37c1 c0bf", responses[1], 222);
	expect(&h, "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220"
		   "474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157"
		   "454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076"
		   "6572 7369 6f6e 3d31", responses[2], 215);
	hpack_release(&h);
	h = fresh(256);
	expect(&h, "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0"
		   "82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3", responses[0], 222);
	expect(&h, "4883 640e ffc1 c0bf", responses[1], 222);
	expect(&h, "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b"
		   "d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27"
		   "0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07", responses[2], 215);
	hpack_release(&h);
}

static void rejects(const char *hex, const char *why)
{
	struct hpack h = fresh(4096);

	assert_int_equal(hpack_decode(&h, guarded(HEX(hex)), &list), -EPROTO);
	if (!strstr(h.why, why))
		fail_msg("%s: %s", hex, h.why);
	hpack_release(&h);
}

/* RFC 7541 §2.3.3, §5.1, §5.2, §6.1, §6.3 */
static void faults_are_named_with_their_section(void **state)
{
	rejects("80", "index 0");
	rejects("be", "beyond the end of the dynamic table");
	rejects("7e 01 61", "beyond the end of the dynamic table");
	rejects("ff", "ends within an integer");
	rejects("ff ff ff ff ff ff ff 00", "more than 32 bits");
	rejects("ff 80 80 80 80 80 80 00", "more than 32 bits");
	rejects("40", "ends before a string");
	rejects("00 01", "longer than the header block");
	rejects("00 01 61 ff ff ff ff ff 07", "longer than the header block");
	rejects("00 82 ff ff 00", "padding is longer");
	rejects("00 81 00 00", "not the start of EOS");
	rejects("00 84 ff ff ff ff 00", "EOS");
	rejects("00 85 1f ff ff ff fc 00", "EOS");
	rejects("3f e2 1f", "above the limit");
}

static void fields_before_a_fault_are_given(void **state)
{
	struct hpack h = fresh(4096);

	assert_int_equal(hpack_decode(&h, HEX("82 86 80"), &list), -EPROTO);
	assert_string_equal(text_of(&list), ":method: GET\n:scheme: http\n");
	hpack_release(&h);
}

static long huffman(const char *hex, uint8_t out[64])
{
	const char *why = NULL;
	struct bytes in = guarded(HEX(hex));
	long n = hpack_huffman_decode(in, in.len, out, &why);

	assert_true((n < 0) == (why != NULL));
	return n;
}

/* RFC 7541 Appendix B; tests/oracle has all symbols. */
static void codes_of_all_lengths_decode_up_to_the_padding(void **state)
{
	uint8_t out[64];

	assert_int_equal(huffman("", out), 0);
	assert_int_equal(huffman("fe3f", out), 1);
	assert_int_equal(out[0], '!');
	assert_int_equal(huffman("ffc7", out), 1);
	assert_int_equal(out[0], 0);
	assert_int_equal(huffman("fffffff3", out), 1);
	assert_int_equal(out[0], 10);
	assert_int_equal(huffman("fffffff7", out), 1);
	assert_int_equal(out[0], 13);
	assert_int_equal(huffman("fffffffb", out), 1);
	assert_int_equal(out[0], 22);
	assert_int_equal(huffman("ffffffff", out), -EPROTO);
	assert_int_equal(huffman("a8eb10649cbf", out), 8);
	assert_memory_equal(out, "no-cache", 8);
}

/* RFC 7541 §4.2 */
static void a_lowered_limit_asks_for_an_update_first(void **state)
{
	struct hpack h = fresh(4096);

	hpack_set_limit(&h, 100);
	assert_int_equal(hpack_decode(&h, HEX("82"), &list), 1);
	assert_non_null(strstr(h.why, "§4.2"));
	assert_int_equal(list.cnt, 1);
	hpack_set_limit(&h, 4096);
	hpack_set_limit(&h, 100);
	hpack_set_limit(&h, 200);
	assert_int_equal(hpack_decode(&h, HEX("3f 45 3f a9 01 82"), &list), 0);
	assert_int_equal(h.table.max, 200);
	hpack_release(&h);
}

static void an_entry_larger_than_the_table_empties_it(void **state)
{
	struct hpack h = fresh(64);

	expect(&h, "40 01 61 01 62", "a: b\n", 34);
	expect(&h, "40 01 61 20 30 31 32 33 34 35 36 37 38 39 30 31 32 33 34 35 36 37 38 39 30 31"
		   "32 33 34 35 36 37 38 39 30 31", "a: 01234567890123456789012345678901\n", 0);
	assert_int_equal(hpack_decode(&h, HEX("be"), &list), -EPROTO);
	hpack_release(&h);
}

/* Its name is the entry that its own insertion evicts, RFC 7541 §4.4. */
static void a_name_may_come_from_the_entry_it_evicts(void **state)
{
	struct hpack h = fresh(40);

	expect(&h, "40 03 61 62 63 01 31", "abc: 1\n", 36);
	for (int i = 0; i < 200; i++)
		expect(&h, "7e 01 32", "abc: 2\n", 36);
	hpack_release(&h);
}

/* All entries are asked for after each insertion, the newest first. */
static void entries_keep_their_indices_however_many_went_before(void **state)
{
	enum { KEPT = 7 };
	struct hpack h = fresh(KEPT * (1 + 3 + 32) + 35);
	uint8_t insert[] = { 0x40, 1, 'n', 3, 0, 0, 0 }, ask[KEPT];
	char want[16];

	for (int i = 0; i < KEPT; i++)
		ask[i] = (uint8_t)(0xbe + i);
	for (int n = 100; n < 999; n++) {
		snprintf(want, sizeof(want), "%d", n);
		memcpy(insert + 4, want, 3);
		assert_int_equal(hpack_decode(&h, bytes_of(insert, sizeof(insert)), &list), 0);
		for (int i = 0; n >= 100 + KEPT && i < KEPT; i++) {
			assert_int_equal(hpack_decode(&h, bytes_of(ask + i, 1), &list), 0);
			snprintf(want, sizeof(want), "%d", n - i);
			assert_int_equal(list.v[0].value.len, 3);
			assert_memory_equal(hpack_text(&list, list.v[0].value).p, want, 3);
		}
	}
	assert_int_equal(h.table.cnt, KEPT);
	hpack_release(&h);
}

static void after_a_late_attach_new_entries_are_exact_and_old_ones_have_symbols(void **state)
{
	struct hpack h = fresh(4096);

	hpack_lose(&h);
	assert_int_equal(hpack_decode(&h, HEX("82 be bf 40 01 61 01 62 be bf 7f 01 01 63 be"), &list), 0);
	assert_string_equal(text_of(&list),
			    ":method: GET\n?c3-1: ?c3-1\n?c3-2: ?c3-2\na: b\na: b\n?c3-1: ?c3-1\n"
			    "?c3-2: c\n?c3-2: c\n");
	assert_int_equal(list.missing, 5);
	assert_int_equal(list.v[1].unknown, 2);
	assert_int_equal(list.v[6].unknown, 3);
	hpack_lose(&h);
	assert_int_equal(hpack_decode(&h, HEX("be"), &list), 0);
	assert_string_equal(text_of(&list), "?c3.2-1: ?c3.2-1\n");
	hpack_release(&h);
}

static void a_size_update_to_zero_ends_what_is_unknown(void **state)
{
	struct hpack h = fresh(4096);

	hpack_lose(&h);
	assert_int_equal(hpack_decode(&h, HEX("20 3f e1 1f 40 01 61 01 62"), &list), 0);
	assert_int_equal(hpack_decode(&h, HEX("be"), &list), 0);
	assert_string_equal(text_of(&list), "a: b\n");
	assert_int_equal(hpack_decode(&h, HEX("bf"), &list), -EPROTO);
	hpack_release(&h);
}

static void a_bomb_costs_bounded_memory(void **state)
{
	struct hpack h = fresh(4096);
	struct buf block = { 0 };

	buf_append(&block, HEX("40 01 61 7f a1 1e"));
	memset(buf_reserve(&block, 4000), 'x', 4000);
	buf_added(&block, 4000);
	assert_int_equal(hpack_decode(&h, buf_bytes(&block), &list), 0);
	buf_release(&block);
	memset(buf_reserve(&block, 16000), 0xbe, 16000);
	buf_added(&block, 16000);
	assert_int_equal(hpack_decode(&h, buf_bytes(&block), &list), 0);
	assert_true(list.text_cap <= 2 * LIMIT_HEADER_LIST);
	assert_true(list.cut > 15000 && list.missing == list.cut);
	buf_release(&block);
	memset(buf_reserve(&block, LIMIT_HEADER_FIELDS + 3), 0x82, LIMIT_HEADER_FIELDS + 3);
	buf_added(&block, LIMIT_HEADER_FIELDS + 3);
	assert_int_equal(hpack_decode(&h, buf_bytes(&block), &list), 0);
	assert_int_equal(list.cnt, LIMIT_HEADER_FIELDS);
	assert_int_equal(list.cut, 3);
	buf_release(&block);
	hpack_list_release(&list);
	hpack_release(&h);
}

static void ids_name_the_same_bytes(void **state)
{
	struct hpack h = fresh(4096);
	uint32_t id;

	assert_int_equal(hpack_decode(&h, HEX("82 83 40 01 61 01 62 be"), &list), 0);
	assert_int_equal(list.v[0].name_id, 2);
	assert_int_equal(list.v[1].name_id, 2);
	assert_int_not_equal(list.v[0].value_id, list.v[1].value_id);
	id = list.v[2].value_id;
	assert_int_not_equal(id, 0);
	assert_int_equal(list.v[3].value_id, id);
	assert_int_equal(list.v[3].name_id, list.v[2].name_id);
	hpack_release(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_fields_of_each_kind_decode),
		cmocka_unit_test(requests_decode_with_and_without_huffman),
		cmocka_unit_test(responses_evict_from_a_small_table),
		cmocka_unit_test(faults_are_named_with_their_section),
		cmocka_unit_test(fields_before_a_fault_are_given),
		cmocka_unit_test(codes_of_all_lengths_decode_up_to_the_padding),
		cmocka_unit_test(a_lowered_limit_asks_for_an_update_first),
		cmocka_unit_test(an_entry_larger_than_the_table_empties_it),
		cmocka_unit_test(a_name_may_come_from_the_entry_it_evicts),
		cmocka_unit_test(entries_keep_their_indices_however_many_went_before),
		cmocka_unit_test(
			after_a_late_attach_new_entries_are_exact_and_old_ones_have_symbols),
		cmocka_unit_test(a_size_update_to_zero_ends_what_is_unknown),
		cmocka_unit_test(a_bomb_costs_bounded_memory),
		cmocka_unit_test(ids_name_the_same_bytes),
	};

	return cmocka_run_group_tests_name("hpack", tests, NULL, NULL);
}
