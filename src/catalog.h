/* SPDX-License-Identifier: BSD-2-Clause */
/* --list, --info and --check: what there is and whether it is sound, without running any of
 * it and without privileges. */
#ifndef SPF_CATALOG_H
#define SPF_CATALOG_H

#include "options.h"

/* Does o->action; returns the exit status. */
int catalog_main(const struct options *o);

#endif
