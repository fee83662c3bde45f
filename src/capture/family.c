/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/family.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

static bool has(const struct family *f, int32_t pid)
{
	for (size_t i = 0; i < f->cnt; i++)
		if (f->pid[i] == pid)
			return true;
	return false;
}

void family_add(struct family *f, int32_t pid)
{
	if (has(f, pid))
		return;
	f->pid = xrealloc(f->pid, (f->cnt + 1) * sizeof(*f->pid));
	f->pid[f->cnt++] = pid;
}

/* Field 4 of stat; the name before it may hold anything. */
static int32_t parent_of(const char *pid)
{
	char path[64], text[512], *at;
	FILE *file;
	int32_t parent = 0;

	snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	at = strrchr(text, ')');
	if (!at || sscanf(at, ") %*c %d", &parent) != 1)
		return 0;
	return parent;
}

bool family_grow(struct family *f)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;

	while (proc && (e = readdir(proc)))
		if (isdigit((unsigned char)e->d_name[0]) && has(f, parent_of(e->d_name)))
			family_add(f, atoi(e->d_name));
	if (proc)
		closedir(proc);
	return f->told < f->cnt;
}

void family_release(struct family *f)
{
	free(f->pid);
	*f = (struct family){ 0 };
}
