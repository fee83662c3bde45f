/* SPDX-License-Identifier: BSD-2-Clause */
/* --watch: spf starts again when a Lua file in the folder of a script has changed.
 *
 * The worker cannot read the new text: it has no files. So the monitor ends it and executes spf
 * anew, with the same command line; the capture begins anew too.
 */
#ifndef SPF_RELOAD_H
#define SPF_RELOAD_H

#include <stdbool.h>

/* Watches the folder of a script, in *fd, which is < 0 before the first. */
void reload_watch(int *fd, const char *path);

/* Takes what the kernel has told. True if a Lua file was among it. */
bool reload_is_due(int fd);

#endif
