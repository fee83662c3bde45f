/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <errno.h>

#include "decode/record.h"

static void a_batch_holds_records_and_their_strings(void **state)
{
	struct batch *b = batch_new();
	struct record head = { .kind = KIND_GAP, .conn_id = 7, .pid = -1 };
	struct rec_gap *g = batch_record(b, sizeof(*g), &head);

	g->detail = batch_str(b, BYTES_LIT("ring full"));
	assert_int_equal(b->count, 1);
	assert_int_equal(batch_at(b, 0)->conn_id, 7);
	assert_text(batch_bytes(b, g->detail), "ring full");
	assert_int_equal(g->r.comm.off, 0);
	batch_undo(b);
	assert_int_equal(b->count, 0);
	free(b);
}

static void a_full_batch_says_so_and_stays_whole(void **state)
{
	struct batch *b = batch_new();
	struct record head = { .kind = KIND_GAP };
	uint32_t used;
	int n = 0;

	while (batch_record(b, 4096, &head))
		n++;
	used = b->used;
	assert_int_equal(n, b->count);
	assert_true(n >= 15 && n <= 16);
	assert_null(batch_record(b, BATCH_LEN + 1, &head));
	assert_null(batch_alloc(b, UINT32_MAX));
	while (b->cap > b->used)
		assert_int_not_equal(batch_str(b, BYTES_LIT("x")).off, 0);
	assert_int_equal(batch_str(b, BYTES_LIT("")).off, 0);
	assert_true(b->used >= used && b->used <= b->cap);
	free(b);
}

static void records_end_at_their_count_too(void **state)
{
	struct batch *b = batch_new();
	struct record head = { .kind = KIND_GAP };

	for (int i = 0; i < BATCH_RECORDS; i++)
		assert_non_null(batch_record(b, sizeof(head), &head));
	assert_null(batch_record(b, sizeof(head), &head));
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_holds_records_and_their_strings),
		cmocka_unit_test(a_full_batch_says_so_and_stays_whole),
		cmocka_unit_test(records_end_at_their_count_too),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
