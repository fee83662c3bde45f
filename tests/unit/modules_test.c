/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modules.h"
#include "util/log.h"
#include "util/xalloc.h"

static char folder[] = "/tmp/spf-modules.XXXXXX";

static char *put(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", folder, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

static const char *text_of(const struct script_module *m, const char *name)
{
	static char text[64];

	for (; m && m->name; m++)
		if (!strcmp(m->name, name)) {
			snprintf(text, sizeof(text), "%.*s", (int)m->text.len, (const char *)m->text.p);
			return text;
		}
	return NULL;
}

static void what_lies_beside_a_script_is_there_and_nothing_else(void **state)
{
	char *main_lua, *link, *other, *dir;
	const struct script_module *m;
	int memfd = modules_new(), fd;

	assert_non_null(mkdtemp(folder));
	main_lua = put("main.lua", "main");
	free(put("a_1.lua", "return 1"));
	free(put("empty.lua", ""));
	free(put("a-b.lua", "no name for require"));
	free(put("a.txt", "text"));
	other = put("other.lua", "somebody else's");
	if (geteuid() == 0)
		assert_int_equal(chown(other, 65534, 65534), 0);
	link = xasprintf("%s/link.lua", folder);
	assert_int_equal(symlink("/etc/passwd", link), 0);
	dir = xasprintf("%s/dir.lua", folder);
	assert_int_equal(mkdir(dir, 0700), 0);
	fd = open(main_lua, O_RDONLY);
	modules_add(memfd, 1, main_lua, fd);
	m = modules_of(memfd, 1);
	assert_string_equal(text_of(m, "a_1"), "return 1");
	assert_string_equal(text_of(m, "empty"), "");
	assert_null(text_of(m, "main"));
	assert_null(text_of(m, "a-b"));
	assert_null(text_of(m, "link"));
	assert_null(text_of(m, "dir"));
	if (geteuid() == 0)
		assert_null(text_of(m, "other"));
	assert_null(modules_of(memfd, 0));
	close(fd);
	free(main_lua);
	free(other);
	free(link);
	free(dir);
	free((void *)m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lies_beside_a_script_is_there_and_nothing_else),
	};
	int rc = cmocka_run_group_tests_name("modules", tests, NULL, NULL);
	char *rm = xasprintf("rm -rf %s", folder);

	if (system(rm))
		rc = 1;
	free(rm);
	return rc;
}
