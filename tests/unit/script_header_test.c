/* SPDX-License-Identifier: BSD-2-Clause */
#include "script_test.h"

#include <errno.h>

#include "script/header.h"
#include "util/xalloc.h"

static const char text[] = "--- Calls by method.\n"
			   "--- More of it.\n"
			   "-- @author  A\n"
			   "-- @license MIT\n"
			   "-- @api     1\n"
			   "-- @category grpc\n"
			   "-- @interval 250ms\n"
			   "-- @arg top  int(1..100)=20  Rows\n"
			   "-- @arg by   enum(count,errors)=count Sort\n"
			   "-- @arg slow duration=1s  Slow\n"
			   "-- @arg only pattern=?  Methods\n"
			   "-- @arg names list=a,b  Names\n"
			   "-- @arg file string  Name\n"
			   "-- @arg all bool=no  All\n"
			   "-- @arg cut bytes=4K  Cut\n"
			   "-- @usage   spf -s x\n"
			   "-- @output\n"
			   "-- METHOD  CALLS\n"
			   "--   a     1\n"
			   "print(spf.args.top)\n"
			   "-- @nonsense behind the header\n";

static void a_header_is_read_whole(void **state)
{
	struct script_header h;
	char *why = NULL;

	assert_int_equal(header_parse(BYTES_LIT(text), "x", &h, &why), 0);
	assert_string_equal(h.title, "Calls by method.");
	assert_string_equal(h.text, "More of it.");
	assert_string_equal(h.license, "MIT");
	assert_int_equal(h.api, 1);
	assert_int_equal(h.interval_ns, 250000000);
	assert_int_equal(h.arg_cnt, 8);
	assert_string_equal(h.args[0].name, "top");
	assert_true(h.args[0].has_range && h.args[0].max == 100);
	assert_string_equal(h.args[0].meaning, "Rows");
	assert_string_equal(h.args[1].choices, "count,errors");
	assert_true(h.args[3].optional && !h.args[3].fallback);
	assert_string_equal(h.usage, "spf -s x");
	assert_string_equal(h.output, "METHOD  CALLS\n  a     1");
	assert_int_equal(header_complete(&h, "x", &why), 0);
	header_release(&h);
}

static void headers_that_are_wrong_are_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "--- A.\n-- @licence MIT\n", "x:2: unknown tag @licence; did you mean @license?" },
		{ "--- A.\n-- @arg top itn=2 Rows\n", "x:2: @arg NAME TYPE=DEFAULT MEANING, TYPE one of string int "
						   "number bool duration bytes enum pattern list" },
		{ "--- A.\n-- @arg top int(1..)=2 Rows\n", "x:2: bad limits of an @arg: int(1..100) or enum(a,b)" },
		{ "--- A.\n-- @arg top int(1..9)=10 Rows\n", "x:2: the default of an @arg is none of its values" },
		{ "--- A.\n-- @arg by enum=a\n", "x:2: an enum needs its values: enum(a,b)" },
		{ "--- A.\n-- @api 2\n", "x:2: this spf knows @api 1 only" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct script_header h = { 0 };
		char *why = NULL;

		assert_int_equal(header_parse(bytes_str(cases[i].text), "x", &h, &why), -EINVAL);
		assert_says(why, cases[i].why);
		free(why);
	}
}

static void a_script_without_a_header_is_a_script(void **state)
{
	struct script_header h = { 0 };
	char *why = NULL;

	assert_int_equal(header_parse(BYTES_LIT("-- plain\nprint(1)"), "x", &h, &why), 0);
	assert_null(h.title);
	assert_int_equal(header_complete(&h, "x", &why), -EINVAL);
	assert_says(why, "x: the header lacks a first line: --- What it does.");
	free(why);
	header_release(&h);
}

static void assert_args(const char *given, const char *want)
{
	const char *list[] = { "file=f", given, NULL };
	struct script_header h;
	char *why = NULL;

	header_parse(BYTES_LIT(text), "x", &h, &why);
	if (header_check_args(&h, "x", given ? list : list + 2, &why) == 0)
		why = strdup("");
	assert_says(why, want);
	free(why);
	header_release(&h);
}

static void arguments_are_checked_by_type_and_name(void **state)
{
	static const char *const no_patterns[] = { "[", "a[", "[]", "[%]", "[^]", "%", "a%", "%b", "%bx",
						   "%f", "%fa", "%f[", "(", ")", "(a", "a)(", "%1",
						   "(%1)", "(a)%2", "%0" };
	static const char *const patterns[] = { "", "[]]", "[^]]", "[%]]", "[a-%%]", "%%", "%bxy", "%f[%w]x",
						"()", "(a)%1", "((a)%2)", "^a.-$", "%[", "%(", "*" };

	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		char given[32];

		snprintf(given, sizeof(given), "only=%s", patterns[i]);
		assert_args(given, "");
	}
	assert_args("top=5", "");
	assert_args("top=5x", "x: top=5x: it takes a whole number from 1 to 100");
	assert_args("top=500", "x: top=500: it takes a whole number from 1 to 100");
	assert_args("top", "x: -a top: an argument is NAME=VALUE");
	assert_args("tpo=3", "x: unknown argument 'tpo'; did you mean 'top'?");
	assert_args("by=p99", "x: by=p99: it takes count or errors");
	assert_args("slow=soon", "x: slow=soon: it takes a duration (250ms, 2s, 1m)");
	assert_args("slow=250ms", "");
	assert_args("all=maybe", "x: all=maybe: it takes true or false");
	for (size_t i = 0; i < sizeof(no_patterns) / sizeof(*no_patterns); i++) {
		char given[32], want[64];

		snprintf(given, sizeof(given), "only=%s", no_patterns[i]);
		snprintf(want, sizeof(want), "x: %s: it takes a Lua pattern", given);
		assert_args(given, want);
	}
	assert_args(NULL, "x: argument 'file' is missing: -a file=… (Name)");
}

static void scripts_get_typed_arguments(void **state)
{
	const char *args[] = { "top=5", "slow=250ms", "names=x,y,z", "file=1", "all=yes", NULL };
	char *script = xasprintf("%.*s\nlocal a = spf.args\nprint(a.top, a.by, a.slow, a.only, #a.names, "
				 "type(a.file), a.all, a.cut)", (int)sizeof(text) - 1, text);
	struct script_source src = { .what = SCRIPT_FILE, .name = "x.lua", .text = bytes_str(script), .args = args };
	struct bench t = bench_of(&src, 1, (struct script_options){ 0 });

	if (!t.s)
		fail_msg("%s", t.why);
	assert_says(bench_text(&t), "5\n5\tcount\t0.25\tnil\t3\tstring\ttrue\t4096\n");
	bench_free(&t);
	free(script);
}

static void info_shows_all_of_it(void **state)
{
	struct script_header h;
	struct buf out = { 0 };
	char *why = NULL;

	header_parse(BYTES_LIT("--- Calls.\n-- @license MIT\n-- @arg by enum(a,b,c)=a Sort\n-- @usage spf\n"
			       "-- @output\n-- X\n"), "x", &h, &why);
	header_print(&h, "x", &out);
	assert_text(buf_bytes(&out), "x: Calls.\n\nArguments (-a NAME=VALUE)\n  by         Sort; a, b or c (default a)\n"
				     "\nUsage\n  spf\n\nOutput\n  X\n\nLicense   MIT\n");
	buf_release(&out);
	header_release(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_read_whole),
		cmocka_unit_test(headers_that_are_wrong_are_refused),
		cmocka_unit_test(a_script_without_a_header_is_a_script),
		cmocka_unit_test(arguments_are_checked_by_type_and_name),
		cmocka_unit_test(scripts_get_typed_arguments),
		cmocka_unit_test(info_shows_all_of_it),
	};

	return cmocka_run_group_tests_name("script_header", tests, NULL, NULL);
}
