/* SPDX-License-Identifier: BSD-2-Clause */
#include "find.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/near.h"
#include "util/xalloc.h"

enum { FOLDERS_MAX = 32 };

static void add(char **list, char *folder)
{
	size_t cnt = 0;

	while (list[cnt])
		cnt++;
	if (folder && cnt < FOLDERS_MAX - 1)
		list[cnt] = folder;
	else
		free(folder);
}

static void add_path_variable(char **list)
{
	const char *env = getenv("SPF_PATH");
	char *copy, *save = NULL;

	if (!env)
		return;
	copy = xstrdup(env);
	for (char *t = strtok_r(copy, ":", &save); t; t = strtok_r(NULL, ":", &save))
		add(list, xstrdup(t));
	free(copy);
}

/* The folder of whoever called sudo, not of root. */
static char *user_folder(void)
{
	const char *uid = getenv("SUDO_UID"), *home = getenv("HOME");
	struct passwd *pw = uid ? getpwuid((uid_t)atoi(uid)) : NULL;

	if (pw)
		home = pw->pw_dir;
	return home ? xasprintf("%s/.config/spf/scripts", home) : NULL;
}

/* Beside the folder of the binary: of an installation elsewhere than at PREFIX,
 * bin/../share/spf/scripts; of a build tree, BUILD/../scripts. */
static char *tree_folder(void)
{
	static const char *const folders[] = { "share/spf/scripts", "scripts" };
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash, *folder;

	if (n <= 0)
		return NULL;
	path[n] = '\0';
	for (int i = 0; i < 2; i++) {
		slash = strrchr(path, '/');
		if (!slash)
			return NULL;
		*slash = '\0';
	}
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		folder = xasprintf("%s/%s", path, folders[i]);
		if (access(folder, R_OK) == 0)
			return folder;
		free(folder);
	}
	return NULL;
}

char **find_folders(const char *script_dir)
{
	char **list = xcalloc(FOLDERS_MAX, sizeof(*list));

	if (script_dir)
		add(list, xstrdup(script_dir));
	add_path_variable(list);
	add(list, user_folder());
	add(list, xstrdup(SPF_PREFIX "/share/spf/scripts"));
	add(list, tree_folder());
	return list;
}

void find_free(char **folders)
{
	for (char **f = folders; f && *f; f++)
		free(*f);
	free(folders);
}

/* The script in the folders whose name is nearest, or NULL; freed by the caller. */
static char *near_script(char **folders, const char *name)
{
	struct near best = { NULL, 0 };
	char *kept = NULL;

	for (; *folders; folders++) {
		DIR *dir = opendir(*folders);
		struct dirent *e;

		while (dir && (e = readdir(dir))) {
			char *base = xstrdup(e->d_name), *dot = strrchr(base, '.');

			if (dot && !strcmp(dot, ".lua")) {
				*dot = '\0';
				near_offer(&best, name, base);
			}
			if (best.name == base) {
				free(kept);
				kept = base;
			} else {
				free(base);
			}
		}
		if (dir)
			closedir(dir);
	}
	return kept;
}

static char *not_found(char **folders, const char *name)
{
	char *near = access(name, F_OK) ? near_script(folders, name) : xasprintf("./%s", name), *why;
	struct buf looked = { 0 };

	for (char **f = folders; *f; f++)
		buf_printf(&looked, "%s%s", f == folders ? "" : ", ", *f);
	why = xasprintf("there is no script %s (looked in %.*s)%s%s%s", name, (int)looked.len,
			(const char *)looked.mem, near ? "; did you mean " : "", near ? near : "",
			near ? "?" : "");
	buf_release(&looked);
	free(near);
	return why;
}

char *find_script(const char *name, const char *script_dir, char **why)
{
	char **folders, *path = NULL;

	*why = NULL;
	if (strchr(name, '/'))
		return xstrdup(name);
	folders = find_folders(script_dir);
	for (char **f = folders; *f && !path; f++) {
		path = xasprintf("%s/%s.lua", *f, name);
		if (access(path, R_OK)) {
			free(path);
			path = NULL;
		}
	}
	if (!path)
		*why = not_found(folders, name);
	find_free(folders);
	return path;
}
