/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/watch.h"

static struct watch_page own;
struct watch_page *watch_page = &own;

void watch_use(struct watch_page *page)
{
	watch_page = page;
}
