/* SPDX-License-Identifier: BSD-2-Clause */
#include "extcap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/pcapng_block.h"
#include "util/log.h"

#define PREFIX "spf:" /* of an interface's name; what follows is the target */
#define UNIX_LISTENS 0x10000 /* __SO_ACCEPTCON, in /proc/net/unix */

/* The value of "--name=value" or "--name value", or NULL. */
static const char *value_of(int argc, char **argv, const char *name)
{
	size_t len = strlen(name);

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], name, len))
			continue;
		if (argv[i][len] == '=')
			return argv[i] + len + 1;
		if (!argv[i][len] && i + 1 < argc)
			return argv[i + 1];
	}
	return NULL;
}

static bool has(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return false;
}

bool extcap_is_asked(int argc, char **argv)
{
	return has(argc, argv, "--extcap-interfaces") || value_of(argc, argv, "--extcap-interface");
}

/* A line of /proc/net/unix: "num: refs proto flags type state inode path". */
static void print_listener(const char *line)
{
	unsigned flags;
	int at = 0;

	if (sscanf(line, "%*x: %*x %*x %x %*x %*x %*u %n", &flags, &at) != 1 || !at)
		return;
	if (!(flags & UNIX_LISTENS) || !line[at] || strpbrk(line + at, "{}*?["))
		return;
	printf("interface {value=" PREFIX "%s}{display=unix socket %s}\n", line + at, line + at);
}

static int print_interfaces(void)
{
	FILE *f = fopen("/proc/net/unix", "re");
	char line[512];

	puts("extcap {version=" SPF_VERSION "}{display=spf}");
	puts("interface {value=spf}{display=every unix socket}");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		print_listener(line);
	}
	if (f)
		fclose(f);
	return EXIT_OK;
}

static int capture(const char *interface, const char *fifo)
{
	char *args[] = { (char *)"spf", (char *)"-q", (char *)"-w", (char *)"-", (char *)"--", NULL,
			 NULL };
	int fd = fifo ? open(fifo, O_WRONLY) : -1;

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
		die(EXIT_RUN, "--fifo %s: %s", fifo ? fifo : "", fifo ? strerror(errno) : "missing");
	close(fd);
	if (!strncmp(interface, PREFIX, strlen(PREFIX)))
		args[5] = (char *)interface + strlen(PREFIX);
	execv("/proc/self/exe", args);
	die(EXIT_RUN, "cannot start: %s", strerror(errno));
}

int extcap_main(int argc, char **argv)
{
	const char *interface = value_of(argc, argv, "--extcap-interface");

	if (has(argc, argv, "--extcap-interfaces"))
		return print_interfaces();
	if (has(argc, argv, "--capture"))
		return capture(interface, value_of(argc, argv, "--fifo"));
	if (has(argc, argv, "--extcap-dlts"))
		printf("dlt {number=%d}{name=RAW}{display=raw IP}\n", LINKTYPE_RAW_IP);
	return EXIT_OK; /* --extcap-config: there is nothing to set */
}
