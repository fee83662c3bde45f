/* SPDX-License-Identifier: BSD-2-Clause */
#include "golden.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "find.h"
#include "sink/sink.h"
#include "util/buf.h"
#include "util/log.h"
#include "util/xalloc.h"

enum { WORDS_MAX = 64 };

struct counts {
	int passed, failed, skipped;
};

static bool read_fd(int fd, struct buf *out)
{
	ssize_t n;

	while ((n = read(fd, buf_reserve(out, 65536), 65536)) > 0)
		buf_added(out, (size_t)n);
	return n == 0;
}

/* Cuts a command into words as a shell would, in place; quotes keep blanks. Returns how many, or
 * -1 if it is more than a command. */
static int split(char *line, char *words[WORDS_MAX + 1])
{
	int cnt = 0;
	char *to = line;

	while (cnt < WORDS_MAX) {
		line += strspn(line, " ");
		if (!*line)
			break;
		words[cnt++] = to;
		while (*line && *line != ' ') {
			char quote = *line == '\'' || *line == '"' ? *line++ : 0;
			size_t n = quote ? strcspn(line, quote == '"' ? "\"" : "'") : 1;

			if (!quote && strchr("|&;<>$`\\", *line))
				return -1;
			memmove(to, line, n);
			to += n;
			line += n + (quote && line[n]);
		}
		line += *line != 0;
		*to++ = 0;
	}
	words[cnt] = NULL;
	return cnt;
}

/* Why these words are no command of a golden, or NULL. */
static const char *refusal(char *const words[], int cnt)
{
	bool reads = false;

	if (cnt < 1 || strcmp(words[0], "spf"))
		return "its first line must be \"$ spf -r CAPTURE -s SCRIPT …\", without a shell's pipes";
	for (int i = 1; i < cnt; i++)
		reads |= !strncmp(words[i], "-r", 2);
	return reads ? NULL : "its command must read a capture: -r FILE";
}

/* Runs the command in the folder; what it prints, and "exit N" if that is not 0. */
static void run(char *words[], const char *folder, struct buf *out)
{
	int fds[2], status = -1;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) || (pid = fork()) < 0)
		die(EXIT_RUN, "--test: %s", strerror(errno));
	if (pid == 0) {
		setenv("TZ", "UTC", 1);
		setenv("LC_ALL", "C", 1);
		setenv("NO_COLOR", "1", 1);
		if (chdir(folder) || dup2(open("/dev/null", O_RDONLY), 0) < 0 || dup2(fds[1], 1) < 0 ||
		    dup2(fds[1], 2) < 0)
			_exit(EXIT_RUN);
		execv("/proc/self/exe", words);
		_exit(EXIT_RUN);
	}
	close(fds[1]);
	read_fd(fds[0], out);
	close(fds[0]);
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		buf_printf(out, "exit %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static struct bytes take_line(struct bytes *text)
{
	const uint8_t *end = text->len ? memchr(text->p, '\n', text->len) : NULL;
	size_t n = end ? (size_t)(end - text->p) : text->len;
	struct bytes line = { 0 }, newline;

	bytes_take(text, n, &line);
	bytes_take(text, end != NULL, &newline);
	return line;
}

/* What a script prints may hold anything. */
static void print_safe(const char *what, struct bytes line)
{
	struct buf safe = { 0 };

	text_escape(&safe, line, true);
	printf("%s%.*s\n", what, (int)safe.len, (const char *)safe.mem);
	buf_release(&safe);
}

/* Says where the two differ first. Empty lines at the end do not count. */
static bool is_same(const char *name, struct bytes want, struct bytes got)
{
	for (int n = 2; want.len || got.len; n++) {
		struct bytes w = take_line(&want), g = take_line(&got);

		if (bytes_equal(w, g))
			continue;
		printf("FAIL %s: line %d\n", name, n);
		print_safe("  want ", w);
		print_safe("  got  ", g);
		return false;
	}
	return true;
}

static bool compare(const char *name, const char *folder, struct buf *golden)
{
	struct bytes want = buf_bytes(golden), first = take_line(&want);
	char *words[WORDS_MAX + 1], *command;
	struct buf got = { 0 };
	const char *why;
	bool same;
	int cnt;

	command = first.len > 2 ? strndup((const char *)first.p + 2, first.len - 2) : xstrdup("");
	cnt = first.len > 2 && !memcmp(first.p, "$ ", 2) ? split(command, words) : -1;
	why = refusal(words, cnt);
	if (why) {
		printf("FAIL %s: %s\n", name, why);
		free(command);
		return false;
	}
	run(words, folder, &got);
	same = is_same(name, want, buf_bytes(&got));
	free(command);
	buf_release(&got);
	return same;
}

static int stem_len(const char *base)
{
	size_t len = strlen(base);

	return (int)(len > 4 && !strcmp(base + len - 4, ".lua") ? len - 4 : len);
}

/* Tests the script at path; a script without a golden is passed over, with a word if it was named. */
static void test(const char *path, bool named, struct counts *n)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	char *folder = slash ? strndup(path, (size_t)(slash - path)) : xstrdup(".");
	char *name = xasprintf("%.*s", stem_len(base), base);
	char *file = xasprintf("%s/%s.golden", folder, name);
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct buf golden = { 0 };

	if (fd >= 0 && read_fd(fd, &golden)) {
		bool same = compare(name, folder, &golden);

		*(same ? &n->passed : &n->failed) += 1;
		if (same)
			printf("ok %s\n", name);
	} else if (named) {
		n->skipped++;
		printf("skip %s: there is no %s; its first line is \"$ spf -r CAPTURE -s ./%s.lua\", "
		       "then what that prints\n", name, file, name);
	}
	if (fd >= 0)
		close(fd);
	buf_release(&golden);
	free(file);
	free(name);
	free(folder);
}

static int is_lua(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return len > 4 && !strcmp(e->d_name + len - 4, ".lua");
}

static void test_all(const char *script_dir, struct counts *n)
{
	char **folders = find_folders(script_dir);

	for (char **f = folders; *f; f++) {
		struct dirent **list;
		int cnt = scandir(*f, &list, is_lua, alphasort);

		for (int i = 0; i < cnt; i++) {
			char *path = xasprintf("%s/%s", *f, list[i]->d_name);

			test(path, false, n);
			free(path);
			free(list[i]);
		}
		if (cnt >= 0)
			free(list);
	}
	find_free(folders);
}

int golden_main(const struct options *o)
{
	struct counts n = { 0 };
	char *why, *path;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (char **t = o->targets; *t; t++) {
		path = find_script(*t, o->script_dir, &why);
		if (!path)
			die(EXIT_USAGE, "%s", why);
		if (access(path, R_OK))
			die(EXIT_USAGE, "cannot read script %s: %s", path, strerror(errno));
		test(path, true, &n);
		free(path);
	}
	if (!o->targets[0])
		test_all(o->script_dir, &n);
	printf("%d passed, %d failed%s", n.passed, n.failed, n.skipped ? "" : "\n");
	if (n.skipped)
		printf(", %d skipped\n", n.skipped);
	return n.failed ? EXIT_RUN : EXIT_OK;
}
