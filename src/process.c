/* SPDX-License-Identifier: BSD-2-Clause */
#include "process.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Reads /proc/PID/name. Returns false if it is not there; text ends with a NUL. */
static bool read_proc(int32_t pid, const char *name, char *text, size_t len)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, len - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return n > 0;
}

static void read_exe(int32_t pid, struct message_process *out)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, out->exe, sizeof(out->exe) - 1);
	out->exe[n > 0 ? n : 0] = 0;
}

/* The id of a cgroup is its folder's inode; "0::" is version 2. */
static void read_cgroup(int32_t pid, struct message_process *out)
{
	char text[4096], path[4200];
	char *line, *end;
	struct stat st;

	if (!read_proc(pid, "cgroup", text, sizeof(text)))
		return;
	line = strncmp(text, "0::", 3) ? strstr(text, "\n0::") : text;
	if (!line)
		return;
	line = strchr(line, '/');
	end = line ? strchr(line, '\n') : NULL;
	if (!end)
		return;
	*end = 0;
	/* with version 1 beside it, version 2 has a folder of its own */
	snprintf(path, sizeof(path), "/sys/fs/cgroup/unified%s", line);
	if (stat(path, &st))
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s", line);
	if (stat(path, &st) == 0)
		out->cgroup = st.st_ino;
}

/* The effective user. The folder's owner will not do: it is root for a process that is not
 * dumpable. */
static void read_uid(int32_t pid, struct message_process *out)
{
	char text[4096];
	const char *line;
	int uid;

	if (!read_proc(pid, "status", text, sizeof(text)))
		return;
	line = strstr(text, "\nUid:");
	if (line && sscanf(line, "\nUid: %*d %d", &uid) == 1)
		out->uid = uid;
}

/* Field 22 counts ticks of the clock that runs on in suspend; records have the other one. */
static void read_start(int32_t pid, struct message_process *out)
{
	char text[1024];
	const char *at;
	unsigned long long ticks;
	struct timespec boot, mono;

	if (!read_proc(pid, "stat", text, sizeof(text)))
		return;
	at = strrchr(text, ')'); /* the name before it may hold anything */
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, "%llu", &ticks) != 1)
		return;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	out->start_ns = (int64_t)ticks * (1000000000 / sysconf(_SC_CLK_TCK)) -
			(boot.tv_sec - mono.tv_sec) * 1000000000ll - (boot.tv_nsec - mono.tv_nsec);
}

void process_describe(int32_t pid, struct message_process *out)
{
	memset(out, 0, sizeof(*out));
	out->pid = pid;
	out->uid = -1;
	if (!read_proc(pid, "comm", out->comm, sizeof(out->comm)))
		return;
	out->comm[strcspn(out->comm, "\n")] = 0;
	read_uid(pid, out);
	read_start(pid, out);
	read_exe(pid, out);
	read_cgroup(pid, out);
}

bool process_may_ask(struct process_asks *a, int64_t now_ns)
{
	int64_t second = now_ns / 1000000000;

	if (a->second != second)
		*a = (struct process_asks){ .second = second };
	return a->cnt++ < MESSAGE_ASKS_MAX;
}
