/* SPDX-License-Identifier: BSD-2-Clause */
/* --test: a script on a recorded capture prints what its golden says. The golden lies beside the
 * script, NAME.golden for NAME.lua; its first line is the command, the rest what that prints:
 *
 *     $ spf -r shop.pcapng -s ./slow.lua -a over=1s
 *     demo.Shop/Deliver  1.301
 */
#ifndef SPF_GOLDEN_H
#define SPF_GOLDEN_H

#include "options.h"

/* Tests the scripts named as targets, or all that have a golden. Returns the exit status. Without
 * privileges: a golden is somebody else's command line. */
int golden_main(const struct options *o);

#endif
