/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "wants.h"

static struct want wanted(const struct options *o)
{
	struct want want = { 0 };
	uint32_t kinds;

	assert_true(wants_of(o, NULL, &want, &kinds));
	return want;
}

static void columns_want_what_they_show(void **state)
{
	static const struct {
		const char *columns;
		bool headers, data;
	} rows[] = {
		{ "method,path,status", false, false }, { "status, headers", true, false },
		{ "trailer_fields", true, false },      { "request", true, false },
		{ "path,data", false, true },           { "body,response", true, true },
		{ "grpc.message_data", false, true },   { "pth", false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct want want = wanted(&(struct options){ .columns = rows[i].columns,
							     .format = SINK_JSON });

		assert_int_equal(want.headers, rows[i].headers);
		assert_int_equal(want.data, rows[i].data);
	}
}

static void a_heads_parts_are_wanted_by_their_columns(void **state)
{
	static const char *const seen[] = { "version", "path,reason", "http.content_type", "upgrade",
					    "violation" };

	assert_true(wanted(&(struct options){ .columns = "method,path,status" }).no_parts);
	assert_true(wanted(&(struct options){ .columns = "body,headers" }).no_parts);
	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
		assert_false(wanted(&(struct options){ .columns = seen[i] }).no_parts);
	assert_false(wanted(&(struct options){ .format = SINK_JSON }).no_parts);
}

static void a_line_or_an_object_wants_all_that_it_shows(void **state)
{
	assert_true(wanted(&(struct options){ .format = SINK_JSON }).data);
	assert_true(wanted(&(struct options){ .format = SINK_JSON }).headers);
	assert_false(wanted(&(struct options){ .format = SINK_TEXT }).data);
	assert_true(wanted(&(struct options){ .format = SINK_TEXT }).headers);
	assert_true(wanted(&(struct options){ .columns = "path", .hexdump = true }).data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_want_what_they_show),
		cmocka_unit_test(a_heads_parts_are_wanted_by_their_columns),
		cmocka_unit_test(a_line_or_an_object_wants_all_that_it_shows),
	};

	return cmocka_run_group_tests_name("wants", tests, NULL, NULL);
}
