/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/target.h"

#include <errno.h>
#include <fnmatch.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/tcp_target.h"
#include "util/xalloc.h"

static size_t literal_len(const char *s)
{
	return strcspn(s, "*?[");
}

/* The path with links resolved: of the file, or of its folder when the file is not there.
 * NULL if not even the folder exists. Freed by the caller. */
static char *resolved(const char *path)
{
	char *whole = realpath(path, NULL);
	char *dir_copy, *base_copy, *dir, *out;

	if (whole)
		return whole;
	dir_copy = xstrdup(path);
	base_copy = xstrdup(path);
	dir = realpath(dirname(dir_copy), NULL);
	out = dir ? xasprintf("%s/%s", strcmp(dir, "/") ? dir : "", basename(base_copy)) : NULL;
	free(dir);
	free(dir_copy);
	free(base_copy);
	return out;
}

static int add(struct target *list, int cnt, const char *name, bool is_abstract)
{
	struct target *t = &list[cnt];
	size_t len = literal_len(name);

	*t = (struct target){ .is_prefix = name[len] != '\0' };
	if (len + is_abstract > TARGET_NAME_LEN)
		return cnt;
	memcpy(t->name + is_abstract, name, len);
	t->name_len = (uint32_t)(len + is_abstract);
	for (int i = 0; i < cnt; i++)
		if (list[i].name_len == t->name_len && !memcmp(list[i].name, t->name, t->name_len))
			return cnt;
	return cnt + 1;
}

int target_parse(const char *typed, struct target *list)
{
	char *whole;
	int cnt = 0;

	if (typed[0] == '@')
		return add(list, 0, typed + 1, true);
	cnt = add(list, cnt, typed, false);
	whole = resolved(typed);
	if (whole)
		cnt = add(list, cnt, whole, false);
	free(whole);
	return cnt;
}

char **target_patterns(char *const *typed)
{
	size_t cnt = 0;
	char **list;

	while (typed[cnt])
		cnt++;
	list = xcalloc(2 * cnt + 1, sizeof(*list));
	for (cnt = 0; *typed; typed++) {
		char *whole = (*typed)[0] == '@' ? NULL : resolved(*typed);

		if (tcp_target_is(*typed)) {
			free(whole);
			whole = tcp_target_pattern(*typed);
		}
		list[cnt++] = xstrdup(*typed);
		if (whole && strcmp(whole, *typed))
			list[cnt++] = whole;
		else
			free(whole);
	}
	return list;
}

void target_free_patterns(char **patterns)
{
	if (!patterns)
		return;
	for (char **p = patterns; *p; p++)
		free(*p);
	free(patterns);
}

bool target_matches(char *const *patterns, const char *addr)
{
	if (!*patterns)
		return true;
	for (; *patterns; patterns++) {
		const char *p = *patterns;

		if (p[literal_len(p)] ? !fnmatch(p, addr, 0) : !strcmp(p, addr))
			return true;
	}
	return false;
}

char *target_check(const char *typed, bool *waits)
{
	struct spf_tcp_target tcp;
	struct stat st;
	bool is_all;

	*waits = false;
	if (!*typed)
		return xstrdup("an empty name is no socket; name a path, @abstract or a glob");
	if (tcp_target_is(typed))
		return tcp_target_parse(typed, &tcp, &is_all);
	if (literal_len(typed) > TARGET_NAME_LEN)
		return xasprintf("%s: a socket's name has at most 108 bytes", typed);
	if (typed[0] == '@' || typed[literal_len(typed)])
		return NULL;
	if (stat(typed, &st)) {
		*waits = errno == ENOENT || errno == ENOTDIR;
		return *waits ? NULL : xasprintf("%s: %s", typed, strerror(errno));
	}
	if (S_ISSOCK(st.st_mode))
		return NULL;
	if (S_ISDIR(st.st_mode))
		return xasprintf("%s is a folder, not a socket; for all sockets in it use '%s/*'",
				 typed, typed);
	return xasprintf("%s is not a socket; to read a capture file use -r %s", typed, typed);
}
