/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs tests/lua/NAME.lua: each is a script whose top level checks one module of the library. */
#include "script_test.h"

#include <dirent.h>

#include "util/log.h"
#include "util/xalloc.h"

static const char eq[] =
	"local inspect = require 'spf.inspect'\n"
	"return function(got, want, what)\n"
	"  if inspect(got) ~= inspect(want) then\n"
	"    error((what or '') .. ' got ' .. inspect(got) .. ', want ' .. inspect(want), 2)\n"
	"  end\n"
	"end";

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = xcalloc(1, 1 << 20);

	if (!f || !fread(text, 1, (1 << 20) - 1, f))
		fail_msg("cannot read %s", path);
	fclose(f);
	return text;
}

static void run_file(const char *name)
{
	struct script_module modules[] = { { "eq", bytes_str(eq) }, { NULL, { NULL, 0 } } };
	struct script_source src = { .what = SCRIPT_FILE, .name = name, .modules = modules };
	char *path = xasprintf("tests/lua/%s", name), *text = read_file(path);
	struct bench t;

	src.text = bytes_str(text);
	t = bench_of(&src, 1, (struct script_options){ 0 });
	if (!t.s)
		fail_msg("%s", t.why);
	bench_end(&t);
	if (scripts_errors(t.s))
		fail_msg("%s: errors", name);
	bench_free(&t);
	free(text);
	free(path);
}

static void every_module_does_what_its_test_says(void **state)
{
	struct dirent **list;
	int n = scandir("tests/lua", &list, NULL, alphasort), ran = 0;

	for (int i = 0; i < n; i++) {
		if (strstr(list[i]->d_name, ".lua")) {
			run_file(list[i]->d_name);
			ran++;
		}
		free(list[i]);
	}
	free(list);
	assert_true(ran >= 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_module_does_what_its_test_says),
	};

	log_setup(false, false);
	return cmocka_run_group_tests_name("lua_library", tests, NULL, NULL);
}
