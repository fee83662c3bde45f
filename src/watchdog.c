/* SPDX-License-Identifier: BSD-2-Clause */
#include "watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/limits.h"

int watch_page_new(struct watch_page **page)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int fd = memfd_create("spf-watch", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(**page)) == 0 && fcntl(fd, F_ADD_SEALS, seals) == 0) {
		*page = watch_page_map(fd);
		if (*page)
			return fd;
	}
	err = -errno;
	close(fd);
	return err;
}

struct watch_page *watch_page_map(int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) || st.st_size != sizeof(struct watch_page))
		return NULL;
	p = mmap(NULL, sizeof(struct watch_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}

/* The CPU time of the worker, or -1 once it is gone. */
static int64_t cpu_ns(const struct watchdog *w)
{
	struct timespec t;

	if (clock_gettime(w->clock, &t))
		return -1;
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int watchdog_init(struct watchdog *w, pid_t worker, const struct watch_page *page,
		  int64_t timeout_ns)
{
	int err;

	*w = (struct watchdog){ .page = page, .stage_max_ns = LIMIT_STAGE_SEC * 1000000000ll };
	err = clock_getcpuclockid(worker, &w->clock);
	if (err)
		return -err;
	if (timeout_ns > 0)
		w->script_max_ns = timeout_ns + WATCHDOG_GRACE_MS * 1000000ll;
	w->beat_ns = cpu_ns(w);
	return 0;
}

bool watchdog_expired(struct watchdog *w)
{
	uint32_t beat;
	int64_t now = cpu_ns(w), max_ns;

	/* The stage first: if the beat did not move either, it has been this one since. */
	w->stage = atomic_load_explicit(&w->page->stage, memory_order_acquire);
	beat = atomic_load_explicit(&w->page->beat, memory_order_relaxed);
	if (now < 0)
		return false;
	if (beat != w->beat) {
		w->beat = beat;
		w->beat_ns = now;
		return false;
	}
	max_ns = w->stage == WATCH_SCRIPT ? w->script_max_ns : w->stage_max_ns;
	return max_ns && now - w->beat_ns > max_ns;
}

const char *watchdog_stage(const struct watchdog *w)
{
	static const char *const names[WATCH_STAGES] = {
		[WATCH_START] = "starting",  [WATCH_READ] = "reading the capture",
		[WATCH_DECODE] = "decoding", [WATCH_PRINT] = "printing",
		[WATCH_END] = "ending",
	};

	return w->stage < WATCH_STAGES ? names[w->stage] : "nothing known";
}

const char *watchdog_culprit(const struct watchdog *w)
{
	static char text[WATCH_NAME_LEN];
	size_t i;

	for (i = 0; i + 1 < sizeof(text); i++) {
		char c = *(const volatile char *)&w->page
				  ->what[i]; /* the worker may change it now */

		if (!c)
			break;
		text[i] = (char)(c >= ' ' && c <= '~' ? c : '?');
	}
	text[i] = 0;
	return i ? text : "the worker";
}
