/* SPDX-License-Identifier: BSD-2-Clause */
#include "select.h"

#include "capture/target.h"

bool select_addr(const struct select *s, const char *addr)
{
	return target_matches(s->patterns, addr);
}

bool select_wants_who(const struct select *s)
{
	return s->pid >= 0 || s->uid >= 0 || s->comm;
}

static bool is_meant(const struct select *s, const struct endpoint *e)
{
	if (s->pid >= 0 && e->pid != s->pid)
		return false;
	if (s->uid >= 0 && e->uid != s->uid)
		return false;
	return !s->comm || !strncmp(e->comm, s->comm, sizeof(e->comm) - 1);
}

bool select_who(const struct select *s, const struct conn_info *c)
{
	return is_meant(s, &c->end[0]) || is_meant(s, &c->end[1]);
}
