/* SPDX-License-Identifier: BSD-2-Clause */
#include "reload.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "util/log.h"
#include "util/xalloc.h"

void reload_watch(int *fd, const char *path)
{
	char *copy = xstrdup(path);

	if (*fd < 0)
		*fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	/* the folder: many editors put a new file in the old one's place */
	if (*fd < 0 || inotify_add_watch(*fd, dirname(copy), IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
		die(EXIT_RUN, "--watch %s: %s", path, strerror(errno));
	free(copy);
}

static bool is_lua(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && !strcmp(name + len - 4, ".lua");
}

bool reload_is_due(int fd)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *e;
	bool due = false;
	ssize_t len;

	while ((len = read(fd, events, sizeof(events))) > 0)
		for (char *p = events; p < events + len; p += sizeof(*e) + e->len) {
			e = (const struct inotify_event *)p;
			due |= e->len && is_lua(e->name);
		}
	return due;
}
