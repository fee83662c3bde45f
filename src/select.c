/* SPDX-License-Identifier: BSD-2-Clause */
#include "select.h"

#include "capture/target.h"

bool select_addr(const struct select *s, const char *addr)
{
	return target_matches(s->patterns, addr);
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
