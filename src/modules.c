/* SPDX-License-Identifier: BSD-2-Clause */
#include "modules.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/buf.h"
#include "util/log.h"
#include "util/xalloc.h"

/* Before each module; its name and its text follow. */
struct head {
	uint32_t script;
	uint32_t name_len; /* with the NUL */
	uint32_t text_len;
};

int modules_new(void)
{
	int fd = memfd_create("spf-modules", MFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Length of the module's name in that of its file, 0 if it can be none. */
static size_t name_len(const char *file)
{
	const char *dot = strrchr(file, '.');

	if (!dot || strcmp(dot, ".lua"))
		return 0;
	for (const char *p = file; p < dot; p++)
		if (!isalnum((unsigned char)*p) && *p != '_')
			return 0;
	return (size_t)(dot - file);
}

static bool read_text(int fd, struct buf *out)
{
	ssize_t n;

	while (out->len <= MODULES_LEN && (n = read(fd, buf_reserve(out, 65536), 65536)) > 0)
		buf_added(out, (size_t)n);
	return out->len <= MODULES_LEN;
}

/* Opens a file of the folder if it may be a module of the script whose file is *of. */
static int open_module(int folder, const char *file, const struct stat *of)
{
	int fd = openat(folder, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != of->st_uid ||
	    (st.st_dev == of->st_dev && st.st_ino == of->st_ino)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool put(int memfd, const void *p, size_t len)
{
	return write(memfd, p, len) == (ssize_t)len;
}

/* False if it is too large, or there are too many. */
static bool add_module(int memfd, uint32_t n, const char *file, int fd)
{
	struct head h = { .script = n, .name_len = (uint32_t)name_len(file) + 1 };
	struct buf text = { 0 };
	char *name = xstrdup(file);
	bool fits = read_text(fd, &text) && lseek(memfd, 0, SEEK_CUR) + (off_t)text.len <= MODULES_LEN;

	name[h.name_len - 1] = 0;
	h.text_len = (uint32_t)text.len;
	fits = fits && put(memfd, &h, sizeof(h)) && put(memfd, name, h.name_len) &&
	       put(memfd, buf_bytes(&text).p, text.len);
	free(name);
	buf_release(&text);
	return fits;
}

void modules_add(int memfd, uint32_t n, const char *path, int fd)
{
	char *copy = xstrdup(path);
	DIR *dir = opendir(dirname(copy));
	struct dirent *e;
	struct stat of;
	int module, cnt = 0;

	while (dir && fstat(fd, &of) == 0 && (e = readdir(dir))) {
		module = name_len(e->d_name) ? open_module(dirfd(dir), e->d_name, &of) : -1;
		if (module < 0)
			continue;
		if (cnt++ == MODULES_MAX || !add_module(memfd, n, e->d_name, module)) {
			log_warn("%s: not all of the Lua files beside it are there for require: more than "
				 "%d, or more than %d MiB", path, MODULES_MAX, MODULES_LEN >> 20);
			close(module);
			break;
		}
		close(module);
	}
	if (dir)
		closedir(dir);
	free(copy);
}

/* All of the memfd; the worker keeps it, so that names and texts can point there. */
static struct bytes read_all(int memfd)
{
	static struct buf all;
	ssize_t n;

	if (!all.len && lseek(memfd, 0, SEEK_SET) == 0)
		while ((n = read(memfd, buf_reserve(&all, 65536), 65536)) > 0)
			buf_added(&all, (size_t)n);
	return buf_bytes(&all);
}

const struct script_module *modules_of(int memfd, uint32_t n)
{
	struct bytes all = read_all(memfd), head, name, text;
	struct script_module *list = NULL;
	size_t cnt = 0;
	struct head h;

	while (bytes_take(&all, sizeof(h), &head)) {
		memcpy(&h, head.p, sizeof(h));
		if (!bytes_take(&all, h.name_len, &name) || !bytes_take(&all, h.text_len, &text))
			break;
		if (h.script != n)
			continue;
		list = xrealloc(list, (cnt + 2) * sizeof(*list));
		list[cnt++] = (struct script_module){ (const char *)name.p, text };
		list[cnt] = (struct script_module){ 0 };
	}
	return list;
}
