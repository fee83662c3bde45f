/* SPDX-License-Identifier: BSD-2-Clause */
/* -f and -e: names of fields, helpers, aggregates. */
#include "script_test.h"

#include "util/log.h"

enum { FRAME = 1u << KIND_FRAME, CALL = 1u << KIND_CALL };

static const char *refused_line(int what, const char *text, uint32_t kinds)
{
	struct script_source src = { .what = what, .name = what == SCRIPT_EXPR ? "-e" : "-f",
				     .text = bytes_str(text), .kinds = kinds };

	return refused_source(&src);
}

/* Which of the streams 1..5 the filter lets through: HEADERS, DATA, RST_STREAM, SETTINGS, PING */
static void assert_passes(const char *filter, const char *want)
{
	struct bench t = bench_line(SCRIPT_FILTER, filter, FRAME);
	char got[8] = "";
	struct batch *b;

	add_headers(&t, 1, "/helloworld.Greeter/SayHello", "user-agent", "curl/8", NULL);
	add_frame(&t, 0, 2)->data_length = 100;
	add_frame(&t, 3, 3)->error_code = 8;
	add_frame(&t, 4, 4);
	add_frame(&t, 6, 5);
	b = t.b;
	bench_run(&t);
	for (uint32_t i = 0; i < 5; i++) {
		if (!batch_at(b, i)->hidden)
			strncat(got, &"12345"[i], 1);
	}
	if (strcmp(got, want))
		fail_msg("%s: passes '%s', not '%s'", filter, got, want);
	assert_int_equal(scripts_errors(t.s), 0);
	bench_free(&t);
}

static void a_filter_keeps_what_is_true_and_absent_is_false(void **state)
{
	assert_passes("type == \"HEADERS\" and from == \"client\"", "1");
	assert_passes("has(path, \"Greeter\")", "1");
	assert_passes("error", "3");
	assert_passes("data_length > 50", "2");
	assert_passes("stream_id < 2 or data_length >= 100", "12");
	assert_passes("50 < data_length", "2");
	assert_passes("data_length >= 100 or stream_id < 2", "12");
	assert_passes("not (data_length >= 100)", "1345");
	assert_passes("(data_length<101 and data_length>=100) or type == 'PING'", "25");
	assert_passes("data_length / 2 + 1 > 50", "2");
	assert_passes("headers['user-agent'] == 'curl/8'", "1");
	assert_passes("path:find('x')", "");
	assert_passes("not error", "1245");
	assert_passes("starts(path, '/hello') or glob(error, 'CAN*')", "13");
	assert_passes("match(path, 'Say(.*)') == 'Hello' -- comment", "1");
	assert_passes("comm < 'd'", "12345");
}

static void names_are_checked_before_anything_runs(void **state)
{
	assert_says(refused_line(SCRIPT_FILTER, "pth == '/x'", FRAME),
		    "-f: unknown field or function 'pth'; did you mean 'path'?");
	assert_says(refused_line(SCRIPT_FILTER, "failed", FRAME), "-f: 'failed' is a field of call: add -k call");
	assert_says(refused_line(SCRIPT_EXPR, "x = type", FRAME),
		    "-e: 'x' is assigned; to compare use ==, for a variable of one record use local");
	assert_says(refused_line(SCRIPT_EXPR, "cuont(type)", FRAME),
		    "-e: unknown field or function 'cuont'; did you mean 'count'?");
	assert_true(strstr(refused_line(SCRIPT_FILTER, "type = \"HEADERS\"", FRAME), "to compare, use \"==\""));
	assert_true(strstr(refused_line(SCRIPT_EXPR, "print(", FRAME), "-e: unexpected symbol"));
	assert_says(refused_line(SCRIPT_EXPR, "io.open('/etc/passwd')", FRAME),
		    "-e: unknown field or function 'io'");
}

static void aggregates_print_themselves_at_the_end(void **state)
{
	struct bench t = bench_line(SCRIPT_EXPR, "count(rpc_method, rpc_status) sum(req_bytes, rpc_service)", CALL);

	for (int i = 0; i < 5; i++)
		add_call(&t, "/a.B/C", 100, 0)->req_bytes = 3;
	add_call(&t, "/a.B/D", 100, 5);
	bench_run(&t);
	bench_end(&t);
	assert_says(bench_text(&t), "count(rpc_method, rpc_status)\n"
				    "RPC_METHOD  RPC_STATUS  COUNT\n"
				    "a.B/C       OK              5\n"
				    "a.B/D       NOT_FOUND       1\n"
				    "\n"
				    "sum(req_bytes, rpc_service)\n"
				    "RPC_SERVICE  SUM  COUNT\n"
				    "a.B           15      6\n");
	bench_free(&t);
}

static void histograms_and_quantiles_by_key(void **state)
{
	struct bench t = bench_line(SCRIPT_EXPR, "hist(duration_us, rpc_method) quant(duration_us)", CALL);

	for (int i = 1; i <= 100; i++)
		add_call(&t, "/a.B/C", i, 0);
	bench_run(&t);
	bench_end(&t);
	assert_says(bench_text(&t),
		    "hist(duration_us, rpc_method)\n"
		    "a.B/C\n"
		    "  [1.00us, 2.00us)  1 █▏\n"
		    "  [2.00us, 4.00us)  2 ██▏\n"
		    "  [4.00us, 8.00us)  4 ████▍\n"
		    "  [8.00us, 16.0us)  8 ████████▋\n"
		    "  [16.0us, 32.0us) 16 █████████████████▎\n"
		    "  [32.0us, 64.0us) 32 ██████████████████████████████████▋\n"
		    "   [64.0us, 128us) 37 ████████████████████████████████████████\n"
		    "\n"
		    "quant(duration_us)\n"
		    "COUNT     P50     P90     P99    MAX\n"
		    "  100  49.9us  89.1us  98.5us  100us\n");
	bench_free(&t);
}

static void each_call_of_an_aggregate_is_its_own(void **state)
{
	struct bench t = bench_line(SCRIPT_EXPR, "count(type) if type == 'DATA' then count() end -- count(x)\n"
					 "local s = 'count(y)'", FRAME);

	add_frame(&t, 0, 1);
	add_frame(&t, 8, 1);
	bench_run(&t);
	bench_end(&t);
	assert_says(bench_text(&t), "count(type)\nTYPE           COUNT\nDATA               1\nWINDOW_UPDATE      1\n\n"
				    "count()\nCOUNT\n    1\n");
	bench_free(&t);
}

static void begin_sets_variables_and_end_prints_them(void **state)
{
	struct script_source src = { .what = SCRIPT_EXPR, .name = "-e", .text = BYTES_LIT("n = n + length"),
				     .begin = "n = 0", .end = "print(n)", .kinds = FRAME };
	struct bench t = bench_of(&src, 1, (struct script_options){ 0 });
	struct script_info info = { 0 };
	char *why = NULL;

	if (!t.s)
		fail_msg("%s", t.why);
	t.b = scripts_batch(t.s, 0);
	scripts_start(t.s, &info, &why);
	add_frame(&t, 0, 1)->length = 3;
	add_frame(&t, 0, 1)->length = 4;
	bench_run(&t);
	bench_end(&t);
	assert_says(bench_text(&t), "7\n");
	bench_free(&t);
}

static void a_filter_for_one_address_says_so(void **state)
{
	static const struct {
		const char *text, *addr;
	} cases[] = {
		{ "addr == '/run/x.sock'", "/run/x.sock" },
		{ "type == \"DATA\" and addr==\"@x\" and (length > 5 or ack)", "@x" },
		{ "has(path, ' or ') and addr == 'a and b'", "a and b" },
		{ "addr == 'x' or ack", NULL },
		{ "length and addr == 'x' or ack", NULL },
		{ "(addr == 'x' and ack) == false", NULL },
		{ "not (ack and addr == 'x' and ack)", NULL },
		{ "addr == 'x' == ack", NULL },
		{ "addr == 'x' and seq > 9", NULL },
		{ "addr ~= 'x'", NULL },
		{ "addr == 'x' .. 'y'", NULL },
		{ "addr == 'x\\n'", NULL },
		{ "path and 'x' == addr", NULL }, /* not plain enough, so it costs more */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench t = bench_line(SCRIPT_FILTER, cases[i].text, FRAME);
		const char *addr = scripts_addr(t.s);

		if (!addr != !cases[i].addr || (addr && strcmp(addr, cases[i].addr)))
			fail_msg("%s: %s", cases[i].text, addr ? addr : "(any)");
		bench_free(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_filter_keeps_what_is_true_and_absent_is_false),
		cmocka_unit_test(a_filter_for_one_address_says_so),
		cmocka_unit_test(names_are_checked_before_anything_runs),
		cmocka_unit_test(aggregates_print_themselves_at_the_end),
		cmocka_unit_test(histograms_and_quantiles_by_key),
		cmocka_unit_test(each_call_of_an_aggregate_is_its_own),
		cmocka_unit_test(begin_sets_variables_and_end_prints_them),
	};

	log_setup(true, false);
	return cmocka_run_group_tests_name("script_line", tests, NULL, NULL);
}
