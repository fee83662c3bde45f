/* SPDX-License-Identifier: BSD-2-Clause */
/* What require() finds besides the library: the .lua files beside a script.
 *
 * The worker has no files, and which modules a script needs only the script knows. So the monitor
 * reads all that lie in its folder, as many as the limits allow, into one memfd, their bytes one
 * behind the other; it parses none of them. Symbolic links and other users' files are left out:
 * who may write into the folder must not have root read files for them.
 */
#ifndef SPF_MODULES_H
#define SPF_MODULES_H

#include <stdint.h>

#include "script/script.h"

enum { MODULES_MAX = 256, MODULES_LEN = 4 << 20 };

/* A new, empty memfd, or -errno. */
int modules_new(void);

/* Adds the modules beside script number n, whose file path is open as fd, to memfd. Names what
 * was left out because of a limit. */
void modules_add(int memfd, uint32_t n, const char *path, int fd);

/* The worker's: the modules of script n, the last one with name NULL. For ever valid; NULL if
 * there are none, or if memfd is none. */
const struct script_module *modules_of(int memfd, uint32_t n);

#endif
