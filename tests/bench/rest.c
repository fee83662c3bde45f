/* SPDX-License-Identifier: BSD-2-Clause */
/* rest BACKEND: attaches spf's programs, which then return at once, until it is ended. What that
 * costs is the price of the kernel's hooks, whatever is done in them. */
#include <stdio.h>
#include <unistd.h>

#include "capture/bpf.h"

int main(int argc, char **argv)
{
	char *targets[] = { "/nothing", "tcp:1", NULL }, *why;
	struct bpf_options o = { .targets = targets, .ring_size = 65536, .backend = argv[1] };
	struct bpf *b = argc == 2 ? bpf_new(&o, &why) : NULL;

	if (!b)
		return 1;
	fputs("capturing nothing\n", stderr);
	pause();
	return 0;
}
