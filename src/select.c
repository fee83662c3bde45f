/* SPDX-License-Identifier: BSD-2-Clause */
#include "select.h"

#include <stdlib.h>

#include "capture/target.h"
#include "util/xalloc.h"

char *select_name(const struct select *s, const struct chunk *open)
{
	const char *addr = open->addr ? open->addr : "?";

	if (open->match == SPF_MATCH_FILE || open->match == SPF_MATCH_FOLDER)
		return target_by_file(s->patterns, addr, open->match == SPF_MATCH_FOLDER);
	return target_matches(s->patterns, addr) ? xstrdup(addr) : NULL;
}

static bool is_meant(const struct spf_who *who, const struct endpoint *e)
{
	if (who->pid && e->pid != who->pid)
		return false;
	if (who->uid >= 0 && e->uid != who->uid)
		return false;
	if (who->cgroup && e->cgroup != who->cgroup)
		return false;
	return !who->comm[0] || !strncmp(e->comm, who->comm, sizeof(e->comm));
}

bool select_who(const struct select *s, const struct conn_info *c)
{
	return !s->who.is_asked || is_meant(&s->who, &c->end[0]) || is_meant(&s->who, &c->end[1]);
}
