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
#include <sys/sysmacros.h>
#include <unistd.h>

#include "capture/sockets.h"
#include "capture/tcp_target.h"
#include "util/xalloc.h"

static size_t literal_len(const char *s)
{
	return strcspn(s, "*?[");
}

/* Cuts a path into folder and last part; both freed by the caller. */
static char *folder_of(const char *path)
{
	char *copy = xstrdup(path), *out = xstrdup(dirname(copy));

	free(copy);
	return out;
}

static char *base_of(const char *path)
{
	char *copy = xstrdup(path), *out = xstrdup(basename(copy));

	free(copy);
	return out;
}

/* realpath() reads a link to another root (/proc/PID/root) as if it were one in this. */
static char *real(const char *path)
{
	char *out = realpath(path, NULL);
	struct stat a, b;

	if (out && !stat(path, &a) && !stat(out, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return out;
	free(out);
	return NULL;
}

/* The path with links resolved: of the file, or of its folder when the file is not there.
 * NULL if not even the folder exists. Freed by the caller. */
static char *resolved(const char *path)
{
	char *out = real(path), *folder, *base, *dir;

	if (out)
		return out;
	folder = folder_of(path);
	base = base_of(path);
	dir = real(folder);
	out = dir ? xasprintf("%s/%s", strcmp(dir, "/") ? dir : "", base) : NULL;
	free(dir);
	free(folder);
	free(base);
	return out;
}

/* A name from the root on; abstract ones are that already. Freed by the caller. */
static char *absolute(const char *typed)
{
	char cwd[PATH_MAX];

	if (typed[0] == '/' || typed[0] == '@' || !getcwd(cwd, sizeof(cwd)))
		return xstrdup(typed);
	while (!strncmp(typed, "./", 2))
		typed += 2;
	return xasprintf("%s/%s", strcmp(cwd, "/") ? cwd : "", typed);
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
	if (!strcmp(typed, "*"))
		return 0;
	whole = absolute(typed);
	cnt = add(list, cnt, whole, false);
	free(whole);
	whole = resolved(typed);
	if (whole)
		cnt = add(list, cnt, whole, false);
	free(whole);
	return cnt;
}

static int add_file(struct spf_file_target *list, int cnt, const struct stat *st, const char *name)
{
	struct spf_file_target *t = &list[cnt];

	memset(t, 0, sizeof(*t));
	t->ino = st->st_ino;
	t->dev = major(st->st_dev) << 20 | minor(st->st_dev);
	if (strlen(name) >= sizeof(t->name))
		return cnt;
	memcpy(t->name, name, strlen(name));
	return cnt + 1;
}

int target_files(const char *typed, struct spf_file_target *list)
{
	char *folder, *base;
	struct stat st;
	int cnt = 0;

	if (typed[0] == '@' || tcp_target_is(typed))
		return 0;
	folder = folder_of(typed);
	base = base_of(typed);
	if (!folder[literal_len(folder)] && !stat(folder, &st))
		cnt = add_file(list, cnt, &st, base[literal_len(base)] ? "" : base);
	/* the name is one of several that the file has */
	if (!stat(typed, &st) && S_ISSOCK(st.st_mode) && st.st_nlink > 1)
		cnt = add_file(list, cnt, &st, "");
	if (!lstat(typed, &st) && S_ISLNK(st.st_mode) && !stat(typed, &st))
		cnt = add_file(list, cnt, &st, "");
	free(folder);
	free(base);
	return cnt;
}

/* A name as names of sockets are printed; a glob stays, in it a backslash means something else.
 * Takes name. */
static char *printed(char *name)
{
	size_t len = name ? strlen(name) : 0;
	char *out;

	if (!name || name[literal_len(name)])
		return name;
	out = xmalloc(4 * len + 2);
	sockets_print_name(out, (const uint8_t *)name, len);
	free(name);
	return out;
}

char **target_patterns(char *const *typed)
{
	size_t cnt = 0;
	char **list;

	while (typed[cnt])
		cnt++;
	list = xcalloc(2 * cnt + 1, sizeof(*list));
	for (cnt = 0; *typed; typed++) {
		bool is_tcp = tcp_target_is(*typed), is_all = !strcmp(*typed, "*");
		char *whole = (*typed)[0] == '@' || is_all ? NULL
			    : is_tcp		 ? tcp_target_pattern(*typed)
						 : printed(resolved(*typed));

		list[cnt] = is_tcp || is_all ? xstrdup(*typed) : printed(absolute(*typed));
		cnt++;
		if (whole && strcmp(whole, list[cnt - 1]))
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

/* The last part of a path that is a glob, NULL if another part is too, or none. */
static const char *glob_of(const char *pattern)
{
	const char *slash = strrchr(pattern, '/');

	if (!slash || pattern + literal_len(pattern) < slash || !slash[1 + literal_len(slash + 1)])
		return NULL;
	return slash + 1;
}

char *target_by_file(char *const *patterns, const char *addr, bool is_folder)
{
	const char *slash = strrchr(addr, '/'), *base = slash ? slash + 1 : addr;
	bool is_meant = !is_folder;

	for (; *patterns; patterns++) {
		const char *glob = glob_of(*patterns), *last = strrchr(*patterns, '/');
		bool fits = is_folder ? glob && !fnmatch(glob, base, 0) : last && !strcmp(last + 1, base);

		is_meant |= fits;
		if (fits && addr[0] != '/') /* bound by a name that only its process can follow */
			return xasprintf("%.*s/%s", (int)(strrchr(*patterns, '/') - *patterns), *patterns,
					 base);
	}
	return is_meant ? xstrdup(addr) : NULL;
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

bool target_is_name(const char *typed)
{
	return !typed[literal_len(typed)] && !tcp_target_is(typed);
}

char *target_check(const char *typed)
{
	struct spf_tcp_target tcp;
	struct stat st;
	bool is_all;

	if (!*typed)
		return xstrdup("an empty name is no socket; name a path, @abstract or a glob");
	if (tcp_target_is(typed))
		return tcp_target_parse(typed, &tcp, &is_all);
	if (typed[0] == '@' && literal_len(typed) > TARGET_NAME_LEN)
		return xasprintf("%s: a socket's name has at most 108 bytes", typed);
	if (typed[0] == '@' || !target_is_name(typed))
		return NULL;
	if (stat(typed, &st)) {
		if (errno != ENOENT && errno != ENOTDIR)
			return xasprintf("%s: %s", typed, strerror(errno));
		return NULL;
	}
	if (S_ISSOCK(st.st_mode))
		return NULL;
	if (S_ISDIR(st.st_mode))
		return xasprintf("%s is a folder, not a socket; for all sockets in it use '%s/*'",
				 typed, typed);
	return xasprintf("%s is not a socket; to read a capture file use -r %s", typed, typed);
}
